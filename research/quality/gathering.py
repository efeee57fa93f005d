"""Scores of several models on the same forecasts, summed by what wins and loses together. Pure.

Models are compared where all of them have a forecast and something came: a model that says nothing about the hard cases
is no better for it. Beside them stands `LAST_VALUE`, which says that the price stays where it is, for certain.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from research.quality import scores
from research.quality.came import Came
from research.quality.scores import Doubles
from research.quality.targets import MID, PRICES, RESULT
from research.types import Floats, Ints

Truths = NDArray[np.bool_]

LAST_VALUE: Final = "last-value"
"""Of each price that at the time, as `Targets.now` has it; for the result it is the market's middle, always."""
BINS: Final = 10
"""Of probabilities, of equal width."""
RIGHT, FALLS, JUDGED = range(3)
"""Of directions: those that were right, those that "falls" would have got right, and how many there were."""
SAID, CAME, SEEN = range(3)
"""Of probabilities: sums of what was said and of what came, and how many there were."""
_MID: Final = PRICES.index(MID)
_AT_ONCE: Final = 4_000_000  # figures in memory, 32 MB


@dataclass(frozen=True, slots=True)
class Quantities:
    """What is summed for every forecast, in this order: names, and the level or claim that each belongs to."""

    names: tuple[str, ...]
    levels: tuple[float | None, ...]

    @classmethod
    def of(cls, levels: Sequence[float]) -> "Quantities":
        """List them."""
        claims = [claim for *_, claim in scores.central(levels)]
        ends = [*levels, 1.0]
        parts: list[tuple[str, float | None]] = [
            ("mae", None),
            ("crps", None),
            *(("pinball", level) for level in levels),
            *(("coverage", claim) for claim in claims),
            *(("width", claim) for claim in claims),
            *(("pit", end) for end in ends),
        ]
        return cls(tuple(name for name, _ in parts), tuple(level for _, level in parts))


class _Page(NamedTuple):
    """Forecasts that are judged, in the order of questions, then of cells."""

    rows: Ints
    """[forecasts] places of their questions."""
    cells: Ints
    came: Doubles
    """[forecasts] cents of YES."""
    present: Doubles
    """[forecasts] what each price was when it was asked."""
    said: list[Doubles]
    """Of each model [forecasts, 1 + levels], the point first."""


@dataclass(slots=True)
class Sums:
    """Of one cluster; the cells are those of `Gathering.cells`, models those of `Gathering.models`."""

    counts: Doubles
    """[cells] forecasts that were judged."""
    values: Doubles
    """[cells, models, quantities]."""
    directions: Doubles
    """[horizon, models, 3] of the middle."""
    results: Doubles
    """[models, 2] Brier and log score of the result."""
    bins: Doubles
    """[models, bins, 3] of probabilities of the result."""


class Gathering:
    """Takes in events as they come; what it holds grows with days, not with forecasts.

    Args:
        names: Of the models, without `LAST_VALUE`, which becomes the first.
        levels: Of their quantiles.
        horizon: Steps.
    """

    def __init__(self, names: Sequence[str], levels: Sequence[float], horizon: int) -> None:
        self.models = (LAST_VALUE, *names)
        self.levels, self.horizon = tuple(levels), horizon
        self.quantities = Quantities.of(levels)
        self.cells = [*((target, step) for target in PRICES for step in range(1, horizon + 1)), (RESULT, 0)]
        self.clusters: dict[str, Sums] = {}
        self.missing: Counter[str] = Counter()
        """What could not be judged, by why: steps of questions, whether or not they were forecast."""
        self.results: Counter[str] = Counter()
        """Markets judged by their result, by where it comes from."""
        self.questions = self.shared = self.alone = 0
        """Questions, those of them that all models forecast, and those that only some did."""

    def add(self, came: Came, fans: Sequence[Floats]) -> None:
        """Judge what was said of an event.

        Args:
            came: What came of it.
            fans: Of each model, as `research.quality.fans.Fans` gives them.
        """
        spoke: Truths = np.array([np.any(np.isfinite(one[:, :, 0]), axis=1) for one in fans])
        self.questions += len(came.cells)
        self.shared += int(spoke.all(axis=0).sum())
        self.alone += int((spoke.any(axis=0) & ~spoke.all(axis=0)).sum())
        self.missing.update(came.missing)
        sums = self._sums(came.cluster)
        paid: set[int] = set()
        for rows in self._pages(len(came.cells)):
            page = self._judged(came.cells[rows], came.now[rows], came.last[rows], [one[rows] for one in fans])
            self._add_prices(sums, page)
            self._add_directions(sums, page)
            self._add_results(sums, page)
            paid.update(came.markets[rows][page.rows[page.cells == len(self.cells) - 1]].tolist())
        self.results.update(came.origins[place] for place in paid)

    def _sums(self, cluster: str) -> Sums:
        many, cells = len(self.models), len(self.cells)
        return self.clusters.setdefault(
            cluster,
            Sums(
                counts=np.zeros(cells),
                values=np.zeros((cells, many, len(self.quantities.names))),
                directions=np.zeros((self.horizon, many, 3)),
                results=np.zeros((many, 2)),
                bins=np.zeros((many, BINS, 3)),
            ),
        )

    def _pages(self, questions: int) -> Iterator[slice]:
        """Cut questions so that what is computed of them at once does not grow with the horizon."""
        step = max(1, _AT_ONCE // (len(self.cells) * len(self.models) * len(self.quantities.names)))
        return (slice(begin, begin + step) for begin in range(0, questions, step))

    def _judged(self, cells: Doubles, now: Doubles, last: Ints, fans: Sequence[Floats]) -> _Page:
        """Pick out what came about and all models forecast; `last` is the place of the last step."""
        many = len(PRICES) * self.horizon
        whole: Truths = np.logical_and.reduce([np.isfinite(one).all(axis=2) for one in fans])
        known = np.isfinite(now)
        judged = np.isfinite(cells)
        judged[:, :many] &= np.tile(whole, len(PRICES)) & np.repeat(known, self.horizon, axis=1)
        judged[:, many] &= whole[np.arange(len(last)), last] & known[:, _MID]
        rows, places = np.nonzero(judged)
        closing = places == many
        steps = np.where(closing, last[rows], places % self.horizon)
        present = now[rows, np.where(closing, _MID, places // self.horizon)]
        # Level by level in memory: sums are over forecasts.
        said = [np.broadcast_to(present, (1 + len(self.levels), len(rows))).T]
        said += [np.array(one[rows, steps].T, np.float64, order="C").T for one in fans]
        return _Page(rows, places, cells[rows, places], present, said)

    def _add_prices(self, sums: Sums, page: _Page) -> None:
        sums.counts += np.bincount(page.cells, minlength=len(self.cells))
        for model, said in enumerate(page.said):
            for number, found in enumerate(self._quantities(said[:, 0], said[:, 1:], page.came)):
                sums.values[:, model, number] += np.bincount(page.cells, found, len(self.cells))

    def _quantities(self, point: Doubles, fan: Doubles, came: Doubles) -> Iterator[Doubles]:
        """Give each of `self.quantities`, of every forecast."""
        losses = scores.pinball(fan, self.levels, came)
        yield np.abs(point - came)
        yield scores.crps(losses, self.levels)
        yield from losses.T
        yield from scores.covered(fan, self.levels, came).T
        yield from (fan[:, high] - fan[:, low] for low, high, _ in scores.central(self.levels))
        yield from scores.pit(fan, self.levels, came).T

    def _add_directions(self, sums: Sums, page: _Page) -> None:
        middle = page.cells // self.horizon == _MID
        steps, present, came = page.cells[middle] % self.horizon, page.present[middle], page.came[middle]
        for model, said in enumerate(page.said):
            right, falls = scores.direction(said[middle, 0], present, came)
            moved = np.isfinite(right)
            for number, each in enumerate((right, falls, np.ones_like(right))):
                sums.directions[:, model, number] += np.bincount(steps[moved], each[moved], self.horizon)

    def _add_results(self, sums: Sums, page: _Page) -> None:
        """Add the probabilities: what was said of a price is what was said of the result."""
        closing = page.cells == len(self.cells) - 1
        came = page.came[closing, None] / 100
        said = np.clip(np.column_stack([each[closing, 0] for each in page.said]) / 100, 0.0, 1.0)
        sums.results[:, 0] += scores.brier(said, came).sum(axis=0)
        sums.results[:, 1] += scores.log_score(said, came).sum(axis=0)
        places = np.minimum((said * BINS).astype(int), BINS - 1)
        for bin_ in range(BINS):
            inside = places == bin_
            for number, each in enumerate((said, came, np.ones_like(said))):
                sums.bins[:, bin_, number] += np.where(inside, each, 0.0).sum(axis=0)
