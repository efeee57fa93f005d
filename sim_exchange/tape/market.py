"""The tape of one market: its quotes as candlesticks of three lengths, its trades, its book counted. Pure.

One-minute candles are made from what happens; hours and days are added up from closed minutes, so that they agree.
"""

from datetime import datetime

from mesh.types import Hundredths, Micros
from sim_exchange.sources.base import Past
from sim_exchange.tape.candle import EMPTY_ASK, EMPTY_BID, Candle
from sim_exchange.tape.levels import Levels
from sim_exchange.tape.periods import DAY, HOUR, MINUTE, PERIODS, microseconds, minute_end, period_end
from sim_exchange.tape.series import Forming, Series, forming
from sim_exchange.tape.trades import TradeLog


class MarketTape:
    """One market's tape.

    Args:
        ticker: The market's.
        open_time: No candle ends before the first minute after it.
        number: Place of the market on the tape, for whoever keeps things about it.
    """

    __slots__ = (
        "_ask", "_bid", "_first_end", "_forming", "_last_price", "_total", "levels", "number", "past_trades", "series",
        "ticker", "trades",
    )  # fmt: skip

    def __init__(self, ticker: str, open_time: datetime, number: int) -> None:
        self.ticker = ticker
        self.number = number
        self.series: dict[int, Series] = {period: Series() for period in PERIODS}
        """Closed candles by length in minutes."""
        self.trades = TradeLog(ticker)
        self.past_trades = 0
        """So many of the first trades are from before the simulation."""
        self.levels = Levels()
        self._forming: dict[int, Forming] = {}
        self._first_end = microseconds(open_time) // 60_000_000 * 60 + 60
        self._bid: int = EMPTY_BID  # the quote as last seen; `levels` may be in the middle of a change
        self._ask: int = EMPTY_ASK
        self._last_price: int | None = None
        self._total = 0

    def load(self, past: Past) -> None:
        """Take over the history from before the simulation; must come before anything else."""
        for hour in past.hours:
            self._total += hour.volume
            self.series[HOUR].append(hour, self._total)
            self._add_up(DAY, hour, self._total)
            self._carry(hour)
        for minute in past.minutes:
            self.restore(minute)
        for trade in past.trades:
            self.trades.append(trade)
        self.past_trades = len(past.trades)

    def restore(self, minute: Candle) -> None:
        """Take over a one-minute candle; a second one of the same minute replaces the first, being the fuller one."""
        current = self._forming.get(MINUTE)
        if current is not None and current.end_ts != minute.end_ts:
            self._close_minute(current)
        self._forming[MINUTE] = forming(minute, minute.end_ts)
        self._carry(minute)

    def quote(self, time: datetime) -> bool:
        """Note the best prices as they are now; tells whether a minute was closed."""
        bid, ask = self.levels.bid, self.levels.ask
        if bid == self._bid and ask == self._ask:
            return False
        minute, closed = self._minute(time)
        minute.quote(bid, ask)
        self._bid, self._ask = bid, ask
        return closed

    def trade(self, time: datetime, price: Micros, count: Hundredths) -> bool:
        """Note a trade; tells whether a minute was closed."""
        minute, closed = self._minute(time)
        minute.trade(price, count)
        self._last_price = price
        return closed

    def open_interest(self, count: Hundredths) -> None:
        """Note how many contracts are open after the latest trade."""
        if (minute := self._forming.get(MINUTE)) is not None:
            minute.open_interest = count

    def candle(self, period: int, index: int) -> Candle:
        """Give a closed candle."""
        return self.series[period][index]

    def unfinished(self, period: int) -> list[Candle]:
        """Give what has not been closed: at most two, since a minute may already belong to the next hour."""
        minute = self._forming.get(MINUTE)
        longer = self._forming.get(period)
        if period == MINUTE or minute is None:
            return [] if longer is None else [longer.candle()]
        end = period_end(minute.end_ts, period)
        if longer is None:
            return [forming(minute.candle(), end).candle()]
        if longer.end_ts != end:
            return [longer.candle(), forming(minute.candle(), end).candle()]
        both = forming(longer.candle(), end)
        both.absorb(minute.candle())
        return [both.candle()]

    def at(self, ts: int) -> tuple[Candle | None, int]:
        """Give the last candle that ended by `ts` (Unix seconds) and the volume traded until then."""
        minute = self._forming.get(MINUTE)
        if minute is not None and minute.end_ts <= ts:
            return minute.candle(), self.volume
        for period in (MINUTE, HOUR):
            series = self.series[period]
            if index := len(series.within(0, ts)):
                return series[index - 1], series.total(index - 1)
        return None, 0

    @property
    def volume(self) -> Hundredths:
        """Contracts traded as far as the tape knows."""
        minute = self._forming.get(MINUTE)
        return Hundredths(self._total + (minute.volume if minute is not None else 0))

    @property
    def last_price(self) -> int | None:
        """Price of the last trade; None if there was none."""
        return self._last_price

    def _carry(self, candle: Candle) -> None:
        self._bid, self._ask, self._last_price = candle.bid_close, candle.ask_close, candle.last_price

    def _minute(self, time: datetime) -> tuple[Forming, bool]:
        # What happens at the very opening belongs to the first minute, not to one before it.
        end = max(minute_end(microseconds(time)), self._first_end)
        current = self._forming.get(MINUTE)
        if current is not None and end <= current.end_ts:
            return current, False
        interest = Hundredths(0)
        if current is not None:
            self._close_minute(current)
            interest = current.open_interest
        elif hours := len(self.series[HOUR]):
            interest = self.series[HOUR][hours - 1].open_interest
        bid, ask, last = self._bid, self._ask, self._last_price
        new = Forming(
            end, bid, bid, bid, bid, ask, ask, ask, ask, None, None, None, None, last, 0, Hundredths(0), interest
        )
        self._forming[MINUTE] = new
        return new, current is not None

    def _close_minute(self, minute: Forming) -> None:
        candle = minute.candle()
        before = self._total
        self._total += candle.volume
        self.series[MINUTE].append(candle, self._total)
        for period in (HOUR, DAY):
            self._add_up(period, candle, before)

    def _add_up(self, period: int, candle: Candle, total_before: int) -> None:
        end = period_end(candle.end_ts, period)
        current = self._forming.get(period)
        if current is not None and current.end_ts == end:
            current.absorb(candle)
            return
        if current is not None:
            self.series[period].append(current.candle(), total_before)
        self._forming[period] = forming(candle, end)
