"""One candlestick of a market. Pure.

Prices are YES prices in micros, counts hundredths of a contract. A side of the book with nobody in it quotes 0 (bid) or
one dollar (ask).
"""

from msgspec import Struct

from mesh.types import DOLLAR, Hundredths, Micros

EMPTY_BID = Micros(0)
EMPTY_ASK = DOLLAR

_MEAN_STEP = 100  # micros: means are written with four decimals


class Candle(Struct, frozen=True):
    """Quotes and trades of one period, which is (end − length, end]."""

    end_ts: int
    """Inclusive end in Unix seconds."""
    bid_open: int
    """The quote at the beginning, carried over from before; the highest, lowest and last of the period follow."""
    bid_high: int
    bid_low: int
    bid_close: int
    ask_open: int
    ask_high: int
    ask_low: int
    ask_close: int
    price_open: int | None = None
    """Trade prices; all four are None when there was no trade."""
    price_high: int | None = None
    price_low: int | None = None
    price_close: int | None = None
    previous: int | None = None
    """Price of the last trade before the period; None if there was none."""
    turnover: int = 0
    """Sum of price × count of the trades, in micros × hundredths."""
    volume: Hundredths = Hundredths(0)
    open_interest: Hundredths = Hundredths(0)
    """At the end."""

    @property
    def mean(self) -> Micros | None:
        """Volume-weighted trade price to four decimals, half up; None without a trade."""
        if not self.volume:
            return None
        double = 2 * self.volume * _MEAN_STEP
        return Micros((2 * self.turnover + self.volume * _MEAN_STEP) // double * _MEAN_STEP)

    @property
    def last_price(self) -> int | None:
        """Price of the last trade up to the end of the period; None if there never was one."""
        return self.previous if self.price_close is None else self.price_close
