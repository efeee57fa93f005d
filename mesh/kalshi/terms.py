"""The exchange's words. Pure.

Each enumeration has a member UNKNOWN for words that appeared after this was written: a client keeps working on what it
understands. UNKNOWN is never sent.
"""

from enum import StrEnum
from typing import Self


class Word(StrEnum):
    """A word of the exchange; one that is not known reads as UNKNOWN."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        return cls.__members__.get("UNKNOWN")


class BookSide(Word):
    """Side of a market's one book, which trades YES."""

    BID = "bid"
    """Buys YES."""
    ASK = "ask"
    """Sells YES, which is buying NO at one dollar minus the price."""
    UNKNOWN = "unknown"


class TimeInForce(Word):
    """How long an order may wait for a match."""

    GOOD_TILL_CANCELED = "good_till_canceled"
    IMMEDIATE_OR_CANCEL = "immediate_or_cancel"
    FILL_OR_KILL = "fill_or_kill"
    UNKNOWN = "unknown"


class SelfTradePrevention(Word):
    """What happens when an order meets one of the same account."""

    TAKER_AT_CROSS = "taker_at_cross"
    """The arriving order stops there; its rest is cancelled."""
    MAKER = "maker"
    """The resting order is cancelled and the arriving one goes on."""
    UNKNOWN = "unknown"


class OrderStatus(Word):
    """State of an order."""

    RESTING = "resting"
    CANCELED = "canceled"
    EXECUTED = "executed"
    UNKNOWN = "unknown"


class MarketStatus(Word):
    """State of a market as its record gives it; list filters use other words."""

    INITIALIZED = "initialized"
    ACTIVE = "active"
    INACTIVE = "inactive"
    CLOSED = "closed"
    DETERMINED = "determined"
    DISPUTED = "disputed"
    AMENDED = "amended"
    FINALIZED = "finalized"
    UNKNOWN = "unknown"


class MarketFilter(Word):
    """State of a market as a list's `status` filter names it."""

    UNOPENED = "unopened"
    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"
    SETTLED = "settled"
    UNKNOWN = "unknown"


class StrikeType(Word):
    """How a market's strikes read against the settling value."""

    GREATER = "greater"
    GREATER_OR_EQUAL = "greater_or_equal"
    LESS = "less"
    LESS_OR_EQUAL = "less_or_equal"
    BETWEEN = "between"
    """Floor and cap both included."""
    FUNCTIONAL = "functional"
    CUSTOM = "custom"
    STRUCTURED = "structured"
    UNKNOWN = "unknown"


class Result(Word):
    """How a market was determined."""

    NONE = ""
    """Not yet."""
    YES = "yes"
    NO = "no"
    SCALAR = "scalar"
    """Paid at a value between, as for a void market."""
    UNKNOWN = "unknown"


class FeeType(Word):
    """Which fee formula applies."""

    QUADRATIC = "quadratic"
    QUADRATIC_WITH_MAKER_FEES = "quadratic_with_maker_fees"
    QUADRATIC_WITH_COMBO_MAKER_FEES = "quadratic_with_combo_maker_fees"
    FLAT = "flat"
    UNKNOWN = "unknown"


class UpdateReason(Word):
    """Why an order changed last."""

    NONE = ""
    """It has only been placed."""
    TRADE = "Trade"
    DECREASE = "Decrease"
    AMEND = "Amend"
    MARGIN_CANCEL = "MarginCancel"
    SELF_TRADE_CANCEL = "SelfTradeCancel"
    EXPIRY_CANCEL = "ExpiryCancel"
    CLOSE_CANCEL = "CloseCancel"
    HALT_CANCEL = "HaltCancel"
    POST_ONLY_CROSS_CANCEL = "PostOnlyCrossCancel"
    REDUCE_ONLY_CANCEL = "ReduceOnlyCancel"
    SETTLEMENT_BOUNDS_CANCEL = "SettlementBoundsCancel"
    UNKNOWN = "unknown"
