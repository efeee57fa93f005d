"""Whether an entry may follow what stands before it, beyond what folding itself refuses.

The trader never writes such an entry, whatever the exchange does; one that is there was written by a bug or by hand.
"""

from trader.domain.entries import AnyEntry, Filled, PositionClosed, Settled, Started
from trader.domain.facts import Trade
from trader.domain.state import Books, Position
from trader.domain.words import OrderState


def objection(books: Books, entry: AnyEntry) -> str:
    """Say why an entry cannot follow, given the books before it; empty where it can.

    Raises:
        KeyError: It speaks of an order or position that was never there.
    """
    match entry:
        case Started(mode=mode) if books.mode not in {None, mode}:
            return f"a start in mode {mode} in a {books.mode} journal"
        case Settled(position_id=name) if name in books.settled:
            return f"position {name} was settled before"
        case Filled(client_order_id=name):
            state = books.orders[name].state
            never_left = state in {OrderState.INTENDED, OrderState.NOT_SENT}
            return f"a fill of order {name}, which is {state}" if never_left else ""
        case PositionClosed(trade=trade):
            return _closed(books, books.positions[trade.position_id], trade)
        case _:
            return ""


def _closed(books: Books, position: Position, trade: Trade) -> str:
    name = position.position_id
    if position.count:
        return f"position {name} is closed while contracts are held"
    if any(books.orders[working].terms.position_id == name for working in books.working):
        return f"position {name} is closed while an order of it works"
    fold = (position.bought, position.total_cost, position.proceeds, position.total_fees, tuple(position.legs))
    if fold != (trade.count, trade.cost, trade.proceeds, trade.fees, trade.legs):
        return f"the trade of position {name} is not what its fills come to"
    return ""
