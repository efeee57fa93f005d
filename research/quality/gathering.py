"""Scores of several models on the same forecasts, summed by what wins and loses together. Pure.

Models are compared where all of them have a forecast and something came: a model that says nothing about the hard cases
is no better for it. Beside them stands `LAST_VALUE`, which says that the price stays where it is, for certain.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from research.quality import scores
from research.quality.scores import Doubles
from research.quality.targets import MID, PRICES, RESULT, Targets, targets
from research.types import Floats, Ints, RecordedEvent

Truths = NDArray[np.bool_]

LAST_VALUE: Final = "last-value"
"""Of each price that at the time, as `Targets.now` has it; for the result it is the market's middle, always."""
BINS: Final = 10
"""Of probabilities, of equal width."""
RIGHT, FALLS, JUDGED = range(3)
"""Of directions: those that were right, those that "falls" would have got right, and how many there were."""
SAID, CAME, SEEN = range(3)
"""Of probabilities: sums of what was said and of what came, and how many there were."""
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

    def add(self, event: RecordedEvent, fans: Sequence[Floats]) -> None:
        """Judge what was said of an event.

        Args:
            event: With what came.
            fans: Of each model, as `research.quality.fans.Fans` gives them.
        """
        came = [targets(market, self.horizon, self.missing) for market in event.markets]
        cells = np.vstack([self._cells(one) for one in came])
        now = {target: np.concatenate([one.now[target] for one in came]) for target in PRICES}
        last = np.maximum(np.concatenate([one.steps for one in came]) - 1, 0)
        spoke: Truths = np.array([np.any(np.isfinite(one[:, :, 0]), axis=1) for one in fans])
        self.questions += len(cells)
        self.shared += int(spoke.all(axis=0).sum())
        self.alone += int((spoke.any(axis=0) & ~spoke.all(axis=0)).sum())
        sums = self._sums(f"{event.series_ticker} {event.day}")
        places = np.repeat(np.arange(len(came)), [len(one.steps) for one in came])
        paid: set[int] = set()
        for rows in self._pages(len(cells)):
            said = self._said(
                {target: one[rows] for target, one in now.items()}, last[rows], [one[rows] for one in fans]
            )
            judged = np.isfinite(cells[rows]) & np.isfinite(said).all(axis=(2, 3))
            self._add_prices(sums, cells[rows], said, judged)
            self._add_directions(sums, cells[rows], said, now[MID][rows], judged)
            self._add_results(sums, cells[rows, -1] / 100, said[:, -1, :, 0] / 100, judged[:, -1])
            paid.update(places[rows][judged[:, -1]].tolist())
        for place in paid:
            outcome = event.markets[place].outcome
            self.results["" if outcome is None else outcome.origin.value] += 1

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

    def _cells(self, one: Targets) -> Doubles:
        """[questions, cells] what came."""
        # Where the market has no middle there is nothing to hold a forecast of the result against.
        result = np.where(np.isnan(one.middle), np.nan, one.result)
        return np.hstack([*(one.prices[target] for target in PRICES), result[:, None]])

    def _pages(self, questions: int) -> Iterator[slice]:
        """Cut questions so that what is computed of them at once does not grow with the horizon."""
        step = max(1, _AT_ONCE // (len(self.cells) * len(self.models) * len(self.quantities.names)))
        return (slice(begin, begin + step) for begin in range(0, questions, step))

    def _said(self, now: Mapping[str, Doubles], last: Ints, fans: Sequence[Floats]) -> Doubles:
        """[questions, cells, models, 1 + levels] what was forecast; `last` is the place of the last step."""
        by_price = [
            np.stack([np.broadcast_to(now[target][:, None, None], fans[0].shape), *fans], axis=2) for target in PRICES
        ]
        at_close = by_price[PRICES.index(MID)][np.arange(len(last)), last][:, None]
        return np.concatenate([*by_price, at_close], axis=1)

    def _add_prices(self, sums: Sums, cells: Doubles, said: Doubles, judged: Truths) -> None:
        value, point, fan = cells[:, :, None], said[..., 0], said[..., 1:]
        losses = scores.pinball(fan, self.levels, value)
        widths = [fan[..., high] - fan[..., low] for low, high, _ in scores.central(self.levels)]
        found = np.concatenate(
            [
                np.abs(point - value)[..., None],
                scores.crps(losses, self.levels)[..., None],
                losses,
                scores.covered(fan, self.levels, np.broadcast_to(value, point.shape)),
                *(width[..., None] for width in widths),
                scores.pit(fan, self.levels, np.broadcast_to(value, point.shape)),
            ],
            axis=-1,
        )
        sums.values += np.where(judged[:, :, None, None], found, 0.0).sum(axis=0)
        sums.counts += judged.sum(axis=0)

    def _add_directions(self, sums: Sums, cells: Doubles, said: Doubles, now: Doubles, judged: Truths) -> None:
        start = PRICES.index(MID) * self.horizon
        place = slice(start, start + self.horizon)
        right, falls = scores.direction(said[:, place, :, 0], now[:, None, None], cells[:, place, None])
        counted = judged[:, place, None] & np.isfinite(right)
        for number, each in enumerate((right, falls, np.ones_like(right))):
            sums.directions[..., number] += np.where(counted, each, 0.0).sum(axis=0)

    def _add_results(self, sums: Sums, came: Doubles, said: Doubles, judged: Truths) -> None:
        """Add the probabilities: what was said of a price is what was said of the result."""
        came, said = came[judged, None], np.clip(said[judged], 0.0, 1.0)
        sums.results[:, 0] += scores.brier(said, came).sum(axis=0)
        sums.results[:, 1] += scores.log_score(said, came).sum(axis=0)
        places = np.minimum((said * BINS).astype(int), BINS - 1)
        for bin_ in range(BINS):
            inside = places == bin_
            for number, each in enumerate((said, came, np.ones_like(said))):
                sums.bins[:, bin_, number] += np.where(inside, each, 0.0).sum(axis=0)
