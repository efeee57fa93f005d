"""The public record of all markets: candlesticks, trades and quotes, made from what happened. Pure.

What the exchange leaves open is decided here:

- A quote change is a change of the best bid's or the best ask's price. A minute without one and without a trade has no
  candle, and then no hour or day has either.
- One command is one change: prices that exist only within it are in no candle.
- The period that has not ended is shown as it stands, with its end in the future, like every other candle.
- The synthetic candle of `include_latest_before_start` carries the last quote on (the schema requires quotes) and has
  no price but `previous`. It is left out where a real candle ends at or before that boundary: ends never repeat.
- `volume_24h` and the `previous_…` values of a ticker reach back 24 hours, to the minute. Before a market is that old
  the latter are 0, as recorded.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from msgspec import Raw, Struct

from mesh.kalshi.terms import BookSide, OrderStatus
from mesh.types import Hundredths, Micros
from sim_exchange.domain.events import BookChanged, Happening, Traded
from sim_exchange.domain.types import Market, Order, Trade
from sim_exchange.sources.base import Past
from sim_exchange.tape import encode
from sim_exchange.tape.all_trades import AllTrades
from sim_exchange.tape.candle import Candle
from sim_exchange.tape.market import MarketTape
from sim_exchange.tape.periods import MINUTE, microseconds, period_end
from sim_exchange.tape.trades import TradeIndex, newest

_DAY_SECONDS = 86_400
_SECOND = 1_000_000  # microseconds
_CACHED = 100_000  # encoded candles of half a kilobyte: some 50 MB at most
_FOREVER = 1 << 62


class Ticker(Struct, frozen=True):
    """A market at a glance. Prices are YES prices; an empty side is 0 or one dollar with size 0."""

    bid: Micros
    bid_size: Hundredths
    ask: Micros
    ask_size: Hundredths
    last_price: Micros | None
    last_size: Hundredths
    """Contracts of the last trade; 0 if none is known."""
    volume: Hundredths
    volume_24h: Hundredths
    open_interest: Hundredths
    previous_bid: Micros
    previous_ask: Micros
    previous_price: Micros


class Saved(Struct, frozen=True):
    """A one-minute candle to be kept over a restart."""

    ticker: str
    candle: Candle


def no_past(ticker: str) -> Past:
    """Know nothing from before the simulation."""
    return Past(ticker)


class Tape:
    """Candlesticks, trades and quotes. Give it what happened after every command, in one piece.

    Args:
        markets: The exchange's markets by ticker; volume, open interest and last price are read from them.
        past: Gives a market's history from before the simulation. Asked once, when the market is first needed.
    """

    def __init__(self, markets: Mapping[str, Market], past: Callable[[str], Past] = no_past) -> None:
        self._markets = markets
        self._past = past
        self._tapes: dict[str, MarketTape] = {}
        self._numbered: list[MarketTape] = []
        self._all_trades = AllTrades(self._numbered, self._load_all)
        self._closed = TradeIndex()  # minutes closed during the simulation
        self._fragments: dict[tuple[str, int, bool], dict[int, Raw]] = {}
        self._cached = 0

    def __call__(self, happenings: Sequence[Happening]) -> None:
        """Note everything that one command left behind."""
        touched: dict[str, datetime] = {}
        traded: set[str] = set()
        for happening in happenings:
            if isinstance(happening, BookChanged):
                tape = self._settled(happening.ticker, happening.time, touched)
                tape.levels.change(happening.side, happening.price, happening.delta)
                touched[happening.ticker] = happening.time
            elif isinstance(happening, Traded):
                trade = happening.trade
                self._note(self._settled(trade.ticker, trade.time, touched), trade)
                traded.add(trade.ticker)
        for ticker, time in touched.items():
            self._quote(self._tapes[ticker], time)
        for ticker in traded:
            self._tapes[ticker].open_interest(self._markets[ticker].open_interest)

    def preload(self) -> Iterator[None]:
        """Load the history of every market, one a step; what is not loaded yet when it is needed is loaded then."""
        yield from self._load()
        self._all_trades.prepare()

    def candles(
        self, ticker: str, period: int, start_ts: int, end_ts: int, *, include_latest_before_start: bool = False
    ) -> list[Candle]:
        """Give the candles of `period` minutes (1, 60 or 1440) that end from `start_ts` to `end_ts`, both included.

        KeyError if the market is unknown.
        """
        tape = self._tape(ticker)
        closed = tape.series[period].within(start_ts, end_ts)
        found = [tape.candle(period, index) for index in closed]
        found += _within(tape.unfinished(period), start_ts, end_ts)
        if include_latest_before_start and (latest := _latest(tape, period, start_ts, end_ts, found[:1])) is not None:
            found.insert(0, latest)
        return found

    def candles_json(
        self,
        ticker: str,
        period: int,
        start_ts: int,
        end_ts: int,
        *,
        include_latest_before_start: bool = False,
        historical: bool = False,
    ) -> list[Raw]:
        """Give the same as JSON objects, in the live or the archive's schema. KeyError if the market is unknown."""
        tape = self._tape(ticker)
        encoder = encode.historical if historical else encode.live
        closed = tape.series[period].within(start_ts, end_ts)
        fragments = self._fragments.setdefault((ticker, period, historical), {})
        found = [fragments.get(index) or self._encoded(tape, period, index, encoder, fragments) for index in closed]
        unfinished = _within(tape.unfinished(period), start_ts, end_ts)
        found += [encoder(candle) for candle in unfinished]
        if include_latest_before_start:
            first = [tape.candle(period, closed.start)] if closed else unfinished[:1]
            if (latest := _latest(tape, period, start_ts, end_ts, first)) is not None:
                found.insert(0, encoder(latest))
        return found

    def trades(
        self,
        ticker: str | None = None,
        *,
        min_ts: int | None = None,
        max_ts: int | None = None,
        before: int | None = None,
        limit: int = 1000,
    ) -> tuple[list[Trade], int | None]:
        """Give trades of one market or of all, newest first, within Unix seconds that are both included.

        Pages are at most `limit` long; the second value is the `before` of the next one, None after the last. It stays
        good while trades are added. KeyError if the market is unknown.
        """
        earliest = -_FOREVER if min_ts is None else min_ts * _SECOND
        latest = _FOREVER if max_ts is None else max_ts * _SECOND
        if ticker is None:
            return self._all_trades.page(earliest, latest, before, limit)
        log = self._tape(ticker).trades
        places = newest(log.within(earliest, latest), before, limit + 1)
        page = [log[place] for place in places[:limit]]
        return page, places[limit - 1] if len(places) > limit else None

    def ticker_state(self, ticker: str, now: datetime) -> Ticker:
        """Give a market's quote and figures at `now`. KeyError if the market is unknown."""
        tape = self._tape(ticker)
        market = self._markets[ticker]
        levels = tape.levels
        then, volume_then = tape.at(microseconds(now) // _SECOND - _DAY_SECONDS)
        return Ticker(
            bid=levels.bid,
            bid_size=levels.bid_size,
            ask=levels.ask,
            ask_size=levels.ask_size,
            last_price=market.last_price,
            last_size=tape.trades[len(tape.trades) - 1].count if len(tape.trades) else Hundredths(0),
            volume=market.volume,
            volume_24h=Hundredths(tape.volume - volume_then),
            open_interest=market.open_interest,
            previous_bid=Micros(then.bid_close if then is not None else 0),
            previous_ask=Micros(then.ask_close if then is not None else 0),
            previous_price=Micros((then.last_price or 0) if then is not None else 0),
        )

    def book(self, ticker: str, side: BookSide) -> list[tuple[Micros, Hundredths]]:
        """Give a side's prices and counts, best first. KeyError if the market is unknown."""
        return self._tape(ticker).levels.of(side)

    @property
    def marks(self) -> tuple[int, int]:
        """How many minutes were closed, and how many trades happened, since the tape was made."""
        return len(self._closed), len(self._all_trades)

    def minutes_since(self, mark: int) -> list[Saved]:
        """Give the one-minute candles closed after the mark, in the order of closing."""
        places = (self._closed[number] for number in range(mark, len(self._closed)))
        tapes = ((self._numbered[market], place) for market, place in places)
        return [Saved(tape.ticker, tape.candle(MINUTE, place)) for tape, place in tapes]

    def unfinished_minutes(self) -> list[Saved]:
        """Give the one-minute candles that are not closed, for the end of the process."""
        return [Saved(tape.ticker, candle) for tape in self._numbered for candle in tape.unfinished(MINUTE)]

    def trades_since(self, mark: int) -> list[Trade]:
        """Give the trades that happened after the mark, oldest first."""
        return self._all_trades.since(mark)

    def restore(self, minutes: Iterable[Saved], trades: Iterable[Trade], orders: Iterable[Order] = ()) -> None:
        """Go on from what was kept, each in the order in which it was written. KeyError for an unknown market.

        A minute that was kept unfinished goes on growing if it has not ended. Trades later than their market's last
        minute, whose quotes were lost with the process, still make its candles. Resting orders are in the books again.
        """
        ends: dict[str, int] = {}
        for saved in minutes:
            self._tape(saved.ticker).restore(saved.candle)
            ends[saved.ticker] = saved.candle.end_ts
        for trade in trades:
            tape = self._tape(trade.ticker)
            if microseconds(trade.time) > ends.get(trade.ticker, 0) * _SECOND:
                self._note(tape, trade)
            else:
                self._log(tape, trade)
        for order in orders:
            if order.status is OrderStatus.RESTING:
                self._tape(order.ticker).levels.change(order.side, order.price, order.remaining_count)

    def _note(self, tape: MarketTape, trade: Trade) -> None:
        if tape.trade(trade.time, trade.price, trade.count):
            self._note_closed(tape)
        self._log(tape, trade)

    def _log(self, tape: MarketTape, trade: Trade) -> None:
        self._all_trades.append(microseconds(trade.time), tape.number, len(tape.trades))
        tape.trades.append(trade)

    def _quote(self, tape: MarketTape, time: datetime) -> None:
        if tape.quote(time):
            self._note_closed(tape)

    def _note_closed(self, tape: MarketTape) -> None:
        self._closed.append(0, tape.number, len(tape.series[MINUTE]) - 1)

    def _settled(self, ticker: str, time: datetime, touched: dict[str, datetime]) -> MarketTape:
        """Give a market's tape after closing what happened to its book at an earlier instant."""
        tape = self._tape(ticker)
        if touched.get(ticker, time) != time:
            self._quote(tape, touched.pop(ticker))
        return tape

    def _tape(self, ticker: str) -> MarketTape:
        if (tape := self._tapes.get(ticker)) is None:
            tape = MarketTape(ticker, self._markets[ticker].open_time, len(self._numbered))
            tape.load(self._past(ticker))
            self._tapes[ticker] = tape
            self._numbered.append(tape)
        return tape

    def _load(self) -> Iterator[None]:
        for ticker in list(self._markets):
            if ticker not in self._tapes:
                self._tape(ticker)
                yield

    def _load_all(self) -> None:
        for _ in self._load():
            pass

    def _encoded(
        self, tape: MarketTape, period: int, index: int, encoder: encode.Encoder, fragments: dict[int, Raw]
    ) -> Raw:
        if self._cached >= _CACHED:
            for known in self._fragments.values():
                known.clear()
            self._cached = 0
        self._cached += 1
        fragments[index] = encoder(tape.candle(period, index))
        return fragments[index]


def _within(candles: list[Candle], start_ts: int, end_ts: int) -> list[Candle]:
    return [candle for candle in candles if start_ts <= candle.end_ts <= end_ts]


def _latest(tape: MarketTape, period: int, start_ts: int, end_ts: int, first: list[Candle]) -> Candle | None:
    """Give the synthetic candle before the first one found; None where there is none."""
    boundary = period_end(start_ts + 1, period)
    older = len(tape.series[period].within(0, start_ts - 1))
    earlier = [candle for candle in tape.unfinished(period) if candle.end_ts < start_ts]
    if boundary > end_ts or (first and first[0].end_ts <= boundary) or not (older or earlier):
        return None
    last = earlier[-1] if earlier else tape.candle(period, older - 1)
    bid, ask = last.bid_close, last.ask_close
    return Candle(
        boundary, bid, bid, bid, bid, ask, ask, ask, ask, previous=last.last_price, open_interest=last.open_interest
    )
