"""When a position would be sold: from a signal's levels to prices that the market takes. Pure.

A target is rounded up and a stop down: bids lie on the market's grid, so neither is reached any sooner or later by it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from msgspec.structs import replace

from mesh.kalshi.grid import Band, PriceGrid
from mesh.types import CENT, Micros, Price
from trader.domain.facts import EntryPlan, ExitPlan, MarketTerms, SignalFacts
from trader.domain.settings import ExitSettings, Settings, price

_AT_ONCE = timedelta(0)


@lru_cache(maxsize=256)
def _grid(bands: tuple[Band, ...]) -> PriceGrid:
    return PriceGrid(bands)


def grid(market: MarketTerms) -> PriceGrid:
    """Return the prices of a market; markets of the same bands share them. ValueError for bands that are none."""
    return _grid(market.bands)


def held(market: MarketTerms, exits: ExitSettings) -> bool:
    """Tell whether positions of a market are held to settlement: no level sells them, and no clock."""
    return market.series_ticker in exits.hold_to_settlement


def exit_plan(
    entry_price: Price, signal: SignalFacts | None, market: MarketTerms, settings: Settings, now: datetime
) -> ExitPlan:
    """Plan when a position that is bought at a price is sold.

    Args:
        entry_price: Of one contract of the side that is bought.
        signal: Its levels are cents away from the entry; None for none, and so neither target nor stop.
        market: Whose grid the prices lie on.
        settings: What the owner sets.
        now: From which a time stop counts.
    """
    exits, prices = settings.exits, grid(market)
    floor = price(exits.floor_cents)
    plan = ExitPlan(
        floor=prices.round_up(floor) or prices.round_down(floor),
        policy_version="" if signal is None else signal.policy_version,
        policy_digest="" if signal is None else signal.policy_digest,
    )
    if held(market, exits):
        return plan
    if exits.take_profit and signal is not None:
        plan = replace(plan, take_profit=prices.round_up(entry_price + _micros(signal.take_profit_cents)))
    if exits.stop_loss and signal is not None:
        plan = replace(plan, stop_loss=_below(prices, entry_price - _micros(signal.stop_loss_cents)))
    if exits.trailing_from_cents is not None and exits.trailing_distance_cents is not None:
        start = prices.round_up(entry_price + _micros(exits.trailing_from_cents))
        if start is not None:
            plan = replace(plan, trailing_from=start, trailing_distance=_micros(exits.trailing_distance_cents))
    if exits.time_stop_seconds is not None:
        plan = replace(plan, time_stop=now + timedelta(seconds=exits.time_stop_seconds))
    return plan


def with_levels(plan: ExitPlan, market: MarketTerms, *, take_profit: Price | None, stop_loss: Price | None) -> ExitPlan:
    """Return a plan with levels that a person named, where they did; no policy stands behind a plan of theirs."""
    prices, named = grid(market), take_profit is not None or stop_loss is not None
    return replace(
        plan,
        take_profit=plan.take_profit if take_profit is None else prices.round_up(take_profit),
        stop_loss=plan.stop_loss if stop_loss is None else _below(prices, stop_loss),
        policy_version="" if named else plan.policy_version,
        policy_digest="" if named else plan.policy_digest,
    )


def rebased(plan: EntryPlan, price: Price, market: MarketTerms, waited: timedelta = _AT_ONCE) -> ExitPlan:
    """Return an entry's exit plan for the price that was really paid: its levels move with the price.

    A level that the plan did without stays away; one that moves off the market's prices goes. A time stop counts from
    the fill, which comes so long after the decision as the order had `waited`.
    """
    moved, prices, exits = price - plan.limit, grid(market), plan.exit_plan
    start = None if exits.trailing_from is None else prices.round_up(exits.trailing_from + moved)
    return replace(
        exits,
        take_profit=None if exits.take_profit is None else prices.round_up(exits.take_profit + moved),
        stop_loss=None if exits.stop_loss is None else _below(prices, exits.stop_loss + moved),
        trailing_from=start,
        trailing_distance=None if start is None else exits.trailing_distance,
        time_stop=None if exits.time_stop is None else exits.time_stop + waited,
    )


def stops(plan: ExitPlan) -> bool:
    """Tell whether a plan has a stop, which needs a market that trades."""
    return plan.stop_loss is not None or plan.trailing_from is not None


def pause_before(
    pauses: Sequence[tuple[datetime, datetime]], now: datetime, until: datetime
) -> tuple[datetime, datetime] | None:
    """Return the first scheduled pause that is on, or begins before an instant; None where there is none."""
    return min(((start, end) for start, end in pauses if start < until and end > now), default=None)


def _micros(cents: float) -> Micros:
    return Micros(round(cents * CENT))


def _below(prices: PriceGrid, micros: int) -> Price | None:
    return prices.round_down(micros) if micros > 0 else None
