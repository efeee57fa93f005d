"""Orders that rest in a walk: what is traded and quoted fills them, after those who were there before."""

from dataclasses import replace
from datetime import timedelta

import numpy as np

from mesh.types import Hundredths
from research.arms import REST_TARGET, rest
from research.prints import with_prints
from research.rows import TradeRow
from research.tape import ASK, BID, UNKNOWN, MarketTrades
from research.types import Defects, Prints, RecordedMarket
from tests.fakes.research import BEGIN, Cents, event, market, strip
from tests.fakes.research_walk import plan, said

HOUR = timedelta(hours=1)
DECIDED = BEGIN + HOUR
Print = tuple[float, float, float, bool]
"""Seconds after the decision, YES price in cents, contracts, whether the taker bought YES."""


def recorded(*quotes: tuple[Cents, Cents], prints: tuple[Print, ...] | None = None) -> RecordedMarket:
    told = [(44.0, 46.0), *quotes]
    candles = strip([bid for bid, _ in told], [ask for _, ask in told])
    made = market(candles, pays=False)
    if prints is None:
        return made
    base = round(DECIDED.timestamp() * 1_000_000)
    return replace(
        made,
        prints=Prints(
            times=np.array([base + round(each[0] * 1_000_000) for each in prints], np.int64),
            prices=np.array([round(each[1] * 10_000) for each in prints], np.int64),
            counts=np.array([round(each[2] * 100) for each in prints], np.int64),
            taker_buys_yes=np.array([each[3] for each in prints], bool),
        ),
    )


def rested(told: RecordedMarket, queue: float = 300, expire: float = 3660.0) -> list[TradeRow]:
    queued = plan(assumed_queue=Hundredths(round(queue * 100)))
    return list(rest(expire).walk([event(told)], said(told, 0), queued, Defects()))


def test_trades_at_the_price_fill_what_is_left_after_those_ahead() -> None:
    # NO rests at 54, where YES is offered at 46: 300 are ahead, then 2 of 5.
    (row,) = rested(recorded(prints=((10, 46, 300, True), (20, 46, 2, True))))
    assert (row.contract_count, row.entry_price_micros, row.entry_style) == (200, 540_000, "rest")
    assert row.entry_fee_micros == 0
    assert row.entry_time == DECIDED + timedelta(seconds=20)


def test_a_trade_through_the_price_fills_all_whoever_was_ahead() -> None:
    (row,) = rested(recorded(prints=((10, 47, 1, True), (11, 47, 9, True))))
    assert (row.contract_count, row.entry_count) == (500, 2)


def test_trades_of_the_other_direction_before_its_time_or_after_it_fill_nothing() -> None:
    prints = ((-5, 47.0, 9.0, True), (1, 47.0, 9.0, True), (10, 45.0, 900.0, False), (70, 47.0, 9.0, True))
    assert rested(recorded(prints=prints), expire=60.0) == []


def test_who_is_first_in_line_needs_no_trade_before_its_own() -> None:
    (row,) = rested(recorded(prints=((10, 46, 3, True),)), queue=0)
    assert row.contract_count == 300


def test_an_order_moves_no_further_up_because_the_best_price_is_another_now() -> None:
    # The best bid for NO goes to 56 and comes back: behind it candles show nothing, and nobody has left.
    prints = ((7300.0, 46.0, 250.0, True), (7400.0, 46.0, 60.0, True))
    told = recorded((42.0, 44.0), (44.0, 46.0), prints=prints)
    (row,) = rested(told, expire=9000.0)
    assert (row.contract_count, row.entry_time) == (500, DECIDED + timedelta(seconds=7400))


def test_without_recorded_trades_a_quote_at_the_price_or_beyond_fills_it() -> None:
    # YES is bid 46 after an hour: whoever sells NO at 54 meets the order.
    (row,) = rested(recorded((46.0, 48.0)))
    assert (row.contract_count, row.entry_price_micros, row.entry_time) == (500, 540_000, DECIDED + HOUR)
    assert rested(recorded((45.0, 47.0))) == []


def test_an_order_that_would_take_when_it_comes_is_no_trade() -> None:
    path = strip([44.0, 46.0], [46.0, 48.0], step_seconds=60)
    told = market(strip([44.0], [46.0], ends=[int(path.ends[0])]), path=path, pays=False)
    late = plan(latency=timedelta(seconds=61))
    assert list(rest().walk([event(told)], said(told, 0), late, Defects())) == []


def test_a_resting_target_sells_at_the_target_without_a_fee_where_a_taker_had_the_quote() -> None:
    # NO bought at 56 rests at 76; the quote bids 78 an hour later.
    told = recorded((20.0, 22.0))
    (row,) = REST_TARGET.walk([event(told)], said(told, 0), plan(), Defects())
    assert (row.exit_kind, row.exit_price_micros, row.exit_fee_micros) == ("take_profit", 760_000, 0)
    assert (row.exit_time, row.pnl_micros) == (DECIDED + HOUR, 3_800_000 - 2_800_000 - 86_300)


def test_a_resting_target_is_filled_by_trades_through_it_between_the_quotes() -> None:
    told = recorded((44.0, 46.0), prints=((600, 23, 4, False), (601, 24, 100, False)))
    (row,) = REST_TARGET.walk([event(told)], said(told, 0), plan(), Defects())
    # Four at 76 by the trade through it, and the fifth by one at its price: nobody is ahead any more.
    assert (row.exit_kind, row.exit_price_micros) == ("take_profit", 760_000)
    assert row.exit_time == DECIDED + timedelta(seconds=601)


def test_a_stop_takes_the_resting_target_away_first() -> None:
    told = recorded((50.0, 52.0))
    (row,) = REST_TARGET.walk([event(told)], said(told, 0), plan(), Defects())
    # Two checks, then a latency for the cancel and one for the order.
    assert (row.exit_kind, row.exit_price_micros) == ("stop_loss", 480_000)
    assert row.exit_time == DECIDED + HOUR + timedelta(seconds=7, milliseconds=1)


def test_an_entry_that_is_filled_while_its_position_is_to_be_sold_is_sold_with_it() -> None:
    # One is bought; the quote of the hour bids the target of 74, and before the cancel comes a trade brings four.
    told = recorded((24.0, 26.0), prints=((10, 46, 301, True), (3600.5, 47, 4, True)))
    (row,) = rested(told)
    assert (row.contract_count, row.exit_kind, row.exit_price_micros) == (500, "take_profit", 740_000)
    # One order: 0.07 x 5 x 0.74 x 0.26 = 0.06734.
    assert (row.exit_fee_micros, row.exit_time) == (67_400, DECIDED + HOUR + timedelta(seconds=1.5))


def test_what_an_entry_still_bids_itself_is_not_taken_for_the_bid_of_others_nor_off_theirs() -> None:
    # NO rests at 25 for 12 contracts, more than the 10 that are shown there; one is filled, and 25 is still bid.
    told = recorded((73.0, 75.0), (72.0, 75.0), prints=((3610, 75, 301, True),))
    low = said(told, 1, current_cents=74.0, forecast_mean_cents=62.0)
    (row,) = rest().walk([event(told)], low, plan(), Defects())
    assert (row.contract_count, row.exit_kind) == (100, "settlement")


def test_recorded_trades_are_laid_beside_their_markets_and_those_without_a_taker_counted() -> None:
    told, defects = recorded(), Defects()
    times = round(DECIDED.timestamp() * 1_000_000) + np.array([10, 20, 30], np.int64) * 1_000_000
    found = MarketTrades(
        times=times,
        prices=np.full(3, 470_000, np.int64),
        counts=np.array([100, 200, 300], np.int64),
        takers=np.array([UNKNOWN, ASK, BID], np.int8),
    )
    with_them = with_prints(event(told), {told.terms.ticker: found}, defects)
    (row,) = rest().walk([with_them], said(told, 0), plan(), Defects())
    assert (row.contract_count, row.entry_time) == (300, DECIDED + timedelta(seconds=30))
    assert defects.counts == {"trade_without_taker": 1}
    assert with_prints(event(told), None, defects) == event(told)
