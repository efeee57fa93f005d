"""Order books, trades and candles, live and archived. Pure."""

from datetime import UTC, datetime
from typing import ClassVar

from msgspec import field

from mesh.kalshi.rest.wire import Count, Id, Instant, Record, Seconds
from mesh.kalshi.terms import BookSide
from mesh.types import DOLLAR, Hundredths, Price, Side


def check_pair(yes: Price, no: Price) -> None:
    """ValueError where the two prices of one contract do not make a dollar: one of them is not what it says."""
    if yes + no != DOLLAR:
        raise ValueError(f"YES at {yes.dollars()} and NO at {no.dollars()} do not make a dollar")


class Levels(Record, frozen=True):
    """Bids of both sides of one market: price of that side and contracts, in any order."""

    yes: tuple[tuple[Price, Count], ...] = field(name="yes_dollars")
    no: tuple[tuple[Price, Count], ...] = field(name="no_dollars")

    @property
    def bids(self) -> tuple[tuple[Price, Hundredths], ...]:
        """Who buys YES, best (highest) first."""
        return tuple(sorted(self.yes, reverse=True))

    @property
    def asks(self) -> tuple[tuple[Price, Hundredths], ...]:
        """Who sells YES, which is who buys NO, best (lowest) first, at YES prices."""
        return tuple(sorted((price.complement, count) for price, count in self.no))


class BookReply(Record, frozen=True):
    """Body of one order book."""

    levels: Levels = field(name="orderbook_fp")


class MarketBook(Record, frozen=True):
    """The order book of one market."""

    ticker: Id
    levels: Levels = field(name="orderbook_fp")


class BooksReply(Record, frozen=True):
    """Body of several order books."""

    books: tuple[MarketBook, ...] = field(name="orderbooks")


class Trade(Record, frozen=True, gc=False):
    """A public trade."""

    trade_id: Id
    ticker: Id
    count: Count = field(name="count_fp")
    yes_price: Price = field(name="yes_price_dollars")
    no_price: Price = field(name="no_price_dollars")
    taker_book_side: BookSide
    """The taker's side of the YES book."""
    created_time: Instant
    is_block_trade: bool

    def __post_init__(self) -> None:
        """Refuse prices that contradict each other."""
        check_pair(self.yes_price, self.no_price)

    def price(self, side: Side) -> Price:
        """What one contract of that side cost."""
        return self.yes_price if side is Side.YES else self.no_price


class TradesPage(Record, frozen=True):
    """A page of trades, newest first, live or archived."""

    items: tuple[Trade, ...] = field(name="trades")
    cursor: str


class Quotes(Record, frozen=True, gc=False):
    """Four best prices of a period as shown; `absent` stands for no order on that side, and reads as None."""

    absent: ClassVar[int]

    shown_open: Price = field(name="open_dollars")
    shown_high: Price = field(name="high_dollars")
    shown_low: Price = field(name="low_dollars")
    shown_close: Price = field(name="close_dollars")

    @property
    def open(self) -> Price | None:
        """At the start of the period."""
        return self._read(self.shown_open)

    @property
    def high(self) -> Price | None:
        """The highest."""
        return self._read(self.shown_high)

    @property
    def low(self) -> Price | None:
        """The lowest."""
        return self._read(self.shown_low)

    @property
    def close(self) -> Price | None:
        """At the end of the period."""
        return self._read(self.shown_close)

    def _read(self, shown: Price) -> Price | None:
        return None if shown == self.absent else shown


class Bids(Quotes, frozen=True, gc=False):
    """Best YES bids of a period."""

    absent = 0


class Asks(Quotes, frozen=True, gc=False):
    """Best YES asks of a period."""

    absent = DOLLAR


class Prints(Record, frozen=True, gc=False):
    """YES prices of the trades of a period: all of the first five, or none without a trade."""

    open: Price | None = field(name="open_dollars", default=None)
    high: Price | None = field(name="high_dollars", default=None)
    low: Price | None = field(name="low_dollars", default=None)
    close: Price | None = field(name="close_dollars", default=None)
    mean: Price | None = field(name="mean_dollars", default=None)
    """Weighted by volume."""
    previous: Price | None = field(name="previous_dollars", default=None)
    """The last price before the period; None where there was none."""

    def __post_init__(self) -> None:
        """Refuse a half set: something was renamed."""
        given = (self.open, self.high, self.low, self.close, self.mean)
        if len({price is None for price in given}) > 1:
            raise ValueError("some of open, high, low, close and mean are given, others are not")


class Candle(Record, frozen=True, gc=False):
    """Quotes and trades of one market over one period; a period in which nothing changed has none."""

    end_ts: Seconds = field(name="end_period_ts")
    """Inclusive end of the period, Unix seconds."""
    bid: Bids = field(name="yes_bid")
    ask: Asks = field(name="yes_ask")
    trades: Prints = field(name="price")
    volume: Count = field(name="volume_fp")
    open_interest: Count = field(name="open_interest_fp")

    def __post_init__(self) -> None:
        """Refuse volume without a price."""
        if self.volume and self.trades.close is None:
            raise ValueError("contracts were traded, at no price")

    @property
    def end(self) -> datetime:
        """The inclusive end of the period."""
        return datetime.fromtimestamp(self.end_ts, UTC)


class CandlesReply(Record, frozen=True):
    """Body of one market's candles."""

    ticker: Id
    candlesticks: tuple[Candle, ...]


class MarketCandles(Record, frozen=True):
    """Candles of one market among several."""

    market_ticker: Id
    candlesticks: tuple[Candle, ...]


class CandlesBatch(Record, frozen=True):
    """Body of several markets' candles; a market that the exchange does not know is not in it."""

    markets: tuple[MarketCandles, ...]


class EventCandles(Record, frozen=True):
    """Candles of an event's markets, in two lists that run in parallel."""

    market_tickers: tuple[str, ...]
    market_candlesticks: tuple[tuple[Candle, ...], ...]
    adjusted_end_ts: Seconds
    """Where the exchange stopped, if the span was longer than it gives at once."""

    def __post_init__(self) -> None:
        """Refuse lists of different lengths."""
        if len(self.market_tickers) != len(self.market_candlesticks):
            raise ValueError(f"{len(self.market_tickers)} markets, candles of {len(self.market_candlesticks)}")

    def by_market(self) -> dict[str, tuple[Candle, ...]]:
        """Candles by market ticker."""
        return dict(zip(self.market_tickers, self.market_candlesticks, strict=True))
