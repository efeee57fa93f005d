"""What the engine is told: everything from outside that can change what the trader does. Pure.

Each event is decided on as a whole (`trader.domain.decide`). The moment it came goes beside it.
"""

from dataclasses import dataclass
from datetime import datetime

from mesh.kalshi.book import Book
from mesh.types import Hundredths, Micros, Price, Side
from trader.domain.facts import Actor, Ending, ExitPlan, FillFacts, MarketTerms, SignalFacts
from trader.domain.views import OrderView, Snapshot
from trader.domain.words import Delivery, ExchangeState, LinkKind, Mode, ScanOutcome

_NOTHING = Micros(0)


@dataclass(frozen=True, slots=True)
class Moment:
    """When something came."""

    now: datetime
    """Aware UTC, for what is written and for the exchange's times."""
    seconds: float
    """Monotonic: ages, graces and waits are measured with it, because clocks are set."""


# What is seen of the markets. Transient: kept in `State.watch`, written into no journal by itself.


@dataclass(frozen=True, slots=True)
class BookCame:
    """A market's book is known to be so now."""

    book: Book


@dataclass(frozen=True, slots=True)
class BookListed:
    """Best prices as a listing shows them, which may be long over: good for showing, for no decision to buy or sell."""

    book: Book


@dataclass(frozen=True, slots=True)
class BooksConfirmed:
    """The books of these markets are still as told: the stream that tells their changes is whole and alive."""

    tickers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BooksLost:
    """The books of these markets may have changed without our knowledge; None is all."""

    tickers: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Traded:
    """A public trade, for virtual resting orders."""

    ticker: str
    yes_price: Price
    count: Hundredths
    taker_buys_yes: bool


@dataclass(frozen=True, slots=True)
class MarketSeen:
    """A market's terms, or that it trades no more."""

    market: MarketTerms
    trading: bool
    """False: paused or closed; no order is taken there now."""


@dataclass(frozen=True, slots=True)
class ExchangeSeen:
    """What the exchange allows."""

    state: ExchangeState
    resume_time: datetime | None = None
    pauses: tuple[tuple[datetime, datetime], ...] = ()
    """Scheduled ones to come."""


@dataclass(frozen=True, slots=True)
class LinkSeen:
    """A link worked, or did not."""

    kind: LinkKind
    up: bool
    problem: str = ""


# The scan.


@dataclass(frozen=True, slots=True)
class ScanBegan:
    """A scan begins."""

    scan_id: str
    series: tuple[str, ...]
    market_count: int


@dataclass(frozen=True, slots=True)
class SignalCame:
    """A signal of the scan."""

    scan_id: str
    market: MarketTerms
    signal: SignalFacts
    wire: bytes


@dataclass(frozen=True, slots=True)
class ScanEnded:
    """A scan ended; every market without a signal has its outcome and reason here."""

    scan_id: str
    others: tuple[tuple[str, ScanOutcome, str], ...]
    seconds: float
    unread: tuple[tuple[str, str], ...] = ()
    """Series whose markets, or whose candles, could not be read, and why."""


# The trader's own orders.


@dataclass(frozen=True, slots=True)
class Sending:
    """The request of an order, or of a cancellation, leaves now."""

    client_order_id: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The exchange took an order."""

    order_id: str
    filled: Hundredths
    remaining: Hundredths
    """What rests; of an order that may not rest, zero."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The exchange refused an order, or it never left; nothing was placed."""

    ending: Ending
    never_left: bool = False


@dataclass(frozen=True, slots=True)
class NoOutcome:
    """Nobody knows whether the exchange has acted."""

    why: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of the request of an order."""

    client_order_id: str
    answer: Accepted | Refused | NoOutcome


@dataclass(frozen=True, slots=True)
class CancelAnswered:
    """What became of a cancellation: how many contracts it ended, None where the order rested no more, or no outcome.

    The order's end is taken from the exchange's record of it, which the engine asks for after either.
    """

    client_order_id: str
    reduced_by: Hundredths | None
    problem: str = ""
    """Not empty: nobody knows."""


@dataclass(frozen=True, slots=True)
class OrderSeen:
    """The exchange's record of an order, from a read or from the stream."""

    order: OrderView


@dataclass(frozen=True, slots=True)
class FillSeen:
    """The exchange's record of a fill, from a read or from the stream; the same one may come often."""

    fill: FillFacts


# The account.


@dataclass(frozen=True, slots=True)
class Compared:
    """The account was read: what differs is explained, taken over or reported."""

    snapshot: Snapshot


# Time, people, switches.


@dataclass(frozen=True, slots=True)
class Begun:
    """The process starts on its journal: what was under way when the last one ended is unknown."""

    run_id: str
    mode: Mode
    version: str
    config_digest: str


@dataclass(frozen=True, slots=True)
class Stopping:
    """The process is about to stop: no entries any more. Told again while it stops, for entries that come to rest."""

    cancel_entries: bool
    """Whether entries that rest are cancelled."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The process stops in order."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Time went on: checks, expiries, retries, blocks that end."""


@dataclass(frozen=True, slots=True)
class KillSwitch:
    """Whether the kill switch file exists."""

    present: bool


@dataclass(frozen=True, slots=True)
class Pause:
    """A person stops entries."""

    request_id: str
    actor: Actor
    why: str


@dataclass(frozen=True, slots=True)
class Resume:
    """A person lifts blocks: the named ones, or those that people set."""

    request_id: str
    actor: Actor
    why: str
    block_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Flatten:
    """A person sells positions: of these markets, or all."""

    request_id: str
    actor: Actor
    why: str
    tickers: tuple[str, ...]
    floor: Price | None


@dataclass(frozen=True, slots=True)
class Adopt:
    """A person gives the trader a position that it did not open; it takes what the exchange says it is."""

    request_id: str
    actor: Actor
    market: MarketTerms
    side: Side
    count: Hundredths
    cost: Micros
    plan: ExitPlan
    fees: Micros = _NOTHING
    """Of its purchase."""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Remember:
    """The answer of a request, to be given again."""

    request_id: str
    method: str
    reply: bytes


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of a notification."""

    notification_id: str
    delivery: Delivery
    detail: str = ""


Event = (
    BookCame
    | BookListed
    | BooksConfirmed
    | BooksLost
    | Traded
    | MarketSeen
    | ExchangeSeen
    | LinkSeen
    | ScanBegan
    | SignalCame
    | ScanEnded
    | Sending
    | Answered
    | CancelAnswered
    | OrderSeen
    | FillSeen
    | Compared
    | Begun
    | Stopping
    | Ended
    | Tick
    | KillSwitch
    | Pause
    | Resume
    | Flatten
    | Adopt
    | Remember
    | Delivered
)
"""Every kind of event."""
