"""What an entry is expected to earn once spread, slippage and fees are paid. Statistics, in cents. Pure.

The fees' formula is the same from either side of a contract, so prices of the held side go in as they are.
"""

from datetime import datetime
from math import isfinite

from mesh.kalshi.fees import model_fee
from mesh.types import CENT, CONTRACT, Price, Side
from trader.domain.facts import MarketTerms, SignalFacts, Top
from trader.domain.settings import Settings
from trader.domain.words import EntryStyle


def horizon_end(signal: SignalFacts) -> datetime:
    """Return when the forecast's last step ends."""
    return signal.last_candle_time + signal.step * signal.horizon_steps


def expected_cents(
    signal: SignalFacts,
    market: MarketTerms,
    top: Top,
    limit: Price,
    *,
    settings: Settings,
    settles: bool,
    at: datetime,
    target: Price | None = None,
) -> float | None:
    """Return what one contract bought at its limit is expected to earn, in cents.

    The forecast's mean is taken as the mid price at the exit, which sells to the bid, half of today's spread below, or
    at the target where that comes first.

    Args:
        signal: The forecast; the side is the one that is bought.
        market: For its fees.
        top: Best prices of that side.
        limit: What is paid for one contract.
        settings: Style of the entry, and the part of the forecast's own uncertainty that the edge must clear.
        settles: The market settles rather than that the position is sold: no spread, no fee.
        at: Latest time of the entry, for fees that are waived for a while.
        target: Price at which the position is sold even if the forecast sees more; None for none.

    Returns:
        None where a price that it needs is missing, or the forecast is not a number.

    Raises:
        UnknownFee: What trading costs there is not known.
    """
    mean = signal.forecast_mean_cents
    value = mean if signal.side is Side.YES else 100 - mean
    maker = settings.entries.style is EntryStyle.REST
    costs = limit.cents + _fee_cents(market, limit, maker=maker, at=at)
    if not settles:
        if top.bid is None or top.ask is None:
            return None
        value -= (top.ask - top.bid) / CENT / 2
    if not isfinite(value):
        return None
    value = min(max(value, 0.0), 100.0)
    if target is not None and value > target.cents:
        value, settles = target.cents, False
    if not settles:
        costs += _fee_cents(market, Price(round(value * CENT)), maker=False, at=max(at, horizon_end(signal)))
    edge = value - costs - settings.rules.edge_uncertainty_share * signal.spread_cents
    return edge if isfinite(edge) else None


def _fee_cents(market: MarketTerms, price: Price, *, maker: bool, at: datetime) -> float:
    return float(model_fee(market.fees, price=price, count=CONTRACT, maker=maker, at=at) * 100)
