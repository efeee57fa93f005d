"""Frames of the WebSocket: the envelope around what arrives, and the commands that are sent. Pure.

What is inside an envelope is read in a second step: a message of a type that is not known, or whose content is not what
its type must have, still says whom it concerns, and the sequence that it belongs to goes on.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from mesh.kalshi.errors import ExchangeError, ExchangeUnavailable, NotPermitted, RateLimited, RequestRefused
from mesh.kalshi.rest.wire import Body, Record, Whole
from mesh.kalshi.stream.channels import Channel, Told
from mesh.kalshi.stream.market import (
    DeltaBody,
    EventFeeUpdate,
    EventLifecycle,
    MarketLifecycle,
    SnapshotBody,
    Ticker,
    Trade,
)
from mesh.kalshi.stream.own import Fill, GroupUpdate, OrderUpdate, PositionUpdate

UNKNOWN_SID = 7
ENDING = frozenset({10, 25})
"""Errors after which a subscription is over: channel error, and buffer overflow."""
_PROBLEMS: Mapping[int, type[ExchangeError]] = {
    1: ExchangeUnavailable,
    9: NotPermitted,
    10: ExchangeUnavailable,
    18: ExchangeUnavailable,
    25: ExchangeUnavailable,
    27: RateLimited,
}

MESSAGES: Mapping[str, type[Told]] = {
    "orderbook_snapshot": SnapshotBody,
    "orderbook_delta": DeltaBody,
    "ticker": Ticker,
    "trade": Trade,
    "fill": Fill,
    "user_order": OrderUpdate,
    "market_position": PositionUpdate,
    "market_lifecycle_v2": MarketLifecycle,
    "event_lifecycle": EventLifecycle,
    "event_fee_update": EventFeeUpdate,
    "order_group_updates": GroupUpdate,
}
"""What the channels tell, by the type of the message."""


class Envelope(Record, frozen=True, kw_only=True, gc=False):
    """What every frame has."""

    type: str
    id: Whole | None = None
    """Of the command that this answers."""
    sid: Whole | None = None
    """Of the subscription."""
    seq: Whole | None = None
    """Number within the subscription."""
    msg: msgspec.Raw = msgspec.Raw(b"{}")


class Concerning(Record, frozen=True):
    """The market of a message of which nothing else could be read."""

    market_ticker: str | None = None
    ticker: str | None = None


class SubscribedBody(Record, frozen=True):
    """A subscription has begun."""

    channel: str
    sid: Whole


class ErrorBody(Record, frozen=True, kw_only=True):
    """A command was refused, or a subscription is over."""

    code: int
    text: str = msgspec.field(name="msg")
    market_ticker: str | None = None
    market_tickers: tuple[str, ...] | None = None

    @property
    def tickers(self) -> tuple[str, ...]:
        """Markets that it is about; none where it names none."""
        return self.market_tickers or (() if self.market_ticker is None else (self.market_ticker,))

    def problem(self) -> ExchangeError:
        """Return the error that it means."""
        kind = _PROBLEMS.get(self.code, RequestRefused)
        return kind(f"the stream answered with {self.code}: {self.text[:300]}", request="WS", code=str(self.code))


class SubscribeParams(Body, frozen=True):
    """What to subscribe to."""

    channels: tuple[Channel, ...]
    market_tickers: tuple[str, ...] | None = None
    """All markets where none is named."""
    use_yes_price: bool | None = None
    """Books at YES prices on both sides; the exchange's default will change one day, so it is always said."""
    send_initial_snapshot: bool | None = None
    """Tickers begin with what is."""
    skip_ticker_ack: bool | None = None
    """Confirmations leave out the list of all markets."""


class UnsubscribeParams(Body, frozen=True):
    """What to end."""

    sids: tuple[int, ...]


class UpdateParams(Body, frozen=True):
    """What to change."""

    sids: tuple[int, ...]
    action: Literal["add_markets", "delete_markets", "get_snapshot"]
    market_tickers: tuple[str, ...]
    send_initial_snapshot: bool | None = None


class Command(Body, frozen=True):
    """A command."""

    id: int
    cmd: Literal["subscribe", "unsubscribe", "update_subscription"]
    params: SubscribeParams | UnsubscribeParams | UpdateParams
