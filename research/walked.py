"""What a walk came to, and walks over parts of a recording put together again."""

from dataclasses import dataclass, field

from research.looking import Looking
from research.rows import TradeRow
from research.statistics.decomposition import Quote
from research.types import Defects


@dataclass(slots=True)
class Walked:
    """What one walk came to."""

    looking: Looking
    """What became of the forecasts that it looked at."""
    rows: list[TradeRow] = field(default_factory=list)
    exits: dict[TradeRow, Quote] = field(default_factory=dict)
    """Quotes at the exits of trades that sold, where both sides were there."""
    defects: Defects = field(default_factory=Defects)

    def add(self, later: "Walked") -> None:
        """Add what the same walk came to on later events."""
        self.looking.add(later.looking)
        self.rows += later.rows
        self.exits |= later.exits
        self.defects.merge(later.defects)
