"""What an evaluation came to: models side by side, judged by what came."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from research.quality.gathering import LAST_VALUE
from research.quality.scoring import RANDOM_WALK, SPOT, Score, verdict
from research.quality.spot_forecasts import SpotSeen
from research.questions import QuestionPlan
from research.scanning import Tally
from research.types import Defects, RecordedEvent


class Recorded(Protocol):
    """Events that can be read as often as wanted, always the same."""

    def load(self, defects: Defects) -> Iterator[RecordedEvent]:
        """Give them."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a model said, counted."""

    name: str
    provenance: str
    """Name and beginning of the weights' digest."""
    forecasts: int
    tally: Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What came of it."""

    series_ticker: str
    plan: QuestionPlan
    spoken: tuple[Spoken, ...]
    unavailable: Mapping[str, str]
    """Models that could not be asked, and why."""
    levels: tuple[float, ...]
    events: int
    markets: int
    clusters: int
    days: tuple[str, str]
    """Of the first and the last cluster."""
    data_digest: str
    questions: int
    shared: int
    """Questions that all models forecast: these are judged."""
    alone: int
    """Questions that only some of them did."""
    missing: Mapping[str, int]
    """Steps that could not be judged, by why."""
    results: Mapping[str, int]
    """Markets judged by their result, by where it comes from."""
    defects: Defects
    scores: tuple[Score, ...]
    sealed: int = 0
    """Events that were not looked at."""
    spot: SpotSeen | None = None
    """None where no path of the underlying was given."""

    @property
    def models(self) -> tuple[str, ...]:
        """Of the scores: the last value first, then those that were asked."""
        return (LAST_VALUE, *(one.name for one in self.spoken))

    @property
    def verdicts(self) -> tuple[str, ...]:
        """One sentence for every model against each of those that know nothing: random walk, spot, last value."""
        names = [one.name for one in self.spoken]
        plain = {RANDOM_WALK, SPOT}
        pairs = [(name, RANDOM_WALK) for name in names if RANDOM_WALK in names and name not in plain]
        pairs += [(name, SPOT) for name in names if SPOT in names and name != SPOT]
        return tuple(verdict(self.scores, *pair) for pair in (*pairs, *((name, LAST_VALUE) for name in names)))


def counts_words(counts: Mapping[str, int]) -> str:
    """Say how often what was there, the most frequent first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in ordered) or "nothing"
