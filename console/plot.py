"""A market's recent past and its forecast as a small picture for a terminal."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import plotext
from numpy.typing import NDArray

HEIGHT = 13
MIN_WIDTH = 40
_PAST_PER_STEP = 4
"""Steps of the past shown for each forecast step: the fan takes a fifth of the width."""
_MIN_PAST = 24
_MARGIN_CENTS = 2.0
_DENSE = 160
"""Columns at which the band is drawn; more than a terminal has."""
_HISTORY, _ALONE, _MEAN, _BAND, _CURRENT = "braille", "⠒", "•", "░", "◆"
KEY = f"{_ALONE} recorded closes   {_CURRENT} current price   {_MEAN} forecast mean   {_BAND} 10 to 90 % of outcomes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fan:
    """A forecast from one step ahead on, in cents, all [steps]."""

    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    """10 % quantile."""
    high: NDArray[np.float64]
    """90 % quantile."""


def draw(
    title: str,
    closes_cents: NDArray[np.float32],
    current_cents: float,
    fan: Fan,
    *,
    step: timedelta,
    width: int = 80,
) -> str:
    """Draw the last closes, the current price and the fan; lines are at most `width` columns, colours are ANSI codes.

    The line breaks where a close is missing. The fan opens at the current price, which it is compared with.
    """
    ahead = len(fan.mean)
    past = closes_cents[-max(_MIN_PAST, _PAST_PER_STEP * ahead) - 1 :].astype(np.float64)
    figure = plotext.figure
    plotext.terminal.limit(False, False)  # the size is the caller's word, not what standard output is
    figure.clear.all()
    figure.theme("colorless")  # the terminal's own colours; the default theme paints a background
    figure.plot_size(max(width, MIN_WIDTH), HEIGHT)
    figure.title(title[: max(width, MIN_WIDTH) - 4])
    _band(figure, current_cents, fan)
    _line(figure, past)
    figure.draw(
        figure.signal(list(range(1, ahead + 1)), fan.mean.tolist(), marker=plotext.marker(_MEAN, "yellow")).lines()
    )
    figure.draw(figure.signal([0], [current_cents], marker=plotext.marker(_CURRENT, "magenta")))
    _rulers(figure, past, current_cents, fan, step)
    picture: str = figure.build().string()
    figure.clear.all()
    return "\n".join(line.rstrip() for line in picture.rstrip("\n").split("\n"))


def _band(figure: plotext.figure, current: float, fan: Fan) -> None:
    steps = np.arange(len(fan.mean) + 1)
    dense = np.linspace(0, steps[-1], _DENSE)
    low, high = (np.interp(dense, steps, np.concatenate(([current], edge))) for edge in (fan.low, fan.high))
    marker = plotext.marker(_BAND, "blue")
    edge = figure.signal(dense.tolist(), low.tolist(), marker=marker)
    figure.draw(figure.signal(dense.tolist(), high.tolist(), marker=marker).fill(edge))


def _line(figure: plotext.figure, past: NDArray[np.float64]) -> None:
    known = np.flatnonzero(~np.isnan(past))
    if not len(known):
        return
    places = known - len(past) + 1
    line = figure.signal(places.tolist(), past[known].tolist(), marker=plotext.marker(_HISTORY, "cyan")).lines()
    broken = np.diff(known) > 1
    for place in np.flatnonzero(broken):
        line.line(int(place) + 1, active=False)
    figure.draw(line)
    alone = np.concatenate(([True], broken)) & np.concatenate((broken, [True]))
    if alone.any():  # no line reaches them, and one dot of braille is easily missed
        marker = plotext.marker(_ALONE, "cyan")
        figure.draw(figure.signal(places[alone].tolist(), past[known[alone]].tolist(), marker=marker))


def _rulers(figure: plotext.figure, past: NDArray[np.float64], current: float, fan: Fan, step: timedelta) -> None:
    ahead = len(fan.mean)
    x = figure.ruler("x", 0)
    x.lim(1 - len(past), ahead)
    back = np.unique(np.linspace(1 - len(past), 0, 4).round().astype(int))[:-1]
    places = [*back.tolist(), 0, ahead]
    x.ticks(places, ["now" if place == 0 else _span(place * step) for place in places])
    values = np.concatenate((past[~np.isnan(past)], fan.low, fan.high, [current]))
    lowest, highest = max(0.0, values.min() - _MARGIN_CENTS), min(100.0, values.max() + _MARGIN_CENTS)
    y = figure.ruler("y", 0)
    y.lim(lowest, highest)
    levels = np.linspace(lowest, highest, 4)
    y.ticks(levels.tolist(), [f"{level:.0f} c" for level in levels])


def _span(span: timedelta) -> str:
    """Say how far from the last candle: `-18 h`, `+6 h`."""
    seconds = span.total_seconds()
    units: Sequence[tuple[str, int]] = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    name, size = next((unit for unit in units if abs(seconds) >= 2 * unit[1] or unit[1] == 1), units[-1])
    return f"{seconds / size:+.0f} {name}" if seconds % size == 0 else f"{seconds / size:+.1f} {name}"
