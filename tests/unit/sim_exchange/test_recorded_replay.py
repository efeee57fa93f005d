"""The real recordings, replayed into the exchange."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mesh.kalshi.terms import BookSide, MarketStatus
from mesh.types import DOLLAR
from sim_exchange.domain.exchange import Exchange
from sim_exchange.domain.types import Market
from sim_exchange.invariants import check
from sim_exchange.quirks import Quirks
from sim_exchange.sources.base import Book, Determined, NewListing, Print, SourceEvent
from sim_exchange.sources.recorded import RecordedConfig, RecordedSource
from sim_exchange.tape.candle import EMPTY_ASK, EMPTY_BID
from sim_exchange.tape.periods import MINUTE
from sim_exchange.tape.tape import Tape

FOLDER = Path(__file__).resolve().parents[4] / "shared" / "data" / "kalshi"
FAR = 10**10
END = datetime(2026, 12, 1, tzinfo=UTC)

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="needs the recordings")


def recording(series: str, *days: str, **more: object) -> RecordedSource:
    chosen = tuple(date.fromisoformat(day) for day in days)
    values = {"kind": "recorded", "folder": FOLDER, "series": (series,), "days": chosen} | more
    return RecordedSource(RecordedConfig.model_validate(values))


class Replay:
    """An exchange that lives through a recording."""

    def __init__(self, source: RecordedSource, most: int | None = None) -> None:
        start = source.start
        assert start is not None
        self.exchange = Exchange(seed=1, quirks=Quirks(), weekly_maintenance=False)
        self.tape = Tape(self.exchange.markets, lambda ticker: source.past(ticker, start))
        for item in source.catalogue(start):
            self.exchange.list(item, start)
        self.shown: dict[str, Book] = {}
        self.printed: dict[str, list[tuple[int, int, BookSide]]] = {}
        self._live(islice(source.events(start), most))
        self.exchange.advance(max(market.close_time for market in self.exchange.markets.values()) + timedelta(days=1))
        self.tape(self.exchange.take_events())

    def _live(self, events: Iterable[SourceEvent]) -> None:
        for event in events:
            match event:
                case NewListing(at, item):
                    self.exchange.list(item, at)
                case Book(at, ticker, bids, asks, through):
                    self.exchange.set_book(ticker, bids, asks, at, through=through)
                    self.shown[ticker] = event
                    self._compare(event)
                case Print(at, ticker, side, price, count, through):
                    self.exchange.house_print(ticker, side, price, count, at, through=through)
                    self.printed.setdefault(ticker, []).append((price, count, side))
                case Determined(at, ticker, result, value, text):
                    self.exchange.determine(ticker, result, value, text, at)
            self.tape(self.exchange.take_events())

    def _compare(self, book: Book) -> None:
        levels = self.exchange.books[book.ticker].levels
        assert tuple(levels(BookSide.BID)) == book.bids
        assert tuple(levels(BookSide.ASK)) == book.asks


def test_a_weather_day_with_quotes() -> None:
    replay = Replay(recording("KXHIGHCHI", "2026-03-10"))
    assert len(replay.shown) == 2
    for ticker in replay.shown:
        candles = replay.tape.candles(ticker, MINUTE, 0, FAR)
        assert len(candles) > 20
        assert all(EMPTY_BID <= candle.bid_low <= candle.bid_high <= EMPTY_ASK for candle in candles)
        assert {candle.volume for candle in candles} == {0}, "nobody recorded trades of that day"


def test_candles_of_a_replay_are_those_that_others_made_of_the_same_quotes() -> None:
    replay = Replay(recording("KXHIGHCHI", "2026-03-10", outage_seconds=10**6))
    for ticker in replay.shown:
        made = {c.end_ts: c for c in replay.tape.candles(ticker, MINUTE, 0, FAR)[1:-1]}  # all but opening and close
        rows = pq.read_table(
            FOLDER / "candles_1m_KXHIGHCHI.parquet", filters=[("market_ticker", "==", ticker)]
        ).to_pylist()
        recorded = {row["end_period_ts"]: row for row in rows}
        assert made.keys() <= recorded.keys()
        for end, candle in made.items():
            for side, kind in (("bid", "yes_bid"), ("ask", "yes_ask")):
                for part in ("high", "low", "close"):
                    assert getattr(candle, f"{side}_{part}") == round(recorded[end][f"{kind}_{part}"] * DOLLAR)


def test_full_books_of_a_quarter_hour() -> None:
    replay = Replay(recording("KXBTC15M", events=("KXBTC15M-26MAY112115",)), most=1500)
    (book,) = replay.shown.values()
    assert len(book.bids) + len(book.asks) > 50
    state = replay.tape.book(book.ticker, BookSide.BID), replay.tape.book(book.ticker, BookSide.ASK)
    assert state == ([], []), "the market has closed"
    assert replay.exchange.markets[book.ticker].price_level_structure == "tapered_deci_cent"


def test_hours_are_replayed_where_nothing_better_is_known_and_results_pay() -> None:
    source = recording("KXHIGHNY", "2026-02-09")
    replay = Replay(source)
    markets = list(replay.exchange.markets.values())
    assert len(markets) == len(replay.shown) == 6
    assert {market.status for market in markets} == {MarketStatus.FINALIZED}
    assert [market.settlement_value for market in markets].count(DOLLAR) == 1
    middle = markets[0].open_time + timedelta(hours=20)
    known = source.past(markets[0].ticker, middle)
    assert len(known.hours) > 10
    assert known.hours[-1].end_ts <= middle.timestamp()


@pytest.mark.parametrize("day", ["2024-12-01", "2025-03-03"])
def test_minutes_of_recorded_trades_are_complete(day: str) -> None:
    source = recording("KXHIGHNY", day)
    markets = [item for item in source.catalogue(END) if isinstance(item, Market)]
    assert sum(market.volume for market in markets) > 0
    for market in markets:
        known = source.past(market.ticker, market.close_time)
        assert sum(candle.volume for candle in known.minutes) == sum(trade.count for trade in known.trades)
        assert market.volume == sum(trade.count for trade in known.trades)


@pytest.mark.parametrize("fills", ["through", "queue"])
def test_recorded_trades_come_out_as_they_went_in(fills: str) -> None:
    replay = Replay(recording("KXHIGHNY", "2025-03-03", maker_fills=fills))
    assert len(replay.printed) >= 6
    for ticker, printed in replay.printed.items():
        trades: list[tuple[int, int, BookSide]] = []
        page, before = replay.tape.trades(ticker)
        while page:
            trades += [(trade.price, trade.count, trade.taker_side) for trade in page]
            page, before = replay.tape.trades(ticker, before=before) if before is not None else ([], None)
        assert trades[::-1] == printed
        candles = replay.tape.candles(ticker, MINUTE, 0, FAR)
        volume = sum(count for _, count, _ in printed)
        assert sum(candle.volume for candle in candles) == replay.exchange.markets[ticker].volume == volume
    assert check(replay.exchange).hold
