"""What entries of the journal and events are made of. Pure.

Prices are of one contract of the side that is spoken of, counts are hundredths of a contract, money is micros, instants
are aware UTC.
"""

from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec

from mesh.kalshi.fees import FeeTerms
from mesh.kalshi.grid import Band
from mesh.kalshi.sides import Action
from mesh.kalshi.terms import TimeInForce
from mesh.types import Hundredths, Micros, Price, Side
from trader.domain.words import (
    ActorKind,
    BlockKind,
    Confidence,
    EndReason,
    EntryStyle,
    ExchangeState,
    ExitKind,
    Purpose,
    Verdict,
)

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
"""Aware; a time without a zone is refused."""


class Fact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base: immutable, compared by value."""


class Actor(Fact, frozen=True, kw_only=True):
    """Who caused something."""

    kind: ActorKind
    name: str = ""
    """Of a caller, from its certificate or token entry."""
    role: str = ""


TRADER = Actor(kind=ActorKind.TRADER)


class MarketTerms(Fact, frozen=True, kw_only=True):
    """What is known of a market beside its prices."""

    ticker: str
    event_ticker: str
    series_ticker: str
    title: str
    close_time: Instant
    """When trading ends, as announced last."""
    bands: tuple[Band, ...]
    """The prices it takes."""
    fees: FeeTerms
    exchange_index: int | None = None
    """Shard on which it trades; only cash there pays for it."""


class SignalFacts(Fact, frozen=True, kw_only=True):
    """A signal, as far as rules need it. The contract's own message is kept beside it."""

    side: Side
    """That gains if the forecast is right."""
    magnitude_cents: float
    confidence: Confidence
    current_cents: float
    """YES price that was forecast from."""
    forecast_mean_cents: float
    """YES."""
    forecast_end_cents: float
    """YES."""
    spread_cents: float
    """Half the distance of the outermost quantiles at the last step: what the forecast itself is unsure about."""
    take_profit_cents: float
    stop_loss_cents: float
    policy_version: str
    policy_digest: str
    weights_digest: str
    last_candle_time: Instant
    step: timedelta
    horizon_steps: int
    useful_until: Instant


class Top(Fact, frozen=True, kw_only=True):
    """The best of both sides of one side's book. Absent is absent, never zero."""

    bid: Price | None = None
    bid_size: Hundredths = Hundredths(0)
    ask: Price | None = None
    ask_size: Hundredths = Hundredths(0)
    age_seconds: float | None
    """How long before it was used the book was last known to be so; None where it may have changed since."""


class Sight(Fact, frozen=True, kw_only=True):
    """What a decision about an entry saw of the moment: all that it rests on beside books, settings, signal and top."""

    exchange: ExchangeState | None = None
    """What the exchange allowed; None: not known."""
    halted: bool = False
    """The market took no orders."""
    pauses: tuple[tuple[Instant, Instant], ...] = ()
    """The scheduled pause that was on, or the next, where it begins before the market closes or the forecast ends."""
    stopping: bool = False
    """The trader was about to stop."""
    signal_age: float = 0.0
    """Seconds since its scan began, whose prices the signal was made from."""
    exit_silence: float | None = None
    """Seconds since the exit loop had last looked at every position; None: never in that process."""
    cash: Micros | None = None
    """Available for the market, as the exchange said last; None: it had not."""
    covered: tuple[str, ...] = ()
    """Client order ids of entries on their way that the exchange had taken off `cash` already."""
    offers: tuple[tuple[Price, Hundredths], ...] = ()
    """Offered at or below the limit, best first: price of the side and contracts."""
    other_side: Hundredths = Hundredths(0)
    """Contracts of the side that is not bought, as the account held them at its last read, whoever bought them."""


class Checks(Fact, frozen=True, kw_only=True):
    """What the exit loop remembered of a position before the look that sold it; lost with the process."""

    held_seconds: float | None = None
    """Since the first fill; None: in an earlier process, so every grace was over."""
    below: int = 0
    """Consecutive checks that had found the bid at or below the stop."""
    counted_seconds: float | None = None
    """Since the last of them."""


class Finding(Fact, frozen=True, kw_only=True):
    """What one rule found.

    `figure`, `at_least`, `at_most` and `equal_to` share `unit`; a word stands where the unit is `word`.
    """

    rule: str
    verdict: Verdict
    unit: Literal["micros", "cents", "contracts", "count", "seconds", "ratio", "word"]
    figure: float | int | str | None = None
    """Micros and hundredths of a contract as integers; None where it was not known, which refuses where needed."""
    at_least: float | int | str | None = None
    at_most: float | int | str | None = None
    equal_to: float | int | str | None = None
    detail: str = ""
    """For people, where the figures do not explain themselves."""


class ExitPlan(Fact, frozen=True, kw_only=True):
    """When a position is sold; prices of its side."""

    take_profit: Price | None = None
    """None: held to settlement instead, also where the target would lie at a dollar or beyond."""
    stop_loss: Price | None = None
    """None: no stop, also where it would lie at zero or below."""
    trailing_from: Price | None = None
    """Bid from which on the trailing stop works."""
    trailing_distance: Micros | None = None
    time_stop: Instant | None = None
    floor: Price | None = None
    """Lowest price at which an exit sells; None takes any bid."""
    policy_version: str = ""
    policy_digest: str = ""


class EntryPlan(Fact, frozen=True, kw_only=True):
    """The entry that a decision is about."""

    style: EntryStyle
    limit: Price
    ask: Price | None
    """That the decision saw."""
    count: Hundredths
    most_cost: Micros
    """Fees included."""
    edge_cents: float | None
    """Expected gain of one contract after spread, slippage and both fees."""
    exit_plan: ExitPlan
    depth: Hundredths
    """Offered at or below the limit."""
    depth_cost: Micros
    depth_levels: int


class OrderTerms(Fact, frozen=True, kw_only=True):
    """An order as it is sent."""

    client_order_id: str
    decision_id: str
    leg: int
    """From 0; every leg of a decision is another order."""
    position_id: str
    """That it opens, adds to or reduces."""
    ticker: str
    event_ticker: str
    series_ticker: str
    side: Side
    action: Action
    purpose: Purpose
    exit_kind: ExitKind | None = None
    limit: Price
    """Worst price accepted for one contract of the side."""
    count: Hundredths
    time_in_force: TimeInForce
    expire_time: Instant | None = None
    """When the exchange ends it by itself."""
    post_only: bool = False
    reduce_only: bool = False
    exchange_index: int | None = None


class FillFacts(Fact, frozen=True, kw_only=True):
    """A fill, as the exchange reports it."""

    fill_id: str
    order_id: str
    ticker: str
    side: Side
    """That the trader thinks in: the order's, where the order is known."""
    action: Action
    price: Price
    count: Hundredths
    fee: Micros
    taker: bool
    time: Instant
    """By the exchange's clock."""


class Leg(Fact, frozen=True, kw_only=True):
    """One step out of a position: the fills of one order, or the settlement."""

    kind: ExitKind
    client_order_id: str | None
    count: Hundredths
    proceeds: Micros
    fees: Micros
    trigger: Price | None
    time: Instant


class Patience(Fact, frozen=True, kw_only=True):
    """What the virtual resting orders beside a trade's entries came to by its close. In no sum of money but its own."""

    price: Price
    """At which they rested; of several the mean, weighted by contracts and rounded up."""
    filled: Hundredths
    net: Micros | None
    """None where nothing was filled, or nobody knows a maker's fee."""


class Trade(Fact, frozen=True, kw_only=True):
    """A closed round trip. `proceeds - cost - fees` is its net result."""

    position_id: str
    ticker: str
    event_ticker: str
    series_ticker: str
    side: Side
    count: Hundredths
    """Bought in all."""
    cost: Micros
    proceeds: Micros
    fees: Micros
    exit_kind: ExitKind
    """Of the last step out."""
    legs: tuple[Leg, ...]
    entry_slippage: Micros | None
    """Paid above the asks that its decisions saw, over all contracts; None where a part of it was adopted."""
    decision_id: str | None
    patience: Patience | None = None
    """None where no virtual order was kept, and in journals that older versions wrote."""
    open_time: Instant
    close_time: Instant

    @property
    def net(self) -> Micros:
        """What it earned."""
        return Micros(self.proceeds - self.cost - self.fees)


class Block(Fact, frozen=True, kw_only=True):
    """One reason why new positions are not taken."""

    block_id: str
    kind: BlockKind
    actor: Actor
    why: str
    market_ticker: str | None = None
    event_ticker: str | None = None
    series_ticker: str | None = None
    """At most one of the three; none blocks all markets."""
    finding: Finding | None = None
    since: Instant
    until: Instant | None = None
    """When it ends by itself; None waits for a person or for evidence."""
    liftable: bool = False

    def covers(self, market: MarketTerms) -> bool:
        """Tell whether entries in a market are blocked by it."""
        return (
            self.market_ticker in (None, market.ticker)
            and self.event_ticker in (None, market.event_ticker)
            and self.series_ticker in (None, market.series_ticker)
        )


class Ending(Fact, frozen=True, kw_only=True):
    """Why an order is over."""

    reason: EndReason | None
    """None: it was filled in full."""
    code: str = ""
    """The exchange's, where it refused."""
    detail: str = ""
