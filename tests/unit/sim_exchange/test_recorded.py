"""Replaying recorded files: what becomes of every row, told by small files made here."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mesh.config import ConfigError
from mesh.kalshi.terms import BookSide, MarketStatus, Result, StrikeType
from mesh.types import Hundredths, Micros
from sim_exchange.domain.types import Event, Market, Series
from sim_exchange.sources.base import Book, Determined, Level, NewListing, Print, SourceEvent
from sim_exchange.sources.recorded import RecordedConfig, RecordedSource

SERIES = "KXHIGHNY"
EVENT = "KXHIGHNY-26MAR10"
WARM, COLD = f"{EVENT}-T57", f"{EVENT}-T50"
OPEN = datetime(2026, 3, 9, 14, tzinfo=UTC)  # 10:00 in New York
CLOSE = datetime(2026, 3, 11, 4, 59, tzinfo=UTC)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)

_MARKET = {
    "event_ticker": EVENT, "series_ticker": SERIES, "title": "Highest temperature?", "subtitle": None,
    "strike_type": "greater", "floor_strike": 57.0, "cap_strike": None, "open_time": "2026-03-09T14:00:00Z",
    "close_time": "2026-03-11T04:59:00Z", "expiration_time": None, "status": None, "result": "yes",
    "expiration_value": "60.00", "settlement_value": 1.0, "volume": None, "open_interest": None, "origin": "made",
    "result_inferred": None,
}  # fmt: skip
_CANDLE = [
    f"{kind}_{part}" for kind in ("price", "yes_bid", "yes_ask") for part in ("open", "high", "low", "close")
] + ["volume", "open_interest"]


def at(minutes: float) -> datetime:
    return OPEN + timedelta(minutes=minutes)


def us(minutes: float) -> int:
    return round(at(minutes).timestamp() * 1_000_000)


def level(price: int, count: int) -> tuple[Level, ...]:
    return ((Micros(price), Hundredths(count)),)


class Folder:
    """Recorded files being made."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, name: str, rows: Sequence[dict[str, Any]], **more: Any) -> None:
        pq.write_table(pa.Table.from_pylist(list(rows)), self.path / f"{name}.parquet", **more)

    def markets(self, *rows: dict[str, Any], series: str = SERIES) -> None:
        made = [_MARKET | {"market_ticker": WARM} | row for row in rows]
        # One empty column of each kind: files differ in what they leave out.
        schema = pa.schema([
            (name, pa.float64() if name in {"floor_strike", "cap_strike", "settlement_value", "volume", "open_interest"}
             else pa.string()) for name in made[0]
        ])  # fmt: skip
        pq.write_table(pa.Table.from_pylist(made, schema), self.path / f"markets_{series}.parquet")

    def quotes(self, *rows: tuple[str, float, float, float, float | None], **more: Any) -> None:
        """Ticker, minute, bid, ask, size of both."""
        self.write(f"quotes_{SERIES}", [
            {"market_ticker": ticker, "ts_us": us(minute), "yes_bid": bid, "yes_ask": ask, "yes_bid_size": size,
             "yes_ask_size": size} for ticker, minute, bid, ask, size in rows
        ], **more)  # fmt: skip

    def trades(self, *rows: tuple[str, float, float, int, str]) -> None:
        self.write(f"trades_{SERIES}", [
            {"market_ticker": ticker, "created_ts_us": us(minute), "yes_price": price, "count": count,
             "taker_side": side} for ticker, minute, price, count, side in rows
        ])  # fmt: skip

    def candles(self, kind: str, *rows: dict[str, Any]) -> None:
        self.write(f"candles_{kind}_{SERIES}", [
            {"market_ticker": WARM, "end_period_ts": us(row.pop("minute")) // 1_000_000}
            | dict.fromkeys(_CANDLE) | row for row in rows
        ])  # fmt: skip

    def source(self, **more: Any) -> RecordedSource:
        return RecordedSource(RecordedConfig(kind="recorded", folder=self.path, **({"series": (SERIES,)} | more)))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    made.markets({"market_ticker": WARM}, {"market_ticker": COLD, "result": "no", "settlement_value": 0.0})
    return made


def books(events: Sequence[SourceEvent]) -> list[Book]:
    return [event for event in events if isinstance(event, Book)]


def test_everything_comes_in_the_order_of_time(folder: Folder) -> None:
    folder.quotes((COLD, 30, 0.1, 0.2, 5), (COLD, 40, 0.1, 0.3, 5), (WARM, 10, 0.4, 0.5, 5), (WARM, 35, 0.4, 0.6, 5))
    folder.trades((WARM, 35, 0.5, 7, "yes"), (WARM, 20, 0.4, 3, "no"))
    events = list(folder.source().events(LONG_AGO))
    assert [event.at for event in events] == sorted(event.at for event in events)
    listed, traded = [e for e in events if isinstance(e, NewListing)], [e for e in events if isinstance(e, Print)]
    assert [type(event.item) for event in listed] == [Event, Market, Market]
    assert [(one.at, one.taker_side, one.price, one.count) for one in traded] == [
        (at(20), BookSide.ASK, 400_000, 300),
        (at(35), BookSide.BID, 500_000, 700),
    ]
    assert all(one.exact and one.through for one in traded)
    quoted = books(events)
    assert quoted[0] == Book(at(10), WARM, level(400_000, 500), level(500_000, 500), through=True)
    assert events.index(traded[1]) < events.index(quoted[2]), "a trade comes before the book it leaves behind"
    ends = [event for event in events if isinstance(event, Determined)]
    noon = datetime(2026, 3, 11, 12, tzinfo=UTC)
    assert {(end.ticker, end.at, end.result, end.value, end.expiration_value) for end in ends} == {
        (WARM, noon, Result.YES, 1_000_000, "60.00"),
        (COLD, noon, Result.NO, 0, "60.00"),
    }


def test_a_replay_can_begin_anywhere(folder: Folder) -> None:
    folder.quotes((WARM, 10, 0.4, 0.5, 5), (WARM, 20, 0.4, 0.6, 5), (COLD, 15, 0, 1, None), (WARM, 30, 0.4, 0.7, 5))
    source = folder.source()
    assert source.start == at(9)
    events = books(list(source.events(at(25))))
    assert [(book.ticker, book.at) for book in events[:2]] == [
        (WARM, at(25) + timedelta(microseconds=1)),
        (WARM, at(30)),
    ]
    assert events[0].asks == ((600_000, 500),)
    late = list(source.events(datetime(2026, 3, 11, 12, 30, tzinfo=UTC)))
    assert [type(event) for event in late if not isinstance(event, Book)] == [Determined, Determined]


def test_quotes_without_sizes_show_the_assumed_one_and_empty_sides_nothing(folder: Folder) -> None:
    folder.quotes((WARM, 1, 0.4, 0.5, None), (WARM, 2, 0, 0.5, 3), (WARM, 3, 0.4, 1, 3), (WARM, 4, 0.4, 0.5, 0))
    shown = [(book.bids, book.asks) for book in books(list(folder.source(assumed_size=2.5).events(LONG_AGO)))]
    assert shown[:4] == [
        (((400_000, 250),), ((500_000, 250),)),
        ((), ((500_000, 300),)),
        (((400_000, 300),), ()),
        ((), ()),
    ]


def test_what_cannot_be_true_is_left_out_and_counted(folder: Folder) -> None:
    folder.quotes(
        (WARM, 1, 0.5, 0.5, 3), (WARM, 2, 0.6, 0.5, 3), (WARM, 3, 0.405, 0.5, 3), (WARM, -5, 0.4, 0.5, 3),
        (WARM, 5, 0.4, 0.5, 3), (WARM, 60 * 48, 0.4, 0.5, 3),
    )  # fmt: skip
    folder.trades((WARM, 6, 0.455, 3, "yes"))
    source = folder.source(outage_seconds=10**6)
    events = list(source.events(LONG_AGO))
    assert [book.at for book in books(events)] == [at(5)]
    assert not [event for event in events if isinstance(event, Print)]
    assert source.notes["quotes: crossed or locked"] == 2
    assert source.notes["prices off the grid"] == 2
    assert source.notes["quotes: outside of trading hours"] == 2


def test_an_outage_withdraws_the_quotes_of_an_event(folder: Folder) -> None:
    folder.quotes(
        (WARM, 1, 0.4, 0.5, 3), (COLD, 20, 0.1, 0.2, 3), (WARM, 45, 0.4, 0.5, 3), (COLD, 100, 0.1, 0.2, 3),
    )  # fmt: skip
    events = books(list(folder.source().events(LONG_AGO)))
    gone = [(book.ticker, book.at) for book in events if not book.bids and not book.asks]
    assert gone == [(COLD, at(75)), (WARM, at(75)), (COLD, at(130))]


def test_full_books_are_rebuilt_from_messages(folder: Folder) -> None:
    message = ("kind", "side", "price", "size_or_delta")
    rows: list[tuple[float, str, str, float, float]] = [
        (1, "snapshot", "yes", 0.40, 10), (1, "snapshot", "yes", 0.39, 20), (1, "snapshot", "no", 0.55, 5),
        (2, "delta", "yes", 0.41, 4), (3, "delta", "yes", 0.40, -10), (3, "delta", "no", 0.55, -2),
        (2.9, "delta", "no", 0.54, 1),  # clocks stutter; the file's order is the true one
        (5, "snapshot", "yes", 0.30, 1),
    ]  # fmt: skip
    folder.write(f"book_{SERIES}", [
        {"market_ticker": WARM, "ts_us": us(minute)} | dict(zip(message, rest, strict=True)) for minute, *rest in rows
    ])  # fmt: skip
    folder.quotes((WARM, 1, 0.01, 0.02, 1), (COLD, 2, 0.1, 0.2, 1))
    events = [book for book in books(list(folder.source().events(LONG_AGO))) if book.ticker == WARM]
    assert [(book.at, book.bids, book.asks) for book in events[:4]] == [
        (at(1), ((400_000, 1000), (390_000, 2000)), ((450_000, 500),)),
        (at(2), ((410_000, 400), (400_000, 1000), (390_000, 2000)), ((450_000, 500),)),
        (at(3), ((410_000, 400), (390_000, 2000)), ((450_000, 300), (460_000, 100))),
        (at(5), ((300_000, 100),), ()),
    ]
    best = books(list(folder.source(full_depth=False).events(LONG_AGO)))
    assert [book.asks for book in best if book.at == at(3)] == [((450_000, 300),)]


def test_files_of_many_row_groups_are_merged(folder: Folder) -> None:
    rows = [(ticker, minute, 0.3 + minute / 1000, 0.9, 1.0) for ticker in (WARM, COLD) for minute in range(0, 100, 10)]
    folder.quotes(*rows, row_group_size=3)
    events = books(list(folder.source(outage_seconds=10**6).events(LONG_AGO)))
    assert [event.at for event in events] == sorted(at(minute) for _, minute, *_ in rows)


def test_candles_tell_quotes_where_there_is_nothing_better(folder: Folder) -> None:
    folder.candles("60m", {"minute": 60, "yes_bid_close": 0.4, "yes_ask_close": 0.5}, {"minute": 120})
    events = books(list(folder.source().events(LONG_AGO)))
    assert events[0] == Book(at(60), WARM, level(400_000, 1000), level(500_000, 1000), through=True)
    assert (events[1].at, events[1].bids) == (at(180), ())


def test_the_past_is_made_of_candles_and_trades(folder: Folder) -> None:
    flat = {f"yes_bid_{part}": 0.4 for part in ("open", "high", "low", "close")}
    flat |= {f"yes_ask_{part}": 0.5 for part in ("open", "high", "low", "close")}
    folder.candles(
        "1m",
        *({"minute": minute} | flat for minute in (121, 122, 123)),
        {"minute": 130, "open_interest": 7.0} | flat | {"yes_bid_low": 0.38},
    )
    hour = {"yes_bid_close": 0.2, "yes_ask_close": 0.3, "price_close": 0.25, "volume": 4.0, "open_interest": 3.0}
    folder.candles(
        "60m",
        {"minute": 60} | hour,
        {"minute": 120, "yes_bid_close": 0.4, "yes_ask_close": 0.5},
        {"minute": 180, "yes_bid_close": 0.9, "yes_ask_close": 0.95},
    )
    folder.trades((WARM, 122.5, 0.45, 2, "yes"), (WARM, 122.9, 0.48, 6, "yes"), (WARM, 140.5, 0.5, 1, "no"))
    source = folder.source()
    known = source.past(WARM, at(135))
    assert [(c.end_ts - us(0) // 1_000_000) // 60 for c in known.hours] == [60, 120]
    assert (known.hours[0].bid_close, known.hours[0].price_close, known.hours[0].volume) == (200_000, 250_000, 400)
    assert (known.hours[1].bid_open, known.hours[1].bid_close, known.hours[1].previous) == (200_000, 400_000, 250_000)
    assert [(c.end_ts - us(0) // 1_000_000) // 60 for c in known.minutes] == [123, 130]
    traded, quoted = known.minutes
    assert (traded.price_open, traded.price_close, traded.mean, traded.volume) == (450_000, 480_000, 472_500, 800)
    assert (traded.bid_low, traded.bid_high, traded.previous) == (400_000, 400_000, 250_000)
    assert (quoted.bid_low, quoted.bid_close, quoted.previous) == (380_000, 400_000, 480_000)
    assert [trade.time for trade in known.trades] == [at(122.5), at(122.9)]
    assert len({trade.trade_id for trade in known.trades}) == 2
    assert source.past(WARM, at(135)) == known
    assert source.past(COLD, at(135)).minutes == []
    (market,) = [item for item in source.catalogue(at(135)) if isinstance(item, Market) and item.ticker == WARM]
    assert (market.volume, market.last_price, market.open_interest) == (1200, 480_000, 700)


def test_the_catalogue_shows_the_state_of_the_moment(folder: Folder) -> None:
    source = folder.source()
    assert [type(item) for item in source.catalogue(at(-1))] == [Series]
    for now, status in (
        (at(1), MarketStatus.INITIALIZED),
        (CLOSE, MarketStatus.CLOSED),
        (datetime(2026, 3, 11, 12, 30, tzinfo=UTC), MarketStatus.CLOSED),
        (datetime(2026, 3, 11, 13, 0, tzinfo=UTC), MarketStatus.FINALIZED),
    ):
        items = source.catalogue(now)
        assert [type(item) for item in items] == [Series, Event, Market, Market]
        assert {item.status for item in items if isinstance(item, Market)} == {status}
    ended = [item for item in source.catalogue(CLOSE + timedelta(days=9)) if isinstance(item, Market)]
    assert {(m.ticker, m.result, m.settlement_value) for m in ended} == {(WARM, "yes", 1_000_000), (COLD, "no", 0)}


@pytest.mark.parametrize(
    ("series", "event", "opened", "closed"),
    [
        ("KXHIGHNY", "KXHIGHNY-26MAR10", "2026-03-09T14:00:00+00:00", "2026-03-11T04:59:00+00:00"),
        ("KXHIGHNY", "KXHIGHNY-26JAN10", "2026-01-09T15:00:00+00:00", "2026-01-11T04:59:00+00:00"),
        ("HIGHCHI", "HIGHCHI-24JUL25", "2024-07-24T14:00:00+00:00", "2024-07-26T05:59:00+00:00"),
        ("KXHIGHLAX", "KXHIGHLAX-26JUL21", "2026-07-20T14:00:00+00:00", "2026-07-22T07:59:00+00:00"),
        ("KXBTC", "KXBTC-26JUL1002", "2026-07-10T05:00:00+00:00", "2026-07-10T06:00:00+00:00"),
        ("KXBTC15M", "KXBTC15M-26AUG010045", "2026-08-01T04:30:00+00:00", "2026-08-01T04:45:00+00:00"),
        ("KXINX", "KXINX-26SEP14H1600", "2026-09-13T20:00:00+00:00", "2026-09-14T20:00:00+00:00"),
    ],
)
def test_missing_times_are_read_off_the_ticker(
    folder: Folder, series: str, event: str, opened: str, closed: str
) -> None:
    folder.markets(
        {"series_ticker": series, "event_ticker": event, "open_time": None, "close_time": None}, series=series
    )
    source = folder.source(series=(series,))
    (market,) = [item for item in source.catalogue(CLOSE + timedelta(days=400)) if isinstance(item, Market)]
    assert (market.open_time.isoformat(), market.close_time.isoformat()) == (opened, closed)
    assert source.notes["close time read off the ticker"] == source.notes["usual opening time"] == 1


def test_markets_without_times_strikes_or_results(folder: Folder) -> None:
    folder.markets(
        {"event_ticker": "KXHIGHNY-SOMETIME", "market_ticker": "X1", "close_time": None},
        {"market_ticker": "X2", "result": None, "result_inferred": "no"},
        {"market_ticker": "X3", "result": None, "strike_type": None, "floor_strike": None},
        {"market_ticker": "X4", "strike_type": "between"},
    )
    source = folder.source()
    listed = {item.ticker: item for item in source.catalogue(at(1)) if isinstance(item, Market)}
    assert listed.keys() == {"X2", "X3", "X4"}
    assert (listed["X3"].strike_type, listed["X4"].strike_type) == (StrikeType.CUSTOM, StrikeType.CUSTOM)
    ends = {event.ticker: event for event in source.events(LONG_AGO) if isinstance(event, Determined)}
    assert (ends["X2"].result, "X3" in ends) == (Result.NO, False)
    counted = {
        key: source.notes[key]
        for key in ("left out: no close time", "inferred result", "without a result", "without strikes")
    }
    assert list(counted.values()) == [1, 1, 1, 2]


def test_only_what_was_chosen_is_replayed(folder: Folder) -> None:
    other = {"event_ticker": "KXHIGHNY-26MAR11", "market_ticker": "KXHIGHNY-26MAR11-T57"}
    folder.markets({"market_ticker": WARM}, other)
    folder.quotes((WARM, 10, 0.4, 0.5, 5), (other["market_ticker"], 10, 0.4, 0.5, 5))
    for chosen in ({"days": (date(2026, 3, 11),)}, {"events": ("KXHIGHNY-26MAR11",)}):
        events = list(folder.source(**chosen).events(LONG_AGO))
        assert {event.ticker for event in events if isinstance(event, Book | Determined)} == {other["market_ticker"]}
    with pytest.raises(ConfigError, match="no market"):
        folder.source(days=(date(2026, 5, 1),))
    with pytest.raises(ConfigError, match="markets_KXNONE"):
        folder.source(series=("KXNONE",))


def test_the_rule_for_makers_goes_with_every_event(folder: Folder) -> None:
    folder.quotes((WARM, 10, 0.4, 0.5, 5))
    folder.trades((WARM, 11, 0.5, 1, "yes"))
    for rule, through in (("through", True), ("queue", False)):
        events = [e for e in folder.source(maker_fills=rule).events(LONG_AGO) if isinstance(e, Book | Print)]
        assert [event.through for event in events[:2]] == [through, through]
