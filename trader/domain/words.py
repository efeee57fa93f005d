"""The trader's words, each as in its contract (`foremesh.trader.v1`), whose comments say what they mean. Pure."""

from enum import StrEnum


class Mode(StrEnum):
    """Whose money an order moves. Fixed for the life of a journal."""

    PAPER = "paper"
    DEMO = "demo"
    LIVE = "live"


class Confidence(StrEnum):
    """How much a signal is trusted, ascending."""

    LOW = "low"
    MEDIUM = "medium"
    MEDIUM_HIGH = "medium_high"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """Place among the confidences, from 0."""
        return _RANKS[self]


_RANKS = {confidence: rank for rank, confidence in enumerate(Confidence)}


class ActorKind(StrEnum):
    """Kind of the one who caused something."""

    TRADER = "trader"
    CALLER = "caller"
    KILL_SWITCH_FILE = "kill_switch_file"
    EXCHANGE = "exchange"


class OrderState(StrEnum):
    """State of an order."""

    INTENDED = "intended"
    SENT = "sent"
    UNKNOWN = "unknown"
    RESTING = "resting"
    CANCELLING = "cancelling"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    NOT_SENT = "not_sent"

    @property
    def final(self) -> bool:
        """Whether nothing can become of the order any more."""
        return self in _FINAL


_FINAL = frozenset(
    {OrderState.FILLED, OrderState.CANCELLED, OrderState.EXPIRED, OrderState.REJECTED, OrderState.NOT_SENT}
)


class Purpose(StrEnum):
    """What an order of the trader is for."""

    ENTRY = "entry"
    EXIT = "exit"


class EndReason(StrEnum):
    """What ended an order before it was filled."""

    EXPIRY = "expiry"
    TRADER = "trader"
    CALLER = "caller"
    NO_LIQUIDITY = "no_liquidity"
    SELF_TRADE = "self_trade"
    POST_ONLY_CROSS = "post_only_cross"
    REDUCE_ONLY = "reduce_only"
    ORDER_GROUP = "order_group"
    PAUSE = "pause"
    MARKET_CLOSED = "market_closed"
    INSUFFICIENT_BALANCE = "insufficient_balance"
    REFUSED = "refused"
    EXCHANGE = "exchange"
    NEVER_LEFT = "never_left"


class EntryStyle(StrEnum):
    """How an entry is placed."""

    TAKE = "take"
    """Takes the ask, up to the allowed slippage."""
    REST = "rest"
    """Rests at or inside the bid and never chases."""


class ExitKind(StrEnum):
    """Why contracts were given up."""

    TAKE_PROFIT = "take_profit"
    STOP_LOSS = "stop_loss"
    TRAILING_STOP = "trailing_stop"
    TIME_STOP = "time_stop"
    SETTLEMENT = "settlement"
    MANUAL = "manual"
    FLATTEN = "flatten"
    FOREIGN = "foreign"


class Verdict(StrEnum):
    """What one rule said about one decision."""

    PASSED = "passed"
    REFUSED = "refused"
    NOT_APPLICABLE = "not_applicable"
    SWITCHED_OFF = "switched_off"


class BlockKind(StrEnum):
    """Why entries are blocked."""

    PAUSE = "pause"
    FLATTEN = "flatten"
    KILL_SWITCH_FILE = "kill_switch_file"
    PROTECTION = "protection"
    LINK = "link"
    RECONCILIATION = "reconciliation"
    UNKNOWN_ORDER = "unknown_order"
    EXCHANGE_PAUSE = "exchange_pause"

    @property
    def by_people(self) -> bool:
        """Whether a person set it and so a person lifts it without naming it."""
        return self in {BlockKind.PAUSE, BlockKind.FLATTEN}


class ChangeKind(StrEnum):
    """What changed about the trader as a whole."""

    PAUSED = "paused"
    RESUMED = "resumed"
    FLATTENED = "flattened"
    HALTED = "halted"
    RELEASED = "released"
    ADOPTED = "adopted"


class LinkKind(StrEnum):
    """What a link leads to."""

    EXCHANGE = "exchange"
    MARKET_DATA = "market_data"
    FORECAST_SERVER = "forecast_server"
    EXIT_LOOP = "exit_loop"
    RECONCILIATION = "reconciliation"
    NOTIFIER = "notifier"


class ExchangeState(StrEnum):
    """What the exchange allows now."""

    OPEN = "open"
    TRADING_PAUSED = "trading_paused"
    EXCHANGE_PAUSED = "exchange_paused"


class ScanOutcome(StrEnum):
    """What a scan found about one market."""

    SIGNAL = "signal"
    NO_SIGNAL = "no_signal"
    REJECTED = "rejected"
    EXPIRED = "expired"
    NOT_ASKED = "not_asked"
    FAILED = "failed"


class Subject(StrEnum):
    """What trader and exchange disagree about."""

    POSITION = "position"
    ORDER = "order"
    FILL = "fill"
    CASH = "cash"
    FEE = "fee"
    SETTLEMENT = "settlement"
    ENTRY_PRICE = "entry_price"


class Resolution(StrEnum):
    """What was done about a difference."""

    TAKEN_OVER = "taken_over"
    LEFT_ALONE = "left_alone"
    OPEN = "open"


class Urgency(StrEnum):
    """How urgent a notification is."""

    QUIET = "quiet"
    NORMAL = "normal"
    HIGH = "high"
    EMERGENCY = "emergency"


class Delivery(StrEnum):
    """What became of a notification."""

    QUEUED = "queued"
    ACCEPTED = "accepted"
    SUPPRESSED = "suppressed"
    FAILED = "failed"
