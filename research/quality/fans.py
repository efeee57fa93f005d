"""What one model said, kept on disk between asking it and judging it beside others: a file that is written once."""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import numpy as np

from mesh.errors import NotReady
from research.types import Answers, Fan, Floats, Forecasted, RecordedEvent


class Fans:
    """The point paths and quantiles of a model, event by event; a context manager that closes the file.

    Args:
        path: A new file.
        horizon: Steps that were asked for.
    """

    def __init__(self, path: Path, horizon: int) -> None:
        self._file, self._horizon = path.open("xb+"), horizon
        self.events = 0
        """That were kept."""
        self.levels: tuple[float, ...] = ()
        """Of the quantiles; empty as long as nothing was forecast."""
        self.model = ""
        """Name and beginning of the weights' digest."""
        self.forecasts = 0

    def __enter__(self) -> "Fans":
        """Give itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._file.close()

    def put(self, event: RecordedEvent, answers: Answers) -> None:
        """Keep what was said of an event. Raises NotReady where levels differ, OSError where the disk refuses."""
        keys = [(market.terms.ticker, end) for market in event.markets for end in market.decisions.ends.tolist()]
        found: dict[int, Forecasted | Fan] = {}
        for place, key in enumerate(keys):
            said = answers[key]
            fan = said if isinstance(said, Forecasted) else said.fan
            if fan is None:
                continue
            if self.levels and fan.levels != self.levels:
                raise NotReady(f"{fan.model} forecasts other quantiles than before", reason="LEVELS_DIFFER")
            self.levels, self.model = fan.levels, fan.model
            found[place] = fan
        fans = np.full((len(keys), self._horizon, 1 + len(self.levels)), np.nan, np.float32)
        for place, fan in found.items():
            steps = min(len(fan.path_cents), self._horizon)
            fans[place, :steps, 0] = fan.path_cents[:steps]
            fans[place, :steps, 1:] = fan.quantiles_cents[:steps]
        self.forecasts += len(found)
        self.events += 1
        np.save(self._file, fans)

    def read(self) -> Iterator[Floats]:
        """Give what was kept, in the order in which it was.

        Each is [questions, horizon, 1 + levels] in cents of YES, the point first; NaN where nothing was said. Questions
        are in the order of markets, then of candles.
        """
        self._file.seek(0)
        for _ in range(self.events):
            fans = np.load(self._file)
            if fans.shape[2] == 1 + len(self.levels):
                yield fans
            else:  # of before the first forecast
                yield np.full((*fans.shape[:2], 1 + len(self.levels)), np.nan, np.float32)
