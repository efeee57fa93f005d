"""What an evaluation says in words, and how its figures are written."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from console.durations import span_words
from mesh.statistics import Estimate
from research.quality.evaluation import Evaluation, counts_words
from research.quality.scoring import ALL, Score, clusters_words
from research.quality.targets import MID

_FORECAST_ALL_THE_SAME = "below_threshold"
FEW = "[?]"
"""In the place of an interval."""
FEW_WORDS = f"{FEW}: not enough data for an interval, which takes 30 effective clusters, and five on either side."

Key = tuple[str, str, str, int, float | None, str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table."""

    title: str
    headings: tuple[str, ...]
    rows: list[tuple[str, ...]]
    note: str = ""


class Found:
    """Looks scores up."""

    def __init__(self, evaluation: Evaluation) -> None:
        self.evaluation = evaluation
        self._by: Mapping[Key, Estimate] = {_key(score): score.estimate for score in evaluation.scores}

    def get(
        self,
        model: str,
        score: str,
        target: str = MID,
        *,
        step: int = ALL,
        level: float | None = None,
        against: str = "",
    ) -> Estimate | None:
        """Return one estimate; None where there is none."""
        return self._by.get((model, score, target, step, level, against))

    def levels(self, score: str, target: str = MID) -> list[float]:
        """Return the levels that a score has."""
        return sorted({key[4] for key in self._by if key[1] == score and key[2] == target and key[4] is not None})


def heading(evaluation: Evaluation) -> list[str]:
    """Say what was evaluated."""
    plan = evaluation.plan
    source = "last trades" if plan.price == "trade" else "the middle of the quotes"
    lines = [
        f"{evaluation.series_ticker}: {evaluation.events:,} events, {evaluation.markets:,} markets, "
        f"in {clusters_words(evaluation.clusters)} (one underlying, one day), "
        f"{evaluation.days[0]} to {evaluation.days[1]}",
        f"{plan.horizon_steps} steps of {span_words(plan.step)} ahead, from "
        f"{source}; {evaluation.questions:,} questions: {evaluation.shared:,} that all models forecast are judged, "
        f"{evaluation.alone:,} that only some did are not",
    ]
    for one in evaluation.spoken:
        silent = {why: count for why, count in one.tally.unsaid.items() if why != _FORECAST_ALL_THE_SAME}
        lines.append(f"{one.name} ({one.provenance}): {one.forecasts:,} forecasts; none for {counts_words(silent)}")
    return lines


def caveats(evaluation: Evaluation) -> Iterator[str]:
    """Say what could not be judged, and what the figures do not mean."""
    for name, why in evaluation.unavailable.items():
        yield f"{name} is not here: {why}"
    if evaluation.sealed:
        yield f"{evaluation.sealed:,} events are sealed, and were not looked at"
    steps = evaluation.questions * evaluation.plan.horizon_steps
    yield f"steps not judged, of {steps:,}: {counts_words(evaluation.missing)}"
    if evaluation.missing.get("no_bid"):
        yield (
            "where the bid is gone there is no middle: scores of the middle leave out markets that fell to nothing; "
            "those of the ask do not"
        )
    yield f"results: {counts_words(evaluation.results)} markets"
    yield spot(evaluation)
    if evaluation.defects.counts:
        yield f"data: {counts_words(evaluation.defects.counts)}"


def spot(evaluation: Evaluation) -> str:
    """Say what stands behind the digital that the spot implies."""
    found = evaluation.spot
    if found is None:
        return (
            f"spot-implied digital: not computed, no path of the underlying of {evaluation.series_ticker} was given "
            "(--spot); an observed daily high is no path"
        )
    agreed = f"{found.agreed:,} of {found.compared:,}"
    return f"spot-implied digital: {found.source}, for {found.settles}, which gives {agreed} results"


def cents(found: Estimate | None) -> str:
    """Write a figure alone."""
    return "" if found is None else f"{found.mean:.3f}"


def spread(found: Estimate | None, digits: int = 3, factor: float = 1.0) -> str:
    """Write a signed figure with its interval."""
    if found is None:
        return ""
    head = f"{found.mean * factor:+.{digits}f}"
    return f"{head} {between(found, digits, factor, '+')}"


def between(found: Estimate, digits: int, factor: float = 1.0, sign: str = "") -> str:
    """Write an interval."""
    if found.low is None or found.high is None:
        return FEW
    return f"[{found.low * factor:{sign}.{digits}f}, {found.high * factor:{sign}.{digits}f}]"


def percent(found: Estimate | None) -> str:
    """Write a share with its interval, which ends at nothing and at all."""
    if found is None:
        return ""
    if found.low is not None and found.high is not None:
        found = replace(found, low=max(found.low, 0.0), high=min(found.high, 1.0))
    return f"{found.mean * 100:.1f} {between(found, 1, 100)}"


def counted(found: Estimate | None, what: str = "prices") -> str:
    """Say how much there is to go by."""
    if found is None:
        return "Nothing could be judged."
    effective = f"as good as {found.effective_clusters:.0f} equal ones"
    return f"{found.count:,} {what} in {clusters_words(found.cluster_count)}, {effective}."


def _key(score: Score) -> Key:
    return score.model, score.score, score.target, score.step, score.level, score.against
