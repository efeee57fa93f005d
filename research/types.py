"""What research works on: markets over time as the store has them, what was asked about them, what came of it. Pure.

Prices of quotes are of YES, in micros, as the store keeps them; `ABSENT` is "there was none", never zero. Every row of
a strip is known from the end of its period on, and not a moment before.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from mesh.types import DOLLAR, Micros
from research.strikes import Strikes
from trader.domain.facts import MarketTerms, SignalFacts

ABSENT: Final = -1
DOUBTFUL: Final = (DOLLAR, 0)
"""Bid and ask of a quote of which something was recorded that cannot be: like every quote that crosses itself it says
nothing, neither a price nor that nobody is there."""
OPEN, HIGH, LOW, CLOSE = range(4)

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]


class Origin(StrEnum):
    """Where a result comes from."""

    RECORDED = "recorded"
    """The exchange determined it."""
    INFERRED = "inferred"
    """Read off last prices by whoever recorded them."""
    DERIVED = "derived"
    """From the observed underlying."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """Candles of one market, oldest first, no two with the same end."""

    step_seconds: int
    ends: Ints
    """[candles] Unix seconds: when each was complete."""
    bids: Ints
    """[candles, 4] best YES bid at open, high, low, close; ABSENT where nobody bid or it was not recorded. Where a bid
    is not below its ask, nobody knows what was quoted."""
    asks: Ints
    """[candles, 4] best YES ask."""
    trades: Ints
    """[candles, 4] trades."""
    volumes: Ints
    """[candles] hundredths; ABSENT where not recorded."""

    def until(self, moment: int) -> "Strip":
        """Return what is known at a moment, Unix seconds."""
        known = int(np.searchsorted(self.ends, moment, side="right"))
        return Strip(
            step_seconds=self.step_seconds,
            ends=self.ends[:known],
            bids=self.bids[:known],
            asks=self.asks[:known],
            trades=self.trades[:known],
            volumes=self.volumes[:known],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Prints:
    """Public trades of one market, oldest first: what fills orders that rest."""

    times: Ints
    """[trades] Unix microseconds."""
    prices: Ints
    """[trades] YES price."""
    counts: Ints
    """[trades] hundredths."""
    taker_buys_yes: NDArray[np.bool_]
    """[trades] whose side is not recorded are left out: nobody knows whom they met."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a market ended."""

    yes_value: Micros
    """What one YES contract paid."""
    origin: Origin
    known_at: datetime
    """When it was determined; where that was not recorded, a stated while after the close."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedMarket:
    """One market over its life."""

    terms: MarketTerms
    """Its close time is the one that was announced."""
    open_time: datetime | None
    decisions: Strip
    """Candles of the step that is forecast from."""
    path: Strip
    """The finest candles there are: what a position is guarded by."""
    outcome: Outcome | None
    """None: nobody knows how it ended."""
    prints: Prints | None = None
    """None: not recorded; then only what is quoted fills an order that rests."""
    strikes: Strikes | None = None
    """What YES says of the number that it settles by; None: not recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEvent:
    """The markets of one event, by ticker."""

    series_ticker: str
    event_ticker: str
    markets: tuple[RecordedMarket, ...]

    @property
    def day(self) -> str:
        """UTC day of its last close, `2026-01-31`: what settles on one day wins and loses together."""
        return max(market.terms.close_time for market in self.markets).astimezone(UTC).date().isoformat()


def doubtful(bids: Ints, asks: Ints) -> NDArray[np.bool_]:
    """Tell of which quotes nobody knows anything: those whose bid is not below their ask."""
    crossing: NDArray[np.bool_] = (bids != ABSENT) & (asks != ABSENT) & (bids >= asks)
    return crossing


Key = tuple[str, int]
"""A market's ticker, and the Unix second at which it was looked at: the end of the last candle that was known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecasted:
    """What the forecast server said of a market at a moment."""

    signal: SignalFacts
    path_cents: Floats
    """[steps] the point path, YES."""
    quantiles_cents: Floats
    """[steps, levels] YES, ascending."""
    levels: tuple[float, ...]
    model: str
    """Name and beginning of the weights' digest, such as `fracast@0123456789ab`."""
    input_digest: str

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel between processes in bytes: a fifth of what arrays and signals take by themselves."""
        return _forecasted, (msgspec.msgpack.encode(self.signal), *_numbers(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fan:
    """A forecast that is no signal: it ends where the price is, on the whole, so there is nothing to trade on."""

    path_cents: Floats
    """[steps] the point path, YES."""
    quantiles_cents: Floats
    """[steps, levels] YES, ascending."""
    levels: tuple[float, ...]
    model: str
    input_digest: str

    def __reduce__(self) -> tuple[Any, ...]:
        """As `Forecasted`."""
        return _fan, _numbers(self)


@dataclass(frozen=True, slots=True)
class Unsaid:
    """There is no signal about a market at a moment, and why: the contract's word, such as `constant`."""

    reason: str
    fan: Fan | None = None
    """What was forecast all the same (`below_threshold`): forecasts are judged by all of them, moving or not."""


Answers = Mapping[Key, Forecasted | Unsaid]
_SIGNAL = msgspec.msgpack.Decoder(SignalFacts)


def _numbers(said: Forecasted | Fan) -> tuple[bytes, bytes, tuple[float, ...], str, str]:
    return said.path_cents.tobytes(), said.quantiles_cents.tobytes(), said.levels, said.model, said.input_digest


def _forecasted(signal: bytes, *numbers: Any) -> Forecasted:
    return Forecasted(signal=_SIGNAL.decode(signal), **_read(*numbers))


def _fan(*numbers: Any) -> Fan:
    return Fan(**_read(*numbers))


def _read(path: bytes, quantiles: bytes, levels: tuple[float, ...], model: str, digest: str) -> dict[str, Any]:
    points = np.frombuffer(path, np.float32)
    return {
        "path_cents": points,
        "quantiles_cents": np.frombuffer(quantiles, np.float32).reshape(len(points), len(levels)),
        "levels": levels,
        "model": model,
        "input_digest": digest,
    }


@dataclass(slots=True)
class Defects:
    """What is wrong with, or missing from, the data: counted by name, with an example of each."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def note(self, name: str, where: str, count: int = 1) -> None:
        """Count something, such as `crossed_quote` in a market."""
        self.counts[name] += count
        self.examples.setdefault(name, where)

    def merge(self, other: "Defects") -> None:
        """Count what another saw."""
        for name, count in other.counts.items():
            self.note(name, other.examples[name], count)


class EntryPolicy(StrEnum):
    """When a market is looked at."""

    LIVE = "live"
    """After every candle, by one trader with one account and all its limits."""
    INDEPENDENT = "independent"
    """After every candle, each time by a trader who has nothing yet: trades overlap, and say so by their clusters."""
    PREDECESSOR = "predecessor"
    """Once, halfway through its candles, as the system before this one did."""
