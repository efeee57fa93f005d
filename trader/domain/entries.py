"""The journal's entries: everything that happened, was decided, was sent and was answered. Pure.

The trader's state is a fold over them (`trader.domain.fold`); what has to be done next is read off them too
(`trader.domain.intents`): an `OrderIntended` that is on disk is an order to send. Adding a field needs a default, and a
field is never given another meaning: old journals must be read for ever.
"""

from typing import Any

import msgspec

from mesh.kalshi.terms import Result
from mesh.types import Hundredths, Micros, Price, Side
from trader.domain.facts import (
    Actor,
    Block,
    Checks,
    Ending,
    EntryPlan,
    ExitPlan,
    FillFacts,
    Finding,
    Instant,
    MarketTerms,
    OrderTerms,
    Sight,
    SignalFacts,
    Top,
    Trade,
)
from trader.domain.words import (
    ChangeKind,
    Delivery,
    ExitKind,
    Mode,
    OrderState,
    Resolution,
    ScanOutcome,
    Subject,
    Urgency,
)


class Entry(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", forbid_unknown_fields=True, omit_defaults=True
):
    """Base of every entry. Its sequence and time are the journal's."""


class Started(Entry, frozen=True, kw_only=True, tag="started"):
    """A process began on this journal."""

    run_id: str
    mode: Mode
    version: str
    config_digest: str
    settings: dict[str, Any] | None = None
    """Everything that decisions are held against, as the configuration writes it; None in older journals."""


class Stopped(Entry, frozen=True, kw_only=True, tag="stopped"):
    """It ended in order."""

    run_id: str


class ScanStarted(Entry, frozen=True, kw_only=True, tag="scan_started"):
    """A scan began."""

    scan_id: str
    series: tuple[str, ...]
    market_count: int


class SignalSeen(Entry, frozen=True, kw_only=True, tag="signal"):
    """A signal came."""

    scan_id: str
    ticker: str
    series_ticker: str
    signal: SignalFacts
    wire: bytes
    """The forecast server's message, `foremesh.forecast.v1.Signal`."""


class ScanFinished(Entry, frozen=True, kw_only=True, tag="scan_finished"):
    """A scan ended."""

    scan_id: str
    market_count: int
    counts: dict[ScanOutcome, int]
    """Add up to `market_count`."""
    others: tuple[tuple[str, ScanOutcome, str], ...]
    """Ticker, outcome and reason of every market without a signal."""
    entered: int
    seconds: float
    unread: tuple[tuple[str, str], ...] = ()
    """Series whose markets, or whose candles, could not be read, and why; their markets are not in the counts, or
    counted as not asked."""


class Decided(Entry, frozen=True, kw_only=True, tag="decision"):
    """An entry was decided or refused: entered where no finding refuses.

    With the books, the signal before it and the settings of its `Started` it is enough to decide it again.
    """

    decision_id: str
    scan_id: str | None
    market: MarketTerms
    side: Side
    actor: Actor
    entered: bool
    findings: tuple[Finding, ...]
    """Of every rule, in their order, also those after the first refusal."""
    plan: EntryPlan | None
    top: Top | None
    sight: Sight | None = None
    """None in older journals."""


class OrderIntended(Entry, frozen=True, kw_only=True, tag="order_intended"):
    """An order is to be sent; nothing has left."""

    order: OrderTerms


class OrderSent(Entry, frozen=True, kw_only=True, tag="order_sent"):
    """The request leaves now."""

    client_order_id: str


class OrderResting(Entry, frozen=True, kw_only=True, tag="order_resting"):
    """The exchange has the order, and a part of it may still be filled."""

    client_order_id: str
    order_id: str
    filled: Hundredths
    """By the exchange's account; the fills themselves may not have come yet."""


class OrderUnknown(Entry, frozen=True, kw_only=True, tag="order_unknown"):
    """Whether the exchange has the order is not known."""

    client_order_id: str
    why: str


class CancelIntended(Entry, frozen=True, kw_only=True, tag="cancel_intended"):
    """The order is to be cancelled; said again for every try."""

    client_order_id: str
    why: str


class OrderEnded(Entry, frozen=True, kw_only=True, tag="order_ended"):
    """The order is over."""

    client_order_id: str
    state: OrderState
    """A final one."""
    order_id: str | None
    filled: Hundredths
    """By the exchange's account, in all; its fills make the position."""
    ending: Ending


class Filled(Entry, frozen=True, kw_only=True, tag="fill"):
    """An order of the trader was filled, in part or in full."""

    fill: FillFacts
    client_order_id: str
    position_id: str
    expected_fee: Micros | None
    """By our own schedule; a difference to the fill's fee is reported."""


class PositionOpened(Entry, frozen=True, kw_only=True, tag="position_opened"):
    """A position is there and is to be guarded. Stands before its first fill."""

    position_id: str
    market: MarketTerms
    side: Side
    decision_id: str | None
    """None: adopted."""
    ask: Price | None
    """That the decision saw."""
    plan: ExitPlan


class Adopted(Entry, frozen=True, kw_only=True, tag="adopted"):
    """A position that the trader did not open is its own from now on, by a person's command."""

    position_id: str
    count: Hundredths
    cost: Micros
    fees: Micros = Micros(0)
    """Of its purchase; the cash for both had left before."""
    actor: Actor


class PeakMoved(Entry, frozen=True, kw_only=True, tag="peak_moved"):
    """The highest bid since the entry, kept for a trailing stop."""

    position_id: str
    bid: Price


class ExitDecided(Entry, frozen=True, kw_only=True, tag="exit"):
    """Contracts are to be given up; orders follow until they are gone."""

    decision_id: str
    position_id: str
    ticker: str
    side: Side
    exit_kind: ExitKind
    actor: Actor
    count: Hundredths
    trigger: Price | None
    floor: Price | None
    top: Top | None
    checks: Checks | None = None
    """None where a person wanted it, and in older journals."""


class ExitWithdrawn(Entry, frozen=True, kw_only=True, tag="exit_withdrawn"):
    """An exit that could not be carried out is no longer wanted; the position is guarded as before."""

    position_id: str
    decision_id: str
    why: str


class Settled(Entry, frozen=True, kw_only=True, tag="settlement"):
    """A market with a position settled and paid."""

    position_id: str
    ticker: str
    side: Side
    count: Hundredths
    result: Result
    yes_value: Micros
    revenue: Micros
    time: Instant


class LeftByOthers(Entry, frozen=True, kw_only=True, tag="left_by_others"):
    """Contracts of a position left the account by something that the trader did not do."""

    position_id: str
    count: Hundredths
    proceeds: Micros
    fees: Micros
    time: Instant


class PositionClosed(Entry, frozen=True, kw_only=True, tag="trade"):
    """The last contract is gone."""

    trade: Trade


class SwitchesChanged(Entry, frozen=True, kw_only=True, tag="state_change"):
    """Blocks began or ended."""

    change: ChangeKind
    actor: Actor
    why: str
    request_id: str | None = None
    began: tuple[Block, ...] = ()
    ended: tuple[str, ...] = ()
    """Ids of blocks."""
    flattening: tuple[str, ...] = ()
    """Positions that a flatten set out to sell."""
    adopted: tuple[str, ...] = ()
    """Positions that the trader took over."""


class RequestAnswered(Entry, frozen=True, kw_only=True, tag="request_answered"):
    """A call that changes something was carried out; the same request gets the same answer again."""

    request_id: str
    method: str
    reply: bytes


class Differed(Entry, frozen=True, kw_only=True, tag="difference"):
    """The trader's books and the exchange's differ."""

    subject: Subject
    ticker: str | None
    client_order_id: str | None
    ours: str
    """Empty: our books have no such thing."""
    theirs: str
    """Empty: the exchange has no such thing."""
    resolution: Resolution
    detail: str


class CashSeen(Entry, frozen=True, kw_only=True, tag="cash"):
    """The exchange's cash, from which later cash is reckoned: written at the first look, and after a difference."""

    cash: Micros
    """Available and locked together, of all shards."""


class Notified(Entry, frozen=True, kw_only=True, tag="notification"):
    """Something is told to the owner. One entry for each change of its delivery."""

    notification_id: str
    urgency: Urgency
    delivery: Delivery
    title: str
    text: str
    ticker: str | None = None
    position_id: str | None = None
    key: str = ""
    """Equal keys say the same thing: the later is suppressed for a while."""


class ShadowPlaced(Entry, frozen=True, kw_only=True, tag="shadow_placed"):
    """A virtual resting order beside a taken entry; nothing of it is sent. Said again as the queue gets shorter."""

    decision_id: str
    position_id: str
    ticker: str
    side: Side
    price: Price
    count: Hundredths
    ahead: Hundredths
    """Contracts that waited at the price before it."""
    until: Instant


class ShadowFilled(Entry, frozen=True, kw_only=True, tag="shadow_filled"):
    """It would have been filled so far."""

    decision_id: str
    filled: Hundredths


AnyEntry = (
    Started
    | Stopped
    | ScanStarted
    | SignalSeen
    | ScanFinished
    | Decided
    | OrderIntended
    | OrderSent
    | OrderResting
    | OrderUnknown
    | CancelIntended
    | OrderEnded
    | Filled
    | PositionOpened
    | Adopted
    | PeakMoved
    | ExitDecided
    | ExitWithdrawn
    | Settled
    | LeftByOthers
    | PositionClosed
    | SwitchesChanged
    | RequestAnswered
    | Differed
    | CashSeen
    | Notified
    | ShadowPlaced
    | ShadowFilled
)
"""Every kind of entry."""
