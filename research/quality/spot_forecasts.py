"""What the spot says of recorded markets at every candle, told as a model's answers are, so that it is judged as one.

It is known only of series of which it is known what they settle by: by what an index says at the close, or over the
last minute. A daily high is neither.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from mesh.errors import InvalidInput
from mesh.types import DOLLAR
from research.quality.spot import SpotPath, fan, volatility
from research.questions import QuestionPlan
from research.scanning import Tally
from research.strikes import Strikes
from research.types import Answers, Fan, Key, RecordedEvent, RecordedMarket, Unsaid


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """What the markets of a series settle by."""

    averaged_seconds: int
    """The mean of so much before the close; 0 is the last price."""
    longest_seconds: int | None
    """So long before the close the underlying trades without a break; None is always."""
    about: str


_MINUTE: Final = Settling(averaged_seconds=60, longest_seconds=None, about="the mean of the minute before the close")
_CLOSE: Final = Settling(averaged_seconds=0, longest_seconds=23_400, about="the last price of the day's session")
SETTLING: Final[Mapping[str, Settling]] = MappingProxyType(
    dict.fromkeys(("KXBTC", "KXBTCD", "KXBTC15M", "KXETH", "KXETHD", "KXETH15M"), _MINUTE)
    | dict.fromkeys(("INXD", "KXINX"), _CLOSE)
)
"""By series."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """The path of an underlying, as far as it was recorded."""

    source: str
    path: SpotPath
    settling: Settling


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotSeen:
    """How it stands to what came."""

    source: str
    settles: str
    """What the markets settle by, in words."""
    agreed: int
    compared: int
    """Markets with a known result whose settling number the path has."""


def spot_of(path: SpotPath, series: str, source: str) -> Spot:
    """Return the spot of a series.

    Args:
        path: Of its underlying.
        series: Ticker.
        source: Where the path comes from.

    Raises:
        InvalidInput: `SPOT_SERIES_UNKNOWN`: it is not known to settle by a spot.
    """
    if series not in SETTLING:
        known = ", ".join(SETTLING)
        raise InvalidInput(f"{series} is not known to settle by a spot: {known} are", reason="SPOT_SERIES_UNKNOWN")
    return Spot(source=source, path=path, settling=SETTLING[series])


class SpotForecaster:
    """Forecasts markets by the spot.

    Args:
        spot: The underlying.
        plan: What is asked of every market.
        levels: Of the quantiles.
    """

    def __init__(self, spot: Spot, plan: QuestionPlan, levels: Sequence[float]) -> None:
        self.tally = Tally()
        self._spot, self._plan, self._levels = spot, plan, tuple(levels)
        self._agreed = self._compared = 0

    def answers(self, event: RecordedEvent) -> Answers:
        """Answer all questions about an event; nothing depends on what came later."""
        found: dict[Key, Unsaid] = {}
        for market in event.markets:
            found |= self._of(market)
        for said in found.values():
            self.tally.questions += 1
            if said.fan is None:
                self.tally.unsaid[said.reason] += 1
        return found

    def seen(self) -> SpotSeen:
        """Say how the path stood to the results so far."""
        return SpotSeen(
            source=self._spot.source,
            settles=self._spot.settling.about,
            agreed=self._agreed,
            compared=self._compared,
        )

    def _of(self, market: RecordedMarket) -> dict[Key, Unsaid]:
        ticker, ends, strikes = market.terms.ticker, market.decisions.ends, market.strikes
        if strikes is None:
            return {(ticker, end): Unsaid("strikes_unknown") for end in ends.tolist()}
        close = int(market.terms.close_time.timestamp())
        self._compare(market, strikes, close)
        now, moves = self._spot.path.at(ends), volatility(self._spot.path, ends)
        asked = zip(ends.tolist(), now.tolist(), moves.tolist(), strict=True)
        return {(ticker, end): self._said(strikes, close - end, spot, move) for end, spot, move in asked}

    def _said(self, strikes: Strikes, left: int, spot: float, move: float) -> Unsaid:
        settling, step = self._spot.settling, round(self._plan.step.total_seconds())
        for reason, so in {
            "no_step_left": left < step,
            "averaging_begun": left < settling.averaged_seconds,
            "before_the_session": settling.longest_seconds is not None and left > settling.longest_seconds,
            "spot_not_known": np.isnan(spot),
            "volatility_not_known": not move > 0,
        }.items():
            if so:
                return Unsaid(reason)
        ahead = np.arange(1, min(left // step, self._plan.horizon_steps) + 1) * step
        path, quantiles = fan(
            strikes, spot, move, left=left, averaged=settling.averaged_seconds, ahead=ahead, levels=self._levels
        )
        said = Fan(
            path_cents=path,
            quantiles_cents=quantiles,
            levels=self._levels,
            model=self._spot.source,
            input_digest="",
        )
        return Unsaid("no_signal", said)

    def _compare(self, market: RecordedMarket, strikes: Strikes, close: int) -> None:
        """Hold the result against that by the path."""
        number = self._spot.path.mean(close, self._spot.settling.averaged_seconds)
        if market.outcome is None or np.isnan(number) or market.outcome.yes_value not in {0, DOLLAR}:
            return
        self._compared += 1
        self._agreed += strikes.answer(number) == (market.outcome.yes_value == DOLLAR)
