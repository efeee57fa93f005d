"""Rows of closed trades, from what a trader wrote. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from mesh.kalshi.sides import Action
from mesh.types import CONTRACT, Hundredths, Micros, Side
from research.bounds import Bounds, Lot, bounds_of
from research.plan import WalkPlan
from research.rows import COLUMNS, TradeRow
from research.types import Defects, Forecasted, RecordedMarket
from trader.domain.entries import (
    AnyEntry,
    Decided,
    Filled,
    OrderIntended,
    PositionClosed,
    PositionOpened,
)
from trader.domain.facts import ExitPlan, Top, Trade
from trader.domain.words import ExitKind, Purpose


@dataclass(frozen=True, slots=True)
class _Entered:
    """A decision that entered."""

    at: datetime
    style: str
    top: Top | None
    said: Forecasted


@dataclass(slots=True)
class _Life:
    """A position from its first fill on."""

    plan: ExitPlan
    lots: list[Lot] = field(default_factory=list)
    mids: list[int | None] = field(default_factory=list)
    """What each lot was worth in the middle of the quote that its decision saw."""


class Keeper:
    """Watches a trader, and makes rows of what it closed.

    Args:
        plan: How it is walked.
        defects: Told why decisions could not enter for want of quotes.
    """

    def __init__(self, plan: WalkPlan, defects: Defects) -> None:
        self.said: Mapping[str, Forecasted] = {}
        """What was forecast at the moment, by market."""
        self.closed: list[Trade] = []
        self._plan, self._defects = plan, defects
        self._entered: dict[str, _Entered] = {}
        self._seen: dict[str, Top | None] = {}
        """By entry order: what its decision saw."""
        self._lives: dict[str, _Life] = {}

    def watch(self, now: datetime, entry: AnyEntry) -> None:
        """Take in what the trader wrote."""
        match entry:
            case Decided(entered=True):
                style = "" if entry.plan is None else entry.plan.style.value
                self._entered[entry.decision_id] = _Entered(now, style, entry.top, self.said[entry.market.ticker])
            case Decided():
                self._refused(entry)
            case OrderIntended(order=order) if order.purpose is Purpose.ENTRY:
                self._seen[order.client_order_id] = self._entered[order.decision_id].top
            case PositionOpened():
                self._lives[entry.position_id] = _Life(entry.plan)
            case Filled(fill=fill) if fill.action is Action.BUY:
                life = self._lives[entry.position_id]
                life.lots.append(Lot(fill.time, fill.price, fill.count, fill.fee))
                life.mids.append(_at_mid(self._seen[entry.client_order_id], fill.count))
            case PositionClosed():
                self.closed.append(entry.trade)
            case _:
                pass

    def row(self, trade: Trade, market: RecordedMarket, day: str) -> TradeRow:
        """Make the row of a trade.

        Args:
            trade: Closed.
            market: Where it was made, as it was walked.
            day: On which its event settles.
        """
        life = self._lives.pop(trade.position_id)
        entered = self._entered.pop(trade.decision_id or "")
        found = bounds_of(trade, life.lots, life.plan, market=market, walked=self._plan)
        return _row(trade, entered, found, life, market=market, day=day)

    def drop(self, trade: Trade) -> None:
        """Make no row of a trade."""
        del self._lives[trade.position_id], self._entered[trade.decision_id or ""]

    def _refused(self, decided: Decided) -> None:
        top, ticker = decided.top, decided.market.ticker
        if top is None or top.age_seconds is None:
            self._defects.note("decision_without_quote", ticker)
        elif top.ask is None or top.bid is None:
            self._defects.note("decision_on_one_side", ticker)


def _at_mid(top: Top | None, count: Hundredths) -> int | None:
    """Value contracts in the middle of a quote, micros."""
    return None if top is None or top.bid is None or top.ask is None else count * (top.bid + top.ask) // (2 * CONTRACT)


def _row(trade: Trade, entered: _Entered, found: Bounds, life: _Life, *, market: RecordedMarket, day: str) -> TradeRow:
    said, top, outcome = entered.said, entered.top, market.outcome
    signal = said.signal
    exit_fees = sum(leg.fees for leg in trade.legs)
    settled = any(leg.kind is ExitKind.SETTLEMENT for leg in trade.legs)
    last = datetime.fromtimestamp(int(market.path.ends[-1]), UTC)
    return TradeRow(
        series_ticker=trade.series_ticker,
        event_ticker=trade.event_ticker,
        market_ticker=trade.ticker,
        decision_time=entered.at,
        entry_time=trade.open_time,
        entry_style=entered.style,
        entry_count=len(life.lots),
        contract_count=trade.count,
        yes_bid_micros=None if top is None or top.ask is None else Micros(top.ask.complement),
        yes_ask_micros=None if top is None or top.bid is None else Micros(top.bid.complement),
        entry_price_micros=Micros(trade.cost * CONTRACT // trade.count),
        entry_cost_micros=trade.cost,
        entry_fee_micros=Micros(trade.fees - exit_fees),
        entry_mid_micros=None if None in life.mids else Micros(sum(mid for mid in life.mids if mid is not None)),
        exit_time=trade.close_time,
        exit_kind=trade.exit_kind.value,
        exit_price_micros=Micros(trade.proceeds * CONTRACT // trade.count),
        exit_proceeds_micros=trade.proceeds,
        exit_fee_micros=Micros(exit_fees),
        pnl_micros=trade.net,
        pnl_pessimistic_micros=found.pessimistic,
        pnl_optimistic_micros=found.optimistic,
        direction="down" if signal.side is Side.NO else "up",
        magnitude_cents=float(signal.magnitude_cents),
        confidence=signal.confidence.value,
        current_price_cents=float(signal.current_cents),
        forecast_mean_cents=float(signal.forecast_mean_cents),
        forecast_end_cents=float(signal.forecast_end_cents),
        **_quantiles(said),
        tp_cents=signal.take_profit_cents,
        sl_cents=signal.stop_loss_cents,
        model=said.model,
        policy_version=signal.policy_version,
        input_digest=said.input_digest,
        close_time=market.terms.close_time,
        settlement_day=day,
        result_origin=outcome.origin.value if settled and outcome is not None else "",
        path_step_seconds=market.path.step_seconds,
        path_known=found.known,
        yes_value_micros=None if outcome is None else outcome.yes_value,
        known_time=max(trade.close_time, last if outcome is None else outcome.known_at),
    )


def _quantiles(said: Forecasted) -> dict[str, Any]:
    """Return the columns of the last step's deciles; a server's other levels have none."""
    last = zip(said.levels, said.quantiles_cents[-1].tolist(), strict=True) if said.levels else ()
    named = ((f"forecast_q{level * 100:g}_cents", value) for level, value in last)
    return {name: value for name, value in named if name in COLUMNS}
