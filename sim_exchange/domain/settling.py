"""The pay-out of one market: what each contract is worth goes to whoever holds it. Pure."""

from copy import copy

from mesh.types import CONTRACT, DOLLAR, Hundredths, Micros
from sim_exchange.domain.events import PositionChanged, Settled
from sim_exchange.domain.floor import Floor
from sim_exchange.domain.ledger import Desk
from sim_exchange.domain.types import FREE, NOTHING, Settlement
from sim_exchange.domain.venue import Venue


def pay_out(floor: Floor, venue: Venue) -> None:
    """Pay every holder, turn their positions into money, and settle those too that were given up before.

    A payout is rounded down to the account's precision; what that leaves over of the dollar held for each pair is
    booked as a fee. The market's record keeps its open interest, as the exchange's does.
    """
    held = 0
    paid = 0
    for trader in floor.ledger.traders():
        desk = trader.desks.get(venue.ticker)
        if desk is None or desk.position.updated_time is None:
            continue
        if desk.position.count:
            held += max(0, desk.position.count)
            paid += _pay(floor, venue, desk)
        desk.position.settled = True
        desk.position.updated_time = floor.now
        if not trader.house:
            floor.emit(PositionChanged(copy(desk.position)))
    floor.ledger.collect(held * DOLLAR // CONTRACT - paid)


def _pay(floor: Floor, venue: Venue, desk: Desk) -> int:
    """Pay one holder, and tell how much that was."""
    position = desk.position
    trader = desk.trader
    value = venue.market.settlement_value
    if value is None:
        raise ValueError(f"market {venue.ticker} has no settlement value")
    count, spent = position.count, position.open_cost
    revenue = count * value if count > 0 else -count * (DOLLAR - value)
    precision = trader.account.balance_precision
    payout = Micros(revenue // (CONTRACT * precision) * precision)
    trader.cash[venue.shard] = Micros(trader.cash.get(venue.shard, 0) + payout)
    position.realized_pnl = Micros(position.realized_pnl + payout - spent)
    position.count, position.open_cost = NOTHING, FREE
    if not trader.house:
        settlement = Settlement(
            account_id=trader.account.account_id,
            ticker=venue.ticker,
            event_ticker=venue.market.event_ticker,
            exchange_index=venue.shard,
            result=venue.market.result,
            value=value,
            yes_count=Hundredths(max(0, count)),
            yes_cost=spent if count > 0 else FREE,
            no_count=Hundredths(max(0, -count)),
            no_cost=spent if count < 0 else FREE,
            revenue=payout,
            fees=position.fees_paid,
            time=floor.now,
        )
        trader.settlements.append(settlement)
        floor.emit(Settled(settlement))
        floor.cash_changed(trader, venue.shard)
    return payout
