"""What a walked position comes to: every figure of a row is worked out by hand here."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from mesh.kalshi.sides import Action
from mesh.types import Hundredths, Micros
from research.rows import TradeRow
from research.types import Defects, Origin, Outcome, RecordedMarket
from research.walk import walk
from tests.fakes.research import BEGIN, Cents, event, market, strip
from tests.fakes.research_walk import plan, rows, said
from trader.domain.entries import AnyEntry, OrderIntended

HOUR = timedelta(hours=1)
DECIDED = BEGIN + HOUR

Quotes = list[tuple[Cents, Cents]]


def quoted(*quotes: tuple[Cents, Cents], pays: bool | None = True, **changes: object) -> RecordedMarket:
    """A market with these YES quotes at the ends of its hours, the first of them decided on at 44 and 46."""
    told = [(44.0, 46.0), *quotes]
    candles = strip([bid for bid, _ in told], [ask for _, ask in told])
    return market(candles, pays=pays, **changes)  # type: ignore[arg-type]  # the keywords of `market`


def only(found: list[TradeRow]) -> TradeRow:
    (row,) = found
    return row


def walked(recorded: RecordedMarket, **changes: object) -> TradeRow:
    return only(rows([event(recorded)], said(recorded, 0), plan(**changes)))  # type: ignore[arg-type]


def sold(row: TradeRow) -> tuple[str, timedelta, int, int, int, int]:
    """Kind, time since the decision, price, proceeds, fee and result."""
    since = row.exit_time - DECIDED
    return (
        row.exit_kind, since, row.exit_price_micros, row.exit_proceeds_micros, row.exit_fee_micros, row.pnl_micros
    )  # fmt: skip


def test_an_entry_buys_no_at_a_dollar_less_the_yes_bid_a_latency_after_the_decision() -> None:
    row = walked(quoted())
    assert row.decision_time == DECIDED
    assert row.entry_time == DECIDED + timedelta(seconds=1)
    assert (row.yes_bid_micros, row.yes_ask_micros) == (440_000, 460_000)
    # A limit of 56 + 2 cents, 5 contracts for 3 dollars; filled at 56.
    assert (row.entry_price_micros, row.contract_count, row.entry_count) == (560_000, 500, 1)
    assert row.entry_cost_micros == 2_800_000
    # 0.07 x 5 x 0.56 x 0.44 = 0.08624, and the balance moves in steps of 0.0001.
    assert row.entry_fee_micros == 86_300
    assert (row.entry_style, row.tp_cents, row.sl_cents, row.direction) == ("take", 20.0, 8.0, "down")


def test_quantiles_that_are_no_deciles_have_no_column() -> None:
    recorded = quoted()
    (key,) = answers = said(recorded, 0)
    fan = np.array([[28.25, 40.0, 52.5]], np.float32)
    row = only(rows([event(recorded)], {key: replace(answers[key], levels=(0.05, 0.5, 0.99), quantiles_cents=fan)}))
    assert (row.forecast_q10_cents, row.forecast_q50_cents, row.forecast_q90_cents) == (None, 40.0, None)


def test_a_target_sells_at_a_dollar_less_the_yes_ask_also_where_that_is_better_than_the_target() -> None:
    # Bought at 56, target 76; the bid for NO is 78. Fee 0.07 x 5 x 0.78 x 0.22 = 0.06006.
    row = walked(quoted((20.0, 22.0)))
    assert sold(row) == ("take_profit", HOUR + timedelta(seconds=1), 780_000, 3_900_000, 60_100, 953_600)


def test_a_bid_a_cent_below_the_target_sells_nothing() -> None:
    row = walked(quoted((23.0, 25.0), pays=False))
    assert (row.exit_kind, row.exit_proceeds_micros, row.exit_fee_micros) == ("settlement", 5_000_000, 0)
    assert row.pnl_micros == 5_000_000 - 2_800_000 - 86_300


def test_a_stop_sells_when_two_checks_five_seconds_apart_have_found_the_bid_at_it() -> None:
    # Bought at 56, stop 48; the bid for NO is 48. Fee 0.07 x 5 x 0.48 x 0.52 = 0.08736.
    row = walked(quoted((50.0, 52.0)))
    late = HOUR + timedelta(seconds=6, milliseconds=1)
    assert sold(row) == ("stop_loss", late, 480_000, 2_400_000, 87_400, -573_700)


def test_a_gap_through_the_stop_sells_at_what_is_bid_and_not_at_the_stop() -> None:
    # Fee 0.07 x 5 x 0.15 x 0.85 = 0.044625.
    row = walked(quoted((80.0, 85.0)))
    late = HOUR + timedelta(seconds=6, milliseconds=1)
    assert sold(row) == ("stop_loss", late, 150_000, 750_000, 44_700, -2_181_000)


@pytest.mark.parametrize("checks", [1, 3])
def test_a_stop_waits_for_as_many_checks_as_are_set(checks: int) -> None:
    settings = plan().settings
    exits = settings.exits.model_copy(update={"stop_checks": checks})
    row = walked(quoted((50.0, 52.0)), settings=settings.model_copy(update={"exits": exits}))
    assert row.exit_time == DECIDED + HOUR + timedelta(seconds=1) + (checks - 1) * timedelta(seconds=5, milliseconds=1)


def test_what_nobody_bids_for_is_held_to_the_next_quote() -> None:
    # Fee 0.07 x 5 x 0.35 x 0.65 = 0.079625.
    row = walked(quoted((80.0, None), (60.0, 65.0)))
    assert sold(row) == ("stop_loss", 2 * HOUR + timedelta(seconds=1), 350_000, 1_750_000, 79_700, -1_216_000)


@pytest.mark.parametrize(("pays", "proceeds"), [(True, 0), (False, 5_000_000)])
def test_what_nobody_ever_bids_for_is_held_to_the_settlement(pays: bool, proceeds: int) -> None:
    row = walked(quoted((80.0, None), (90.0, None), pays=pays))
    assert (row.exit_kind, row.exit_proceeds_micros, row.exit_fee_micros) == ("settlement", proceeds, 0)
    assert row.exit_time == BEGIN + timedelta(days=1, hours=1)
    assert (row.result_origin, row.yes_value_micros) == ("recorded", 1_000_000 - proceeds // 5)


def test_a_scalar_result_pays_each_side_its_part() -> None:
    recorded = quoted((44.0, 46.0))
    known_at = BEGIN + timedelta(days=1, hours=1)
    paid = Outcome(yes_value=Micros(312_300), origin=Origin.DERIVED, known_at=known_at)
    row = walked(replace(recorded, outcome=paid))
    assert (row.exit_proceeds_micros, row.exit_price_micros) == (3_438_500, 687_700)
    assert row.result_origin == "derived"


def test_a_scalar_result_pays_whole_steps_of_the_balance() -> None:
    paid = Outcome(yes_value=Micros(312_345), origin=Origin.DERIVED, known_at=BEGIN + timedelta(days=1, hours=1))
    row = walked(replace(quoted((44.0, 46.0)), outcome=paid), precision=Micros(10_000))
    # Five at 68.7655 cents are 3.438275: the cents of it. The fee of 0.08624 is 0.09.
    assert (row.exit_proceeds_micros, row.entry_fee_micros) == (3_430_000, 90_000)
    assert row.pnl_micros == row.pnl_pessimistic_micros == row.pnl_optimistic_micros


def test_entries_in_the_same_market_make_one_position_with_the_levels_of_the_first() -> None:
    # 5 at 56; an hour later 4 at 58 (limit 60, fee 0.07 x 4 x 0.58 x 0.42 = 0.068208); the target stays 76.
    recorded = quoted((42.0, 44.0), (22.0, 24.0))
    row = only(rows([event(recorded)], said(recorded, 0, 1)))
    assert (row.entry_count, row.contract_count) == (2, 900)
    assert (row.entry_cost_micros, row.entry_price_micros) == (2_800_000 + 2_320_000, 568_888)
    assert row.entry_fee_micros == 86_300 + 68_300
    # In the middle of 54 and 56, and of 56 and 58: each entry's own decision saw that.
    assert row.entry_mid_micros == 5 * 550_000 + 4 * 570_000
    assert row.exit_kind == "take_profit"
    assert row.exit_proceeds_micros == 6_840_000
    # Fee 0.07 x 9 x 0.76 x 0.24 = 0.114912.
    assert row.exit_fee_micros == 115_000
    assert row.decision_time == DECIDED


def test_no_more_is_sold_than_is_shown_and_the_rest_waits_for_another_price() -> None:
    # 3 contracts are shown: 3 of 5 are bought twice; 3 of 6 are sold at 78, the others an hour later at 80.
    recorded = quoted((42.0, 44.0), (20.0, 22.0), (18.0, 20.0))
    shown = plan(assumed_size=Hundredths(300))
    row = only(rows([event(recorded)], said(recorded, 0, 1), shown))
    assert row.contract_count == 600
    assert row.exit_proceeds_micros == 3 * 780_000 + 3 * 800_000
    # Two orders: 0.07 x 3 x 0.78 x 0.22 = 0.036036 and 0.07 x 3 x 0.8 x 0.2 = 0.0336.
    assert row.exit_fee_micros == 36_100 + 33_600
    assert row.exit_time == DECIDED + 3 * HOUR + timedelta(seconds=1)


def test_a_latency_longer_than_a_retry_does_not_sell_to_the_same_bid_again_and_again() -> None:
    recorded = quoted((42.0, 44.0), (20.0, 22.0), (18.0, 20.0))
    sent = list[AnyEntry]()
    shown = plan(assumed_size=Hundredths(300), latency=timedelta(seconds=5))
    (row,) = walk([event(recorded)], said(recorded, 0, 1), shown, Defects(), lambda _, entry: sent.append(entry))
    assert row.exit_time == DECIDED + 3 * HOUR + timedelta(seconds=5)
    assert sum(isinstance(entry, OrderIntended) and entry.order.action is Action.SELL for entry in sent) < 10


def test_nothing_is_sold_when_the_market_has_closed() -> None:
    closes = DECIDED + HOUR
    row = walked(quoted((50.0, 52.0), close=closes))
    assert (row.exit_kind, row.exit_time) == ("settlement", closes + HOUR)


def test_an_order_that_comes_after_the_close_is_refused() -> None:
    closes = DECIDED + HOUR + timedelta(seconds=6)  # the stop is decided 5 seconds after the quote
    row = walked(quoted((50.0, 52.0), close=closes))
    assert row.exit_kind == "settlement"


def test_a_position_in_a_market_without_a_result_is_counted_and_gives_no_row() -> None:
    recorded, defects = quoted((44.0, 46.0), pays=None), Defects()
    assert rows([event(recorded)], said(recorded, 0), defects=defects) == []
    assert defects.counts == {"position_without_result": 1}


def test_a_position_that_was_sold_needs_no_result() -> None:
    row = walked(quoted((20.0, 22.0), pays=None))
    assert (row.exit_kind, row.yes_value_micros, row.result_origin) == ("take_profit", None, "")


def test_money_in_a_market_without_a_result_is_free_again_when_the_market_is_over() -> None:
    settings = plan().settings
    sizes = settings.sizes.model_copy(update={"max_series_dollars": 4.0})
    first = quoted((44.0, 46.0), pays=None, close=BEGIN + 3 * HOUR)
    later = strip([44.0], [46.0], begin=BEGIN + timedelta(days=2))
    second = market(later, ticker="KXHIGHNY-25JAN04-T40", close=BEGIN + timedelta(days=3), pays=False)
    answers = said(first, 0) | said(second, 0)
    limited = plan(settings.model_copy(update={"sizes": sizes}))
    assert [row.market_ticker for row in rows([event(first), event(second)], answers, limited)] == [
        "KXHIGHNY-25JAN04-T40"
    ]


def test_candles_after_the_result_are_left_out_and_counted() -> None:
    recorded, defects = quoted((44.0, 46.0), (44.0, 46.0), (20.0, 22.0)), Defects()
    early = Outcome(yes_value=Micros(0), origin=Origin.RECORDED, known_at=DECIDED + 2 * HOUR)
    known = replace(recorded, outcome=early)
    row = only(rows([event(known)], said(known, 0, 3), defects=defects))
    assert (row.exit_kind, row.exit_time) == ("settlement", DECIDED + 2 * HOUR)
    assert defects.counts == {"candle_after_result": 2}


def test_a_time_stop_sells_at_its_time_on_the_quote_that_holds() -> None:
    settings = plan().settings
    exits = settings.exits.model_copy(update={"time_stop_seconds": 1800.0})
    # NO is bid 54. Fee 0.07 x 5 x 0.54 x 0.46 = 0.08694.
    row = walked(quoted((44.0, 46.0)), settings=settings.model_copy(update={"exits": exits}))
    half = timedelta(minutes=30, seconds=2)  # counted from the fill, and a latency to sell
    assert sold(row) == ("time_stop", half, 540_000, 2_700_000, 87_000, -273_300)


def test_a_time_stop_that_comes_while_nobody_knows_a_quote_sells_at_the_next_one() -> None:
    settings = plan().settings
    exits = settings.exits.model_copy(update={"time_stop_seconds": 5400.0})
    row = walked(
        quoted((50.0, 50.0), (52.0, 48.0), (45.0, 47.0)), settings=settings.model_copy(update={"exits": exits})
    )
    assert (row.exit_kind, row.exit_price_micros) == ("time_stop", 530_000)
    assert row.exit_time == DECIDED + 3 * HOUR + timedelta(seconds=1)


def test_a_trailing_stop_follows_the_highest_bid() -> None:
    settings = plan().settings
    trailing = {"trailing_from_cents": 5.0, "trailing_distance_cents": 4.0, "take_profit": False}
    exits = settings.exits.model_copy(update=trailing)
    # Bought at 56: it works from a bid of 61 on; the highest bid is 70, so 66 sells.
    row = walked(
        quoted((33.0, 35.0), (28.0, 30.0), (32.0, 34.0)), settings=settings.model_copy(update={"exits": exits})
    )
    assert (row.exit_kind, row.exit_price_micros) == ("trailing_stop", 660_000)
    assert row.exit_time == DECIDED + 3 * HOUR + timedelta(seconds=6, milliseconds=1)


def test_a_grace_longer_than_a_candle_ends_on_the_quote_that_holds() -> None:
    settings = plan().settings
    exits = settings.exits.model_copy(update={"grace_seconds": 3600.0})
    # Opened a second after the decision: the grace ends a second after the quote, then come two checks.
    row = walked(quoted((50.0, 52.0), (20.0, 22.0)), settings=settings.model_copy(update={"exits": exits}))
    assert row.exit_kind == "stop_loss"
    assert row.exit_time == DECIDED + HOUR + timedelta(seconds=1 + 5 + 1, milliseconds=2)


def test_results_are_what_was_paid_and_got_in_every_row() -> None:
    recorded = quoted((42.0, 44.0), (22.0, 24.0), (50.0, 52.0), (44.0, 46.0), pays=False)
    found = rows([event(recorded)], said(recorded, 0, 1, 2, 3, 4))
    assert len(found) > 1
    for row in found:
        paid = row.entry_cost_micros + row.entry_fee_micros + row.exit_fee_micros
        assert row.pnl_micros == row.exit_proceeds_micros - paid
