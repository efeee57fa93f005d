"""How recorded markets are walked."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cached_property

from mesh.types import CONTRACT, Hundredths, Micros
from research.pauses import KNOWN, Night
from research.types import EntryPolicy
from trader.domain.settings import ProtectionSettings, Settings

_FREE = ProtectionSettings(
    max_daily_loss_dollars=1_000_000,
    max_drawdown_dollars=1_000_000,
    stop_guard_count=1000,
    cooldown_seconds=0,
    calibration_min_share=0,
)
_LONGEST = 31_536_000.0
_CASH, _PRECISION = Micros(1_000_000_000_000), Micros(100)
_SIZE, _QUEUE = Hundredths(10 * CONTRACT), Hundredths(300 * CONTRACT)
_SAME = Decimal(1)


@dataclass(frozen=True, kw_only=True)
class WalkPlan:
    """How it is walked."""

    settings: Settings
    """Of the trader: rules, sizes, entries, exits."""
    entry_policy: EntryPolicy = EntryPolicy.LIVE
    protections: bool = False
    """Keep the settings' protections, which stop for good after a bad week; else every trade is taken."""
    latency: timedelta = timedelta(seconds=1)
    """Until an order, or the end of one, meets the book."""
    cash: Micros = _CASH
    assumed_size: Hundredths = _SIZE
    """Contracts shown at a quote whose size was not recorded."""
    assumed_queue: Hundredths = _QUEUE
    """Contracts ahead of an order that comes to rest at a best price, or behind it."""
    stale_seconds: int = 24 * 3600
    """A quote holds until the next candle, as on the exchange, but no longer than this: then nobody knows."""
    precision: Micros = _PRECISION
    """Steps of the account's balance."""
    nights: tuple[Night, ...] = KNOWN
    """When the exchange did not trade."""
    fee_factor: Decimal = _SAME
    """Of the fees: what if they were other."""
    worse_ticks: int = 0
    """By which each quote is worse than recorded, on both sides."""
    attentive: bool = True
    """Tell the trader only what it can act on. False tells it everything and has it look at every check: the same
    trades, in hundreds of times the time."""

    @property
    def everything(self) -> bool:
        """Whether the trader is told everything: losses that are not yet real may stop it only where it sees them."""
        return self.protections or not self.attentive

    @cached_property
    def walked(self) -> Settings:
        """The trader's settings as they are walked with."""
        # The exit loop of a walk is alive by construction; virtual resting orders are an arm here.
        kept = self.settings.protections
        changes = {"max_exit_silence_seconds": _LONGEST, "max_book_age_seconds": kept.max_book_age_seconds}
        protections = (kept if self.protections else _FREE).model_copy(update=changes)
        entries = self.settings.entries.model_copy(update={"shadow": False})
        return self.settings.model_copy(update={"protections": protections, "entries": entries})
