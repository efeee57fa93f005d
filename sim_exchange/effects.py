"""What goes wrong with one request or one WebSocket message, and what a fault's rule can know of it. Pure."""

from collections.abc import Iterable
from typing import Any, Literal, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from mesh.types import Hundredths


class RequestFacts(Struct, frozen=True):
    """What a rule can know of a request."""

    method: str
    path: str
    """From the root, without the query: `/trade-api/v2/portfolio/events/orders`."""
    account: str = ""
    """The caller's account name; empty without a key."""
    tickers: tuple[str, ...] = ()
    """Markets that it names, those of its body included."""


class MessageFacts(Struct, frozen=True):
    """What a rule can know of a WebSocket message that is about to be sent."""

    channel: str
    account: str
    ticker: str = ""


class Effects(Struct, frozen=True):
    """What goes wrong with one request."""

    delay: float = 0.0
    """Real seconds that it waits before anything else."""
    skew: float = 0.0
    """Seconds that the exchange's wall clock is ahead."""
    drop_before: bool = False
    """The connection is cut; nothing is done."""
    too_many_requests: bool = False
    """Answered with 429; nothing is done."""
    error_before: int | None = None
    """Answered with this status; nothing is done."""
    drop_after: bool = False
    """Done, but the connection is cut in place of an answer."""
    error_after: int | None = None
    """Done, but answered with this status."""
    no_object: bool = False
    """A 2xx answer has the body `{}` in place of the object that it must carry."""
    stale: float = 0.0
    """A read shows the state of this many real seconds ago."""
    pause: Literal["trading", "exchange"] | None = None
    """A pause begins just before the request and ends right after it."""
    fill_at_most: Hundredths | None = None
    """The simulation's own liquidity beyond this count is gone when the order arrives."""
    moved_to_shard: int | None = None
    """The caller's cash is moved there from the market's shard just before the order arrives."""


class MessageEffects(Struct, frozen=True):
    """What goes wrong with one WebSocket message."""

    delay: float = 0.0
    """Real seconds that it waits, and with it all that follows on the socket."""
    drop_socket: bool = False
    """The connection is cut in its place."""
    lose: bool = False
    """It uses up its sequence number but is not sent."""
    duplicate: bool = False
    """It is sent twice."""
    reorder: bool = False
    """It is sent after the next message of its subscription."""


_ADDED = ("delay", "skew")
NO_EFFECTS = Effects()
NO_MESSAGE_EFFECTS = MessageEffects()


E = TypeVar("E", Effects, MessageEffects)


def merged(nothing: E, effects: Iterable[E]) -> E:
    """Put the strikes of several rules together: seconds of delay and skew add up, of the rest the last one counts."""
    result: dict[str, Any] = {}
    for effect in effects:
        for name in effect.__struct_fields__:
            value = getattr(effect, name)
            if value != getattr(nothing, name):
                result[name] = result.get(name, 0) + value if name in _ADDED else value
    return replace(nothing, **result) if result else nothing
