"""A conversation of the client's stream, frame by frame, without a socket."""

import json
from random import Random
from typing import Any

import msgspec

from mesh.kalshi.stream.channels import Channel
from mesh.kalshi.stream.config import StreamConfig
from mesh.kalshi.stream.events import Event, Resynced
from mesh.kalshi.stream.line import Wanted
from mesh.kalshi.stream.session import Session
from mesh.kalshi.stream.stats import StreamStats
from mesh.kalshi.stream.wire import Command

CONFIG = StreamConfig(first_pause_seconds=1.0, longest_pause_seconds=16.0, answer_seconds=10.0)
FILL = {
    "trade_id": "T", "order_id": "O", "client_order_id": "mine", "market_ticker": "A", "exchange_index": 0,
    "is_taker": True, "side": "yes", "yes_price_dollars": "0.4500", "count_fp": "2.50", "fee_cost": "0.034700",
    "action": "buy", "outcome_side": "yes", "book_side": "bid", "ts": 1_783_692_000, "ts_ms": 1_783_692_000_123,
    "post_position_fp": "-2.50", "purchased_side": "yes",
}  # fmt: skip
TRADE = {
    "trade_id": "T", "market_ticker": "A", "yes_price_dollars": "0.4500", "no_price_dollars": "0.5500",
    "count_fp": "2.50", "taker_side": "no", "taker_outcome_side": "no", "taker_book_side": "ask",
    "is_block_trade": False, "ts": 1_783_692_000, "ts_ms": 1_783_692_000_123,
}  # fmt: skip
TICKER = {
    "market_id": "id", "market_ticker": "A", "price_dollars": "0.0000", "yes_bid_dollars": "0.4000",
    "yes_ask_dollars": "1.0000", "volume_fp": "0.00", "open_interest_fp": "0.00", "dollar_volume": 0,
    "dollar_open_interest": 0, "yes_bid_size_fp": "3.00", "yes_ask_size_fp": "0.00", "last_trade_size_fp": "0.00",
    "ts": 1_783_692_000, "ts_ms": 1_783_692_000_123, "time": "2026-07-10T14:00:00.123Z",
}  # fmt: skip


class Talk:
    """A session, with everything that it sent and told, on a clock that is moved by hand."""

    def __init__(self, wanted: Wanted | None = None) -> None:
        self.wanted: Wanted = {} if wanted is None else wanted
        self.now = 1000.0
        self.sent: list[dict[str, Any]] = []
        self.told: list[Event] = []
        self.stats = StreamStats()
        self.session = Session(
            self.wanted,
            emit=self.told.append,
            send=self._send,
            config=CONFIG,
            stats=self.stats,
            random=Random(1),  # noqa: S311  repeatable
        )
        self.session.update(self.now)

    def _send(self, command: Command) -> None:
        self.sent.append(msgspec.json.decode(msgspec.json.encode(command)))

    def want(self, channel: Channel, *tickers: str) -> None:
        self.wanted[channel] = set(tickers) or None
        self.session.update(self.now)

    def say(self, kind: str, msg: Any = None, **fields: Any) -> None:
        message = {"type": kind, "msg": msg, **fields}
        self.raw(json.dumps({name: value for name, value in message.items() if value is not None}).encode())

    def raw(self, frame: bytes) -> None:
        self.session.handle(frame, self.now)

    def begin(self, sid: int = 1) -> None:
        """Confirm the last command, a subscription."""
        (channel,) = self.sent[-1]["params"]["channels"]
        self.say("subscribed", {"channel": channel, "sid": sid}, id=self.sent[-1]["id"])

    def book(self, seq: int, ticker: str = "A", sid: int = 1, **sides: Any) -> None:
        sides = sides or {"yes_dollars_fp": [["0.4000", "3.00"]], "no_dollars_fp": [["0.4500", "2.00"]]}
        self.say("orderbook_snapshot", {"market_ticker": ticker, "clock": seq, **sides}, sid=sid, seq=seq)

    def delta(self, seq: int, delta: str = "1.00", ticker: str = "A", sid: int = 1, **changed: Any) -> None:
        msg = {"market_ticker": ticker, "price_dollars": "0.4000", "delta_fp": delta, "side": "yes", "clock": seq}
        self.say("orderbook_delta", msg | changed, sid=sid, seq=seq)

    def error(self, code: int, **fields: Any) -> None:
        names = {name: fields.pop(name) for name in ("market_ticker", "market_tickers") if name in fields}
        self.say("error", {"code": code, "msg": "what went wrong"} | names, **fields)

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds * 4)):
            self.now += 0.25
            self.session.tick(self.now)

    def take(self) -> list[Event]:
        """What was told since the last time."""
        told, self.told[:] = self.told[:], []
        return told

    @property
    def last(self) -> dict[str, Any]:
        return self.sent[-1]


def books(*tickers: str) -> Talk:
    """A session with exact books, and nothing under way."""
    talk = Talk({Channel.BOOK: set(tickers)})
    talk.begin()
    for seq, ticker in enumerate(sorted(tickers), 1):
        talk.book(seq, ticker)
    talk.take()
    talk.sent.clear()
    return talk


def private(channel: Channel) -> Talk:
    talk = Talk({channel: None})
    talk.begin()
    assert talk.take() == [Resynced(channel, None)]
    return talk
