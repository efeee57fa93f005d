"""Every cell is what a plain loop over one trade's quotes makes of it, and figures worked out by hand."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mesh.types import CENT
from research.tpsl import arms, grid
from research.tpsl.paths import NOBODY, UNKNOWN, Paths, Rules, cut
from research.types import Defects
from tests.fakes.research import event, market, strip
from tests.fakes.research_paths import MONDAY, paths, walked
from trader.domain.settings import ExitSettings

HOUR = 3600 * 1000
DAY_LATER = MONDAY + timedelta(days=1)
quotes = st.one_of(st.integers(1, 99).map(lambda bid: bid * CENT), st.sampled_from([NOBODY, UNKNOWN]))


def by_hand(trades: list[list[int]], entry: int) -> Paths:
    """Paths of bids, hour by hour; a sale comes to the bid, the settlement to 37, and the entry cost its price."""
    flat = [bid for trade in trades for bid in trade]
    count = len(trades)
    return Paths(
        rows=(),
        rules=Rules(exits=ExitSettings(), stop_distance=False),
        starts=np.cumsum([0, *map(len, trades)]),
        times=np.array([step * HOUR for trade in trades for step in range(len(trade))], np.int64),
        bids=np.array(flat, np.int32),
        proceeds=np.maximum(np.array(flat, np.int64), 0),
        opened=np.zeros(count, np.int64),
        entries=np.full(count, entry),
        paid=np.full(count, entry),
        settled=np.full(count, 37),
        lowest=np.full(count, CENT),
        reaches=np.full(count, 100 * CENT),
        spreads=np.full(count, CENT),
        closes=np.full(count, 10**15),
        ends=np.full(count, 10**15),
    )


def looped(trade: list[int], entry: int, target: int, stop: int) -> int:
    """One trade, quote by quote, as one would do it on paper."""
    selling = False
    for bid in trade:
        if bid == UNKNOWN:
            continue
        if not selling and bid >= entry + target:
            return bid - entry
        if entry - stop >= CENT and bid <= entry - stop:
            selling = True
        if selling and bid >= CENT:
            return bid - entry
    return 37 - entry


@settings(max_examples=60, deadline=None)
@given(
    trades=st.lists(st.lists(quotes, min_size=0, max_size=7), min_size=1, max_size=4),
    entry=st.integers(5, 95),
    targets=st.sets(st.integers(1, 60), min_size=1, max_size=3),
    stops=st.sets(st.integers(1, 60), min_size=1, max_size=3),
)
def test_every_cell_is_a_plain_loop_over_the_quotes(
    trades: list[list[int]], entry: int, targets: set[int], stops: set[int]
) -> None:
    made = by_hand(trades, entry * CENT)
    places = np.arange(len(trades))
    levels = grid.Levels.of_cents(sorted(targets), sorted(stops))
    (cells,) = grid.results(made, levels, places)
    for number, trade in enumerate(trades):
        for i, target in enumerate(levels.targets.tolist()):
            for j, stop in enumerate(levels.stops.tolist()):
                assert cells.results[number, i, j] == looped(trade, entry * CENT, target, stop)


def one(bids: list[float | None], asks: list[float | None], *, hours: float = 24, pays: bool = True) -> Paths:
    """The path of one trade: decided on 44 to 46, bought at 56, five contracts."""
    candles = strip([44, *bids], [46, *asks], begin=MONDAY)
    events = [event(market(candles, close=MONDAY + timedelta(hours=hours), pays=pays))]
    return paths(events, walked(events, 20, 8))


def sold(path: Paths, target: int, stop: int) -> tuple[int, str]:
    out = arms.evaluate(path, arms.cell(path, target * CENT, stop * CENT))
    return int(out.results[0]), arms.Way(int(out.ways[0])).name.lower()


PAID = 2_800_000 + 86_300
"""Five contracts at 56 cents, and 0.07 x 5 x 0.56 x 0.44, to the next 0.0001."""


def test_a_target_is_paid_what_is_bid_when_it_is_reached_not_its_level() -> None:
    path = one([33, 23], [35, 25])
    assert sold(path, 8, 20) == (5 * 650_000 - 79_700 - PAID, "take_profit")
    assert sold(path, 10, 20) == (5 * 750_000 - 65_700 - PAID, "take_profit")


def test_a_stop_sells_to_the_next_bid_where_nobody_buys_any_more() -> None:
    # Nobody sells YES for an hour, so nobody buys NO: below every stop, and no price to sell at.
    path = one([60, 46, 20], [None, 48, 22])
    assert sold(path, 20, 40) == (5 * 520_000 - 87_400 - PAID, "stop_loss")


def test_what_nobody_buys_until_the_end_is_paid_by_the_result() -> None:
    assert sold(one([60, 70], [None, None]), 20, 40) == (-PAID, "settlement")
    assert sold(one([60, 70], [None, None], pays=False), 20, 40) == (5_000_000 - PAID, "settlement")


def test_quotes_from_the_close_on_sell_nothing() -> None:
    assert sold(one([40, 20], [42, 22], hours=2.5), 20, 40) == (-PAID, "settlement")
    assert sold(one([40, 20], [42, 22], hours=3.5), 20, 40)[1] == "take_profit"


def test_a_stop_below_the_lowest_price_is_none() -> None:
    # From 56 a stop of 56 cents would lie at nothing: an hour without a bid does not sell.
    path = one([97, 40], [None, 42], pays=False)
    assert sold(path, 60, 55)[1] == "stop_loss"
    assert sold(path, 60, 56) == (5_000_000 - PAID, "settlement")


def test_a_target_above_the_highest_price_from_what_was_offered_is_none() -> None:
    # Two cents of slippage were offered above the 56 that were paid: 58 and 42 is a dollar, which nobody bids.
    candles = strip([44, 1], [46, 2], begin=MONDAY)
    events = [event(market(candles, close=DAY_LATER, pays=False))]
    for target, kind in ((41, "take_profit"), (42, "settlement")):
        (row,) = walked(events, target, 40)
        assert row.exit_kind == kind
        assert sold(paths(events, [row]), target, 40) == (row.pnl_micros, kind)


def test_what_comes_in_a_pause_of_the_exchange_is_seen_when_it_ends_if_it_holds_then() -> None:
    candles = strip([44, 20, 40, 40], [46, 22, 42, 42], begin=MONDAY)
    events = [event(market(candles, close=DAY_LATER, pays=True))]
    rows = walked(events, 20, 8)
    second = int(MONDAY.timestamp()) + 2 * 3600

    def paused(seconds: int) -> list[int]:
        found = paths(events, rows, pauses=((second - 60, second + seconds),))
        return [step - second * 1000 for step in found.times.tolist()][1:]

    assert paused(600) == [600_000, 3_600_000]
    assert paused(3600) == [3_600_000]


def test_trades_that_cannot_be_followed_are_counted_by_name() -> None:
    candles = strip([44, 40], [46, 42], begin=MONDAY)
    known, unknown = (
        event(market(candles, ticker=f"KXWANDER-26JAN0{number}-T1", close=DAY_LATER, pays=pays))
        for number, pays in enumerate([True, None])
    )
    rows = walked([known], 20, 8)
    told = [
        rows[0],
        replace(rows[0], entry_count=2),
        replace(rows[0], market_ticker=unknown.markets[0].terms.ticker),
        replace(rows[0], market_ticker="KXNOWHERE-26JAN09-T1"),
    ]
    defects = Defects()
    assert len(cut(told, [known, unknown], Rules(exits=ExitSettings()), defects)) == 1
    assert defects.counts == {"trade_of_several_entries": 1, "trade_without_result": 1, "trade_without_market": 1}
