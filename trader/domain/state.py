"""What the trader knows: its books, which are a fold over the journal, and what it sees, which is not kept. Pure.

`Books` after a restart are what they were. `Watch` starts empty: everything in it is seen again, and until it is, books
of markets count as stale and links as unknown. Only `trader.domain.fold` changes the one and `trader.domain.watching`
the other; everybody else reads.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from mesh.kalshi.book import Book
from mesh.kalshi.fees import FeeTerms
from mesh.types import Hundredths, Micros, Price, Side
from trader.domain.entries import Decided, Notified, ScanFinished, ScanStarted
from trader.domain.facts import Actor, Block, Ending, ExitPlan, Leg, MarketTerms, OrderTerms, SignalFacts, Trade
from trader.domain.settings import Settings
from trader.domain.views import Snapshot
from trader.domain.words import ExchangeState, ExitKind, LinkKind, Mode, OrderState

NO_CONTRACTS = Hundredths(0)
NO_MONEY = Micros(0)


@dataclass(slots=True)
class Order:
    """An order of the trader."""

    terms: OrderTerms
    intended_time: datetime
    state: OrderState = OrderState.INTENDED
    order_id: str | None = None
    filled: Hundredths = NO_CONTRACTS
    """By the exchange's account."""
    seen: Hundredths = NO_CONTRACTS
    """Of them, those whose fills have come; the rest are asked for."""
    cost: Micros = NO_MONEY
    """Price times count of the seen fills."""
    fees: Micros = NO_MONEY
    cancels: int = 0
    """Cancellations asked for."""
    why: str = ""
    """Of an unknown outcome, or of the last cancellation."""
    ending: Ending | None = None
    end_time: datetime | None = None
    sequence: int = 0
    """Journal entry of its last change."""

    @property
    def awaited(self) -> bool:
        """Whether fills that the exchange counts have not come yet."""
        return self.seen < self.filled

    @property
    def working(self) -> bool:
        """Whether it may still change a position: it is not over, or fills of it are missing."""
        return not self.state.final or self.awaited

    @property
    def open_count(self) -> Hundredths:
        """Contracts that may still be filled, or whose fills may still come."""
        return Hundredths(max(0, (self.filled if self.state.final else self.terms.count) - self.seen))


@dataclass(slots=True)
class Exit:
    """An exit that was decided and is carried out until the contracts are gone."""

    decision_id: str
    kind: ExitKind
    actor: Actor
    trigger: Price | None
    floor: Price | None
    time: datetime
    legs: int = 0
    """Orders made for it."""


@dataclass(slots=True)
class Position:
    """Contracts of one side of one market, from the first fill until the last contract is gone."""

    position_id: str
    market: MarketTerms
    side: Side
    decision_id: str | None
    ask: Price | None
    plan: ExitPlan
    count: Hundredths = NO_CONTRACTS
    """Held."""
    cost: Micros = NO_MONEY
    """Of the held contracts, before fees."""
    entry_fees: Micros = NO_MONEY
    """Of the held contracts."""
    bought: Hundredths = NO_CONTRACTS
    """In all."""
    total_cost: Micros = NO_MONEY
    asked: Micros | None = NO_MONEY
    """What all of them would have cost at the asks that their decisions saw; None where one saw none."""
    proceeds: Micros = NO_MONEY
    """Of the contracts that are gone, before fees."""
    total_fees: Micros = NO_MONEY
    realised: Micros = NO_MONEY
    """Net result of the contracts that are gone; what is held is not in it."""
    legs: list[Leg] = field(default_factory=list)
    exit: Exit | None = None
    peak: Price | None = None
    exits_decided: int = 0
    open_time: datetime | None = None
    sequence: int = 0


class Outcome(NamedTuple):
    """How a trade ended, and how it would have without any forecast."""

    right: bool
    """The price had moved the forecast way: more came than was paid, fees aside."""
    chance: float
    """Of that, were the price fair: where the bid lay at the entry between the levels that sell, or nothing and all."""


@dataclass(slots=True)
class ShadowOrder:
    """A virtual resting order beside a taken entry."""

    decision_id: str
    position_id: str
    ticker: str
    side: Side
    price: Price
    count: Hundredths
    ahead: Hundredths
    until: datetime
    filled: Hundredths = NO_CONTRACTS


@dataclass(slots=True)
class Day:
    """One day of UTC."""

    gross: Micros = NO_MONEY
    fees: Micros = NO_MONEY
    trades: int = 0
    forgiven: Micros = NO_MONEY
    """Net result at which the daily limit tripped before a person lifted its block: the limit counts from there."""

    @property
    def net(self) -> Micros:
        """Realised, after fees."""
        return Micros(self.gross - self.fees)


@dataclass(slots=True)
class Books:
    """The fold over the journal."""

    journal_id: str
    mode: Mode | None = None
    run_id: str = ""
    sequence: int = 0
    """Of the last entry."""
    orders: dict[str, Order] = field(default_factory=dict)
    """Every order ever, by client order id."""
    working: set[str] = field(default_factory=set)
    """Client order ids of orders that are `working`."""
    by_order_id: dict[str, str] = field(default_factory=dict)
    """Client order id by the exchange's id."""
    fills: set[str] = field(default_factory=set)
    """Ids of fills that were counted."""
    positions: dict[str, Position] = field(default_factory=dict)
    """Open ones, by id, and those that entries on their way may still open (count zero)."""
    by_ticker: dict[str, set[str]] = field(default_factory=dict)
    """Ids of `positions` by market."""
    trades: list[Trade] = field(default_factory=list)
    """Closed ones, oldest first."""
    trade_sequences: list[int] = field(default_factory=list)
    """Journal entry that closed each of `trades`."""
    blocks: dict[str, Block] = field(default_factory=dict)
    replies: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    """Method and reply by request id."""
    notices: dict[str, Notified] = field(default_factory=dict)
    """Notifications that are queued."""
    suppressed: int = 0
    """Notifications that were kept back, or that no service took, since the last one that was queued."""
    shadows: dict[str, ShadowOrder] = field(default_factory=dict)
    """Virtual orders that still wait, by decision id."""
    waited: dict[str, ShadowOrder] = field(default_factory=dict)
    """Those that wait no more, by decision id, until the position that their entries make is closed."""
    stops: dict[str, list[datetime]] = field(default_factory=dict)
    """When stops sold, latest last, by series."""
    stopped: dict[str, datetime] = field(default_factory=dict)
    """When a stop last sold, by market."""
    days: dict[str, Day] = field(default_factory=dict)
    """By date, such as `2026-11-23`."""
    total: Day = field(default_factory=Day)
    peak_net: Micros = NO_MONEY
    """Highest realised net result, less what a person has put up with by lifting drawdown blocks."""
    cash_anchor: Micros | None = None
    """Cash that the exchange stated last for reckoning, see `CashSeen`."""
    cash_flow: Micros = NO_MONEY
    """What fills and settlements moved since then."""
    settled: set[str] = field(default_factory=set)
    """Positions whose settlement was booked."""
    scan: ScanStarted | None = None
    """The scan that is under way."""
    scan_entries: dict[str, int] = field(default_factory=dict)
    """Entries of that scan by series."""
    decided: set[str] = field(default_factory=set)
    """Decisions of the scan that began last."""
    last_scan: ScanFinished | None = None
    last_scan_time: datetime | None = None
    decisions: dict[str, Decided] = field(default_factory=dict)
    """Those that entered and whose positions are open, by decision id."""
    outcomes: list[Outcome] = field(default_factory=list)
    """Of closed trades that a forecast led to, oldest first."""

    @property
    def expected_cash(self) -> Micros | None:
        """What the exchange's cash should be; None before it was stated once."""
        return None if self.cash_anchor is None else Micros(self.cash_anchor + self.cash_flow)


class Sale(NamedTuple):
    """What selling contracts into a book comes to."""

    of: tuple[Side, Hundredths, FeeTerms]
    """What is sold, and by which fees."""
    paid: Micros
    """After fees."""
    left: Hundredths
    """Contracts that no bid is left for."""


@dataclass(slots=True)
class Seen:
    """A market's book as last told."""

    book: Book
    confirmed: float
    """Monotonic: when it was last known to be so."""
    exact: bool = True
    """False: it may have changed since."""
    sale: Sale | None = None
    """The last one that was reckoned on this book: all positions are priced at every fill, and few books change."""


@dataclass(slots=True)
class Guard:
    """What the exit loop remembers of a position between two looks."""

    opened: float | None = None
    """Monotonic time of the first fill; None: in an earlier process, so every grace is over."""
    below: int = 0
    """Consecutive counted checks with the bid at or below the stop."""
    counted: float | None = None
    """Monotonic time of the last counted check."""
    checked: float | None = None
    """Monotonic time of the last look with a price that could be relied on."""
    next_try: float = 0.0
    """Monotonic: no order to sell before."""
    tried: tuple[Price | None, Hundredths] | None = None
    """Best bid and its size that the last order to sell was sent at."""
    in_vain: int = 0
    """Orders in a row that got nothing from that very bid."""


@dataclass(slots=True)
class Link:
    """How a link is."""

    up: bool | None = None
    succeeded: float | None = None
    """Monotonic."""
    problem: str = ""


@dataclass(slots=True)
class Watch:
    """What is seen now."""

    books: dict[str, Seen] = field(default_factory=dict)
    terms: dict[str, MarketTerms] = field(default_factory=dict)
    halted: set[str] = field(default_factory=set)
    """Markets that take no orders now."""
    refused: dict[str, float] = field(default_factory=dict)
    """Monotonic time at which one of them refused an order as closed, where nothing else says that it is."""
    exchange: ExchangeState | None = None
    resume_time: datetime | None = None
    pauses: tuple[tuple[datetime, datetime], ...] = ()
    links: dict[LinkKind, Link] = field(default_factory=dict)
    guards: dict[str, Guard] = field(default_factory=dict)
    """By position id."""
    sent: dict[str, float] = field(default_factory=dict)
    """Monotonic time at which the request of an order left, in this process."""
    cancelled: dict[str, float] = field(default_factory=dict)
    """The same of its last cancellation."""
    absences: dict[str, int] = field(default_factory=dict)
    """How many account reads that should have shown an unknown order did not."""
    signals: dict[str, tuple[SignalFacts, float]] = field(default_factory=dict)
    """Latest signal by market, and its monotonic time."""
    scan_began: float | None = None
    """Monotonic: since when the signals of this scan have been growing old."""
    unread_since: float | None = None
    """Monotonic: end of the first of the scans in a row that could not read some series; None after one that could."""
    snapshot: Snapshot | None = None
    compared: float | None = None
    """Monotonic time of the last account read that was compared to its end."""
    exit_pass: float | None = None
    """Monotonic time of the last pass over all positions."""
    told: dict[str, float] = field(default_factory=dict)
    """Monotonic time at which a key was last told to the owner."""
    begun: float | None = None
    """Monotonic time of the start; None before `Begun`."""
    kill_switch: bool = False
    stopping: bool = False


@dataclass(slots=True)
class State:
    """Everything that a decision may depend on."""

    books: Books
    settings: Settings
    watch: Watch = field(default_factory=Watch)
    own_shown: bool = True
    """Whether our own orders are in the books that are seen."""
