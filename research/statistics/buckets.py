"""The same trades, grouped: each line of a table is a sum of trades, and each table adds up to the headline. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from mesh.statistics import LEVEL
from mesh.types import CENT
from research.rows import TradeRow
from research.statistics import bootstrap
from research.statistics.clusters import BY_DAY, Naming
from research.statistics.headline import Headline, headline

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class _Bands:
    """Names what lies between bounds; a bound belongs to the band above it."""

    bounds: tuple[float, ...]
    unit: str

    def name(self, value: float) -> str:
        place = sum(value >= bound for bound in self.bounds)
        return self.names()[place]

    def names(self) -> list[str]:
        inner = [f"{low:g}-{high:g}{self.unit}" for low, high in zip(self.bounds, self.bounds[1:], strict=False)]
        return [f"below {self.bounds[0]:g}{self.unit}", *inner, f"{self.bounds[-1]:g}{self.unit} and more"]


_MAGNITUDES = _Bands((2, 5, 10, 20), "c")
_HOURS = _Bands((1, 3, 6, 12, 24), " h")
_PRICES = _Bands((5, 20, 40, 60, 80, 95), "c")


@dataclass(frozen=True, slots=True)
class _Grouping:
    key: Callable[[TradeRow], str]
    order: tuple[str, ...] = ()
    """Of names; what is not in it follows by name."""


def _hours(row: TradeRow) -> str:
    return _HOURS.name((row.close_time - row.decision_time).total_seconds() / 3600)


GROUPINGS: Mapping[str, _Grouping] = MappingProxyType(
    {
        "magnitude": _Grouping(lambda row: _MAGNITUDES.name(row.magnitude_cents), tuple(_MAGNITUDES.names())),
        "hours to close": _Grouping(_hours, tuple(_HOURS.names())),
        "NO price": _Grouping(lambda row: _PRICES.name(row.entry_price_micros / CENT), tuple(_PRICES.names())),
        "direction": _Grouping(lambda row: row.direction),
        "exit": _Grouping(lambda row: row.exit_kind),
        "weekday of settlement": _Grouping(lambda row: _DAYS[date.fromisoformat(row.settlement_day).weekday()], _DAYS),
        "series": _Grouping(lambda row: row.series_ticker),
    }
)
"""Tables, by what they group by. Magnitude is that of the forecast, hours are from the decision to the close."""


def table(
    rows: Iterable[TradeRow],
    grouping: str,
    naming: Naming = BY_DAY,
    *,
    level: float = LEVEL,
    resamples: int = bootstrap.RESAMPLES,
    seed: int = bootstrap.SEED,
) -> dict[str, Headline]:
    """Group rows; only groups that have some, in their order.

    Args:
        rows: In any order.
        grouping: A name of `GROUPINGS`; KeyError for another.
        naming: What a row wins and loses together with.
        level: Probability that intervals claim to cover.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.
    """
    how = GROUPINGS[grouping]
    found: dict[str, list[TradeRow]] = {}
    for row in rows:
        found.setdefault(how.key(row), []).append(row)
    return {
        name: headline(found[name], naming, level=level, resamples=resamples, seed=seed)
        for name in _ordered(found, how.order)
    }


def tables(
    rows: Sequence[TradeRow], naming: Naming = BY_DAY, *, level: float = LEVEL
) -> dict[str, dict[str, Headline]]:
    """Group rows in every way; arguments as `table`."""
    return {name: table(rows, name, naming, level=level) for name in GROUPINGS}


def _ordered(found: Iterable[str], order: tuple[str, ...]) -> list[str]:
    return sorted(found, key=lambda name: (order.index(name) if name in order else len(order), name))
