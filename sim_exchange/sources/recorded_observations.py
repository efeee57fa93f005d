"""Observed daily highs, which decide recorded weather markets whose results nobody recorded."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from mesh.config import ConfigError
from mesh.kalshi.terms import StrikeType
from sim_exchange.domain.types import Market

Highs: TypeAlias = Mapping[tuple[str, date], int]
"""Whole °F by series and day. A series is named as today, with `KX`."""

_COLUMNS = ["series_ticker", "date", "tmax_f"]


def read_highs(path: Path) -> Highs:
    """Read a parquet file with `series_ticker`, `date` (such as `2026-03-10`) and `tmax_f`.

    Highs are rounded to whole degrees: the exchange settles by those, and some stations' come from tenths of °C. A day
    of which sources say different things is left out.

    Raises:
        ConfigError: The file cannot be read, lacks a column or has a date that is none.
    """
    said: dict[tuple[str, date], set[int]] = {}
    try:
        for row in pq.read_table(path, columns=_COLUMNS).to_pylist():
            if row["tmax_f"] is not None:
                day = date.fromisoformat(str(row["date"])[:10])
                said.setdefault((row["series_ticker"], day), set()).add(round(row["tmax_f"]))
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"source.observations: {path}: {error}") from error
    return {key: highs.pop() for key, highs in said.items() if len(highs) == 1}


def high_of(highs: Highs, series_ticker: str, day: date | None) -> int | None:
    """Give the high that decides a series' event of a day; None if it is not known."""
    return None if day is None else highs.get((f"KX{series_ticker.removeprefix('KX')}", day))


def answer(market: Market, value: Decimal) -> bool | None:
    """Say whether a market's answer is yes if this is the deciding number; None if its strikes do not tell."""
    floor, cap = market.floor_strike, market.cap_strike
    match market.strike_type:
        case StrikeType.GREATER if floor is not None:
            return value > floor
        case StrikeType.GREATER_OR_EQUAL if floor is not None:
            return value >= floor
        case StrikeType.LESS if cap is not None:
            return value < cap
        case StrikeType.LESS_OR_EQUAL if cap is not None:
            return value <= cap
        case StrikeType.BETWEEN if floor is not None and cap is not None:
            return floor <= value <= cap
        case _:
            return None
