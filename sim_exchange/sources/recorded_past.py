"""A recorded market's history before the simulation: from its candle files and its trades.

Quotes of a minute come from the recorded one-minute candles, trade prices and volume from the recorded trades, or from
the candle where its trades were not recorded (its mean is then taken to be its close). A minute without a trade in
which no quote moved is left out, as the exchange does. Hours are used for the time before the first minute; only their
closes were recorded, so their opening quote is the last hour's close and their extremes lie between the two. Open
interest is 0 where nobody recorded it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from mesh.kalshi.terms import BookSide
from mesh.types import Hundredths
from sim_exchange.domain.types import Trade
from sim_exchange.sources.base import Past
from sim_exchange.sources.recorded_files import Kind
from sim_exchange.sources.recorded_quotes import hundredths, micros
from sim_exchange.tape.candle import EMPTY_ASK, EMPTY_BID, Candle
from sim_exchange.tape.periods import HOUR, instant, microseconds, minute_end, period_end
from sim_exchange.tape.series import Forming

_SIDES = ("open", "high", "low", "close")
_CANDLE = (
    *(f"{kind}_{part}" for kind in ("yes_bid", "yes_ask", "price") for part in _SIDES),
    "volume",
    "open_interest",
)
MINUTES = Kind("candles_1m", "end_period_ts", _CANDLE, seconds=True, period=60)
HOURS = Kind("candles_60m", "end_period_ts", _CANDLE, seconds=True, period=3600)

Row = tuple[int, tuple[Any, ...]]
"""Time in microseconds, and the values of the kind's columns."""


def past(ticker: str, until: int, minutes: Iterable[Row], hours: Iterable[Row], trades: Iterable[Row]) -> Past:
    """Put a market's history together, up to and including `until` in microseconds; each argument in order of time."""
    public = [_trade(ticker, number, row) for number, row in enumerate(trades) if row[0] <= until]
    known = [row for row in minutes if row[0] <= until]
    first = min(
        [time // 1_000_000 for time, _ in known[:1]] + [minute_end(microseconds(trade.time)) for trade in public[:1]],
        default=None,
    )
    border = until // 1_000_000 if first is None else min(until // 1_000_000, period_end(first, HOUR) - 3600)
    builder = _Builder()
    long_ago = [builder.hour(time // 1_000_000, row) for time, row in hours if time // 1_000_000 <= border]
    return Past(ticker, builder.minutes(known, public), [hour for hour in long_ago if hour is not None], public)


class _Builder:
    """Carries quote, last price and open interest from one candle to the next."""

    def __init__(self) -> None:
        self._bid: int = EMPTY_BID
        self._ask: int = EMPTY_ASK
        self._begun = False
        self._told: tuple[int, int] = (EMPTY_BID, EMPTY_ASK)  # the quote that earlier candles show
        self._last: int | None = None
        self._interest = Hundredths(0)

    def hour(self, end: int, row: tuple[Any, ...]) -> Candle | None:
        values = dict(zip(_CANDLE, row, strict=True))
        candle = self._begin(end, values)
        self._quote(candle, values)
        self._recorded_trades(candle, values)
        return self._end(candle)

    def minutes(self, rows: Sequence[Row], trades: Sequence[Trade]) -> list[Candle]:
        by_end: dict[int, tuple[Mapping[str, Any], list[Trade]]] = {}
        for time, row in rows:
            by_end[time // 1_000_000] = (dict(zip(_CANDLE, row, strict=True)), [])
        for trade in trades:
            by_end.setdefault(minute_end(microseconds(trade.time)), ({}, []))[1].append(trade)
        found = (self._minute(end, values, traded, bool(trades)) for end, (values, traded) in sorted(by_end.items()))
        return [candle for candle in found if candle is not None]

    def _minute(
        self, end: int, values: Mapping[str, Any], trades: Sequence[Trade], trades_known: bool
    ) -> Candle | None:
        candle = self._begin(end, values)
        self._quote(candle, values)
        for trade in trades:
            candle.trade(trade.price, trade.count)
        if not trades_known:
            self._recorded_trades(candle, values)
        return self._end(candle)

    def _begin(self, end: int, values: Mapping[str, Any]) -> Forming:
        """Open with the quote that was carried over; at the very first with the recorded one, if there is any."""
        if not self._begun:
            self._begun = True
            self._bid = _first_known(values, "yes_bid", self._bid)
            self._ask = _first_known(values, "yes_ask", self._ask)
        bid, ask = self._bid, self._ask
        return Forming(
            end, bid, bid, bid, bid, ask, ask, ask, ask, None, None, None, None, self._last, 0, Hundredths(0),
            self._interest,
        )  # fmt: skip

    def _quote(self, candle: Forming, values: Mapping[str, Any]) -> None:
        if (interest := values.get("open_interest")) is not None:
            candle.open_interest = hundredths(interest)
        for part in ("high", "low", "close"):
            bid, ask = values.get(f"yes_bid_{part}"), values.get(f"yes_ask_{part}")
            if bid is not None and ask is not None:
                candle.quote(micros(bid), micros(ask))

    def _recorded_trades(self, candle: Forming, values: Mapping[str, Any]) -> None:
        close, volume = values.get("price_close"), hundredths(values.get("volume") or 0)
        if close is None or not volume:
            return
        for part in ("open", "high", "low"):
            if (price := values.get(f"price_{part}")) is not None:
                candle.trade(micros(price), Hundredths(0))
        candle.trade(micros(close), volume)

    def _end(self, candle: Forming) -> Candle | None:
        done = candle.candle()
        told_bid, told_ask = self._told
        still = (done.bid_high, done.bid_low, done.ask_high, done.ask_low) == (told_bid, told_bid, told_ask, told_ask)
        if still and not done.volume:
            return None
        self._bid, self._ask, self._last = done.bid_close, done.ask_close, done.last_price
        self._told = self._bid, self._ask
        self._interest = done.open_interest
        return done


def _first_known(values: Mapping[str, Any], side: str, otherwise: int) -> int:
    for part in ("open", "close"):
        if (price := values.get(f"{side}_{part}")) is not None:
            return micros(price)
    return otherwise


def _trade(ticker: str, number: int, row: Row) -> Trade:
    time, (price, count, side) = row
    return Trade(
        trade_id=str(uuid5(NAMESPACE_URL, f"{ticker}#{number}")),  # recordings dropped the ids
        ticker=ticker,
        price=micros(price),
        count=hundredths(count),
        taker_side=BookSide.BID if side == "yes" else BookSide.ASK,
        time=instant(time),
    )
