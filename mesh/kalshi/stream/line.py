"""One channel's commands on one connection: what to ask for, so that the subscription becomes what is wanted. Pure.

One command is on its way at a time. Whatever its answer, what is still missing is asked for next: a subscription,
markets to add or to take out, books to begin anew. Books that do not come back that way lead to a new subscription.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal, TypeAlias

from mesh.kalshi.stream.channels import Channel
from mesh.kalshi.stream.config import StreamConfig
from mesh.kalshi.stream.events import Event, Refused
from mesh.kalshi.stream.feed import NOT_WANTED, Feed
from mesh.kalshi.stream.pace import Pace
from mesh.kalshi.stream.wire import (
    UNKNOWN_SID,
    Command,
    ErrorBody,
    SubscribeParams,
    UnsubscribeParams,
    UpdateParams,
)

MARKETS_A_COMMAND = 1000
_LONGEST_RESYNC = 5.0  # seconds; what pauses between requests for books grow to while messages keep missing

Wanted: TypeAlias = dict[Channel, set[str] | None]
"""Markets by channel; None is all of them."""
_COMMANDS: Mapping[str, Literal["subscribe", "unsubscribe"]] = {"subscribe": "subscribe", "unsubscribe": "unsubscribe"}
Action: TypeAlias = Literal["subscribe", "unsubscribe", "add_markets", "delete_markets", "get_snapshot"]


@dataclass(slots=True)
class Asked:
    """A command on its way."""

    command: Command
    action: Action
    tickers: set[str] | None
    """Markets it names; of books, those that have not come yet."""
    deadline: float
    """When it should have been answered, monotonic."""


class Line:
    """One channel.

    Attributes:
        feed: What it tells.
        asked: The command on its way.
    """

    def __init__(
        self,
        channel: Channel,
        wanted: Wanted,
        emit: Callable[[Event], None],
        *,
        ids: Iterator[int],
        config: StreamConfig,
        random: Random,
    ) -> None:
        self.feed = Feed(channel, emit)
        self.asked: Asked | None = None
        self._channel = channel
        self._wanted = wanted
        self._emit = emit
        self._ids = ids
        self._config = config
        longest = config.longest_pause_seconds
        self._pace = Pace(config.first_pause_seconds, longest, random)
        self._resync_pace = Pace(config.first_pause_seconds, min(_LONGEST_RESYNC, longest), random, at_once=True)
        self._free_at = 0.0  # no command before
        self._losses = 0  # of the feed, as far as they were noticed
        self._behind = False  # books are to be asked for, from _resync_at on
        self._resync_at = 0.0
        self._poll_at = 0.0  # when to ask again for books that never came
        self._absent: set[str] = set()  # markets that the exchange does not seem to have
        self._renew = False

    @property
    def has_losses(self) -> bool:
        """Whether something was missed that `next` has not seen to."""
        return self.feed.losses != self._losses

    def next(self, now: float) -> Command | None:
        """Decide what to send; None where nothing is missing, or something is on its way."""
        if self.has_losses:
            self._losses = self.feed.losses
            self._behind = True
            self._resync_at = now + self._resync_pace.pause(now)
            if self.asked is not None and self.asked.action == "get_snapshot":
                self.asked = None  # its answer may be what was missed
        if self.asked is not None or now < self._free_at:
            return None
        self.asked = self._decide(now)
        return None if self.asked is None else self.asked.command

    def confirmed(self, sid: int, seq: int, now: float) -> None:
        """Note that the command was done; `sid` and `seq` are where the subscription stands."""
        asked, self.asked = self.asked, None
        self._poll_at = now + self._config.answer_seconds
        if asked is None or asked.action == "unsubscribe":
            return
        if asked.action == "subscribe":
            self._absent.clear()
            self.feed.opened(sid, asked.tickers, seq)
        elif asked.action == "add_markets":
            self.feed.added(asked.tickers or ())
        elif asked.action == "delete_markets":
            self.feed.removed(asked.tickers or ())

    def delivered(self, ticker: str) -> bool:
        """Note that a book has come; tells whether it was the last of those that were asked for."""
        if self.asked is None or self.asked.action != "get_snapshot" or self.asked.tickers is None:
            return False
        self.asked.tickers.discard(ticker)
        if self.asked.tickers:
            return False
        self.asked = None
        return True

    def undelivered(self, now: float) -> None:
        """Note that no more books will come in answer to the command."""
        asked, self.asked = self.asked, None
        if asked is not None:
            self._do_without(asked.tickers or set(), set(), now)

    def refused(self, error: ErrorBody, now: float) -> None:
        """Note that the command was refused."""
        asked, self.asked = self.asked, None
        if asked is None:
            return
        if asked.action == "get_snapshot":
            self._do_without(asked.tickers or set(), set(error.tickers), now)
        elif asked.action != "unsubscribe":
            tickers = None if asked.tickers is None else tuple(sorted(asked.tickers))
            self._emit(Refused(self._channel, tickers, error.problem()))
            self._drop(error.tickers)
            self._free_at = now + self._pace.pause(now)
        if error.code == UNKNOWN_SID and self.feed.sid is not None:
            self.ended("the exchange does not know the subscription any more", now)

    def ended(self, why: str, now: float) -> None:
        """Note that the subscription is over without our doing."""
        self.feed.closed(why)
        self.asked = None
        self._free_at = now + self._pace.pause(now)

    def _decide(self, now: float) -> Asked | None:
        feed = self.feed
        wanted = self._channel in self._wanted
        if feed.sid is None:
            return self._subscribe(now) if wanted else None
        want = self._wanted.get(self._channel)
        if not wanted or self._renew or (want is None) != (feed.tickers is None):
            return self._unsubscribe(feed.sid, now, "it is subscribed to anew" if wanted else NOT_WANTED)
        if want is not None and feed.tickers is not None:
            # First more, then fewer: a subscription without any market might be taken for one to all.
            if more := want - feed.tickers:
                return self._update("add_markets", feed.sid, more, now)
            if extra := feed.tickers - want:
                return self._update("delete_markets", feed.sid, extra, now)
        return self._ask_books(feed.sid, now) if self._channel is Channel.BOOK else None

    def _subscribe(self, now: float) -> Asked:
        self._behind = self._renew = False
        want = self._wanted[self._channel]
        tickers = None if want is None else sorted(want)[:MARKETS_A_COMMAND]
        params = SubscribeParams(
            channels=(self._channel,),
            market_tickers=None if tickers is None else tuple(tickers),
            use_yes_price=True if self._channel is Channel.BOOK else None,
            send_initial_snapshot=True if self._channel is Channel.TICKER and tickers is not None else None,
            skip_ticker_ack=None if tickers is None else True,
        )
        return self._ask("subscribe", params, None if tickers is None else set(tickers), now)

    def _unsubscribe(self, sid: int, now: float, why: str) -> Asked:
        self.feed.closed(why)
        return self._ask("unsubscribe", UnsubscribeParams(sids=(sid,)), None, now)

    def _ask_books(self, sid: int, now: float) -> Asked | None:
        if now >= self._poll_at:
            self._poll_at = now + self._config.longest_pause_seconds
            self._absent.clear()
        elif not self._behind or now < self._resync_at:
            return None
        missing = self.feed.missing() - self._absent
        self._behind = bool(missing)  # until the last of them is there
        return self._update("get_snapshot", sid, missing, now) if missing else None

    def _update(
        self, action: Literal["add_markets", "delete_markets", "get_snapshot"], sid: int, some: set[str], now: float
    ) -> Asked:
        tickers = tuple(sorted(some)[:MARKETS_A_COMMAND])
        initial = True if self._channel is Channel.TICKER and action == "add_markets" else None
        params = UpdateParams(sids=(sid,), action=action, market_tickers=tickers, send_initial_snapshot=initial)
        return self._ask(action, params, set(tickers), now)

    def _ask(
        self,
        action: Action,
        params: SubscribeParams | UnsubscribeParams | UpdateParams,
        tickers: set[str] | None,
        now: float,
    ) -> Asked:
        command = Command(id=next(self._ids), cmd=_COMMANDS.get(action, "update_subscription"), params=params)
        return Asked(command, action, tickers, now + self._config.answer_seconds)

    def _do_without(self, tickers: set[str], named: set[str], now: float) -> None:
        """Books were asked for in vain: markets that the exchange named, or that never had a book, may not exist."""
        missing = tickers & self.feed.missing()
        if gone := missing & named:
            self._absent |= gone
            self.feed.known -= gone
        elif missing & self.feed.known:
            self._renew = True
            self._free_at = now + self._pace.pause(now)
        else:
            self._absent |= missing

    def _drop(self, tickers: Collection[str]) -> None:
        want = self._wanted.get(self._channel)
        if want is not None:
            want.difference_update(tickers)
            if not want:
                del self._wanted[self._channel]
