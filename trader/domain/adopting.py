"""Contracts on the account that the trader did not buy become its own, by a person's command. Pure.

Only what can be guarded and counted like every other position is taken: one NO position of a known market at a known
cost, with nothing under way that would change it. It is the account as last read that is taken over; what has changed
since, the next comparison finds.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import chain

from mesh.types import CONTRACT, DOLLAR, Hundredths, Micros, Price, Side, count_text
from trader.domain import comparing, ids, plans, watching
from trader.domain.entries import Adopted, AnyEntry, PositionOpened, SwitchesChanged
from trader.domain.events import Adopt, Moment
from trader.domain.facts import Actor, ExitPlan, MarketTerms, SignalFacts
from trader.domain.messages import price
from trader.domain.state import State
from trader.domain.views import HeldView
from trader.domain.words import ChangeKind


class CannotAdopt(StrEnum):
    """Why a position is not adopted, in the contract's words."""

    NO_POSITION = "no_position"
    OURS = "ours"
    YES_SIDE = "yes_side"
    UNKNOWN_MARKET = "unknown_market"
    WORKING_ORDERS = "working_orders"
    UNKNOWN_COST = "unknown_cost"
    NO_PLAN = "no_plan"
    PLAN_REACHED = "plan_reached"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants adopted, and how it is to be sold; what is left open is as the series has it."""

    request_id: str
    actor: Actor
    why: str
    ticker: str
    take_profit: Price | None = None
    stop_loss: Price | None = None
    hold: bool = False
    """To settlement: neither target nor stop, and no clock."""


@dataclass(frozen=True, slots=True)
class AdoptRefused:
    """It is not adopted."""

    reason: CannotAdopt
    detail: str


def adoption(state: State, wish: Wish, moment: Moment) -> Adopt | AdoptRefused:
    """Say what a wish comes to: the event that carries it out, or why it cannot be.

    Args:
        state: With an account that was read; the market's terms and book should have been.
        wish: Of a person.
        moment: Now.
    """
    ticker, market = wish.ticker, state.watch.terms.get(wish.ticker)
    held = next((view for view in comparing.foreign(state)[1] if view.ticker == ticker and view.net), None)
    if state.books.by_ticker.get(ticker):
        return AdoptRefused(CannotAdopt.OURS, "the trader holds a position of its own there")
    if held is None:
        return AdoptRefused(CannotAdopt.NO_POSITION, "the account, as last read, holds nothing there")
    if held.net > 0:
        return AdoptRefused(CannotAdopt.YES_SIDE, f"{count_text(held.net)} YES: the trader deals in NO only")
    if market is None:
        return AdoptRefused(CannotAdopt.UNKNOWN_MARKET, "the exchange does not tell the market's terms")
    if working := _working(state, ticker):
        return AdoptRefused(CannotAdopt.WORKING_ORDERS, f"order {working} works there and would change what is held")
    return _priced(state, wish, held, market, moment)


def adopt(state: State, event: Adopt) -> list[AnyEntry]:
    """Take a position that the trader did not open; nothing where it has one in that market, or there is none."""
    answered = event.request_id in state.books.replies
    if answered or event.count <= 0 or event.market.ticker in state.books.by_ticker:
        return []
    position_id = ids.position_id(state.books.journal_id, f"adopted/{event.request_id}")
    return [
        SwitchesChanged(
            change=ChangeKind.ADOPTED,
            actor=event.actor,
            why=event.why,
            request_id=event.request_id,
            adopted=(position_id,),
        ),
        PositionOpened(
            position_id=position_id,
            market=event.market,
            side=event.side,
            decision_id=None,
            ask=None,
            plan=event.plan,
        ),
        Adopted(position_id=position_id, count=event.count, cost=event.cost, fees=event.fees, actor=event.actor),
    ]


def _working(state: State, ticker: str) -> str | None:
    """Name an order in a market that may still be filled, anybody's."""
    ours = (name for name in sorted(state.books.working) if state.books.orders[name].terms.ticker == ticker)
    others = (view.order_id for view in comparing.foreign(state)[0] if view.ticker == ticker)
    return next(chain(ours, others), None)


def _priced(state: State, wish: Wish, held: HeldView, market: MarketTerms, moment: Moment) -> Adopt | AdoptRefused:
    count = Hundredths(abs(held.net))
    # The exchange's sum begins with the first contract of the market, ours included.
    fees = held.fees - sum(trade.fees for trade in state.books.trades if trade.ticker == wish.ticker)
    mean = -(-held.exposure * CONTRACT // count)
    if not 0 < mean < DOLLAR or fees < 0:
        why = "the exchange does not say what these contracts cost, fees included"
        return AdoptRefused(CannotAdopt.UNKNOWN_COST, why)
    plan = _plan(state, wish, Price(mean), market, moment.now)
    if plan is None:
        why = "no signal of its series has come since the start to take levels from: name a target and a stop, or hold"
        return AdoptRefused(CannotAdopt.NO_PLAN, why)
    if reached := _reached(state, plan, wish.ticker, moment):
        return AdoptRefused(CannotAdopt.PLAN_REACHED, reached)
    return Adopt(
        request_id=wish.request_id,
        actor=wish.actor,
        market=market,
        side=Side.NO,
        count=count,
        cost=held.exposure,
        plan=plan,
        fees=Micros(fees),
        why=wish.why,
    )


def _plan(state: State, wish: Wish, mean: Price, market: MarketTerms, now: datetime) -> ExitPlan | None:
    """Plan its exits as the series would, named levels first; None where a level is missing and no signal has any."""
    exits, signal = state.settings.exits, _signal(state, market)
    made = plans.exit_plan(mean, signal, market, state.settings, now)
    if wish.hold:
        return ExitPlan(floor=made.floor)
    needs = (exits.take_profit and wish.take_profit is None) or (exits.stop_loss and wish.stop_loss is None)
    if needs and signal is None and not plans.held(market, exits):
        return None
    return plans.with_levels(made, market, take_profit=wish.take_profit, stop_loss=wish.stop_loss)


def _signal(state: State, market: MarketTerms) -> SignalFacts | None:
    """Find the latest signal for NO of a market, else of its series: levels are the policy's, not the market's."""
    seen = [
        (ticker == market.ticker, came, signal)
        for ticker, (signal, came) in state.watch.signals.items()
        if signal.side is Side.NO and (known := state.watch.terms.get(ticker)) is not None
        if known.series_ticker == market.series_ticker
    ]
    return max(seen, key=lambda each: each[:2], default=(False, 0.0, None))[2]


def _reached(state: State, plan: ExitPlan, ticker: str, moment: Moment) -> str:
    """Say which level the bid has reached already: the position would be sold at once; empty for none."""
    top = watching.top(state.watch, ticker, Side.NO, moment)
    if top is None or top.age_seconds is None or top.bid is None:
        return ""
    bid = f"the bid of {price(top.bid)} has reached the"
    if plan.take_profit is not None and top.bid >= plan.take_profit:
        return f"{bid} target of {price(plan.take_profit)}: it would be sold at once; name another, or hold"
    if plan.stop_loss is not None and top.bid <= plan.stop_loss:
        return f"{bid} stop of {price(plan.stop_loss)}: it would be sold at once; name another, or hold"
    return ""
