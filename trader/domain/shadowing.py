"""Virtual resting orders beside taken entries: what patience would have been filled, and earned. Pure.

Pessimistic throughout: what waited at the price when the order was made goes first, whoever of it gave up since; each
virtual order is looked at as if it were alone; a restart forgets the trades that were missed meanwhile.
"""

from mesh.kalshi.book import Book
from mesh.kalshi.fees import UnknownFee, trade_fee
from mesh.types import CONTRACT, Hundredths, Micros, Price, Side
from trader.domain import ids
from trader.domain.entries import AnyEntry, ShadowFilled, ShadowPlaced
from trader.domain.events import Moment, Traded
from trader.domain.facts import MarketTerms, Patience, Trade
from trader.domain.state import NO_CONTRACTS, NO_MONEY, Books, ShadowOrder, State


def book_came(state: State, book: Book, moment: Moment) -> list[AnyEntry]:
    """Fill virtual orders that the book has run through: somebody sells at their price or below."""
    entries: list[AnyEntry] = []
    for shadow in _waiting(state, book.ticker, moment):
        ask = book.best_ask(shadow.side)
        if ask is not None and ask.price <= shadow.price:
            entries.append(ShadowFilled(decision_id=shadow.decision_id, filled=shadow.count))
    return entries


def traded(state: State, event: Traded, moment: Moment) -> list[AnyEntry]:
    """Fill virtual orders by a public trade, after what waited before them.

    What a trade takes off the queue is written as the order placed anew, with fewer contracts before it.
    """
    entries: list[AnyEntry] = []
    for shadow in _waiting(state, event.ticker, moment):
        price = event.yes_price if shadow.side is Side.YES else event.yes_price.complement
        if event.taker_buys_yes is (shadow.side is Side.YES) or price > shadow.price:
            continue
        # A seller who went below our price had first taken everything that waited at it.
        ahead = NO_CONTRACTS if shadow.filled or price < shadow.price else shadow.ahead
        filled = min(shadow.count, shadow.filled + max(0, event.count - ahead))
        if filled > shadow.filled:
            entries.append(ShadowFilled(decision_id=shadow.decision_id, filled=Hundredths(filled)))
        elif event.count:
            entries.append(_placed(shadow, Hundredths(ahead - event.count)))
    return entries


def timed(state: State, moment: Moment) -> list[AnyEntry]:
    """End virtual orders whose time is over: a fill of nothing more, from their last moment on."""
    return [
        ShadowFilled(decision_id=shadow.decision_id, filled=shadow.filled)
        for shadow in state.books.shadows.values()
        if moment.now >= shadow.until
    ]


def earned(price: Price, count: Hundredths, trade: Trade, market: MarketTerms) -> Micros | None:
    """Reckon what contracts would have earned, had they rested at a price and left with a trade.

    They leave at its mean price and exit fee; their own fee is a maker's. Every rounding goes against them.

    Returns:
        Net result; None where nobody knows a maker's fee.
    """
    if not count:
        return NO_MONEY
    try:
        fee = trade_fee(market.fees, price=price, count=count, maker=True, at=trade.open_time)
    except UnknownFee:
        return None
    exit_fees = sum(leg.fees for leg in trade.legs)
    spent = -(-price * count // CONTRACT) - (-exit_fees * count // trade.count) + fee
    return Micros(trade.proceeds * count // trade.count - spent)


def patience(books: Books, trade: Trade) -> Patience | None:
    """Say what the virtual orders beside a trade's entries came to; None where there are none.

    Args:
        books: As they stand before the trade closes: what a virtual order is filled later does not count.
        trade: That closes now.
    """
    kept = [
        shadow
        for shadow in [*books.waited.values(), *books.shadows.values()]
        if shadow.position_id == trade.position_id and _entered(books, shadow)
    ]
    if not kept:
        return None
    market = books.positions[trade.position_id].market
    nets = [earned(shadow.price, shadow.filled, trade, market) for shadow in kept]
    filled, ordered = sum(shadow.filled for shadow in kept), sum(shadow.count for shadow in kept)
    known = [net for net in nets if net is not None]
    return Patience(
        price=Price(-(-sum(shadow.price * shadow.count for shadow in kept) // ordered)),
        filled=Hundredths(filled),
        net=Micros(sum(known)) if filled and len(known) == len(nets) else None,
    )


def _entered(books: Books, shadow: ShadowOrder) -> bool:
    """Tell whether the entry beside a virtual order bought anything."""
    return books.orders[ids.client_order_id(books.journal_id, shadow.decision_id, 0)].seen > 0


def _waiting(state: State, ticker: str, moment: Moment) -> list[ShadowOrder]:
    return [shadow for shadow in state.books.shadows.values() if shadow.ticker == ticker and moment.now < shadow.until]


def _placed(shadow: ShadowOrder, ahead: Hundredths) -> ShadowPlaced:
    return ShadowPlaced(
        decision_id=shadow.decision_id,
        position_id=shadow.position_id,
        ticker=shadow.ticker,
        side=shadow.side,
        price=shadow.price,
        count=shadow.count,
        ahead=ahead,
        until=shadow.until,
    )
