"""The world of benchmarks/trader.py: recorded markets that stand still, an account that holds some, a long journal."""

import json
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path as Folder
from typing import Any
from uuid import uuid4

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.exchange_daemon import Daemon, exchange
from mesh.clock import SystemClock
from mesh.kalshi.client import KalshiClient, connect
from mesh.kalshi.config import KalshiConfig
from mesh.kalshi.fees import FeeTerms
from mesh.kalshi.grid import GRIDS
from mesh.kalshi.rest.order_terms import NewOrder
from mesh.kalshi.sides import Action, Intent, to_book
from mesh.kalshi.terms import FeeType, TimeInForce
from mesh.kalshi.transport.buckets import Rate
from mesh.kalshi.transport.limits import Limits
from mesh.types import CENT, Hundredths, Price, Side, cost
from trader.domain.entries import (
    Adopted,
    AnyEntry,
    Decided,
    PositionOpened,
    ScanFinished,
    ScanStarted,
    SignalSeen,
)
from trader.domain.facts import TRADER, ExitPlan, MarketTerms
from trader.journal.reading import reading
from trader.journal.store import opened

SCANNED = tuple(f"KXHIGH{city}" for city in ("NY", "CHI", "LAX", "MIA", "AUS", "DEN", "PHIL", "BOS", "SEA", "SFO"))
"""Series that are scanned."""
HELD = "KXINX"
"""Series in which positions are held; it is not scanned."""
CANDLES = 24
"""Hours of every market's past."""
BID, ASK = 44, 46
"""Of YES in every market, in cents; so NO is bought at 56 and sold at 54."""
TARGET = 55
"""Of NO: what a position is sold at. A member who bids it brings a quote that must be acted on at once."""
_COUNT = Hundredths(100)
_SHOWN = 1000.0
_FAST = Rate(1e9, 1e9)
_DAY = timedelta(days=1)
_FLOATS = {"floor_strike", "cap_strike", "settlement_value", "volume", "open_interest"}
_SIDES = ("open", "high", "low", "close")


def tickers(series: str, count: int) -> list[str]:
    """Name the markets of a series."""
    return [f"{series}-{_tomorrow():%y%b%d}-T{number:03}".upper() for number in range(count)]


def record(folder: Folder, markets: int, held: int) -> str:
    """Write a recording: markets, their pasts, and quotes that never change; gives the exchange's `source` table.

    Half of the pasts fall and half of them rise, evenly, some more and some less, so that the random walk goes on: all
    markets move, and a third of them by the 5 cents that make a signal where nothing else is asked for.
    """
    folder.mkdir()
    now = datetime.now(UTC)
    each = markets // len(SCANNED)
    for series in (*SCANNED, HELD):
        names = tickers(series, held if series == HELD else each)
        _table(folder, f"markets_{series}", [_market(series, name, now) for name in names])
        _table(folder, f"quotes_{series}", [_quote(name, now) for name in names])
        rows = [row for place, name in enumerate(names) for row in _past(name, now, _slope(place))]
        _table(folder, f"candles_60m_{series}", rows)
    return source_table(folder, (*SCANNED, HELD))


def source_table(folder: Folder, series: Sequence[str]) -> str:
    """Give the exchange's `source` table for a recording whose quotes are never withdrawn."""
    return f'kind = "recorded"\nfolder = "{folder}"\nseries = {json.dumps(series)}\noutage_seconds = 864000\n'


def _tomorrow() -> datetime:
    return datetime.now(UTC) + _DAY


def _market(series: str, ticker: str, now: datetime) -> dict[str, Any]:
    absent = [
        *("subtitle", "cap_strike", "expiration_time", "status", "result", "result_inferred"),
        *("expiration_value", "settlement_value", "volume", "open_interest"),
    ]
    return dict.fromkeys(absent) | {
        "market_ticker": ticker,
        "event_ticker": ticker.rpartition("-")[0],
        "series_ticker": series,
        "title": f"What will {series} be tomorrow?",
        "strike_type": "greater",
        "floor_strike": float(ticker.rpartition("-T")[2]),
        "open_time": (now - timedelta(hours=CANDLES + 1)).isoformat(),
        "close_time": (now + _DAY).isoformat(),
        "origin": "made",
    }


def _quote(ticker: str, now: datetime) -> dict[str, Any]:
    told = round((now - timedelta(minutes=1)).timestamp() * 1e6)
    size = {"yes_bid_size": _SHOWN, "yes_ask_size": _SHOWN}
    return {"market_ticker": ticker, "ts_us": told, "yes_bid": BID / 100, "yes_ask": ASK / 100} | size


def _slope(place: int) -> float:
    """Give how many cents a market falls an hour."""
    return (2.2 if place % 2 else -1.9) * (place % 10 + 1) / 10


def _past(ticker: str, now: datetime, falls: float) -> Iterator[dict[str, Any]]:
    last = now.replace(minute=0, second=0, microsecond=0)
    centre = (BID + ASK) / 2
    for back in range(CANDLES - 1, -1, -1):
        price = round(centre + back * falls) / 100
        candle: dict[str, Any] = {"market_ticker": ticker, "end_period_ts": int(last.timestamp()) - 3600 * back}
        for part in _SIDES:
            candle |= {
                f"price_{part}": price,
                f"yes_bid_{part}": max(0.0, price - 0.03),
                f"yes_ask_{part}": price + 0.03,
            }
        yield candle | {"volume": 100.0, "open_interest": 1000.0}


def _table(folder: Folder, name: str, rows: Iterable[dict[str, Any]]) -> None:
    made = list(rows)
    texts = {key: pa.float64() if key in _FLOATS else pa.string() for key in made[0]}
    schema = pa.schema(list(texts.items())) if name.startswith("markets") else None
    pq.write_table(pa.Table.from_pylist(made, schema), folder / f"{name}.parquet")


@dataclass(frozen=True)
class World:
    """An exchange with two members."""

    daemon: Daemon
    key_file: Folder
    """Of the account that trades, whose key's id is `bench`."""
    account: KalshiClient
    """The same account."""
    maker: KalshiClient
    """Another member, who quotes."""


@asynccontextmanager
async def world(folder: Folder, source: str) -> AsyncIterator[World]:
    """Run an exchange over a recording, of which `source` is the table."""
    key = Ed25519PrivateKey.generate()
    (folder / "exchange").mkdir()
    key_file = folder / "bench.key"
    key_file.touch(mode=0o600)
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    source += (
        '[[accounts]]\nname = "maker"\nkey_id = "maker"\npublic_key_file = "bench.pem"\n'
        'cash_dollars = "1000000.00"\ntier = "unlimited"\n'
    )
    start = f'start = "{datetime.now(UTC).isoformat()}"'
    async with exchange(folder / "exchange", key, source, start) as daemon:
        configs = [
            KalshiConfig(environment="custom", host=daemon.url, key_id=name, private_key_file=key_file)
            for name in ("bench", "maker")
        ]
        limits = Limits(SystemClock(), read=_FAST, write=_FAST)
        async with connect(configs[0], limits=limits) as mine, connect(configs[1], limits=limits) as maker:
            yield World(daemon, key_file, mine, maker)


async def hold(account: KalshiClient, ticker: str) -> None:
    """Buy what is to be held in a market: one contract of NO."""
    await buy(account, ticker, 100 - BID, TimeInForce.IMMEDIATE_OR_CANCEL)


async def bid(maker: KalshiClient, ticker: str) -> None:
    """Let the other member bid what the trader's position is to be sold at."""
    await buy(maker, ticker, TARGET, TimeInForce.GOOD_TILL_CANCELED)


async def buy(client: KalshiClient, ticker: str, cents: int, how: TimeInForce, count: Hundredths = _COUNT) -> None:
    """Send an order for NO at a price."""
    quote = to_book(Intent(Action.BUY, Side.NO, Price(cents * CENT)))
    order = NewOrder(ticker=ticker, client_order_id=str(uuid4()), quote=quote, count=count, time_in_force=how)
    await client.orders.place(order)


def lengthen(journal: Folder, rows: int, held: Sequence[str]) -> int:
    """Make a journal long: its only scan is written again and again, then the positions; gives its rows.

    Every row is as a trader writes it; scans and decisions have names of their own.
    """
    with reading(journal) as reader:
        scan = [recorded.entry for recorded in reader.read() if isinstance(recorded.entry, _OfScan)]
    time = datetime.now(UTC)
    with opened(journal) as store:
        number = 0
        while store.last_sequence + len(scan) + 2 * len(held) <= rows:
            number += 1
            store.append(time, [_again(entry, f"past-{number}") for entry in scan])
        store.append(time, [entry for ticker in held for entry in _position(ticker)])
        return store.last_sequence


_OfScan = ScanStarted | SignalSeen | Decided | ScanFinished


def _again(entry: AnyEntry, scan_id: str) -> AnyEntry:
    if isinstance(entry, Decided):
        return msgspec.structs.replace(entry, scan_id=scan_id, decision_id=f"d-{scan_id}-{entry.market.ticker}")
    return msgspec.structs.replace(entry, scan_id=scan_id)


def _position(ticker: str) -> Iterator[AnyEntry]:
    market = MarketTerms(
        ticker=ticker,
        event_ticker=ticker.rpartition("-")[0],
        series_ticker=HELD,
        title=ticker,
        close_time=_tomorrow(),
        bands=GRIDS["linear_cent"],
        fees=FeeTerms(FeeType.QUADRATIC),
        exchange_index=0,
    )
    plan = ExitPlan(take_profit=Price(TARGET * CENT), stop_loss=Price(20 * CENT), floor=Price(CENT))
    name = f"p-{ticker}"
    yield PositionOpened(position_id=name, market=market, side=Side.NO, decision_id=None, ask=None, plan=plan)
    paid = cost(Price((100 - BID) * CENT), _COUNT)
    yield Adopted(position_id=name, count=_COUNT, cost=paid, actor=TRADER)
