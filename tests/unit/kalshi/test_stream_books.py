"""Books over a connection that loses, repeats and swaps messages: never wrong, and right again in the end."""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesh.kalshi.book import Book, Change
from mesh.kalshi.errors import NoAnswer
from mesh.kalshi.stream.channels import Channel
from mesh.kalshi.stream.config import StreamConfig
from mesh.kalshi.stream.events import BookSnapshot, BookUpdated, Event, Gap
from mesh.kalshi.stream.line import Wanted
from mesh.kalshi.stream.session import Session
from mesh.kalshi.stream.stats import StreamStats
from mesh.kalshi.stream.wire import Command
from mesh.kalshi.terms import BookSide
from mesh.types import CENT, Hundredths, Price, count_text

MARKETS = ("A", "B", "C")
CONFIG = StreamConfig(first_pause_seconds=0.5, longest_pause_seconds=8.0, answer_seconds=4.0)


class Exchange:
    """The truth, and what the exchange sends about it on one connection after the other."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.books = {ticker: Book(ticker, {}, {}, clock=0) for ticker in MARKETS}
        self.told: dict[tuple[str, int], Book] = {(ticker, 0): book for ticker, book in self.books.items()}
        self.wire: list[dict[str, Any]] = []
        self.clock = 0
        self.commands: list[Command] = []
        self.connect()

    def connect(self) -> None:
        self.wire.clear()
        self.sids = 0
        self.open: dict[int, set[str]] = {}
        self.seqs: dict[int, int] = {}

    def happen(self, ticker: str) -> None:
        """Something changes in a market."""
        side = self.random.choice([BookSide.BID, BookSide.ASK])
        at = Price(self.random.randint(1, 5) * CENT)
        book = self.books[ticker]
        there = (book.yes_bids if side is BookSide.BID else book.yes_asks).get(at, 0)
        delta = -there if there and self.random.random() < 0.5 else self.random.randint(1, 300)
        self.clock += 1
        now = self.books[ticker] = book.after(Change(side, at, Hundredths(delta)), self.clock)
        self.told[ticker, self.clock] = now
        for sid, tickers in self.open.items():
            if ticker in tickers:
                msg = {
                    "market_ticker": ticker, "clock": self.clock, "price_dollars": at.dollars(),
                    "delta_fp": count_text(Hundredths(delta)), "side": "yes" if side is BookSide.BID else "no",
                }  # fmt: skip
                self.send("orderbook_delta", sid, msg)

    def obey(self, command: Command) -> None:
        self.commands.append(command)
        params: dict[str, Any] = msgspec.to_builtins(command.params)
        tickers = params.get("market_tickers", [])
        if command.cmd == "subscribe":
            assert params["use_yes_price"] is True
            self.sids += 1
            self.open[self.sids], self.seqs[self.sids] = set(tickers), 0
            msg = {"channel": "orderbook_delta", "sid": self.sids}
            self.wire.append({"type": "subscribed", "id": command.id, "msg": msg})
            self.snapshots(self.sids, tickers)
            return
        (sid,) = params["sids"]
        if sid not in self.open:
            msg = {"code": 7, "msg": "Unknown subscription ID"}
            self.wire.append({"type": "error", "id": command.id, "msg": msg})
        elif command.cmd == "unsubscribe":
            self.send("unsubscribed", sid, None, id=command.id)
            del self.open[sid]
        elif params["action"] == "get_snapshot":
            self.snapshots(sid, tickers, id=command.id)
        else:
            change = self.open[sid].update if params["action"] == "add_markets" else self.open[sid].difference_update
            change(tickers)
            self.send("ok", sid, {}, id=command.id)
            self.snapshots(sid, tickers if params["action"] == "add_markets" else ())

    def snapshots(self, sid: int, tickers: Any, **fields: Any) -> None:
        for ticker in tickers:
            book = self.books[ticker]
            msg = {"market_ticker": ticker, "clock": book.clock}
            for name, levels in (("yes_dollars_fp", book.yes_bids), ("no_dollars_fp", book.yes_asks)):
                if levels:
                    msg[name] = [[price.dollars(), count_text(size)] for price, size in levels.items()]
            self.send("orderbook_snapshot", sid, msg, **fields)

    def overflow(self) -> None:
        for sid in list(self.open):
            self.send("error", sid, {"code": 25, "msg": "Subscription buffer overflow"})
            del self.open[sid]

    def send(self, kind: str, sid: int, msg: Any, **fields: Any) -> None:
        self.seqs[sid] += 1
        self.wire.append({"type": kind, "sid": sid, "seq": self.seqs[sid], **fields, "msg": msg})

    def delivered(self, trouble: float) -> Iterator[bytes]:
        """What arrives: in trouble, messages of channels are lost, come twice, or after their successor."""
        while self.wire:
            frame = self.wire.pop(0)
            if frame["type"].startswith("orderbook") and self.random.random() < trouble:
                fate = self.random.choice(["lost", "twice", "late", "junk"])
                if fate == "lost":
                    continue
                if fate == "junk":
                    frame["msg"]["market_ticker"] = 7
                if fate == "twice":
                    self.wire.insert(self.random.randint(0, min(3, len(self.wire))), frame)
                if fate == "late" and self.wire:
                    self.wire.insert(self.random.randint(1, min(3, len(self.wire))), frame)
                    continue
            yield json.dumps(frame).encode()


class Client:
    """Sessions one after the other, and a check of everything that they tell."""

    def __init__(self, exchange: Exchange, random: Random) -> None:
        self.exchange = exchange
        self.random = random
        self.wanted: Wanted = {Channel.BOOK: set(MARKETS[:2])}
        self.now = 100.0
        self.gaps = 0
        self.shown: dict[str, Book | None] = {}
        self.connect()

    def connect(self) -> None:
        self.exchange.connect()
        self.session = Session(
            self.wanted,
            emit=self.check,
            send=self.exchange.obey,
            config=CONFIG,
            stats=StreamStats(),
            random=self.random,
        )
        self.session.update(self.now)

    def check(self, event: Event) -> None:
        """A book that is told is a book that was; an update follows from the book told before."""
        match event:
            case BookSnapshot(book=book):
                self.shown[book.ticker] = book
            case BookUpdated(book=book, change=change):
                before = self.shown[book.ticker]
                assert before is not None, "an update of a book that is not to be relied on"
                assert before.after(change, book.clock) == book
                self.shown[book.ticker] = book
            case Gap(tickers=tickers):
                self.gaps += 1
                for ticker in tickers or ():
                    self.shown[ticker] = None
                return
            case _:
                raise AssertionError(event)
        assert book.clock is not None
        assert book == self.exchange.told[book.ticker, book.clock]

    def live(self, seconds: float, trouble: float) -> None:
        try:
            for _ in range(round(seconds / 0.25)):
                for raw in self.exchange.delivered(trouble):
                    self.session.handle(raw, self.now)
                    for ticker in MARKETS:
                        assert self.session.book(ticker) in (None, self.shown.get(ticker))
                self.now += 0.25
                self.session.tick(self.now)
        except NoAnswer as error:
            self.session.end(str(error))
            self.connect()

    def assert_right(self) -> None:
        for ticker in self.wanted[Channel.BOOK] or ():
            assert self.session.book(ticker) == self.exchange.books[ticker], ticker
            assert self.shown[ticker] == self.exchange.books[ticker]


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.02, 0.2, 0.6]))
def test_books_are_never_wrong_and_right_in_the_end(seed: int, trouble: float) -> None:
    random = Random(seed)  # noqa: S311  repeatable
    exchange = Exchange(random)
    client = Client(exchange, random)
    for _ in range(60):
        for _ in range(random.randint(0, 4)):
            exchange.happen(random.choice(MARKETS))
        match random.random():
            case number if number < 0.04 and trouble:
                exchange.overflow()
            case number if number < 0.06 and trouble:
                client.session.end("the socket was lost")
                client.connect()
            case number if number < 0.12:
                client.wanted[Channel.BOOK] = set(random.sample(MARKETS, random.randint(1, 3)))
                client.session.update(client.now)
        client.live(random.choice([0.25, 1.0]), trouble)
    for ticker in MARKETS:
        exchange.happen(ticker)  # shows what is missing
    client.live(40.0, 0.0)
    client.assert_right()


def test_without_trouble_there_is_no_gap_and_no_needless_command() -> None:
    exchange = Exchange(Random(3))  # noqa: S311  repeatable
    client = Client(exchange, Random(4))  # noqa: S311  repeatable
    for _ in range(200):
        exchange.happen(exchange.random.choice(MARKETS))
        client.live(0.25, 0.0)

    client.assert_right()
    assert client.gaps == 0
    assert [command.cmd for command in exchange.commands] == ["subscribe"]


@pytest.mark.parametrize("trouble", [0.2, 0.6])
def test_trouble_is_told(trouble: float) -> None:
    exchange = Exchange(Random(5))  # noqa: S311  repeatable
    client = Client(exchange, Random(6))  # noqa: S311  repeatable
    for _ in range(200):
        exchange.happen(exchange.random.choice(MARKETS))
        client.live(0.25, trouble)

    assert client.gaps > 0
