"""What the paper account consists of, as it is kept in its file. Pure.

A field more makes a version more (`trader.paper.store`): an older foremesh must not forget it unsaid.

Everything is in the terms of the book: YES bought (a bid) or sold (an ask), prices of YES in micros, counts in
hundredths of a contract.
"""

from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from mesh.kalshi.fees import FeeTerms
from mesh.kalshi.terms import FeeType, OrderStatus
from mesh.types import Hundredths, Micros
from trader.domain.facts import MarketTerms

NOTHING = Hundredths(0)
FREE = Micros(0)


class Purse(Struct, kw_only=True, forbid_unknown_fields=True):
    """The account as a whole."""

    account_id: str
    start: Micros
    """What it began with."""
    step: Micros
    """Its balance is a multiple of this."""
    cash: Micros
    """What resting orders lock included."""
    number: int = 0
    """Of the last order, fill or settlement."""


class Venue(Struct, kw_only=True, forbid_unknown_fields=True):
    """What is known of a market in which the account trades."""

    ticker: str
    close_time: datetime
    fee_type: FeeType
    multiplier: Decimal
    waived_until: datetime | None

    @classmethod
    def of(cls, market: MarketTerms) -> "Venue":
        """Take what is needed from a market's terms."""
        fees = market.fees
        return cls(
            ticker=market.ticker,
            close_time=market.close_time,
            fee_type=fees.fee_type,
            multiplier=fees.multiplier,
            waived_until=fees.waived_until,
        )

    @property
    def fees(self) -> FeeTerms:
        """What decides its fees."""
        return FeeTerms(self.fee_type, self.multiplier, self.waived_until)


class Order(Struct, kw_only=True, forbid_unknown_fields=True):
    """An order that was accepted; never forgotten."""

    number: int
    """Place in time."""
    order_id: str
    client_order_id: str
    ticker: str
    buys_yes: bool
    price: Micros
    """Limit."""
    count: Hundredths
    """Asked for."""
    remaining: Hundredths
    """May still be filled."""
    filled: Hundredths = NOTHING
    status: OrderStatus = OrderStatus.RESTING
    entry: bool = False
    """It does not rest through a pause."""
    carried: Micros = FREE
    """Rounding paid and not got back, see `mesh.kalshi.fees.charge`."""
    ahead: Hundredths | None = None
    """Contracts of others that trade before it at its price; None while no book has told."""
    untold: Hundredths = NOTHING
    """Of those, what left the book and no trade has told why."""
    untold_until: datetime | None = None
    """Until when a trade may still tell."""
    expire_time: datetime | None = None
    created_time: datetime
    updated_time: datetime


class Holding(Struct, kw_only=True, forbid_unknown_fields=True):
    """What the account has in one market, or had."""

    ticker: str
    net: Hundredths = NOTHING
    """Positive YES, negative NO."""
    cost: Micros = FREE
    """Of the open contracts, at average price, without fees."""
    realised: Micros = FREE
    """Without fees."""
    fees: Micros = FREE
    settled: bool = False


class Fill(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fill."""

    number: int
    fill_id: str
    order_id: str
    ticker: str
    buys_yes: bool
    price: Micros
    count: Hundredths
    fee: Micros
    taker: bool
    time: datetime


class Settlement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A market that was paid out."""

    number: int
    ticker: str
    yes_value: Micros
    """What one YES contract paid."""
    net: Hundredths
    """Held until then: positive YES, negative NO."""
    revenue: Micros
    fees: Micros
    """Paid for trades in this market."""
    time: datetime


class Taken(Struct, kw_only=True, forbid_unknown_fields=True):
    """What the account took of one market's shown levels, and may not take again."""

    ticker: str
    bids: dict[int, int] = {}
    """By price: of those who buy YES."""
    asks: dict[int, int] = {}

    def of(self, *, bids: bool) -> dict[int, int]:
        """Give one side."""
        return self.bids if bids else self.asks


Record = Purse | Venue | Order | Holding | Fill | Settlement | Taken
