"""The sealed period: ordinary runs never see it, and it opens once."""

from datetime import timedelta
from pathlib import Path

import pytest

from research.sealing import SealProblem, last_close, open_seal, refuse_round_about, seal, seal_of
from research.trials import Entry, Kind, Ledger
from tests.fakes.research import BEGIN, event, market, walked

SERIES = "KXHIGHNY"
BEGINS = BEGIN + timedelta(days=10)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "trials.jsonl")


def begun(ledger: Ledger, **parameters: object) -> Entry:
    return ledger.append(Kind.BEGUN, {"series": SERIES, **parameters})


def ended(ledger: Ledger, entry: Entry, seen: str) -> None:
    ledger.append(Kind.ENDED, {"begun": entry.number, "last_close": seen})


@pytest.mark.parametrize(("days", "sealed"), [(-1, False), (0, True), (1, True)])
def test_an_event_is_sealed_if_its_last_market_closes_in_the_period(
    ledger: Ledger, days: int, sealed: bool
) -> None:  # a parameter of the test
    seal(ledger, SERIES, BEGINS)
    found = seal_of(ledger.entries(), SERIES)
    early = market(walked(3), ticker="KXHIGHNY-25JAN02-T1")
    late = market(walked(3), ticker="KXHIGHNY-25JAN02-T2", close=BEGINS + timedelta(days=days))

    assert found is not None
    assert last_close(event(early, late)) == late.terms.close_time
    assert found.covers(event(early, late)) == sealed


def test_a_seal_is_of_its_series_alone(ledger: Ledger) -> None:
    seal(ledger, SERIES, BEGINS)

    assert seal_of(ledger.entries(), "KXHIGHCHI") is None


def test_a_seal_can_not_be_moved_while_it_holds(ledger: Ledger) -> None:
    seal(ledger, SERIES, BEGINS)

    with pytest.raises(SealProblem, match="stays until it is opened"):
        seal(ledger, SERIES, BEGINS + timedelta(days=5))


def test_nothing_sealed_can_not_be_opened(ledger: Ledger) -> None:
    with pytest.raises(SealProblem, match="nothing of KXHIGHNY is sealed"):
        open_seal(ledger, SERIES, begun(ledger))


def test_a_sealed_period_opens_once(ledger: Ledger) -> None:
    seal(ledger, SERIES, BEGINS)
    first = begun(ledger)
    open_seal(ledger, SERIES, first)
    ended(ledger, first, BEGINS.isoformat())

    with pytest.raises(SealProblem, match=f"opened by trial {first.number}"):
        open_seal(ledger, SERIES, begun(ledger))


def test_a_run_that_was_interrupted_may_go_on_and_no_other_may(ledger: Ledger) -> None:
    seal(ledger, SERIES, BEGINS)
    open_seal(ledger, SERIES, begun(ledger, horizon=6))

    open_seal(ledger, SERIES, begun(ledger, horizon=6))
    with pytest.raises(SealProblem):
        open_seal(ledger, SERIES, begun(ledger, horizon=12))


def test_what_was_seen_can_not_be_sealed_again(ledger: Ledger) -> None:
    seal(ledger, SERIES, BEGINS)
    run = begun(ledger)
    open_seal(ledger, SERIES, run)
    ended(ledger, run, (BEGINS + timedelta(days=3)).isoformat())

    with pytest.raises(SealProblem, match="have been seen"):
        seal(ledger, SERIES, BEGINS + timedelta(days=3))
    seal(ledger, SERIES, BEGINS + timedelta(days=4))

    found = seal_of(ledger.entries(), SERIES)
    assert found is not None
    assert found.begins == BEGINS + timedelta(days=4)
    assert found.opened is None


def test_who_has_looked_before_is_written_down_with_the_seal(ledger: Ledger) -> None:
    early, late, other = begun(ledger), begun(ledger), ledger.append(Kind.BEGUN, {"series": "KXHIGHCHI"})
    begun(ledger)  # interrupted
    ended(ledger, early, (BEGINS - timedelta(days=1)).isoformat())
    ended(ledger, late, BEGINS.isoformat())
    ended(ledger, other, BEGINS.isoformat())

    seal(ledger, SERIES, BEGINS)

    assert open_seal(ledger, SERIES, begun(ledger)).seen == (late.number,)


def test_no_run_goes_round_a_seal_by_another_ledger(ledger: Ledger, tmp_path: Path) -> None:
    other = Ledger(tmp_path / "elsewhere" / "trials.jsonl")
    refuse_round_about(ledger, other, SERIES)
    seal(ledger, SERIES, BEGINS)

    refuse_round_about(ledger, Ledger(tmp_path / "elsewhere" / ".." / "trials.jsonl"), SERIES)
    refuse_round_about(ledger, other, "KXHIGHCHI")
    with pytest.raises(SealProblem, match="no run goes by another ledger"):
        refuse_round_about(ledger, other, SERIES)
