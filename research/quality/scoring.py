"""From sums to scores with intervals, and to words. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from mesh.statistics import Estimate, enough
from research.quality.estimates import Chance, difference, share
from research.quality.gathering import BINS, CAME, FALLS, JUDGED, LAST_VALUE, RIGHT, SAID, SEEN, Gathering
from research.quality.scores import Doubles
from research.quality.targets import ASK, MID, PRICES, RESULT

RANDOM_WALK: Final = "random-walk"
SPOT: Final = "spot-implied"
"""What the recorded spot of the underlying says; see `research.quality.spot`."""
ALL: Final = 0
"""In the place of a step: all of them together, or, of the result, that which ends at the close."""
DECIDING: Final = (MID, ASK)
"""The ask is what NO sells at, and is there where the bid, and so the middle, is gone."""
_LOSSES: Final = ("crps", "mae")
_NAMES = {LAST_VALUE: "the last value", RANDOM_WALK: "the random walk", SPOT: "the spot-implied digital"}
_CHANCE: Final = Chance()


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One figure."""

    model: str
    target: str
    """One of `PRICES`, or `RESULT`."""
    step: int
    score: str
    """Such as `crps`."""
    level: float | None = None
    """Of a quantile or an interval, or the upper end of a part or bin."""
    against: str = ""
    """The estimate is the model's figure less that of this one, on the same forecasts."""
    estimate: Estimate


class Scores:
    """The scores of what was gathered.

    Args:
        gathered: Sums.
        chance: How intervals are made.
    """

    def __init__(self, gathered: Gathering, chance: Chance = _CHANCE) -> None:
        self._gathered, self._chance = gathered, chance
        sums = [gathered.clusters[name] for name in sorted(gathered.clusters)]
        self._counts = np.array([one.counts for one in sums])
        self._values = np.array([one.values for one in sums])
        self._directions = np.array([one.directions for one in sums])
        self._results = np.array([one.results for one in sums])
        self._bins = np.array([one.bins for one in sums])

    def all(self) -> tuple[Score, ...]:
        """Return every score: of prices, of directions, of the result."""
        if not self._gathered.clusters:
            return ()
        return (*self._prices(), *self._moves(), *self._probabilities())

    def _prices(self) -> Iterator[Score]:
        quantities, models = self._gathered.quantities, self._gathered.models
        for target, step, cells in self._cells():
            counts, values = self._counts[:, cells].sum(axis=1), self._values[:, cells].sum(axis=1)
            for model in models:
                own = values[:, models.index(model)]
                for place, (name, level) in enumerate(zip(quantities.names, quantities.levels, strict=True)):
                    if (found := share(own[:, place], counts, self._chance)) is not None:
                        yield Score(model=model, target=target, step=step, score=name, level=level, estimate=found)
                if target == MID or step == ALL:
                    yield from self._compared(model, target, step, values, counts)

    def _compared(self, model: str, target: str, step: int, values: Doubles, counts: Doubles) -> Iterator[Score]:
        models, names = self._gathered.models, self._gathered.quantities.names
        for other in (LAST_VALUE, SPOT, RANDOM_WALK):
            if other not in models or models.index(other) >= models.index(model):
                continue
            for name in _LOSSES:
                mine, theirs = (values[:, models.index(one), names.index(name)] for one in (model, other))
                if (found := difference(mine, theirs, counts, self._chance)) is not None:
                    yield Score(model=model, target=target, step=step, score=name, against=other, estimate=found)

    def _cells(self) -> Iterator[tuple[str, int, list[int]]]:
        """Give every cell, and all steps of a price together."""
        cells = self._gathered.cells
        for place, (target, step) in enumerate(cells):
            yield target, step, [place]
        for target in PRICES:
            yield target, ALL, [place for place, (named, _) in enumerate(cells) if named == target]

    def _moves(self) -> Iterator[Score]:
        """Give the share of right directions, that of "falls" on the same, and what lies between."""
        steps = [(step, [step - 1]) for step in range(1, self._gathered.horizon + 1)]
        for step, places in [*steps, (ALL, list(range(self._gathered.horizon)))]:
            for number, model in enumerate(self._gathered.models):
                part = self._directions[:, places, number].sum(axis=1)
                right, falls, judged = (part[:, which] for which in (RIGHT, FALLS, JUDGED))
                for name, found, against in (
                    ("direction", share(right, judged, self._chance), ""),
                    ("falls", share(falls, judged, self._chance), ""),
                    ("direction", difference(right, falls, judged, self._chance), "falls"),
                ):
                    if found is not None:
                        yield Score(model=model, target=MID, step=step, score=name, against=against, estimate=found)

    def _probabilities(self) -> Iterator[Score]:
        models, counts = self._gathered.models, self._counts[:, -1]
        market = models.index(LAST_VALUE)
        for number, model in enumerate(models):
            for place, name in enumerate(("brier", "log")):
                own, market_own = self._results[:, number, place], self._results[:, market, place]
                if (found := share(own, counts, self._chance)) is not None:
                    yield Score(model=model, target=RESULT, step=ALL, score=name, estimate=found)
                if number != market and (found := difference(own, market_own, counts, self._chance)) is not None:
                    yield Score(model=model, target=RESULT, step=ALL, score=name, against=LAST_VALUE, estimate=found)
            for bin_ in range(BINS):
                part = self._bins[:, number, bin_]
                for which, name in ((SAID, "reliability_said"), (CAME, "reliability_came")):
                    if (found := share(part[:, which], part[:, SEEN], self._chance)) is not None:
                        end = (bin_ + 1) / BINS
                        yield Score(model=model, target=RESULT, step=ALL, score=name, level=end, estimate=found)


def find(
    scores: Sequence[Score], model: str, score: str, *, target: str = MID, step: int = ALL, against: str = ""
) -> Estimate | None:
    """Return the estimate of one score that has no level; None where there is none."""
    for one in scores:
        if (one.model, one.score, one.target, one.step, one.against) == (model, score, target, step, against):
            return one.estimate
    return None


def clusters_words(count: int) -> str:
    """Say how many clusters."""
    return "one cluster" if count == 1 else f"{count} clusters"


def verdict(scores: Sequence[Score], model: str, other: str) -> str:
    """Say in one sentence whether a model beats another, by the CRPS over all steps; the last value, by the MAE.

    The last value claims to be certain, so that any spread has less CRPS: only the point can be compared with it. A
    model must be better on the middle and on the ask, each by its interval: the middle leaves out what lost its bid,
    and who is better on what is left over only is not better.
    """
    name = _NAMES.get(other, other)
    found = [_compared_words(scores, model, other, target) for target in DECIDING]
    beats = all(better for better, _ in found)
    return f"{model} {'beats' if beats else 'does not beat'} {name}: {'; '.join(words for _, words in found)}."


def _compared_words(scores: Sequence[Score], model: str, other: str, target: str) -> tuple[bool, str]:
    """Tell whether a model is better on a target, and in which words."""
    loss = "mae" if other == LAST_VALUE else "crps"
    found = find(scores, model, loss, target=target, against=other)
    own, theirs = (find(scores, one, loss, target=target) for one in (model, other))
    if found is None or own is None or theirs is None:
        return False, f"on the {target} there is nothing to judge"
    figures = f"{loss.upper()} {own.mean:.3f}c against {theirs.mean:.3f}c"
    on = f"{found.count:,} prices in {clusters_words(found.cluster_count)}"
    if found.low is None or found.high is None:
        few = f"as good as {found.effective_clusters:.0f} equal ones"
        why = "nearly all of which say the same" if enough(found.effective_clusters) else few
        return False, f"on the {target} there is not enough data ({figures}; {on}, {why})"
    word = "it is better" if found.high < 0 else "it is worse" if found.low > 0 else "no difference is seen"
    interval = f"{found.mean:+.3f}c [{found.low:+.3f}, {found.high:+.3f}]"
    return found.high < 0, f"on the {target} {word} ({figures}, {interval}; {on})"
