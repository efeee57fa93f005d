"""An exchange with a few markets and members, driven directly, without HTTP.

Prices are cents, counts contracts and money dollars here, so that tests read like orders.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from mesh.kalshi.terms import BookSide, FeeType, SelfTradePrevention, StrikeType, TimeInForce
from mesh.types import Hundredths, Micros
from sim_exchange.domain.events import Happening
from sim_exchange.domain.exchange import Exchange
from sim_exchange.domain.results import Placed
from sim_exchange.domain.types import Account, Event, Market, NewOrder, Refused, Series
from sim_exchange.quirks import Quirks

NOW = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)
"""A Friday morning in New York."""
CLOSE = NOW + timedelta(hours=1)
TIMER = timedelta(seconds=60)
RAIN = "KXRAIN-26JUL10-T1"
"""Makers pay nothing."""
SNOW = "KXSNOW-26JUL10-T1"
"""Makers pay a quarter; on shard 2."""

BID, ASK = BookSide.BID, BookSide.ASK
GTC, IOC, FOK = TimeInForce.GOOD_TILL_CANCELED, TimeInForce.IMMEDIATE_OR_CANCEL, TimeInForce.FILL_OR_KILL

Kind = TypeVar("Kind")


def cents(price: float | str) -> Micros:
    """Cents in micros."""
    return Micros(int(Decimal(str(price)) * 10_000))


def contracts(count: float | str) -> Hundredths:
    """Contracts in hundredths."""
    return Hundredths(int(Decimal(str(count)) * 100))


def usd(amount: float | str) -> Micros:
    """Dollars in micros."""
    return Micros(int(Decimal(str(amount)) * 1_000_000))


def series(ticker: str, **changes: Any) -> Series:
    """A series."""
    return Series(**{"ticker": ticker, "title": ticker, "category": "Weather", "frequency": "daily"} | changes)


def event(ticker: str, series_ticker: str, **changes: Any) -> Event:
    """An event."""
    named = {"event_ticker": ticker, "series_ticker": series_ticker, "title": ticker, "sub_title": ""}
    return Event(**named | changes)


def market(ticker: str, **changes: Any) -> Market:
    """A market that is open from `NOW` until `CLOSE`; its event and series are the first parts of its name."""
    event_ticker = ticker.rpartition("-")[0]
    usual: dict[str, Any] = {
        "ticker": ticker,
        "event_ticker": event_ticker,
        "series_ticker": event_ticker.partition("-")[0],
        "market_id": ticker,
        "yes_sub_title": "",
        "no_sub_title": "",
        "rules_primary": "",
        "created_time": NOW - timedelta(days=1),
        "open_time": NOW,
        "close_time": CLOSE,
        "expected_expiration_time": CLOSE,
        "latest_expiration_time": CLOSE + timedelta(days=7),
        "settlement_timer_seconds": int(TIMER.total_seconds()),
        "strike_type": StrikeType.GREATER,
    }
    return Market(**usual | changes)


def list_markets(exchange: Exchange) -> None:
    """List both markets and what they belong to."""
    maker_fees = FeeType.QUADRATIC_WITH_MAKER_FEES
    for item in (
        series("KXRAIN"),
        series("KXSNOW", fee_type=maker_fees, exchange_index=2),
        event("KXRAIN-26JUL10", "KXRAIN"),
        event("KXSNOW-26JUL10", "KXSNOW", exchange_index=2),
        market(RAIN),
        market(SNOW, exchange_index=2),
    ):
        exchange.list(item, NOW)


def engine(**quirks: Any) -> Exchange:
    """An exchange with both markets open and three members with 100 dollars on shards 0 and 2."""
    exchange = Exchange(seed=7, quirks=Quirks(**quirks))
    list_markets(exchange)
    for name in ("ann", "ben", "cat"):
        exchange.open_account(Account(account_id=name, name=name), {0: usd(100), 2: usd(100)})
    exchange.take_events()
    return exchange


def order(side: BookSide, price: float | str, count: float | str, tif: TimeInForce = GTC, **changes: Any) -> NewOrder:
    """An order as asked for."""
    usual: dict[str, Any] = {
        "ticker": RAIN,
        "side": side,
        "price": cents(price),
        "count": contracts(count),
        "time_in_force": tif,
        "self_trade_prevention": SelfTradePrevention.TAKER_AT_CROSS,
    }
    return NewOrder(**usual | changes)


def place(
    exchange: Exchange,
    name: str,
    side: BookSide,
    price: float | str,
    count: float | str,
    *,
    tif: TimeInForce = GTC,
    now: datetime = NOW,
    **changes: Any,
) -> Placed:
    """Enter an order."""
    return exchange.place(name, order(side, price, count, tif, **changes), now)


def ladder(*levels: tuple[float | str, float | str]) -> list[tuple[int, Hundredths]]:
    """Levels of the house, by price and count."""
    return [(cents(price), contracts(count)) for price, count in levels]


def book(exchange: Exchange, ticker: str = RAIN) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """Bids and asks, best first, in cents and contracts."""
    bids, asks = (
        [(price / 10_000, count / 100) for price, count in exchange.books[ticker].levels(side)] for side in (BID, ASK)
    )
    return bids, asks


def held(exchange: Exchange, name: str, ticker: str = RAIN) -> float:
    """Contracts held, NO negative."""
    return sum(position.count for position in exchange.positions_of(name) if position.ticker == ticker) / 100


def only(happenings: Sequence[Happening], kind: type[Kind]) -> list[Kind]:
    """The happenings of one kind."""
    return [happening for happening in happenings if isinstance(happening, kind)]


def said(refused: Refused) -> tuple[int, str]:
    """Status and code of a refusal."""
    return refused.status, refused.code
