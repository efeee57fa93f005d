"""A backtest's result, one row a trade: every figure that a report shows is a sum of these. Pure.

Prices are of the NO contract, of one contract; results are of the whole trade, in micros, and exact. Where a trade has
several entries or exits, their prices are averages rounded down, and `entry_cost_micros` and `exit_proceeds_micros` are
what they came to: `pnl = exit_proceeds - entry_cost - entry_fee - exit_fee`, always.
"""

from dataclasses import dataclass, fields
from datetime import datetime

from mesh.types import Hundredths, Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeRow:
    """One closed trade."""

    series_ticker: str
    event_ticker: str
    market_ticker: str
    decision_time: datetime
    entry_time: datetime
    """Of the first fill."""
    entry_style: str
    """`take` or `rest`."""
    entry_count: int
    """Fills that bought."""
    contract_count: Hundredths
    yes_bid_micros: Micros | None
    """That the decision saw."""
    yes_ask_micros: Micros | None
    entry_price_micros: Micros
    entry_cost_micros: Micros
    entry_fee_micros: Micros
    entry_mid_micros: Micros | None = None
    """What all contracts were worth in the middle of the quotes that were seen by the decisions which bought them; None
    where one saw no two sides."""
    exit_time: datetime
    exit_kind: str
    """Of the last step out, such as `take_profit`, `stop_loss`, `settlement`."""
    exit_price_micros: Micros
    exit_proceeds_micros: Micros
    exit_fee_micros: Micros
    pnl_micros: Micros
    """By what was quoted at the ends of candles."""
    pnl_pessimistic_micros: Micros
    """The worst that the candles allow for the same entry."""
    pnl_optimistic_micros: Micros
    """The best."""
    direction: str
    """Of the forecast: `down` or `up`."""
    magnitude_cents: float
    confidence: str
    current_price_cents: float
    """YES, that was forecast from."""
    forecast_mean_cents: float
    """YES: of the point forecast, over all its steps."""
    forecast_end_cents: float | None = None
    """YES: the point forecast at its last step, which the quantiles are of."""
    forecast_q10_cents: float | None = None
    """YES: the forecast gives a tenth of chance to a price below this."""
    forecast_q20_cents: float | None = None
    forecast_q30_cents: float | None = None
    forecast_q40_cents: float | None = None
    forecast_q50_cents: float | None = None
    forecast_q60_cents: float | None = None
    forecast_q70_cents: float | None = None
    forecast_q80_cents: float | None = None
    forecast_q90_cents: float | None = None
    tp_cents: float
    """Target of the policy, cents from the entry."""
    sl_cents: float
    model: str
    policy_version: str
    input_digest: str
    close_time: datetime
    """When trading was to end."""
    settlement_day: str
    """UTC day of the event's last close: rows of one day and underlying are one cluster."""
    result_origin: str
    """Of the market's result: `recorded`, `inferred`, `derived`, or empty where it was not needed."""
    path_step_seconds: int
    """Length of the candles that the position was guarded by."""
    path_known: str = "closes"
    """What those candles tell: `closes` alone, so that the bounds are the result itself, `ohlc`, or `mixed`."""
    yes_value_micros: Micros | None
    """What YES paid in the end, whatever the exit; None where nobody knows."""
    known_time: datetime | None = None
    """When all of the row could be known: bounds and result reach beyond the exit."""


HINDSIGHT = frozenset(
    {"pnl_pessimistic_micros", "pnl_optimistic_micros", "path_known", "result_origin", "yes_value_micros", "known_time"}
)
"""Columns that tell what came after the exit; every other is known at the exit."""
COLUMNS = tuple(field.name for field in fields(TradeRow))
