"""The markets of a series as the data folder lists them, by event."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from mesh.kalshi.grid import GRIDS, Band, PriceGrid
from mesh.records import MARKETS
from mesh.store import naming
from mesh.store.tables import read_table
from mesh.types import Micros
from research.strikes import Strikes, named_so, strikes, told_by_ticker
from research.types import Defects

_COLUMNS = (
    "series_ticker", "event_ticker", "market_ticker", "event_title", "yes_sub_title", "strike_type", "floor_strike",
    "cap_strike", "open_time", "close_time", "settlement_time", "result", "result_inferred", "settlement_value_micros",
    "price_grid",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What is known of a market; None is not known."""

    ticker: str
    title: str = ""
    strikes: Strikes | None = None
    open_time: datetime | None = None
    close_time: datetime | None = None
    settlement_time: datetime | None = None
    result: str | None = None
    result_inferred: str | None = None
    settlement_value: Micros | None = None
    bands: tuple[Band, ...] | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """The markets of a series."""

    events: Mapping[str, Mapping[str, Listed]]
    """By event and market."""
    tickers_tell: bool
    """Whether the tickers of this series are proven to say the strikes."""

    def markets(self, event: str, tickers: Iterable[str], defects: Defects) -> dict[str, Listed]:
        """Return the markets of an event, with those that have candles and are not listed: known by name alone.

        Args:
            event: Ticker.
            tickers: Of the markets that have candles.
            defects: Told of those that are not listed.
        """
        found = dict(self.events.get(event, {}))
        strangers = [ticker for ticker in tickers if ticker not in found]
        for ticker in strangers:
            defects.note("market_not_listed", ticker)
            found[ticker] = Listed(ticker=ticker)
        return _told(found, self.tickers_tell, defects) if strangers else found


def read_listing(root: Path, series: str, defects: Defects) -> Listing:
    """Read the markets of a series; none where the folder has no table of them.

    Raises:
        StoreError: The table cannot be read.
    """
    path = naming.markets(root, series)
    if not path.exists():
        defects.note("markets_not_listed", series)
        return Listing({}, tickers_tell=False)
    found: dict[str, dict[str, Listed]] = defaultdict(dict)
    for row in read_table(path, MARKETS).select(_COLUMNS).to_pylist():
        listed = _listed(row, defects)
        event = found[row["event_ticker"]]
        if event.setdefault(listed.ticker, listed) != listed:
            defects.note("market_listed_twice", listed.ticker)
    tell = named_so({event: {ticker: each.strikes for ticker, each in found[event].items()} for event in found})
    return Listing({event: _told(markets, tell, defects) for event, markets in found.items()}, tell)


def assumed_bands(series: str) -> tuple[Band, ...]:
    """Return the grid of a market whose own was not recorded: whole cents, tenths near the ends in 15 minute series."""
    return GRIDS["tapered_deci_cent" if series.endswith("15M") else "linear_cent"]


def _listed(row: dict[str, Any], defects: Defects) -> Listed:
    ticker = row["market_ticker"]
    return Listed(
        ticker=ticker,
        title=f"{row['event_title'] or ''} {row['yes_sub_title'] or ''}".strip(),
        strikes=strikes(row["strike_type"], row["floor_strike"], row["cap_strike"]),
        open_time=row["open_time"],
        close_time=row["close_time"],
        settlement_time=row["settlement_time"],
        result=row["result"] or None,
        result_inferred=row["result_inferred"] or None,
        settlement_value=row["settlement_value_micros"],
        bands=_bands(ticker, row["price_grid"], defects),
    )


def _bands(ticker: str, grid: list[dict[str, int]] | None, defects: Defects) -> tuple[Band, ...] | None:
    if grid is None:
        return None
    try:
        return _checked(tuple(Band(band["start_micros"], band["end_micros"], band["step_micros"]) for band in grid))
    except ValueError:
        defects.note("price_grid_unreadable", ticker)
        return None


@lru_cache(64)
def _checked(bands: tuple[Band, ...]) -> tuple[Band, ...]:
    """Check a grid; there are a few kinds of them, and thousands of markets."""
    return PriceGrid(bands).bands


def _told(markets: Mapping[str, Listed], tell: bool, defects: Defects) -> dict[str, Listed]:
    """Read strikes that were not recorded off the tickers, where these tell."""
    found = {}
    for ticker, each in markets.items():
        strikes = each.strikes
        if strikes is None:
            strikes = told_by_ticker(ticker, markets) if tell else None
            defects.note("strikes_unknown" if strikes is None else "strikes_read_off_ticker", ticker)
        found[ticker] = replace(each, strikes=strikes)
    return found
