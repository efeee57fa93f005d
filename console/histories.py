"""Recorded price histories for a scan, read from a file.

CSV and parquet hold candles, one a row (`console.candles`). JSON holds one object a market: alone or in an array in a
`.json` file, one a line in a `.jsonl` file:

    {"market_ticker": "KXHIGHNY-26JAN05-B40.5", "closes_cents": [41, null, 43.5], "current_price_cents": 44}

`closes_cents` is oldest first, one per step, null (or NaN) where there was no price. Optional: `series_ticker`,
`current_price_cents` (else the last known close) and `end_period_ts`, the end of the last step in unix seconds.

Readers refuse what cannot be read. What can be read but makes no sense, such as a price of 170 cents, is kept: judging
a market is the forecast server's business, and its verdict is what people should see.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field, TypeAdapter, ValidationError

from console.candles import read_candles
from console.recorded import (
    DEFAULT_STEP,
    LATEST_UNIX_SECONDS,
    MAX_POINTS,
    Current,
    HistoryError,
    Recorded,
    Recording,
)
from mesh.config import Strict

_CANDLES = (".csv", ".parquet")
_JSON = (".json", ".jsonl")
SUFFIXES = (*_CANDLES, *_JSON)
"""Of files that can be read."""


def read(file: Path, *, step: timedelta | None = None, market_prefix: str = "", limit: int | None = None) -> Recording:
    """Read the first `limit` markets of a file whose ticker starts with the prefix.

    Args:
        file: Its suffix says what it holds.
        step: Spacing of the closes; None takes it from the file, or an hour where the file does not say.
        market_prefix: Empty takes every market.
        limit: None takes every market.

    Raises:
        HistoryError: the file cannot be read, or holds no such market.
    """
    if file.suffix in _CANDLES:
        recording = read_candles(file, step=step, market_prefix=market_prefix, limit=limit)
    elif file.suffix in _JSON:
        chosen = (market for market in _json_markets(file) if market.market_ticker.startswith(market_prefix))
        recording = Recording(markets=tuple(map(_recorded, islice(chosen, limit))), step=step or DEFAULT_STEP)
    else:
        raise HistoryError(f"{file}: cannot be read: use {', '.join(SUFFIXES)}")
    if not recording.markets:
        raise HistoryError(f"{file}: holds no market" + (f" that starts with {market_prefix}" if market_prefix else ""))
    return recording


class _Market(Strict):
    """One market of a JSON file."""

    market_ticker: str
    series_ticker: str = ""
    closes_cents: tuple[float | None, ...]
    current_price_cents: float | None = None
    end_period_ts: Annotated[int, Field(ge=0, lt=LATEST_UNIX_SECONDS)] | None = None


_MARKET = TypeAdapter(_Market)
_MARKETS = TypeAdapter(tuple[_Market, ...])


def _json_markets(file: Path) -> Iterator[_Market]:
    try:
        if file.suffix == ".json":
            text = file.read_text(encoding="utf-8-sig").strip()
            yield from _parsed(text, f"{file}: ")
        else:
            with file.open(encoding="utf-8-sig") as lines:
                for number, line in enumerate(lines, start=1):
                    if text := line.strip():
                        yield from _parsed(text, f"{file}: line {number}: ")
    except UnicodeDecodeError as error:
        raise HistoryError(f"{file}: is not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise HistoryError(f"{file}: cannot be read: {error.strerror}") from None


def _parsed(text: str, place: str) -> tuple[_Market, ...]:
    try:
        return _MARKETS.validate_json(text) if text.startswith("[") else (_MARKET.validate_json(text),)
    except ValidationError as error:
        detail = error.errors(include_url=False, include_input=False)[0]
        where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in detail["loc"]).lstrip(".")
        raise HistoryError(f"{place}{where}{': ' if where else ''}{detail['msg']}") from None


def _recorded(market: _Market) -> Recorded:
    with np.errstate(over="ignore"):  # infinity stays a price that the server refuses
        closes = np.array([np.nan if close is None else close for close in market.closes_cents]).astype(np.float32)
    end = market.end_period_ts
    return Recorded(
        market_ticker=market.market_ticker,
        series_ticker=market.series_ticker,
        closes_cents=closes[-MAX_POINTS:],
        current=_current(market),
        last_candle_time=None if end is None else datetime.fromtimestamp(end, UTC),
        cut_points=max(0, len(closes) - MAX_POINTS),
    )


def _current(market: _Market) -> Current:
    if market.current_price_cents is not None:
        return Current(cents=market.current_price_cents, origin="given")
    for steps_ago, close in enumerate(reversed(market.closes_cents)):
        if close is not None and not np.isnan(close):
            return Current(cents=close, origin="close", steps_ago=steps_ago)
    return Current(cents=None, origin="unknown")
