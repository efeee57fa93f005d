"""Positions as the service shows them: what is held, how it is guarded, what the market offers. Pure."""

from datetime import datetime

from foremesh.trader.v1 import positions_pb2

from mesh.types import Hundredths, Side
from trader.domain import exits, watching
from trader.domain.events import Moment
from trader.domain.facts import MarketTerms
from trader.domain.guarding import position_state
from trader.domain.protections import liquidation
from trader.domain.state import Guard, Position, State
from trader.domain.views import HeldView
from trader.service import convert_facts as f
from trader.service import convert_words as w
from trader.service.named import event_of, foreign_id, series_of


def position(state: State, found: Position, moment: Moment) -> positions_pb2.Position:
    """Show a position of the trader that holds contracts."""
    market = exits.market_of(state, found)
    return positions_pb2.Position(
        position_id=found.position_id,
        market_ticker=market.ticker,
        event_ticker=market.event_ticker,
        series_ticker=market.series_ticker,
        title=w.text(market.title),
        side=w.SIDE[found.side],
        state=w.POSITION_STATE[position_state(state, found, moment)],
        count_hundredths=found.count,
        cost_micros=found.cost,
        entry_fees_micros=found.entry_fees,
        mean_entry_price_cents=w.mean_cents(found.cost, found.count),
        realised_micros=found.realised,
        plan=f.exit_plan(found.plan),
        guard=_guard(state, found, moment),
        mark=mark(state, found, moment),
        exit_kind=None if found.exit is None else w.EXIT_KIND[found.exit.kind],
        decision_id=found.decision_id,
        open_time=w.instant(found.open_time or moment.now),
        close_time=w.instant(market.close_time),
        sequence=found.sequence,
    )


def foreign(state: State, held: HeldView, read: datetime, moment: Moment) -> positions_pb2.Position:
    """Show contracts on the account that are not the trader's.

    Args:
        state: Everything known.
        held: What is beyond the trader's own.
        read: When the account was read: since when they are held is not known.
        moment: Now.
    """
    market: MarketTerms | None = state.watch.terms.get(held.ticker)
    side, count = (Side.YES if held.net > 0 else Side.NO), Hundredths(abs(held.net))
    cost = max(0, held.exposure)
    return positions_pb2.Position(
        position_id=foreign_id(held.ticker),
        market_ticker=held.ticker,
        event_ticker=event_of(held.ticker) if market is None else market.event_ticker,
        series_ticker=series_of(held.ticker) if market is None else market.series_ticker,
        title="" if market is None else w.text(market.title),
        side=w.SIDE[side],
        state=positions_pb2.POSITION_STATE_FOREIGN,
        count_hundredths=count,
        cost_micros=cost,
        mean_entry_price_cents=min(100.0, w.mean_cents(cost, count)),
        mark=offer(state, held.ticker, side, moment),
        open_time=w.instant(read),
        close_time=None if market is None else w.instant(market.close_time),
        sequence=state.books.sequence,
    )


def mark(state: State, found: Position, moment: Moment) -> positions_pb2.Mark | None:
    """Show what the market offers for a position; None where no book has been seen since the start.

    What selling it would pay is told only where the book is known to be so, as in the sums of the status.
    """
    message = offer(state, found.market.ticker, found.side, moment)
    paid = liquidation(state, found, moment) if found.count else None
    if message is not None and paid is not None:
        message.liquidation_micros = paid
        message.unrealised_micros = paid - found.cost - found.entry_fees
    return message


def offer(state: State, ticker: str, side: Side, moment: Moment) -> positions_pb2.Mark | None:
    """Show the best prices of a market, seen from a side; None where no book has been seen since the start."""
    top, seen = watching.top(state.watch, ticker, side, moment), state.watch.books.get(ticker)
    if top is None or seen is None:
        return None
    return positions_pb2.Mark(
        bid_price_micros=w.price(top.bid),
        bid_size_hundredths=top.bid_size,
        ask_price_micros=w.price(top.ask),
        ask_size_hundredths=top.ask_size,
        confirmed_age=w.age(moment.seconds - seen.confirmed),
    )


def _guard(state: State, found: Position, moment: Moment) -> positions_pb2.GuardState:
    guard = state.watch.guards.get(found.position_id, Guard())
    return positions_pb2.GuardState(
        peak_price_micros=w.price(found.peak),
        stop_in_force_micros=w.price(exits.active_stop(found, guard, moment, state.settings)),
        trailing_armed=exits.trailing_stop(found) is not None,
        stop_hit_count=guard.below,
        stop_hits_needed=state.settings.exits.stop_checks,
        checked_age=None if guard.checked is None else w.age(moment.seconds - guard.checked),
    )
