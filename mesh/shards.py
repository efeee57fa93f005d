"""Shards: what collection is counted in, and what is said of their files. Pure.

A shard is the candles of one event of one series at one candle step. Its words are those of the coordinator's contract
(`protos/foremesh/coordinator/v1`): epoch, commit, hole.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Self

STEPS = {60: "1m", 3600: "60m", 86400: "1d"}
"""Candle steps in seconds, as the exchange offers them, and how they are written."""
_TICKER = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,63}")


def is_ticker(text: str) -> bool:
    """Tell whether a text can be a ticker, and so a name of a file or folder."""
    return _TICKER.fullmatch(text) is not None


@dataclass(frozen=True, slots=True, order=True)
class ShardKey:
    """Names a shard; written `KXHIGHNY/KXHIGHNY-26NOV22/60m`."""

    series: str
    event: str
    step_seconds: int

    def __post_init__(self) -> None:
        """ValueError where a ticker or the step is none: both become names of files."""
        for ticker in (self.series, self.event):
            if not is_ticker(ticker):
                raise ValueError(f"not a ticker: {ticker!r}")
        if self.step_seconds not in STEPS:
            raise ValueError(f"candles of {self.step_seconds} s: the exchange has {', '.join(STEPS.values())}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` wrote. ValueError if it is none."""
        parts = text.split("/")
        seconds = {name: step for step, name in STEPS.items()}.get(parts[-1])
        if len(parts) != len(("series", "event", "step")) or seconds is None:
            raise ValueError(f"not SERIES/EVENT/STEP: {text!r}")
        return cls(parts[0], parts[1], seconds)

    @property
    def step(self) -> str:
        """The step as it is written: `1m`, `60m`, `1d`."""
        return STEPS[self.step_seconds]

    @property
    def step_minutes(self) -> int:
        """The step as the exchange counts it."""
        return self.step_seconds // 60

    def __str__(self) -> str:
        """Write it."""
        return f"{self.series}/{self.event}/{self.step}"


class Content(Enum):
    """What a shard's rows hold."""

    PRICES_AND_QUOTES = "prices_and_quotes"
    """Traded prices and best bid and ask."""
    PRICES = "prices"
    """Traded prices alone: good for forecasting, not for research at executable prices."""


class HoleReason(Enum):
    """Why a market, or a part of its life, is missing."""

    NO_DATA = "no_data"
    """The exchange answered that it has no candles."""
    NOT_FOUND = "not_found"
    """The exchange knows the market neither live nor in its archive."""
    REFUSED = "refused"
    """The exchange refused the request for a reason of its own."""
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    """Server errors or broken connections until the retries were used up."""
    TIMED_OUT = "timed_out"
    INVALID_DATA = "invalid_data"
    """The answer broke a rule of candles, or could not be read."""
    NOT_ATTEMPTED = "not_attempted"
    """Not asked for: the lease was drained or the worker stopped first."""


@dataclass(frozen=True, slots=True)
class Hole:
    """One thing that a file lacks."""

    market: str
    reason: HoleReason
    detail: str = ""
    """In words, at most 240 bytes."""
    first: datetime | None = None
    """First candle end that is missing, UTC; None is the market's open."""
    last: datetime | None = None
    """Last candle end that is missing, UTC; None is the market's close."""
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class ShardFile:
    """A finished parquet file."""

    sha256: str
    """Of the whole file, hexadecimal."""
    size_bytes: int
    row_count: int
    market_count: int
    """Markets with at least one candle."""
    first: datetime | None
    """End of the earliest candle, UTC; None without rows."""
    last: datetime | None
    schema: str
    """Such as `foremesh.candles`."""
    schema_version: int
    content: Content


@dataclass(frozen=True, slots=True)
class Commit:
    """A file in the manifest."""

    epoch: int
    sequence: int
    """Place among all commits of all shards; 0 where no coordinator has entered it yet (imported, static)."""
    file: ShardFile
    covered_end: datetime
    """Candles ending up to here were asked for, UTC."""
    hole_count: int
    worker_id: str
    committed: datetime
    """When, by the coordinator's clock, UTC."""
