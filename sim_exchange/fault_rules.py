"""The faults that can be asked for, as the configuration and the admin address write them, and what each does. Pure."""

from typing import Annotated, Literal, Self, TypeAlias, assert_never

from pydantic import Field, PositiveFloat, model_validator

from mesh.config import Strict
from mesh.types import hundredths_from_count
from sim_exchange.effects import Effects, MessageEffects, RequestFacts


class Rule(Strict):
    """When a fault strikes. Patterns are shell globs for the whole text; `*` runs across slashes too."""

    name: str = Field(default="", max_length=64, pattern=r"^[A-Za-z0-9._-]*$")
    """What it is listed and removed by; absent gives it one of its kind and a number."""
    method: str = "*"
    """Pattern for the request's method."""
    path: str = "*"
    """Pattern for its path from the root: `*/portfolio/events/orders*`. The WebSocket's is `/trade-api/ws/v2`."""
    channel: str = ""
    """Pattern for the WebSocket channel. Naming one makes it a fault of messages, not of requests."""
    account: str = "*"
    """Pattern for the account's name."""
    ticker: str = "*"
    """Pattern for the market. Where several are named, one suffices; where none is, only `*` matches."""
    probability: float = Field(default=1.0, gt=0, le=1)
    """Of striking where it matches."""
    after: int = Field(default=0, ge=0)
    """Matches that are let through before it begins."""
    count: int | None = Field(default=None, ge=1)
    """Strikes until it is spent; absent is no end."""


class _RequestRule(Rule):
    @model_validator(mode="after")
    def _no_channel(self) -> Self:
        if self.channel:
            raise ValueError("this fault strikes requests: it takes no channel")
        return self


class _EitherRule(Rule):
    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.channel and (self.method != "*" or self.path != "*"):
            raise ValueError("a channel makes it a fault of messages, which have no method and no path")
        return self


class Latency(_EitherRule):
    """A wait before the request is looked at, or before the message and what follows it is sent."""

    kind: Literal["latency"]
    seconds: PositiveFloat
    """At least this long, in real time."""
    spread: float = Field(default=0, ge=0)
    """Up to this many seconds longer, evenly distributed."""


class DropSocket(_EitherRule):
    """A connection that is cut: before the request is carried out, or in place of the message."""

    kind: Literal["drop_socket"]


class PlainRequestRule(_RequestRule):
    """A 429 whatever the budget; a reply lost after the work was done; a 2xx without the object it must carry."""

    kind: Literal["too_many_requests", "reply_lost", "no_body_object"]


class ServerError(_RequestRule):
    """A 5xx, which leaves the outcome of a write unknown to the caller."""

    kind: Literal["server_error"]
    status: Literal[500, 503, 504] = 500
    """What it answers."""
    executed: bool = False
    """Whether the request is carried out all the same."""


class StaleReads(_RequestRule):
    """Reads that lag behind the engine."""

    kind: Literal["stale_reads"]
    seconds: PositiveFloat
    """How far, in real time."""


class ClockSkew(_RequestRule):
    """The exchange's wall clock, by which it judges signatures and writes the Date header, is wrong."""

    kind: Literal["clock_skew"]
    seconds: float
    """How far it is ahead; negative is behind."""

    @model_validator(mode="after")
    def _nobody_is_known_yet(self) -> Self:
        if self.account != "*" or self.ticker != "*":
            raise ValueError("clock_skew strikes before the caller is known: it takes no account and no ticker")
        return self


class Pause(_RequestRule):
    """A pause that begins just before the request and ends right after it."""

    kind: Literal["pause"]
    scope: Literal["trading", "exchange"] = "trading"
    """What pauses: in a trading pause orders can still be cancelled, in an exchange pause nothing can."""


class PartialFill(_RequestRule):
    """The liquidity an order came for is mostly gone when it arrives."""

    kind: Literal["partial_fill"]
    contracts: str = Field(pattern=r"^\d{1,9}(\.\d{1,2})?$")
    """What the simulation's own makers leave for it to fill, such as `1.00`."""


class EmptyShard(_RequestRule):
    """The caller's cash is not on the market's shard when the order arrives.

    It is moved for good: it does not come back when the fault is spent or removed, only by a transfer of the caller's.
    """

    kind: Literal["empty_shard"]
    moved_to: int = Field(default=1, ge=0)
    """The shard that it is on instead."""


class PlainMessageRule(Rule):
    """A message that comes twice, comes after its successor, or is missing from its sequence."""

    kind: Literal["duplicate_message", "reorder_messages", "skip_seq"]
    channel: str = "*"
    """Pattern for the WebSocket channel."""

    @model_validator(mode="after")
    def _no_request(self) -> Self:
        if not self.channel or self.method != "*" or self.path != "*":
            raise ValueError("this fault strikes messages: it takes a channel, no method and no path")
        return self


FaultRule: TypeAlias = Annotated[
    Latency
    | DropSocket
    | PlainRequestRule
    | ServerError
    | StaleReads
    | ClockSkew
    | Pause
    | PartialFill
    | EmptyShard
    | PlainMessageRule,
    Field(discriminator="kind"),
]
"""A fault: `kind` says which."""

_PLAIN = {
    "too_many_requests": Effects(too_many_requests=True),
    "reply_lost": Effects(drop_after=True),
    "no_body_object": Effects(no_object=True),
}
_PLAIN_MESSAGE = {
    "duplicate_message": MessageEffects(duplicate=True),
    "reorder_messages": MessageEffects(reorder=True),
    "skip_seq": MessageEffects(lose=True),
}


def concerns(rule: FaultRule, facts: RequestFacts) -> bool:
    """Tell whether a fault makes sense for a request at all: only reads are stale, only orders meet no liquidity."""
    match rule:
        case StaleReads():
            return facts.method == "GET"
        case PartialFill() | EmptyShard():
            return facts.method == "POST" and "/portfolio/events/orders" in facts.path
        case _:
            return True


def effect(rule: FaultRule, number: float) -> Effects:  # noqa: C901  a case for each kind
    """Say what a strike does to a request, given a random number of [0, 1)."""
    match rule:
        case Latency(seconds=seconds, spread=spread):
            return Effects(delay=seconds + spread * number)
        case DropSocket():
            return Effects(drop_before=True)
        case PlainRequestRule(kind=kind):
            return _PLAIN[kind]
        case ServerError(status=status, executed=executed):
            return Effects(error_after=status) if executed else Effects(error_before=status)
        case StaleReads(seconds=seconds):
            return Effects(stale=seconds)
        case ClockSkew(seconds=seconds):
            return Effects(skew=seconds)
        case Pause(scope=scope):
            return Effects(pause=scope)
        case PartialFill(contracts=contracts):
            return Effects(fill_at_most=hundredths_from_count(contracts))
        case EmptyShard(moved_to=moved_to):
            return Effects(moved_to_shard=moved_to)
        case PlainMessageRule():
            return Effects()
    assert_never(rule)


def message_effect(rule: FaultRule, number: float) -> MessageEffects:
    """Say what a strike does to a message, given a random number of [0, 1)."""
    match rule:
        case Latency(seconds=seconds, spread=spread):
            return MessageEffects(delay=seconds + spread * number)
        case DropSocket():
            return MessageEffects(drop_socket=True)
        case PlainMessageRule(kind=kind):
            return _PLAIN_MESSAGE[kind]
        case _:
            return MessageEffects()
