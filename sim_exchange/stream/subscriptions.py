"""What one connection has subscribed to, and who has subscribed to a market. Pure."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Protocol

from sim_exchange.stream.channels import Channel


class Receiver(Protocol):
    """A connection."""

    @property
    def account_id(self) -> str:
        """Whose it is."""
        ...

    def deliver(self, subscription: "Subscription", kind: str, body: bytes, ticker: str) -> None:
        """Send a message of a channel."""
        ...


class Subscription:
    """One channel of one connection.

    Attributes:
        session: Whose it is.
        sid: Its number on the connection.
        channel: Which one.
        tickers: Markets it is about; None is all.
        ids: Markets asked for by UUID, with their tickers.
        use_yes_price: The NO side's prices come on the scale of YES.
        skip_ack: Confirmations leave out the list of markets.
        seq: Number of the last message.
        waiting: Messages in the connection's buffer, asked-for snapshots not counted.
        held: A message kept back by a fault, to be sent after the next one.
    """

    __slots__ = (
        "channel", "held", "ids", "seq", "session", "sid", "skip_ack", "tickers", "use_yes_price", "waiting",
    )  # fmt: skip

    def __init__(self, session: Receiver, sid: int, channel: Channel) -> None:
        self.session = session
        self.sid = sid
        self.channel = channel
        self.tickers: set[str] | None = set()
        self.ids: dict[str, str] = {}
        self.use_yes_price = False
        self.skip_ack = False
        self.seq = 0
        self.waiting = 0
        self.held: bytes | None = None

    def next_seq(self) -> int:
        """Count a message."""
        self.seq += 1
        return self.seq

    def next_data_seq(self) -> int | None:
        """Count a message of the channel; None where those have no number."""
        return self.next_seq() if self.channel.sequenced else None

    def wants(self, ticker: str) -> bool:
        """Whether it is about this market."""
        return self.tickers is None or ticker in self.tickers

    def markets(self) -> dict[str, list[str]]:
        """What a confirmation says about its markets: all of them, sorted."""
        if self.skip_ack or self.tickers is None:
            return {}
        named = sorted(self.tickers.difference(self.ids.values()))
        by_id = {"market_ids": sorted(self.ids)} if self.ids else {}
        return by_id | ({"market_tickers": named} if named or not by_id else {})


class Watchers:
    """Who has subscribed to a public channel, by market."""

    def __init__(self) -> None:
        self._of: dict[str, dict[Subscription, None]] = {}
        self._of_all: dict[Subscription, None] = {}

    def add(self, subscription: Subscription, tickers: Iterable[str]) -> None:
        """Note more markets of a subscription."""
        for ticker in tickers:
            self._of.setdefault(ticker, {})[subscription] = None

    def add_all(self, subscription: Subscription) -> None:
        """Note a subscription to all markets, replacing what was noted of it."""
        self.remove(subscription, subscription.tickers or ())
        self._of_all[subscription] = None

    def remove(self, subscription: Subscription, tickers: Iterable[str]) -> None:
        """Forget markets of a subscription."""
        for ticker in tickers:
            watching = self._of.get(ticker)
            if watching is not None:
                watching.pop(subscription, None)
                if not watching:
                    del self._of[ticker]

    def drop(self, subscription: Subscription) -> None:
        """Forget a subscription."""
        self._of_all.pop(subscription, None)
        self.remove(subscription, subscription.tickers or ())

    def of(self, ticker: str) -> Iterator[Subscription]:
        """Give whom to tell about a market. A copy: telling may end a subscription."""
        return chain(tuple(self._of_all), tuple(self._of.get(ticker, ())))

    def any_of(self, ticker: str) -> bool:
        """Whether anybody is to be told about a market."""
        return bool(self._of_all) or ticker in self._of
