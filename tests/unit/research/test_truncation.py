"""Nothing looks ahead: real data that are cut at a decision give the same before it; and whoever peeks is caught."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from math import ceil
from typing import Any

import pytest

import research.timeline
import research.walk
from research.board import Quote
from research.loading import Recording
from research.timeline import Line, Step, line
from research.truncation import cut, look_ahead
from research.types import CLOSE, Defects, EntryPolicy, RecordedEvent, RecordedMarket
from research.walk import WalkPlan
from tests.fakes.recorded_store import HIGHS, KALSHI, imported
from tests.fakes.research_walk import Said, invented, plan, rows
from tests.fakes.reversion import ask
from trader.domain.settings import Settings

EVENTS = ["KXHIGHNY-25DEC05"]
REAL = pytest.mark.skipif(not KALSHI.is_dir(), reason="needs the recorded markets in ../shared")
BOTH = pytest.mark.parametrize(("policy", "count"), [(EntryPolicy.LIVE, 2), (EntryPolicy.INDEPENDENT, 1)])


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> list[RecordedEvent]:
    files = [f"{kind}_KXHIGHNY.parquet" for kind in ("markets", "candles_60m", "candles_1m")]
    store = imported(tmp_path_factory.mktemp("cut"), files, EVENTS)
    defects = Defects()
    return list(Recording(store, "KXHIGHNY", step_seconds=3600, observed=HIGHS, defects=defects).load(defects))


def eager() -> WalkPlan:
    """A trader who takes what a small forecast offers, so that few events have many trades."""
    settings = Settings()
    rules = settings.rules.model_copy(update={"min_magnitude_cents": 1.0, "min_edge_cents": -100.0})
    return WalkPlan(settings=settings.model_copy(update={"rules": rules}))


def moments(events: list[RecordedEvent]) -> list[int]:
    """Two of the moments at which real events were decided on: halfway, and near the end."""
    ends = sorted({end for event in events for market in event.markets for end in market.decisions.ends.tolist()})
    return [ends[len(ends) // 2], ends[-3]]


def sale(events: list[RecordedEvent]) -> int:
    """The second by which one was made between the ends of candles: who knew the candle under way sold by that."""
    sold = (row.exit_time for row in rows(events, ask(events), eager()) if row.exit_kind == "stop_loss")
    return next(ceil(at.timestamp()) for at in sold if at.second)


@REAL
def test_there_is_something_to_find_in_the_real_data(recorded: list[RecordedEvent]) -> None:
    found = rows(recorded, ask(recorded), eager())
    assert len(found) > 5
    assert "ohlc" in {row.path_known for row in found}
    assert all(row.pnl_pessimistic_micros <= row.pnl_micros <= row.pnl_optimistic_micros for row in found)


@REAL
@BOTH
def test_real_data_cut_at_a_decision_give_the_same_decisions_and_trades(
    recorded: list[RecordedEvent], policy: EntryPolicy, count: int
) -> None:
    cuts = [*moments(recorded)[:count], sale(recorded)]
    assert look_ahead(recorded, ask, replace(eager(), entry_policy=policy), cuts) == []


@REAL
def test_a_forecaster_who_peeks_one_candle_ahead_is_caught_on_real_data(recorded: list[RecordedEvent]) -> None:
    found = look_ahead(recorded, partial(ask, ahead=1), eager(), moments(recorded))
    assert any("what was said of" in words for words in found)


@REAL
def test_a_walk_that_peeks_one_candle_ahead_is_caught_on_real_data(
    recorded: list[RecordedEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    def peeking(step: Step) -> tuple[str, Quote]:
        path = step.market.path
        place = min(step.place + 1, len(path.ends) - 1)
        return step.market.terms.ticker, Quote(int(path.bids[place, CLOSE]), int(path.asks[place, CLOSE]))

    monkeypatch.setattr(research.walk, "_quoted", peeking)
    found = look_ahead(recorded, ask, eager(), moments(recorded))
    assert any("decisions differ" in words for words in found)


@REAL
def test_a_walk_that_knows_how_a_candle_closes_while_it_lasts_is_caught_on_real_data(
    recorded: list[RecordedEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    def early(market: RecordedMarket, *asked: Any, **named: Any) -> Line:
        path = market.path
        return line(replace(market, path=replace(path, ends=path.ends - path.step_seconds + 1)), *asked, **named)

    monkeypatch.setattr(research.timeline, "line", early)
    found = look_ahead(recorded, ask, eager(), [sale(recorded)])
    assert any("decisions differ" in words for words in found)


def test_whoever_knows_results_before_they_are_known_is_caught() -> None:
    events, answers = invented(seed=1)
    last = int(events[0].markets[0].decisions.ends[-1])

    def knowing(told: Sequence[RecordedEvent]) -> Said:
        outcomes = {market.terms.ticker: market.outcome for event in told for market in event.markets}
        return {key: said for key, said in answers.items() if (won := outcomes.get(key[0])) and won.yes_value == 0}

    assert look_ahead(events, lambda _: answers, plan(), [last]) == []
    assert look_ahead(events, knowing, plan(), [last]) != []


def test_the_predecessors_entry_halfway_looks_ahead() -> None:
    events, answers = invented(seed=1)
    halfway = plan(entry_policy=EntryPolicy.PREDECESSOR)
    assert look_ahead(events, lambda _: answers, halfway, [int(events[0].markets[0].decisions.ends[-2])]) != []


def test_data_that_are_cut_have_nothing_of_later() -> None:
    events, _ = invented(seed=1)
    first = int(events[0].markets[0].path.ends[0])
    (known,) = cut(events, first)
    assert [market.path.ends.tolist() for market in known.markets] == [[first]] * 3
    assert all(
        market.outcome is not None and whole.outcome is not None and market.outcome.yes_value != whole.outcome.yes_value
        for market, whole in zip(known.markets, events[0].markets, strict=True)
    )
    assert cut(events, first - 1) == []
