"""The generated source: one world, the same from every side and in every order, with past and future of one piece."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import takewhile

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesh.kalshi.terms import BookSide, MarketStatus, Result
from mesh.types import CENT, DOLLAR, Hundredths
from sim_exchange.domain.types import Event, Market, Series
from sim_exchange.sources.base import Book, Determined, NewListing, Past, Print, Source, SourceEvent
from sim_exchange.sources.generated.config import GeneratedConfig, SeriesConfig
from sim_exchange.sources.generated.source import GeneratedSource
from sim_exchange.tape.candle import EMPTY_ASK, EMPTY_BID, Candle

NOW = datetime(2026, 7, 15, 17, 20, 30, tzinfo=UTC)  # a Wednesday
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def source(*series: str, seed: int = 5, markets: int | None = None, **options: float) -> GeneratedSource:
    configs = tuple(SeriesConfig(ticker=ticker, markets=markets, **options) for ticker in series)  # type: ignore[arg-type]
    return GeneratedSource(GeneratedConfig(seed=seed, series=configs))


def markets_of(made: Source, now: datetime) -> list[Market]:
    return [item for item in made.catalogue(now) if isinstance(item, Market)]


def between(made: Source, since: datetime, until: datetime) -> list[SourceEvent]:
    return list(takewhile(lambda event: event.at <= until, made.events(since)))


def end_of_minute(at: datetime, opens: datetime) -> int:
    seconds = -(-(at - datetime(1970, 1, 1, tzinfo=UTC)) // MINUTE) * 60
    return max(seconds, int(opens.timestamp()) // 60 * 60 + 60)


class Builder:
    """Makes candles of one market's events, by hand and one by one."""

    def __init__(self, opens: datetime, before: Sequence[Candle] = ()) -> None:
        self.opens = opens
        self.candles = {candle.end_ts: msgspec.structs.replace(candle, open_interest=0) for candle in before}
        last = before[-1] if before else None
        self.bid, self.ask = (last.bid_close, last.ask_close) if last else (EMPTY_BID, EMPTY_ASK)
        self.last = last.last_price if last else None

    def _candle(self, at: datetime) -> Candle:
        end = end_of_minute(at, self.opens)
        bid, ask = self.bid, self.ask
        return self.candles.get(end) or Candle(end, bid, bid, bid, bid, ask, ask, ask, ask, previous=self.last)

    def quote(self, at: datetime, bid: int, ask: int) -> None:
        if (bid, ask) == (self.bid, self.ask):
            return
        old = self._candle(at)
        self.candles[old.end_ts] = msgspec.structs.replace(
            old, bid_high=max(old.bid_high, bid), bid_low=min(old.bid_low, bid), bid_close=bid,
            ask_high=max(old.ask_high, ask), ask_low=min(old.ask_low, ask), ask_close=ask,
        )  # fmt: skip
        self.bid, self.ask = bid, ask

    def trade(self, at: datetime, price: int, count: Hundredths) -> None:
        old = self._candle(at)
        prices = [price] if old.price_open is None else [old.price_high or 0, old.price_low or 0, price]
        self.candles[old.end_ts] = msgspec.structs.replace(
            old, price_open=price if old.price_open is None else old.price_open, price_high=max(prices),
            price_low=min(prices), price_close=price, turnover=old.turnover + price * count, volume=old.volume + count,
        )  # fmt: skip
        self.last = price

    def take(self, event: SourceEvent) -> None:
        if isinstance(event, Book):
            bid = event.bids[0][0] if event.bids else EMPTY_BID
            self.quote(event.at, bid, event.asks[0][0] if event.asks else EMPTY_ASK)
        elif isinstance(event, Print):
            self.trade(event.at, event.price, event.count)


def without_interest(candles: Iterable[Candle]) -> list[Candle]:
    return [msgspec.structs.replace(candle, open_interest=0) for candle in candles]


def built(events: Iterable[SourceEvent], market: Market, until: datetime, before: Past | None = None) -> list[Candle]:
    builder = Builder(market.open_time, before.minutes if before else ())
    for event in events:
        if isinstance(event, Book | Print) and event.ticker == market.ticker:
            builder.take(event)
    if until >= market.close_time:
        builder.quote(market.close_time, EMPTY_BID, EMPTY_ASK)
    return list(builder.candles.values())


@pytest.mark.parametrize("series", ["KXBTC", "KXHIGHNY"])
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**40), hours=st.integers(0, 24 * 300))
def test_candles_of_the_past_are_what_the_events_of_then_make(series: str, seed: int, hours: int) -> None:
    since = NOW + timedelta(hours=hours)
    span = timedelta(hours=3) if series == "KXBTC" else timedelta(hours=70)
    made = source(series, seed=seed, markets=8)
    events = between(made, since, since + span)
    whole = [
        event.item
        for event in events
        if isinstance(event, NewListing) and isinstance(event.item, Market) and event.item.close_time < since + span
    ]
    assert whole
    for market in whole:
        past = source(series, seed=seed, markets=8).past(market.ticker, since + span)
        assert without_interest(past.minutes) == built(events, market, since + span)
        prints = [event for event in events if isinstance(event, Print) and event.ticker == market.ticker]
        assert [(trade.time, trade.price, trade.count, trade.taker_side) for trade in past.trades] == [
            (printed.at, printed.price, printed.count, printed.taker_side) for printed in prints
        ]


@pytest.mark.parametrize("series", ["KXETH", "KXHIGHLAX", "KXINX"])
@settings(max_examples=5, deadline=None)
@given(second=st.integers(0, 24 * 3600), ahead=st.integers(1, 5400))
def test_the_future_goes_on_where_the_past_ends(series: str, second: int, ahead: int) -> None:
    made = source(series, markets=8, history_hours=0.0)
    since = NOW + second * SECOND
    until = since + ahead * SECOND
    events = between(made, since, until)
    standing = [market for market in markets_of(made, since) if market.status is MarketStatus.ACTIVE]
    for market in standing:
        past = made.past(market.ticker, since)
        assert without_interest(made.past(market.ticker, until).minutes) == built(events, market, until, past)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**40), hours=st.integers(0, 24 * 300))
def test_events_are_in_order_and_make_sense(seed: int, hours: int) -> None:
    since = NOW + timedelta(hours=hours)
    made = source("KXBTC", "KXHIGHCHI", seed=seed, markets=20, history_hours=0.5)
    known = {market.ticker: market for market in markets_of(made, since)}
    events = between(made, since, since + timedelta(hours=2.2))
    assert [event.at for event in events] == sorted(event.at for event in events)
    books: dict[str, Book] = {}
    taken: dict[tuple[str, BookSide], int] = {}
    for event in events:
        if isinstance(event, NewListing):
            if isinstance(event.item, Market):
                assert event.item.ticker not in known
                assert event.item.created_time == event.at
                known[event.item.ticker] = event.item
            continue
        market = known[event.ticker]
        if isinstance(event, Determined):
            assert event.at > market.close_time
            assert event.value == (DOLLAR if event.result is Result.YES else 0)
            continue
        assert market.open_time <= event.at < market.close_time
        if isinstance(event, Book):
            check_ladder(event)
            earlier = books.get(event.ticker)
            assert earlier is None or (earlier.bids, earlier.asks) != (event.bids, event.asks)
            books[event.ticker] = event
            taken[event.ticker, BookSide.BID] = taken[event.ticker, BookSide.ASK] = 0
        else:
            # It meets the best price, and leaves something of it, so that it moves no quote.
            book = books[event.ticker]
            price, count = (book.asks if event.taker_side is BookSide.BID else book.bids)[0]
            taken[event.ticker, event.taker_side] += event.count
            assert event.price == price
            assert event.count > 0
            assert taken[event.ticker, event.taker_side] < count
    assert {type(event) for event in events} == {Book, Print, NewListing, Determined}


def check_ladder(book: Book) -> None:
    bids, asks = [price for price, _ in book.bids], [price for price, _ in book.asks]
    assert bids == sorted(set(bids), reverse=True)
    assert asks == sorted(set(asks))
    assert all(price % CENT == 0 and 0 < price < DOLLAR for price in bids + asks)
    assert all(count > 0 for _, count in book.bids + book.asks)
    assert not (bids and asks) or bids[0] < asks[0]


def test_the_same_world_whatever_is_asked_first() -> None:
    tickers = [market.ticker for market in markets_of(source("KXETH", "KXHIGHNY"), NOW)][::23]
    forwards, backwards = source("KXETH", "KXHIGHNY"), source("KXETH", "KXHIGHNY")
    between(backwards, NOW + timedelta(days=2), NOW + timedelta(days=2, minutes=1))
    ahead = [forwards.past(ticker, NOW) for ticker in tickers]
    assert ahead == [backwards.past(ticker, NOW) for ticker in reversed(tickers)][::-1]
    assert between(forwards, NOW, NOW + 5 * MINUTE) == between(backwards, NOW, NOW + 5 * MINUTE)
    other = source("KXETH", "KXHIGHNY", seed=6)
    assert between(other, NOW, NOW + 5 * MINUTE) != between(forwards, NOW, NOW + 5 * MINUTE)
    # A series does not depend on which others there are.
    alone = source("KXHIGHNY")
    mine = [ticker for ticker in tickers if ticker.startswith("KXHIGHNY")]
    assert [alone.past(ticker, NOW) for ticker in mine] == [forwards.past(ticker, NOW) for ticker in mine]


def test_a_small_memory_forgets_nothing() -> None:
    config = GeneratedConfig(seed=5, series=(SeriesConfig(ticker="KXETH", markets=5),), cached_events=4)
    small, large = GeneratedSource(config), source("KXETH", markets=5)
    assert small.catalogue(NOW) == large.catalogue(NOW)
    assert small.catalogue(NOW) == large.catalogue(NOW)


def test_the_catalogue_holds_ended_open_and_coming_markets() -> None:
    made = GeneratedSource(GeneratedConfig(seed=2))
    items = made.catalogue(NOW)
    kinds = [type(item) for item in items]
    assert kinds == sorted(kinds, key=[Series, Event, Market].index)
    tickers = [item.event_ticker if isinstance(item, Event) else item.ticker for item in items]
    assert len(tickers) == len(set(tickers))
    series = {item.ticker: item for item in items if isinstance(item, Series)}
    assert {ticker: one.exchange_index for ticker, one in series.items()} == {
        "KXHIGHNY": 0, "KXHIGHCHI": 0, "KXHIGHLAX": 0, "KXINX": 0, "KXBTC": 2, "KXETH": 2,
    }  # fmt: skip
    events = {item.event_ticker: item for item in items if isinstance(item, Event)}
    for name in series:
        statuses = {item.status for item in items if isinstance(item, Market) and item.series_ticker == name}
        assert {MarketStatus.ACTIVE, MarketStatus.FINALIZED} <= statuses
        for event in (event for event in events.values() if event.series_ticker == name):
            mine = [item for item in items if isinstance(item, Market) and item.event_ticker == event.event_ticker]
            yes = sum(market.result is Result.YES for market in mine)
            assert yes == (1 if mine[0].status in {MarketStatus.DETERMINED, MarketStatus.FINALIZED} else 0)
            assert len({market.expiration_value for market in mine}) == 1
    opened = [item for item in items if isinstance(item, Market) and item.status is MarketStatus.ACTIVE]
    assert 300 < len(opened) < 400
    assert MarketStatus.INITIALIZED in {item.status for item in items if isinstance(item, Market)}


@settings(max_examples=6, deadline=None)
@given(minutes=st.integers(0, 3 * 24 * 60))
def test_figures_of_the_catalogue_agree_with_the_past(minutes: int) -> None:
    made = source("KXETH", "KXHIGHCHI", markets=6, history_hours=8.0)
    now = NOW + minutes * MINUTE
    for market in markets_of(made, now):
        past = made.past(market.ticker, now)
        assert (
            market.volume == sum(candle.volume for candle in past.minutes) == sum(trade.count for trade in past.trades)
        )
        assert market.last_price == (past.trades[-1].price if past.trades else None)
        assert market.open_interest == (past.minutes[-1].open_interest if past.minutes else 0)
        assert all(0 <= candle.open_interest <= market.volume for candle in past.minutes)
        assert all(trade.time <= now for trade in past.trades)


def test_every_open_market_begins_with_its_book() -> None:
    made = source("KXBTC", "KXINX")
    opened = [market.ticker for market in markets_of(made, NOW) if market.status is MarketStatus.ACTIVE]
    stream: Iterator[SourceEvent] = made.events(NOW)
    first = [next(stream) for _ in opened]
    assert all(isinstance(event, Book) and event.at == NOW for event in first)
    assert sorted(event.ticker for event in first if isinstance(event, Book)) == sorted(opened)


def test_results_of_the_catalogue_are_those_that_were_announced() -> None:
    made = source("KXBTC", markets=12)
    said = {
        event.ticker: event for event in between(made, NOW, NOW + timedelta(hours=3)) if isinstance(event, Determined)
    }
    later = {market.ticker: market for market in markets_of(made, NOW + timedelta(hours=3))}
    assert len(said) == 3 * 12
    for ticker, event in said.items():
        market = later[ticker]
        assert (market.result, market.settlement_value) == (event.result, event.value)
        assert market.expiration_value == event.expiration_value
        assert market.determination_time == event.at


def test_nothing_happens_in_the_weekly_pause() -> None:
    since = datetime(2026, 7, 16, 6, 50, tzinfo=UTC)  # ten minutes before Thursday's three o'clock in New York
    begins, ends = since + 10 * MINUTE, since + 130 * MINUTE
    quiet = between(source("KXBTC", "KXHIGHNY"), since, ends + 10 * MINUTE)
    traded = [event.at for event in quiet if isinstance(event, Book | Print)]
    assert not [at for at in traded if begins <= at < ends]
    assert any(at < begins for at in traded)
    assert any(at >= ends for at in traded)
    restless = GeneratedSource(GeneratedConfig(series=(SeriesConfig(ticker="KXBTC"),)), weekly_pause=False)
    assert [event for event in between(restless, begins, ends) if isinstance(event, Print)]


def test_history_may_be_none_and_results_still_come_for_what_is_listed() -> None:
    made = source("KXBTC", markets=4, history_hours=0.0)
    closed = datetime(2026, 7, 15, 18, 0, 2, tzinfo=UTC)  # two seconds after a close, before its result
    listed = {market.ticker: market.status for market in markets_of(made, closed)}
    said = [event.ticker for event in between(made, closed, closed + MINUTE) if isinstance(event, Determined)]
    assert len(said) == 4
    assert {listed[ticker] for ticker in said} == {MarketStatus.CLOSED}
    assert MarketStatus.FINALIZED not in listed.values()


@pytest.mark.parametrize("ticker", ["KXBTC-26JUL1513-B1", "KXBTC-26JUL1599-B64050", "KXBTC", "KXDOGE-26JUL1513-B1"])
def test_an_unknown_market_has_no_past(ticker: str) -> None:
    with pytest.raises(KeyError):
        source("KXBTC").past(ticker, NOW)


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        source("KXBTC").catalogue(NOW.replace(tzinfo=None))
