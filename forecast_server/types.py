"""What the forecast server works with: questions in, outcomes out. Pure.

Thousands of these are made per scan. Making a frozen dataclass costs four times as much as a plain one, and naming the
arguments three times as much as not: what exists once per history is plain, is made by position on the hot path, and
nobody changes it all the same.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, IntEnum

import numpy as np
from numpy.typing import NDArray

from mesh.errors import FieldViolation

FLOAT32 = np.dtype("<f4")
"""What arrays of prices hold, on every machine as on the wire."""


class Purpose(Enum):
    """What an answer will be used for."""

    RESEARCH = "research"
    PAPER = "paper"
    LIVE = "live"


class Direction(IntEnum):
    """Where the YES price is forecast to go. Numbered as in the contract, as the next two are."""

    UP = 1
    DOWN = 2


class Confidence(IntEnum):
    """How much a signal is trusted, by the policy's rule."""

    LOW = 1
    MEDIUM = 2
    MEDIUM_HIGH = 3
    HIGH = 4


class NoForecastReason(Enum):
    """Why a valid history has no forecast."""

    TOO_SHORT = "too_short"
    NO_FINITE_POINT = "no_finite_point"
    CONSTANT = "constant"
    CLOSES_BEFORE_FIRST_STEP = "closes_before_first_step"
    STALE = "stale"


class ExpiredReason(Enum):
    """Why an input was not computed."""

    USEFUL_UNTIL = "useful_until"
    SUPERSEDED = "superseded"
    DRAINING = "draining"
    UNREAD = "unread"


class Degradation(IntEnum):
    """What made an answer less than it could be."""

    INTERPOLATED = 1
    HISTORY_CUT = 2
    HORIZON_CUT = 3
    AGE_UNKNOWN = 4
    STALE = 5
    QUANTILES_INTERPOLATED = 6
    CANARY_DRIFT = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a call wants to know about each of its histories."""

    horizon_steps: int
    step: timedelta
    purpose: Purpose
    quantile_levels: tuple[float, ...]
    """Ascending, strictly between 0 and 1."""
    useful_until: datetime | None = None
    """When the answer stops being worth anything; None is never."""
    max_data_age: timedelta | None = None
    """Older data gets no forecast; None is any age."""
    bypass_cache: bool = False
    min_magnitude_cents: float = 0.0
    drop_levels_cents: tuple[float, ...] = ()
    signals: bool = True
    """Judge the forecasts; else give them raw."""


@dataclass(slots=True)
class History:
    """The past of one market, as it arrived: its values are not checked yet."""

    index: int
    """Position among the inputs of the call."""
    market_ticker: str
    series_ticker: str
    closes: NDArray[np.float32]
    """[points], cents, oldest first; NaN is a step without a price."""
    current_price_cents: float
    last_candle_time: datetime | None = None
    close_time: datetime | None = None
    priority: int = 0


@dataclass(slots=True)
class Ready:
    """A history that a model can take."""

    history: History
    series: NDArray[np.float32]
    """[points], cents, finite."""
    horizon_steps: int
    """Steps until the horizon or the market's close."""
    data_age: timedelta | None
    interpolated_share: float
    degraded: tuple[Degradation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What all answers to one call share."""

    model: str
    """`name@digest`."""
    levels: tuple[float, ...]
    """Of the quantiles, ascending."""
    degraded: tuple[Degradation, ...]
    """What makes all of them less than they could be."""
    policy_version: str
    """Empty where no policy is asked."""
    policy_digest: str
    """First characters of the policy file's digest; empty where no policy is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """Bounds of the probability that YES ends at least `cents` lower."""

    cents: float
    lower: float
    upper: float


@dataclass(slots=True)
class Forecast:
    """A forecast within 0 and 100 cents, quantiles in order."""

    ready: Ready
    """What it was made of."""
    digest: str
    """Equal digests mean equal forecasts."""
    mean: NDArray[np.float32]
    """[steps], cents."""
    quantiles: NDArray[np.float32]
    """[steps, levels], cents."""
    end: NDArray[np.float32]
    """[the model's own levels], cents: quantiles of the last step."""
    cached: bool = False
    """It was made before, of equal inputs."""


@dataclass(slots=True)
class Signal:
    """A forecast that moves far enough from the current price."""

    forecast: Forecast
    direction: Direction
    magnitude_cents: float
    confidence: Confidence
    mean_cents: float
    """Mean of the point path over the horizon."""
    take_profit_cents: float
    stop_loss_cents: float
    drops: tuple[Drop, ...]


@dataclass(slots=True)
class BelowThreshold:
    """A forecast that moves too little to be a signal."""

    magnitude_cents: float
    forecast: Forecast


@dataclass(frozen=True, slots=True)
class NoForecast:
    """A valid history of which no forecast can be made."""

    reason: NoForecastReason


@dataclass(frozen=True, slots=True)
class Rejected:
    """A history that breaks its rules."""

    problems: tuple[FieldViolation, ...]


@dataclass(frozen=True, slots=True)
class Expired:
    """An input that was not computed, because nobody would have used the answer."""

    reason: ExpiredReason


@dataclass(frozen=True, slots=True)
class Failed:
    """An input that the server failed to compute."""

    error_id: str


Verdict = Forecast | Signal | BelowThreshold | NoForecast | Rejected | Expired | Failed


Outcome = tuple[int, str, Verdict]
"""What became of one input: its index, its market's ticker, the verdict."""
