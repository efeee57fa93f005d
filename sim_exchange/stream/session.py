"""One client's connection: its commands, its subscriptions, what it is sent. Never waits."""

from collections.abc import Iterable, Sequence
from itertools import count
from typing import Protocol

from msgspec import Struct

from sim_exchange.effects import MessageFacts
from sim_exchange.faults import Faults
from sim_exchange.stream import frames
from sim_exchange.stream.channels import BOOK, TICKER, Channel, Markets
from sim_exchange.stream.commands import (
    INVALID,
    MARKET_LIMIT,
    OVERFLOW,
    TOO_MANY,
    UNABLE,
    UNKNOWN_SID,
    ListSubscriptions,
    Selection,
    StreamError,
    Subscribe,
    Unsubscribe,
    Update,
    check_update,
    parse,
)
from sim_exchange.stream.outbox import Outbox
from sim_exchange.stream.subscriptions import Subscription, Watchers


class StreamLimits(Struct, frozen=True):
    """What one connection may do; the first two as on the real exchange."""

    markets: int = 500_000
    """Market subscriptions, all channels together."""
    commands_per_second: int = 10_000
    heartbeat_seconds: float = 10.0
    """Real seconds between pings."""
    buffered_messages: int = 10_000
    """Messages of one subscription that may wait to be read."""
    buffered_answers: int = 10_000
    """Answers that may wait before no more commands are read."""
    message_bytes: int = 4 * 1024 * 1024
    """Size of a client's message, above which the connection is closed with 1009."""


class Board(Protocol):
    """What a connection needs of the exchange."""

    def sending_ts_ms(self) -> int:
        """Give the exchange's time in Unix milliseconds."""
        ...

    def monotonic(self) -> float:
        """Give real time in seconds."""
        ...

    def watchers(self, channel: Channel, account_id: str) -> Watchers:
        """Give who listens to a channel, or to an account's own."""
        ...

    def snapshot(self, ticker: str, *, use_yes_price: bool) -> bytes | None:
        """Give a market's book; None for an unknown one."""
        ...

    def ticker(self, ticker: str) -> bytes | None:
        """Give a market's quote; None for an unknown one."""
        ...

    def open_tickers(self) -> Iterable[str]:
        """Give the markets that trade."""
        ...

    def ticker_of(self, market_id: str) -> str | None:
        """Give the ticker of the market with this UUID."""
        ...


class Session:
    """One connection.

    Attributes:
        account_id: Whose it is.
        outbox: What waits to be sent.
    """

    def __init__(self, account_id: str, name: str, board: Board, faults: Faults, limits: StreamLimits) -> None:
        self.account_id = account_id
        self.outbox = Outbox(limits.buffered_answers)
        self._name = name
        self._board = board
        self._faults = faults
        self._limits = limits
        self._sids = count(1)
        self._open: dict[int, Subscription] = {}
        self._second = 0.0
        self._commands = 0

    def handle(self, text: str) -> None:
        """Carry out a command and leave the answers in the outbox."""
        hasty = self._is_hasty()
        try:
            command = parse(text)
            if hasty:
                raise StreamError(TOO_MANY, command.command_id)
            if isinstance(command, Subscribe):
                self._subscribe(command)
            elif isinstance(command, Unsubscribe):
                self._unsubscribe(command)
            elif isinstance(command, Update):
                self._update(command)
            else:
                self._list(command)
        except StreamError as error:
            self.outbox.put(frames.error(error.command_id, error.code, self._now(), error.tickers))

    def refuse(self) -> None:
        """Answer a frame that is no text."""
        self.outbox.put(frames.error(0, UNABLE, self._now()))

    def close(self) -> None:
        """Forget all subscriptions."""
        for subscription in tuple(self._open.values()):
            self._end(subscription)

    def deliver(self, subscription: Subscription, kind: str, body: bytes, ticker: str) -> None:
        """Send a message of a channel; a subscription whose buffer is full ends here."""
        if subscription.waiting < self._limits.buffered_messages:
            self._send(subscription, kind, body, ticker, counted=subscription)
        else:
            self._end(subscription)
            seq = subscription.next_data_seq()
            self.outbox.put(frames.ended(OVERFLOW, subscription.sid, seq, self._now()))

    def _send(
        self,
        subscription: Subscription,
        kind: str,
        body: bytes,
        ticker: str,
        *,
        counted: Subscription | None = None,
        command_id: int = 0,
    ) -> None:
        seq = subscription.next_data_seq()
        frame = frames.data(kind, subscription.sid, seq, self._now(), body, command_id=command_id)
        if not self._faults.strike_messages:
            self.outbox.put(frame, counted)
            return
        effects = self._faults.on_message(MessageFacts(subscription.channel.name, self._name, ticker))
        if effects.drop_socket:
            self.outbox.cut()
        elif effects.reorder and subscription.held is None:
            subscription.held = frame
        elif not effects.lose:
            self.outbox.put(frame, counted, effects.delay)
            if effects.duplicate:
                self.outbox.put(frame, counted)
            if subscription.held is not None:
                self.outbox.put(subscription.held, counted)
                subscription.held = None

    def _subscribe(self, command: Subscribe) -> None:
        tickers = self._tickers(command.selection)
        self._check_room(command.command_id, len(tickers) * len(command.channels))
        scales = {each.channel: each.use_yes_price for each in self._open.values()}
        for subscription in [self._open_or_merge(channel, command, tickers) for channel in command.channels]:
            # On another scale everything that the client has is wrong.
            rescaled = scales.get(subscription.channel, subscription.use_yes_price) != subscription.use_yes_price
            wanted = sorted(subscription.tickers or ()) if rescaled else tickers
            self._send_state(subscription, wanted, quotes=command.send_initial_snapshot)

    def _open_or_merge(self, channel: Channel, command: Subscribe, tickers: Sequence[str]) -> Subscription:
        known = next((each for each in self._open.values() if each.channel is channel), None)
        subscription = known or Subscription(self, next(self._sids), channel)
        if command.use_yes_price is not None:
            subscription.use_yes_price = command.use_yes_price
        if command.skip_ack is not None:
            subscription.skip_ack = command.skip_ack
        watchers = self._watchers(subscription)
        if channel.markets is Markets.IGNORED or command.selection.empty:
            watchers.add_all(subscription)
            subscription.tickers = None
        elif subscription.tickers is not None:
            self._add(subscription, command.selection, tickers)
        if known is None:
            self._open[subscription.sid] = subscription
            self.outbox.put(frames.subscribed(command.command_id, channel.name, subscription.sid, self._now()))
        else:
            self._confirm(subscription, command.command_id)
        return subscription

    def _update(self, command: Update) -> None:
        subscription = self._open.get(command.sid)
        if subscription is None:
            raise StreamError(UNKNOWN_SID, command.command_id)
        check_update(command, subscription.channel)
        tickers = self._tickers(command.selection)
        if command.action == "get_snapshot":
            self._send_books(command.command_id, subscription, tickers)
            return
        if subscription.tickers is None:  # it has all markets: none to add, none to take out
            raise StreamError(INVALID, command.command_id)
        if command.action == "add_markets":
            self._check_room(command.command_id, len(tickers))
            self._add(subscription, command.selection, tickers)
        else:
            self._watchers(subscription).remove(subscription, tickers)
            subscription.tickers.difference_update(tickers)
            for market_id in [key for key, ticker in subscription.ids.items() if ticker in tickers]:
                del subscription.ids[market_id]
        self._confirm(subscription, command.command_id)
        if command.action == "add_markets":
            self._send_state(subscription, tickers, quotes=command.send_initial_snapshot)

    def _unsubscribe(self, command: Unsubscribe) -> None:
        for sid in command.sids:
            subscription = self._open.get(sid)
            if subscription is None:
                self.outbox.put(frames.error(command.command_id, UNKNOWN_SID, self._now()))
            else:
                self._end(subscription)
                self.outbox.put(frames.unsubscribed(command.command_id, sid, subscription.next_seq(), self._now()))

    def _list(self, command: ListSubscriptions) -> None:
        rows = [(subscription.channel.name, sid) for sid, subscription in self._open.items()]
        self.outbox.put(frames.listed(command.command_id, self._now(), rows))

    def _send_state(self, subscription: Subscription, tickers: Iterable[str], *, quotes: bool) -> None:
        """Send what a channel begins with: books, and quotes where they were asked for."""
        if subscription.channel is BOOK:
            for ticker in tickers:
                if (book := self._board.snapshot(ticker, use_yes_price=subscription.use_yes_price)) is not None:
                    self._send(subscription, "orderbook_snapshot", book, ticker)
        elif subscription.channel is TICKER and quotes:
            for ticker in self._board.open_tickers() if subscription.tickers is None else tickers:
                if (quote := self._board.ticker(ticker)) is not None:
                    self._send(subscription, "ticker", quote, ticker)

    def _send_books(self, command_id: int, subscription: Subscription, tickers: Sequence[str]) -> None:
        books = {name: self._board.snapshot(name, use_yes_price=subscription.use_yes_price) for name in tickers}
        if unknown := [name for name, book in books.items() if book is None]:
            raise StreamError(INVALID, command_id, unknown)
        for ticker, book in books.items():
            if book is not None:
                self._send(subscription, "orderbook_snapshot", book, ticker, command_id=command_id)

    def _add(self, subscription: Subscription, selection: Selection, tickers: Sequence[str]) -> None:
        if subscription.tickers is not None:
            subscription.tickers.update(tickers)
        for market_id in selection.ids or ():
            if (ticker := self._board.ticker_of(market_id)) is not None:
                subscription.ids[market_id] = ticker
        self._watchers(subscription).add(subscription, tickers)

    def _confirm(self, subscription: Subscription, command_id: int) -> None:
        seq = subscription.next_seq()
        self.outbox.put(frames.ok(command_id, subscription.sid, seq, self._now(), subscription.markets()))

    def _end(self, subscription: Subscription) -> None:
        self._watchers(subscription).drop(subscription)
        self._open.pop(subscription.sid, None)

    def _tickers(self, selection: Selection) -> Sequence[str]:
        if selection.ids is None:
            return selection.tickers or ()
        found = (self._board.ticker_of(market_id) for market_id in selection.ids)
        return [ticker for ticker in found if ticker is not None]

    def _watchers(self, subscription: Subscription) -> Watchers:
        return self._board.watchers(subscription.channel, self.account_id)

    def _check_room(self, command_id: int, more: int) -> None:
        if sum(len(each.tickers or ()) for each in self._open.values()) + more > self._limits.markets:
            raise StreamError(MARKET_LIMIT, command_id)

    def _is_hasty(self) -> bool:
        """Count a command; tells whether it is one too many in its second."""
        now = self._board.monotonic()
        if now - self._second >= 1:
            self._second, self._commands = now, 0
        self._commands += 1
        return self._commands > self._limits.commands_per_second

    def _now(self) -> int:
        return self._board.sending_ts_ms()
