"""Messages about a market's book, its trades and its quote, without their envelope. Pure."""

from collections.abc import Iterable
from datetime import datetime

from msgspec import UNSET, Struct, UnsetType

from mesh.kalshi.terms import BookSide
from mesh.types import DOLLAR, Hundredths, Micros, count_text
from sim_exchange.api.text import instant, price_text, unix_ms, unix_seconds
from sim_exchange.domain.book import Book
from sim_exchange.domain.events import BookChanged
from sim_exchange.domain.types import Market, Trade
from sim_exchange.stream.frames import encode


class DeltaBody(Struct, kw_only=True):
    """`orderbook_delta`."""

    market_ticker: str
    market_id: str
    clock: int
    price_dollars: str
    delta_fp: str
    side: str
    client_order_id: str | UnsetType = UNSET
    subaccount: int | UnsetType = UNSET
    ts: str
    ts_ms: int


class SnapshotBody(Struct, kw_only=True):
    """`orderbook_snapshot`; the key of an empty side is absent."""

    market_ticker: str
    market_id: str
    clock: int
    yes_dollars_fp: list[tuple[str, str]] | UnsetType = UNSET
    no_dollars_fp: list[tuple[str, str]] | UnsetType = UNSET


class TradeBody(Struct, kw_only=True):
    """`trade`."""

    trade_id: str
    market_ticker: str
    yes_price_dollars: str
    no_price_dollars: str
    count_fp: str
    taker_side: str
    taker_outcome_side: str
    taker_book_side: str
    is_block_trade: bool = False
    ts: int
    ts_ms: int


class TickerBody(Struct, kw_only=True):
    """`ticker`."""

    market_id: str
    market_ticker: str
    price_dollars: str
    yes_bid_dollars: str
    yes_ask_dollars: str
    volume_fp: str
    open_interest_fp: str
    dollar_volume: int
    dollar_open_interest: int
    yes_bid_size_fp: str
    yes_ask_size_fp: str
    last_trade_size_fp: str
    ts: int
    ts_ms: int
    time: str


class Quote(Struct, frozen=True):
    """What a ticker message tells; another one is sent when any of it changes."""

    last_price: Micros | None
    last_size: Hundredths
    bid: int
    bid_size: Hundredths
    ask: int
    ask_size: Hundredths
    volume: Hundredths
    open_interest: Hundredths


def outcome(side: BookSide) -> str:
    """Name the outcome that a side of the book is for."""
    return "yes" if side is BookSide.BID else "no"


def milliseconds(time: datetime) -> str:
    """Format an instant as the deprecated text fields have it: truncated to milliseconds."""
    return instant(time.replace(microsecond=time.microsecond // 1000 * 1000))


def delta(change: BookChanged, market_id: str, clock: int, *, use_yes_price: bool, own: bool) -> bytes:
    """Tell of one change of one level; whose it was only to the one whose it was."""
    price = change.price if use_yes_price or change.side is BookSide.BID else DOLLAR - change.price
    return encode(
        DeltaBody(
            market_ticker=change.ticker,
            market_id=market_id,
            clock=clock,
            price_dollars=price_text(price),
            delta_fp=count_text(change.delta),
            side=outcome(change.side),
            client_order_id=change.client_order_id if own else UNSET,
            subaccount=(change.subaccount or UNSET) if own else UNSET,
            ts=milliseconds(change.time),
            ts_ms=unix_ms(change.time),
        )
    )


def snapshot(market: Market, book: Book | None, clock: int, *, use_yes_price: bool) -> bytes:
    """Tell a whole book: both sides as bids, prices ascending."""
    bids = list(reversed(book.levels(BookSide.BID))) if book else []
    asks = list(book.levels(BookSide.ASK)) if book else []
    no_side = asks if use_yes_price else [(DOLLAR - price, count) for price, count in reversed(asks)]
    return encode(
        SnapshotBody(
            market_ticker=market.ticker,
            market_id=market.market_id,
            clock=clock,
            yes_dollars_fp=_levels(bids) or UNSET,
            no_dollars_fp=_levels(no_side) or UNSET,
        )
    )


def trade(done: Trade) -> bytes:
    """Tell a public trade."""
    taker = outcome(done.taker_side)
    return encode(
        TradeBody(
            trade_id=done.trade_id,
            market_ticker=done.ticker,
            yes_price_dollars=price_text(done.price),
            no_price_dollars=price_text(DOLLAR - done.price),
            count_fp=count_text(done.count),
            taker_side=taker,
            taker_outcome_side=taker,
            taker_book_side=done.taker_side.value,
            ts=unix_seconds(done.time),
            ts_ms=unix_ms(done.time),
        )
    )


def quote(market: Market, book: Book | None, last_size: Hundredths) -> Quote:
    """Read a market's quote; an empty side is 0 or one dollar with nothing there."""
    bid = next(iter(book.levels(BookSide.BID)), None) if book else None
    ask = next(iter(book.levels(BookSide.ASK)), None) if book else None
    nothing = Hundredths(0)
    return Quote(
        market.last_price,
        last_size,
        *(bid or (0, nothing)),
        *(ask or (DOLLAR, nothing)),
        market.volume,
        market.open_interest,
    )


def ticker(market: Market, now: Quote, time: datetime) -> bytes:
    """Tell a quote. A contract counts for half a dollar in the whole-dollar sums, as recorded."""
    return encode(
        TickerBody(
            market_id=market.market_id,
            market_ticker=market.ticker,
            price_dollars=price_text(now.last_price or 0),
            yes_bid_dollars=price_text(now.bid),
            yes_ask_dollars=price_text(now.ask),
            volume_fp=count_text(now.volume),
            open_interest_fp=count_text(now.open_interest),
            dollar_volume=now.volume // 200,
            dollar_open_interest=now.open_interest // 200,
            yes_bid_size_fp=count_text(now.bid_size),
            yes_ask_size_fp=count_text(now.ask_size),
            last_trade_size_fp=count_text(now.last_size),
            ts=unix_seconds(time),
            ts_ms=unix_ms(time),
            time=milliseconds(time),
        )
    )


def _levels(levels: Iterable[tuple[int, Hundredths]]) -> list[tuple[str, str]]:
    return [(price_text(price), count_text(count)) for price, count in levels]
