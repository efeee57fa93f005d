"""What is asked of recorded markets: what live would ask, and never of what came later."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import msgspec
import numpy as np
import pytest
from foremesh.forecast.v1 import forecast_pb2

from mesh.kalshi.pasts import Past, PriceKind, on_grid
from mesh.kalshi.rest.market_wire import Market
from mesh.kalshi.rest.wire import decode
from research.questions import Question, QuestionPlan, questions
from research.types import ABSENT, CLOSE, RecordedMarket, Strip
from tests.fakes.research import BEGIN, HOUR, market, strip, walked
from trader.scanning import asking

PLAN = QuestionPlan()
FIRST = int(BEGIN.timestamp()) + HOUR
LISTED = {
    "ticker": "KXHIGHNY-25JAN02-T40", "event_ticker": "KXHIGHNY-25JAN02", "market_type": "binary",
    "yes_sub_title": "", "no_sub_title": "", "created_time": "2025-01-01T09:30:30Z",
    "updated_time": "2025-01-01T14:00:00Z", "open_time": "2025-01-01T14:00:00Z", "close_time": "2025-01-03T12:00:00Z",
    "latest_expiration_time": "2025-01-19T14:00:00Z", "settlement_timer_seconds": 3600, "status": "active",
    "yes_bid_dollars": "0.4400", "yes_bid_size_fp": "1.00", "yes_ask_dollars": "0.4700", "yes_ask_size_fp": "211.00",
    "last_price_dollars": "0.4500", "volume_fp": "0.00", "volume_24h_fp": "0.00", "open_interest_fp": "0.00",
    "result": "", "can_close_early": True, "notional_value_dollars": "1.0000", "expiration_value": "",
    "rules_primary": "", "price_level_structure": "linear_cent", "exchange_index": 2,
    "price_ranges": [{"start": "0.0000", "end": "1.0000", "step": "0.0100"}],
}  # fmt: skip


def asked(recorded: RecordedMarket, plan: QuestionPlan = PLAN) -> list[Question]:
    return list(questions(recorded, plan))


def history(question: Question) -> forecast_pb2.MarketHistory:
    assert question.history is not None
    return forecast_pb2.MarketHistory.FromString(question.history)


def closes(question: Question) -> list[float | None]:
    return [None if np.isnan(price) else price for price in history(question).closes_cents]


def current(found: Iterable[Question]) -> list[float | None]:
    return [one.history and history(one).current_price_cents for one in found]  # type: ignore[misc]  # bytes are true


def test_a_question_is_what_the_trader_asks_live() -> None:
    recorded = market(strip([41, 42, 44], [43, 45, 47], [42, None, 45]))
    past = Past(
        decode(msgspec.json.encode(LISTED), Market),
        on_grid({FIRST: 42.0, FIRST + HOUR: float("nan"), FIRST + 2 * HOUR: 45.0}, HOUR),
        BEGIN + timedelta(hours=3),
        answered=True,
    )
    now = asking.price_cents(past.market)
    assert now == 45.5
    live = asking.history(past, now, "KXHIGHNY")
    # Compared as bytes: a gap is a NaN, which equals nothing.
    assert history(asked(recorded)[-1]).SerializeToString(deterministic=True) == live.SerializeToString(
        deterministic=True
    )


def test_each_candle_is_asked_about_under_its_end() -> None:
    found = asked(market(walked(5)))
    assert [one.key for one in found] == [("KXHIGHNY-25JAN02-T40", FIRST + place * HOUR) for place in range(5)]
    assert [history(one).last_candle_time.seconds for one in found] == [key[1] for key in (one.key for one in found)]
    assert [len(history(one).closes_cents) for one in found] == [1, 2, 3, 4, 5]


def test_missing_candles_and_candles_without_trade_are_gaps() -> None:
    holes = strip(trades=[40, None, 43], ends=[FIRST, FIRST + HOUR, FIRST + 4 * HOUR])
    assert closes(asked(market(holes))[-1]) == [40, None, None, None, 43]


def test_a_price_that_was_only_repeated_is_a_gap_and_still_the_last_trade() -> None:
    repeated = strip(trades=[40, 40, 41], volumes=[100, 0, 300])
    found = asked(market(repeated))
    assert closes(found[-1]) == [40, None, 41]
    assert current(found) == [40, 40, 41]


def test_mids_are_forecast_from_where_that_is_asked_for() -> None:
    found = asked(market(strip([40, None, 44], [43, 45, 47], [10, 10, 10])), replace(PLAN, price="mid"))
    assert closes(found[-1]) == [41.5, None, 45.5]


def test_the_current_price_is_the_middle_of_the_quotes_else_the_last_trade_else_nothing() -> None:
    quotes = strip([None, None, 44, 44, 50], [None, None, 47, None, 49], [None, 40, None, None, None])
    found = asked(market(quotes))
    assert current(found) == [None, 40, 45.5, 40, 40], "the last candle's quotes cross: they are none"


def test_a_history_reaches_back_as_far_as_live() -> None:
    found = asked(market(walked(9)), replace(PLAN, points=4))
    assert [len(history(one).closes_cents) for one in found] == [1, 2, 3, 4, 4, 4, 4, 4, 4]
    holes = strip(trades=[40, 41, 42], ends=[FIRST, FIRST + 2 * HOUR, FIRST + 5 * HOUR])
    assert closes(asked(market(holes), replace(PLAN, points=4))[-1]) == [41, None, None, 42]


def days(*changes: int) -> Strip:
    """Daily candles; so many seconds later than a day after the one before."""
    ends = FIRST + np.cumsum([86_400 + change for change in changes])
    return strip(trades=[40 + place for place in range(len(changes))], ends=ends.tolist(), step_seconds=86_400)


def test_days_of_23_and_25_hours_are_a_step_apart() -> None:
    found = asked(market(days(0, -HOUR, 0, HOUR, 0)), replace(PLAN, step=timedelta(days=1)))
    assert closes(found[-1]) == [40, 41, 42, 43, 44]


ODD = {
    "drifting": [FIRST + 3000 * place for place in range(12)],
    "twice in one step": [FIRST, FIRST + 100, FIRST + HOUR, FIRST + HOUR + 1700, FIRST + HOUR + 1900],
    "late once": [FIRST, FIRST + HOUR + 1700, FIRST + 2 * HOUR],
}


@pytest.mark.parametrize("name", ODD)
def test_candles_at_odd_times_lie_on_the_grid_that_live_would_make(name: str) -> None:
    ends = ODD[name]
    odd = strip(trades=[40 + place for place in range(len(ends))], ends=ends)
    found = asked(market(odd))
    for known, one in enumerate(found, 1):
        live = on_grid({end: 40.0 + place for place, end in enumerate(ends[:known])}, HOUR)
        np.testing.assert_array_equal(np.array(history(one).closes_cents, np.float32), live)


@pytest.mark.parametrize("price", ["trade", "mid"])
@pytest.mark.parametrize("ends", [None, *ODD.values()])
def test_nothing_depends_on_a_later_candle(price: PriceKind, ends: list[int] | None) -> None:
    plan = replace(PLAN, price=price, points=6)
    count = 12 if ends is None else len(ends)
    whole = walked(count, seed=7, ends=ends)
    whole.trades[2, CLOSE] = whole.bids[4 % count, CLOSE] = ABSENT
    found = asked(market(whole), plan)
    for known, end in enumerate(whole.ends.tolist(), 1):
        assert asked(market(whole.until(end)), plan) == found[:known]


def test_a_market_without_candles_is_not_asked_about() -> None:
    assert asked(market(strip())) == []


def test_candles_of_another_step_are_refused() -> None:
    with pytest.raises(ValueError, match="3600 s"):
        asked(market(walked(3)), replace(PLAN, step=timedelta(minutes=1)))


def test_options_ask_for_research_with_the_wanted_quantiles() -> None:
    options = QuestionPlan(horizon_steps=12, levels=(0.25, 0.75)).options()
    assert (options.horizon_steps, options.step.seconds, list(options.quantile_levels)) == (12, HOUR, [0.25, 0.75])
    assert options.purpose == forecast_pb2.PURPOSE_RESEARCH
