"""What came about after all questions of an event, and kept on disk until all have spoken: a file that is written once.

So a recording is read once for whoever speaks first, and not again to judge what was said.
"""

import pickle
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np

from research.digest import DataDigest
from research.quality.scores import Doubles
from research.quality.targets import PRICES, targets
from research.types import Ints, RecordedEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """Of an event. Questions are in the order of markets, then of candles."""

    cluster: str
    """What wins and loses with it."""
    cells: Doubles
    """[questions, prices by steps and the result] cents of YES, as `Gathering.cells` has them."""
    now: Doubles
    """[questions, prices] what each was when it was asked."""
    last: Ints
    """[questions] place of the last step."""
    markets: Ints
    """[questions] places of their markets."""
    origins: tuple[str, ...]
    """[markets] where the result comes from; empty where nobody knows it."""
    missing: Counter[str]
    """What could not be judged, by why: steps of questions."""


def came_of(event: RecordedEvent, horizon: int) -> Came:
    """Look up what came of an event; `horizon` is the steps that were asked for."""
    missing = Counter[str]()
    found = [targets(market, horizon, missing) for market in event.markets]
    # Where the market has no middle there is nothing to hold a forecast of the result against.
    results = [np.where(np.isnan(one.middle), np.nan, one.result) for one in found]
    return Came(
        cluster=f"{event.series_ticker} {event.day}",
        cells=np.vstack(
            [
                np.hstack([*(one.prices[target] for target in PRICES), result[:, None]])
                for one, result in zip(found, results, strict=True)
            ]
        ),
        now=np.vstack([np.column_stack([one.now[target] for target in PRICES]) for one in found]),
        last=np.maximum(np.concatenate([one.steps for one in found]) - 1, 0),
        markets=np.repeat(np.arange(len(found)), [len(one.steps) for one in found]),
        origins=tuple("" if market.outcome is None else market.outcome.origin.value for market in event.markets),
        missing=missing,
    )


class CameFile:
    """What came of events, one after the other; a context manager that closes the file.

    Args:
        path: A new file.
        horizon: Steps that were asked for.
    """

    def __init__(self, path: Path, horizon: int) -> None:
        self._file, self._horizon = path.open("xb+"), horizon
        self.events = self.markets = 0
        """That were kept."""
        self.digest = DataDigest()

    def __enter__(self) -> "CameFile":
        """Give itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._file.close()

    def put(self, event: RecordedEvent) -> None:
        """Keep what came of an event. Raises OSError where the disk refuses."""
        pickle.dump(came_of(event, self._horizon), self._file, protocol=pickle.HIGHEST_PROTOCOL)
        self.events += 1
        self.markets += len(event.markets)
        self.digest.add(event)

    def read(self) -> Iterator[Came]:
        """Give what was kept, in the order in which it was."""
        self._file.seek(0)
        for _ in range(self.events):
            yield pickle.load(self._file)  # noqa: S301  # it comes from ourselves
