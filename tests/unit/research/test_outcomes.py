"""A market ends as recorded, else as inferred, else as proven observations say; an event's results agree or none is."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mesh.errors import InvalidInput
from mesh.types import DOLLAR
from research.loading import Recording
from research.observed import Proof
from research.types import Defects, Origin, Outcome
from tests.fakes.recorded_stores import (
    CLOSE,
    EVENT,
    LADDER,
    SERIES,
    Row,
    candle,
    hour,
    ladder,
    write_candles,
    write_highs,
    write_markets,
)

DAY = "2026-01-05"
FEW = Proof(min_events=3)
Ends = Callable[..., tuple[dict[str, Outcome | None], Counter[str]]]


def results(right: str, column: str = "result", event: str = EVENT, **more: Any) -> list[Row]:
    """An event's markets, of which one is right."""
    rows = ladder(event, **more)
    return [row | {column: "yes" if row["market_ticker"].endswith(right) else "no"} for row in rows]


def past(days: int, right: str = "B40.5") -> list[Row]:
    """Settled events of the days before."""
    events = [f"KXHIGHNY-25DEC{day:02}" for day in range(1, days + 1)]
    return [row for event in events for row in results(right, event=event)]


def highs(days: int, high: float = 41, source: str = "station") -> list[tuple[str, float | None, str]]:
    return [(f"2025-12-{day:02}", high, source) for day in range(1, days + 1)]


@pytest.fixture
def ends(tmp_path: Path) -> Ends:
    """Load one event with these markets listed, and give its outcomes by the endings of tickers."""

    def load(rows: list[Row], **asked: Any) -> tuple[dict[str, Outcome | None], Counter[str]]:
        write_candles(tmp_path, [candle(f"{EVENT}-{ending}", hour(1)) for ending in sorted(LADDER)])
        write_markets(tmp_path, rows)
        defects = Defects()
        recording = Recording(tmp_path, SERIES, step_seconds=3600, events=[EVENT], defects=defects, **asked)
        (event,) = recording.load(defects)
        return {each.terms.ticker.rpartition("-")[2]: each.outcome for each in event.markets}, defects.counts

    return load


def words(found: dict[str, Outcome | None]) -> set[tuple[str, int, Origin] | None]:
    return {None if each is None else (ending, each.yes_value, each.origin) for ending, each in found.items()}


def test_a_recorded_result_comes_before_an_inferred_one_and_that_before_an_observed_one(
    ends: Ends, tmp_path: Path
) -> None:
    observed = write_highs(tmp_path / "highs", [*highs(3), (DAY, 44, "station")])
    asked = {"observed": observed, "proof": FEW}
    both = [row | {"result_inferred": "no"} for row in results("B40.5")]
    found, _ = ends(both + past(3), **asked)
    assert words(found) == {(each, DOLLAR * (each == "B40.5"), Origin.RECORDED) for each in LADDER}
    found, _ = ends(results("B42.5", "result_inferred") + past(3), **asked)
    assert words(found) == {(each, DOLLAR * (each == "B42.5"), Origin.INFERRED) for each in LADDER}
    found, _ = ends(results("B42.5", "result_inferred") + past(3), **asked, inferred=False)
    assert words(found) == {(each, DOLLAR * (each == "T43"), Origin.DERIVED) for each in LADDER}
    found, counts = ends(ladder() + past(3))
    assert words(found) == {None}
    assert counts["market_without_result"] == 4


def test_results_that_no_number_gives_are_none_for_the_whole_event(ends: Ends) -> None:
    two = results("B40.5")
    two[0]["result"] = "yes"
    none = [row | {"result": "no"} for row in ladder()]
    for rows in (two, none):
        found, counts = ends(rows)
        assert words(found) == {None}
        assert counts["results_contradict"] == 4


def test_a_void_market_pays_its_value(ends: Ends) -> None:
    found, _ = ends(ladder(result="scalar", settlement_value_micros=250_000))
    assert words(found) == {(each, 250_000, Origin.RECORDED) for each in LADDER}
    found, _ = ends(ladder(settlement_value_micros=250_000))
    assert words(found) == {(each, 250_000, Origin.RECORDED) for each in LADDER}


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        ({"result": "scalar"}, "scalar_without_value"),
        ({"result": "yes", "settlement_value_micros": 0}, "result_against_value"),
        ({"result": "perhaps"}, "result_unknown_word"),
        ({"result": "scalar", "settlement_value_micros": 1_000_001}, "settlement_value_outside"),
    ],
)
def test_results_that_say_nothing_are_counted_and_nothing_stands_in_for_them(
    ends: Ends, columns: Row, name: str
) -> None:
    found, counts = ends(ladder(**columns, result_inferred="yes"))
    assert words(found) == {None}
    assert counts[name] == 4


def test_a_result_is_known_when_it_was_settled_or_a_stated_while_after_the_close(ends: Ends) -> None:
    settled = datetime(2026, 1, 6, 14, tzinfo=UTC)
    found, _ = ends(results("B40.5", settlement_time=settled))
    assert {each.known_at for each in found.values() if each} == {settled}
    found, _ = ends(results("B40.5"))
    assert {each.known_at for each in found.values() if each} == {CLOSE + timedelta(hours=12)}


def test_an_event_of_an_hour_is_known_minutes_after_its_close(tmp_path: Path) -> None:
    ticker, close = "KXBTC15M-26MAY131215-15", datetime(2026, 5, 13, 16, 15, tzinfo=UTC)
    write_candles(tmp_path, [candle(ticker, close, 301_000, 400_000, step=60)])
    row = {"series_ticker": "KXBTC15M", "event_ticker": ticker[:-3], "market_ticker": ticker, "close_time": close}
    write_markets(tmp_path, [row | {"result": "yes"}])
    defects = Defects()
    (event,) = Recording(tmp_path, "KXBTC15M", step_seconds=60, defects=defects).load(defects)
    (market,) = event.markets
    assert market.outcome == Outcome(yes_value=DOLLAR, origin=Origin.RECORDED, known_at=close + timedelta(minutes=5))
    assert defects.counts["price_off_grid"] == 1  # tenths of a cent are for the ends of such a market's prices


def test_a_source_counts_where_it_is_proven_and_says_how_far(tmp_path: Path) -> None:
    write_candles(tmp_path, [candle(f"{EVENT}-B40.5", hour(1))])
    write_markets(tmp_path, ladder() + past(20))
    for wrong, days, said, derived in (
        (0, 20, "station agreed in 20 of 20 events", True),
        (1, 20, "station agreed in 19 of 20 events: not enough, nothing is derived from it", False),
        (0, 19, "station agreed in 19 of 19 events: not enough, nothing is derived from it", False),
    ):
        told = [("2025-12-01", 44.0, "station")] * wrong + highs(days)[wrong:] + [(DAY, 41.0, "station")]
        observed, defects = write_highs(tmp_path / "highs", told), Defects()
        recording = Recording(
            tmp_path, SERIES, step_seconds=3600, observed=observed, proof=Proof(min_events=20), defects=defects
        )
        assert [str(each) for each in recording.agreements] == [said]
        assert [each.example for each in recording.agreements] == ["KXHIGHNY-25DEC01" * wrong]
        assert defects.counts["observed_source_unproven"] == (not derived)
        (event,) = recording.load(defects)
        outcome = event.markets[0].outcome
        assert (outcome is not None and outcome.origin is Origin.DERIVED) == derived


def test_a_day_of_which_proven_sources_say_different_things_is_nobodys(ends: Ends, tmp_path: Path) -> None:
    told = [*highs(3), *highs(3, source="other"), *highs(3, 44, source="wrong")]
    for high, derived in ((41, True), (42, False)):
        days = [(DAY, 41, "station"), (DAY, high, "other"), (DAY, 60, "wrong")]
        observed = write_highs(tmp_path / "highs", [*told, *days])
        found, counts = ends(ladder() + past(3), observed=observed, proof=FEW)
        assert (found["B40.5"] is not None) == derived
        assert counts["observed_sources_differ"] == (not derived)
        assert counts["observed_source_unproven"] == 1


def test_readings_that_say_no_whole_degree_or_two_are_left_out(ends: Ends, tmp_path: Path) -> None:
    for said, name in (
        ([40.5], "observed_between_degrees"),
        ([41, 44], "observed_twice"),
        ([None], ""),
        ([float("nan")], ""),
    ):
        observed = write_highs(tmp_path / "highs", [*highs(3), *((DAY, high, "station") for high in said)])
        found, counts = ends(ladder() + past(3), observed=observed, proof=FEW)
        assert words(found) == {None}
        assert not name or counts[name] == 1
    observed = write_highs(tmp_path / "highs", [*highs(3), (DAY, 41.26, "station")])
    found, _ = ends(ladder() + past(3), observed=observed, proof=FEW)
    assert found["B40.5"] is not None
    assert found["B40.5"].yes_value == DOLLAR


def test_a_series_by_its_name_before_2024_is_observed_too(tmp_path: Path) -> None:
    write_candles(tmp_path, [candle("HIGHNY-24JAN05-B40.5", hour(1))])
    observed, defects = write_highs(tmp_path / "highs", [("2024-01-05", 41, "station")]), Defects()
    recording = Recording(tmp_path, "HIGHNY", step_seconds=3600, observed=observed, defects=defects)
    assert len(recording.agreements) == 1
    assert not defects.counts["series_not_observed"]


def test_a_series_that_nobody_observed_is_counted(tmp_path: Path) -> None:
    write_candles(tmp_path, [candle(f"{EVENT}-B40.5", hour(1))])
    observed, defects = write_highs(tmp_path / "highs", highs(3), "KXHIGHMIA"), Defects()
    Recording(tmp_path, SERIES, step_seconds=3600, observed=observed, defects=defects)
    assert defects.counts["series_not_observed"] == 1


def test_a_file_of_highs_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    write_candles(tmp_path, [candle(f"{EVENT}-B40.5", hour(1))])
    (tmp_path / "text").write_text("no parquet")
    write_highs(tmp_path / "days", [("yesterday", 41, "station")])
    for name in ("text", "days", "nowhere"):
        with pytest.raises(InvalidInput, match=name) as refused:
            Recording(tmp_path, SERIES, step_seconds=3600, observed=tmp_path / name, defects=Defects())
        assert refused.value.reason == "OBSERVED_UNREADABLE"


def test_strikes_that_were_not_recorded_are_read_off_tickers_where_these_are_proven_to_tell(
    ends: Ends, tmp_path: Path
) -> None:
    observed = write_highs(tmp_path / "highs", [*highs(8), (DAY, 41, "station")])
    bare = ladder(strike_type=None, floor_strike=None, cap_strike=None)
    found, counts = ends(bare + past(8), observed=observed, proof=FEW)
    assert words(found) == {(each, DOLLAR * (each == "B40.5"), Origin.DERIVED) for each in LADDER}
    assert counts["strikes_read_off_ticker"] == 4
    found, counts = ends(bare + past(7), observed=observed, proof=FEW)  # 28 markets prove nothing
    assert words(found) == {None}
    assert counts["strikes_unknown"] == 4
    found, counts = ends(past(8), observed=observed, proof=FEW)  # not even listed
    assert words(found) == {(each, DOLLAR * (each == "B40.5"), Origin.DERIVED) for each in LADDER}
    assert counts["market_not_listed"] == 4
