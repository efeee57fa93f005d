"""The archive's own schema of candles, read into the live record, and the line between archive and live. Pure."""

from msgspec import field

from mesh.kalshi.rest.price_wire import Asks, Bids, Candle, Prints
from mesh.kalshi.rest.wire import Count, Instant, Record, Seconds
from mesh.types import Price


class Cutoff(Record, frozen=True):
    """What is older is only in the archive. Each moves by itself."""

    market_settled_time: Instant = field(name="market_settled_ts")
    trades_created_time: Instant = field(name="trades_created_ts")
    orders_updated_time: Instant = field(name="orders_updated_ts")
    """Of orders that rest no more."""
    positions_updated_time: Instant | None = field(name="market_positions_last_updated_ts", default=None)


class ArchivedQuotes(Record, frozen=True, gc=False):
    """Four best prices of a period."""

    open: Price
    high: Price
    low: Price
    close: Price


class ArchivedPrints(Record, frozen=True, gc=False):
    """Prices of the trades of a period."""

    open: Price | None = None
    high: Price | None = None
    low: Price | None = None
    close: Price | None = None
    mean: Price | None = None
    previous: Price | None = None


class ArchivedCandle(Record, frozen=True, gc=False):
    """A candle as the archive writes it: bare names instead of `_dollars` and `_fp`."""

    end_ts: Seconds = field(name="end_period_ts")
    yes_bid: ArchivedQuotes
    yes_ask: ArchivedQuotes
    price: ArchivedPrints
    volume: Count
    open_interest: Count

    def __post_init__(self) -> None:
        """Refuse what is refused in a live candle."""
        self.candle()

    def candle(self) -> Candle:
        """The same candle as a live one."""
        bid, ask, price = self.yes_bid, self.yes_ask, self.price
        return Candle(
            self.end_ts,
            Bids(bid.open, bid.high, bid.low, bid.close),
            Asks(ask.open, ask.high, ask.low, ask.close),
            Prints(price.open, price.high, price.low, price.close, price.mean, price.previous),
            self.volume,
            self.open_interest,
        )


class ArchivedCandles(Record, frozen=True):
    """Body of one archived market's candles."""

    ticker: str
    candlesticks: tuple[ArchivedCandle, ...]
