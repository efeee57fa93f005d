"""Observed daily highs, as far as they are proven to decide a series' events.

A file may hold several sources. A source counts where it gives the results that the exchange determined, or that were
inferred when it was recorded, in enough events of the same series; a day of which two such sources say different things
is nobody's. Highs are whole degrees Fahrenheit: that is what such markets settle by.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from math import isnan
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mesh.errors import InvalidInput
from research.listing import Listed, Listing
from research.strikes import Strikes
from research.tickers import named
from research.types import Defects

_COLUMNS: Final = ("series_ticker", "date", "tmax_f")
_FAR = 0.3
"""Degrees: readings in tenths of a degree Celsius of a whole degree Fahrenheit lie nearer to it."""

Highs = Mapping[date, int]
_Answers = list[tuple[Strikes, bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """When a source is believed."""

    min_events: int = 30
    """Events that have both a result and a high."""
    min_share: float = 0.97
    """Of them that agree; recorded results have errors too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How a source stands to what was recorded."""

    source: str
    agreed: int
    compared: int
    """Events."""
    proven: bool
    example: str = ""
    """An event where it does not agree."""

    def __str__(self) -> str:
        """For people."""
        verdict = "" if self.proven else ": not enough, nothing is derived from it"
        return f"{self.source} agreed in {self.agreed} of {self.compared} events{verdict}"


class Observed:
    """The highs that count in a series.

    Args:
        sources: What each source of the series says.
        listing: The series' markets.
        proof: When a source is believed.
        inferred: Whether results that were read off last prices count as results.
        defects: Told of sources that are not believed.
    """

    def __init__(
        self, sources: Mapping[str, Highs], listing: Listing, proof: Proof, *, inferred: bool, defects: Defects
    ) -> None:
        told = _results(listing, inferred=inferred)
        self.agreements = tuple(_agreement(name, highs, told, proof) for name, highs in sorted(sources.items()))
        for each in self.agreements:
            if not each.proven:
                defects.note("observed_source_unproven", str(each))
        proven = {each.source for each in self.agreements if each.proven}
        self._sources = [highs for name, highs in sources.items() if name in proven]

    def high(self, event_ticker: str, defects: Defects) -> int | None:
        """Return the high that decides an event; None where no proven source has it."""
        name = named(event_ticker)
        if name is None or name.clock is not None:
            return None
        said = {highs[name.day] for highs in self._sources if name.day in highs}
        if len(said) > 1:
            defects.note("observed_sources_differ", event_ticker)
        return said.pop() if len(said) == 1 else None


def read_highs(path: Path, series: str, defects: Defects) -> dict[str, Highs]:
    """Read the highs of a series, by source.

    Args:
        path: Parquet with `series_ticker`, `date` (such as `2026-03-10`), `tmax_f`, and `source` where it has several.
        series: As markets call it; before October 2024 series had their names without `KX`, here they have it.
        defects: Told of days of which one source says two things, and of readings far from a whole degree.

    Raises:
        InvalidInput: `OBSERVED_UNREADABLE`: the file cannot be read, lacks a column or has a date that is none.
    """
    found: dict[str, dict[date, int]] = {}
    broken: set[tuple[str, date]] = set()
    try:
        columns = [*_COLUMNS, *(("source",) if "source" in pq.read_schema(path).names else ())]
        table = pq.read_table(path, columns=columns)
        rows = table.filter(pc.equal(table.column("series_ticker"), f"KX{series.removeprefix('KX')}")).to_pylist()
        for row in rows:
            high, source = row["tmax_f"], row.get("source") or path.name
            if high is None or isnan(high):
                continue
            day = date.fromisoformat(str(row["date"])[:10])
            if abs(high - round(high)) > _FAR:
                defects.note("observed_between_degrees", f"{source} on {day}")
            elif found.setdefault(source, {}).setdefault(day, round(high)) != round(high):
                broken.add((source, day))
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise InvalidInput(f"{path}: {str(error).partition(chr(10))[0]}", reason="OBSERVED_UNREADABLE") from error
    for source, day in sorted(broken):
        defects.note("observed_twice", f"{source} on {day}")
        del found[source][day]
    return dict(found)


def _results(listing: Listing, *, inferred: bool) -> dict[str, tuple[date, _Answers]]:
    """Give the events of days of which every strike and every result is known."""
    found = {}
    for event, markets in listing.events.items():
        name = named(event)
        answers = [_answer(each, inferred=inferred) for each in markets.values()]
        known = [answer for answer in answers if answer is not None]
        if name is not None and name.clock is None and len(known) == len(answers):
            found[event] = (name.day, known)
    return found


def _answer(market: Listed, *, inferred: bool) -> tuple[Strikes, bool] | None:
    word = market.result or (market.result_inferred if inferred else None)
    return (market.strikes, word == "yes") if market.strikes is not None and word in {"yes", "no"} else None


def _agreement(source: str, highs: Highs, told: Mapping[str, tuple[date, _Answers]], proof: Proof) -> Agreement:
    right = {
        event: all(strikes.answer(highs[day]) == answer for strikes, answer in answers)
        for event, (day, answers) in told.items()
        if day in highs
    }
    agreed, compared = sum(right.values()), len(right)
    return Agreement(
        source=source,
        agreed=agreed,
        compared=compared,
        proven=compared >= proof.min_events and agreed >= proof.min_share * compared,
        example=next((event for event, agrees in right.items() if not agrees), ""),
    )
