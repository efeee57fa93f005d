"""Candles, trades, tickers and books agree with the exchange and each other, whatever members and the house do."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from mesh.kalshi.terms import BookSide, Result, SelfTradePrevention, StrikeType, TimeInForce
from mesh.types import Hundredths, Micros
from sim_exchange.domain.events import Traded
from sim_exchange.domain.exchange import Exchange
from sim_exchange.domain.results import State
from sim_exchange.domain.types import Account, Event, Market, NewOrder, Refused, Series, Trade
from sim_exchange.quirks import Quirks
from sim_exchange.sources.base import Past
from sim_exchange.tape.candle import EMPTY_ASK, EMPTY_BID, Candle
from sim_exchange.tape.periods import DAY, HOUR, MINUTE, microseconds, minute_end
from sim_exchange.tape.tape import Tape

START = datetime(2026, 7, 13, 12, tzinfo=UTC)
TICKERS = ("KXBTC-26JUL1312-A", "KXBTC-26JUL1312-B")
FAR = 10**10

Command = tuple[str, int, int, int, int, int]
commands = st.lists(
    st.tuples(
        st.sampled_from(["place", "place", "place", "take", "cancel", "book", "house", "wait"]),
        st.integers(0, 1),  # market
        st.integers(0, 1),  # member, or side
        st.integers(1, 99),  # cents
        st.integers(1, 2000),  # hundredths
        st.integers(0, 90_000_000),  # microseconds until the next
    ),
    max_size=40,
)


class Run:
    """An exchange with two members and two markets, and its tape."""

    def __init__(self) -> None:
        self.exchange = Exchange(seed=1, quirks=Quirks(), weekly_maintenance=False)
        self.tape = Tape(self.exchange.markets)
        self.trades: list[Trade] = []
        self.now = START
        self.members = [str(uuid.UUID(int=number)) for number in (1, 2)]
        self._names = count()
        self.exchange.list(Series(ticker="KXBTC", title="", category="", frequency="hourly"), START)
        self.exchange.list(Event(event_ticker="KXBTC-26JUL1312", series_ticker="KXBTC", title="", sub_title=""), START)
        for ticker in TICKERS:
            self.exchange.list(listing(ticker), START)
        for member in self.members:
            self.exchange.open_account(Account(account_id=member, name=member), {0: Micros(10**12)})
        self.publish()

    def publish(self) -> None:
        happened = self.exchange.take_events()
        self.tape(happened)
        self.trades += [happening.trade for happening in happened if isinstance(happening, Traded)]

    def do(self, command: Command) -> None:
        kind, market, which, cents, size, later = command
        self.now += timedelta(microseconds=later)
        ticker, price = TICKERS[market], Micros(cents * 10_000)
        side = (BookSide.BID, BookSide.ASK)[(cents + size) % 2]
        try:
            match kind:
                case "place" | "take":
                    self.exchange.place(self.members[which], self.order(ticker, side, price, size, kind), self.now)
                case "cancel":
                    orders = self.exchange.orders_of(self.members[which])
                    if orders:
                        self.exchange.cancel(self.members[which], orders[size % len(orders)].order_id, self.now)
                case "book":
                    bids = [(Micros(level * 10_000), Hundredths(size)) for level in range(max(1, cents - 3), cents)]
                    asks = [(Micros(level * 10_000), Hundredths(size)) for level in range(cents, min(99, cents + 2))]
                    self.exchange.set_book(ticker, bids, asks, self.now)
                case "house":
                    self.exchange.house_trade(ticker, side, price, Hundredths(size), self.now)
                case _:
                    self.exchange.advance(self.now)
        except Refused:
            pass  # the exchange says no, which is an outcome like any other
        self.publish()

    def order(self, ticker: str, side: BookSide, price: Micros, size: int, kind: str) -> NewOrder:
        resting = kind == "place"
        return NewOrder(
            ticker=ticker,
            side=side,
            price=price,
            count=Hundredths(size),
            time_in_force=TimeInForce.GOOD_TILL_CANCELED if resting else TimeInForce.IMMEDIATE_OR_CANCEL,
            self_trade_prevention=SelfTradePrevention.MAKER,
            client_order_id=str(next(self._names)),
            expiration_time=self.now + timedelta(seconds=size) if resting and size % 3 == 0 else None,
        )

    def everything(self) -> Iterator[tuple[str, int, list[Candle]]]:
        for ticker in TICKERS:
            for period in (MINUTE, HOUR, DAY):
                yield ticker, period, self.tape.candles(ticker, period, 0, FAR)


def listing(ticker: str) -> Market:
    return Market(
        ticker=ticker,
        event_ticker="KXBTC-26JUL1312",
        series_ticker="KXBTC",
        market_id=str(uuid.uuid5(uuid.NAMESPACE_URL, ticker)),
        yes_sub_title="",
        no_sub_title="",
        rules_primary="",
        created_time=START,
        open_time=START,
        close_time=START + timedelta(minutes=45),
        expected_expiration_time=START + timedelta(hours=1),
        latest_expiration_time=START + timedelta(days=1),
        settlement_timer_seconds=60,
        strike_type=StrikeType.GREATER,
    )


@settings(deadline=None)
@given(commands)
def test_everything_agrees(script: list[Command]) -> None:
    run = Run()
    for command in script:
        run.do(command)
        for ticker in TICKERS:
            book = run.exchange.books[ticker]
            bids, asks = (list(book.levels(side)) for side in (BookSide.BID, BookSide.ASK))
            assert run.tape.book(ticker, BookSide.BID) == bids
            assert run.tape.book(ticker, BookSide.ASK) == asks
            state = run.tape.ticker_state(ticker, run.now)
            assert (state.bid, state.bid_size) == (bids[0] if bids else (EMPTY_BID, 0))
            assert (state.ask, state.ask_size) == (asks[0] if asks else (EMPTY_ASK, 0))
            last = run.tape.candles(ticker, MINUTE, 0, FAR)[-1:]
            assert [(candle.bid_close, candle.ask_close) for candle in last] in ([], [(state.bid, state.ask)])
    _check_trades(run)
    for ticker, _, candles in run.everything():
        market, traded = run.exchange.markets[ticker], [trade for trade in run.trades if trade.ticker == ticker]
        assert sum(candle.volume for candle in candles) == market.volume == sum(trade.count for trade in traded)
        assert [candle.open_interest for candle in candles[-1:]] in ([], [market.open_interest])
        assert [candle.last_price for candle in candles[-1:]] in ([], [market.last_price])
        for before, after in pairwise(candles):
            assert before.end_ts < after.end_ts
            assert (before.bid_close, before.ask_close) == (after.bid_open, after.ask_open)
            assert before.last_price == after.previous
        for candle in candles:
            assert candle.bid_low <= min(candle.bid_open, candle.bid_close)
            assert candle.ask_high >= max(candle.ask_open, candle.ask_close)
            moved = (candle.bid_low, candle.ask_low) != (candle.bid_high, candle.ask_high)
            assert candle.volume or moved


def _check_trades(run: Run) -> None:
    assert run.tape.trades(limit=10**6)[0] == run.trades[::-1]
    for ticker in TICKERS:
        traded = [trade for trade in run.trades if trade.ticker == ticker]
        assert run.tape.trades(ticker, limit=10**6)[0] == traded[::-1]
        for candle in run.tape.candles(ticker, MINUTE, 0, FAR):
            within = [trade for trade in traded if minute_end(microseconds(trade.time)) == candle.end_ts]
            assert candle.volume == sum(trade.count for trade in within)
            assert candle.turnover == sum(trade.price * trade.count for trade in within)
            prices = [trade.price for trade in within]
            assert candle.price_open == next(iter(prices), None)
            assert candle.price_close == next(iter(prices[::-1]), None)
            assert (candle.price_high, candle.price_low) == (max(prices, default=None), min(prices, default=None))


@settings(deadline=None)
@given(commands, commands)
def test_a_restored_tape_goes_on_as_if_nothing_had_been(first: list[Command], second: list[Command]) -> None:
    run = Run()
    for command in first:
        run.do(command)
    before = list(run.everything())
    minutes = run.tape.minutes_since(0) + run.tape.unfinished_minutes()
    run.exchange = _restarted(run.exchange, run.members, run.now)
    run.tape = Tape(run.exchange.markets)
    run.tape.restore(minutes, run.trades, run.exchange.orders.values())
    assert list(run.everything()) == before
    assert run.tape.marks == (0, len(run.trades))
    for command in second:
        run.do(command)
        for ticker in TICKERS:
            for side in (BookSide.BID, BookSide.ASK):
                assert run.tape.book(ticker, side) == list(run.exchange.books[ticker].levels(side))
    for ticker, _, candles in run.everything():
        assert sum(candle.volume for candle in candles) == run.exchange.markets[ticker].volume
        assert all(one.end_ts < next_one.end_ts for one, next_one in pairwise(candles))
    _check_trades(run)


def _restarted(exchange: Exchange, members: list[str], now: datetime) -> Exchange:
    state = State(
        issued=exchange.issued,
        series=exchange.series.values(),
        events=exchange.events.values(),
        markets=exchange.markets.values(),
        accounts=exchange.accounts.values(),
        cash={(member, 0): exchange.cash(member, 0) for member in members},
        orders=sorted(exchange.orders.values(), key=lambda order: order.sequence),
        fills=[fill for member in members for fill in exchange.fills_of(member)],
        positions=[position for member in members for position in exchange.positions_of(member)],
    )
    again = Exchange(seed=1, quirks=Quirks(), weekly_maintenance=False)
    again.restore(state, now)
    return again


def test_a_settled_market_keeps_its_record() -> None:
    run = Run()
    run.do(("book", 0, 0, 50, 500, 0))
    run.do(("take", 0, 0, 60, 400, 1_000_000))
    later = run.exchange.markets[TICKERS[0]].close_time + timedelta(minutes=10)
    run.exchange.determine(TICKERS[0], Result.YES, None, "", later)
    run.exchange.advance(later + timedelta(hours=1))
    run.publish()
    (minute, *rest) = run.tape.candles(TICKERS[0], MINUTE, 0, FAR)
    assert (minute.volume, minute.price_close) == (400, 500_000)
    assert [(candle.bid_close, candle.ask_close) for candle in rest] == [(EMPTY_BID, EMPTY_ASK)]
    now = START + timedelta(hours=25)
    state = run.tape.ticker_state(TICKERS[0], now)
    assert (state.volume, state.volume_24h, state.previous_price) == (400, 0, 500_000)


def test_figures_reach_back_a_day() -> None:
    run = Run()
    run.do(("book", 0, 0, 50, 500, 0))
    run.do(("take", 0, 0, 60, 400, 1_000_000))
    state = run.tape.ticker_state(TICKERS[0], run.now + timedelta(hours=23))
    assert (state.volume_24h, state.previous_bid, state.previous_ask, state.previous_price) == (400, 0, 0, 0)
    state = run.tape.ticker_state(TICKERS[0], run.now + timedelta(hours=25))
    assert (state.volume_24h, state.previous_bid, state.previous_ask) == (0, 490_000, 500_000)
    assert (state.last_price, state.last_size) == (500_000, 400)


def test_no_past_is_asked_for_twice() -> None:
    asked: list[str] = []
    run = Run()

    def past(ticker: str) -> Past:
        asked.append(ticker)
        return Past(ticker)

    tape = Tape(run.exchange.markets, past)
    for _ in range(2):
        tape.trades()
        tape.candles(TICKERS[0], MINUTE, 0, FAR)
    assert sorted(asked) == sorted(TICKERS)
