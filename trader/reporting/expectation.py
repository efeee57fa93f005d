"""Whether the trader earns what research promised: `within`, `below`, `above`, or not enough data. Pure but for `read`.

The promise is a mean net result of one contract for each series, written by a backtest. It is held against the trades
of these series, weighted as they were traded: the verdict says whether it lies within the clustered interval of what
they came to.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, FiniteFloat, model_validator

from mesh.config import Strict, load
from mesh.statistics import LEVEL
from trader.reporting.figures import Row, mean_net

NEEDED_TRADES = 100

Cents = Annotated[FiniteFloat, Field(ge=-100, le=100)]
Ticker = Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9._-]{0,63}$")]


class Promise(Strict):
    """What a backtest says of one series."""

    net_cents: Cents
    """Mean net result of one contract."""
    low_cents: Cents
    """Lower end of its interval."""
    high_cents: Cents
    """Upper end."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low_cents <= self.net_cents <= self.high_cents:
            raise ValueError("net_cents must lie between low_cents and high_cents")
        return self


class Promises(Strict):
    """A backtest's expectation."""

    backtest_digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    """SHA-256 of the backtest's result, in hexadecimal."""
    confidence_level: Annotated[FiniteFloat, Field(ge=0.5, le=0.999)] = LEVEL
    """Probability that the intervals claim to cover, the promised ones and those reckoned here."""
    needed_trades: Annotated[int, Field(ge=2, le=1_000_000)] = NEEDED_TRADES
    """Trades below which nothing is said."""
    series: Annotated[dict[Ticker, Promise], Field(min_length=1)]
    underlyings: dict[Ticker, str] = Field(default_factory=dict)
    """Underlying of a series, where it is not the series itself: trades of one underlying and day count as one."""


class Verdict(StrEnum):
    """What can be said."""

    WITHIN = "within"
    BELOW = "below"
    ABOVE = "above"
    NOT_ENOUGH_DATA = "not enough data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """Trades against a promise; cents of one contract."""

    verdict: Verdict
    promised: float
    promised_low: float | None = None
    """By the backtest; None where several promises stand together, or nobody says."""
    promised_high: float | None = None
    actual: float | None
    """None without a trade."""
    low: float | None
    """None, as the upper end, where there are too few events for an interval."""
    high: float | None
    trades: int
    events: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """The span against a backtest."""

    whole: Against
    by_series: Mapping[str, Against]
    """Of series that are promised; empty where only the whole is known."""
    level: float
    needed_trades: int
    digest: str
    unpromised: int = 0
    """Trades of series that no promise is about; not in it."""


def read(path: Path) -> Promises:
    """Read an expectation file. Raises mesh.config.ConfigError."""
    return load(path, Promises)


def expectation(rows: Iterable[Row], promises: Promises, wanted: Iterable[str] = ()) -> Expectation | None:
    """Hold trades against promises.

    Args:
        rows: Closed trades, of any series.
        promises: By series.
        wanted: Only these series; empty for all.

    Returns:
        None where no series that is wanted is promised.
    """
    only = set(wanted)
    promised = {name: each for name, each in sorted(promises.series.items()) if not only or name in only}
    if not promised:
        return None
    found: dict[str, list[Row]] = {name: [] for name in promised}
    unpromised = 0
    for row in rows:
        if row.trade.series_ticker in found:
            found[row.trade.series_ticker].append(row)
        else:
            unpromised += 1
    by_series = {
        name: _against(found[name], promises, {name: each}, (each.low_cents, each.high_cents))
        for name, each in promised.items()
    }
    return Expectation(
        whole=_against([row for part in found.values() for row in part], promises, promised),
        by_series=by_series,
        level=promises.confidence_level,
        needed_trades=promises.needed_trades,
        digest=promises.backtest_digest,
        unpromised=unpromised,
    )


def _against(
    rows: list[Row],
    promises: Promises,
    promised: Mapping[str, Promise],
    interval: tuple[float, float] | tuple[None, None] = (None, None),
) -> Against:
    weights = dict.fromkeys(promised, 0)
    for row in rows:
        weights[row.trade.series_ticker] += row.trade.count
    whole = sum(weights.values())
    if not whole:  # nothing was traded: each series counts the same
        weights, whole = dict.fromkeys(promised, 1), len(promised)
    promise = sum(promised[name].net_cents * weight for name, weight in weights.items()) / whole
    found = mean_net(rows, promises.confidence_level)
    low, high = (None, None) if found is None else (found.low, found.high)
    return Against(
        verdict=_verdict(promise, low, high) if len(rows) >= promises.needed_trades else Verdict.NOT_ENOUGH_DATA,
        promised=promise,
        promised_low=interval[0],
        promised_high=interval[1],
        actual=None if found is None else found.mean,
        low=low,
        high=high,
        trades=len(rows),
        events=len({row.trade.event_ticker for row in rows}),
    )


def _verdict(promise: float, low: float | None, high: float | None) -> Verdict:
    if low is None or high is None:
        return Verdict.NOT_ENOUGH_DATA
    if high < promise:
        return Verdict.BELOW
    return Verdict.ABOVE if low > promise else Verdict.WITHIN
