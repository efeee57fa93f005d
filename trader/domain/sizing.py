"""How much is bought, and what is at risk already. Pure."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mesh.kalshi.fees import BROKER_PRECISION, FeeTerms, trade_fee
from mesh.types import CONTRACT, DOLLAR, Hundredths, Micros, Price, cost
from trader.domain.facts import MarketTerms, OrderTerms, Sight
from trader.domain.settings import SizeSettings, micros
from trader.domain.state import NO_MONEY, Books, Order
from trader.domain.words import Purpose

_TOGETHER = timedelta(hours=1)
_SMALLEST = Hundredths(1)
_CAPS = {
    "series_exposure": "max_series_dollars",
    "event_exposure": "max_event_dollars",
    "total_exposure": "max_total_dollars",
    "settlement_exposure": "max_settlement_dollars",
}


@dataclass(frozen=True, slots=True)
class Bill:
    """What contracts cost at most, fees included, and how many some money pays for.

    A fill below the limit may pay a higher fee, but never more in all. For rounding there is room for the step of any
    account's balance and for as many fills as there are hundredths of a contract. Raises UnknownFee where nobody knows
    what trading costs.
    """

    fees: FeeTerms
    limit: Price
    """Highest price of one contract."""
    at: datetime
    """Latest time of a fill: a waiver that has ended by then is not counted on."""
    step: Hundredths = _SMALLEST
    """Smallest count that is bought, of which every count is a multiple."""

    def most(self, count: Hundredths) -> Micros:
        """Return the most that so many contracts may cost."""
        return _most(self.fees, self.limit, count, self.at)

    def largest(self, *rooms: int, most: int | None = None) -> Hundredths:
        """Return the largest count whose cost fits into every room for money.

        Args:
            rooms: At least one, micros; what is overdrawn is negative.
            most: Contracts that there is room for, hundredths; negative where there are too many already.
        """
        room = min(rooms)
        bound = room * CONTRACT // self.limit
        steps = range(max(0, bound if most is None else min(bound, most)) // self.step + 1)
        fitting = bisect_right(steps, room, key=lambda number: self.most(Hundredths(number * self.step)))
        return Hundredths(max(0, fitting - 1) * self.step)


@dataclass(frozen=True, slots=True)
class Risk:
    """What could be lost already: what open positions cost, fees included, and what entries on their way may cost."""

    exposures: Mapping[str, Micros]
    """By the name of the rule that limits it."""
    contracts: Hundredths
    """Of this market, held and ordered."""


Claims = Sequence[tuple[Order, Micros]]
"""Entries on their way, each with the most that it may still cost."""


def claims(books: Books) -> Claims:
    """Return what entries on their way may still cost, in the order of their ids."""
    return [(order, claim(books, order)) for order in entries_on_their_way(books)]


def risk(books: Books, sizes: SizeSettings, market: MarketTerms, claimed: Claims | None = None) -> Risk:
    """Return what is at risk beside a new entry in a market; `claimed` where it is known already."""
    names = sizes.underlyings
    underlying = names.get(market.series_ticker, market.series_ticker)
    claimed = claims(books) if claimed is None else claimed
    held = books.positions.values()
    total = sum(position.cost + position.entry_fees for position in held) + sum(money for _, money in claimed)
    # For every signal all positions are passed by: those of other underlyings quickly.
    near: list[tuple[MarketTerms | OrderTerms, datetime | None, int, int]] = [
        (position.market, position.market.close_time, position.cost + position.entry_fees, position.count)
        for position in held
        if names.get(position.market.series_ticker, position.market.series_ticker) == underlying
    ]
    for order, money in claimed:
        known = _market(books, order)
        near.append((order.terms, None if known is None else known.close_time, money, order.open_count))
    series = event = settlement = contracts = 0
    for other, closes, most, count in near:
        series += most if other.series_ticker == market.series_ticker else 0
        event += most if other.event_ticker == market.event_ticker else 0
        contracts += count if other.ticker == market.ticker else 0
        # When an order settles is not known without its decision: then it counts.
        if names.get(other.series_ticker, other.series_ticker) == underlying and (
            closes is None or abs(closes - market.close_time) < _TOGETHER
        ):
            settlement += most
    exposures = {
        "series_exposure": Micros(series),
        "event_exposure": Micros(event),
        "total_exposure": Micros(total),
        "settlement_exposure": Micros(settlement),
    }
    return Risk(exposures, Hundredths(contracts))


def entries_on_their_way(books: Books) -> list[Order]:
    """Return entries that may still be filled, or whose fills have not all come, in the order of their ids."""
    orders = [books.orders[name] for name in sorted(books.working)]
    return [order for order in orders if order.terms.purpose is Purpose.ENTRY]


def claim(books: Books, order: Order) -> Micros:
    """Return the most that the open part of an entry may still cost; a contract never costs more than a dollar."""
    market, terms = _market(books, order), order.terms
    if market is None:
        return cost(DOLLAR, order.open_count)
    return _most(market.fees, terms.limit, order.open_count, terms.expire_time or order.intended_time)


def _most(fees: FeeTerms, limit: Price, count: Hundredths, at: datetime) -> Micros:
    if not count:
        return NO_MONEY
    return Micros(cost(limit, count) + trade_fee(fees, price=limit, count=count, at=at) + count + BROKER_PRECISION)


def free_cash(books: Books, sight: Sight, claimed: Claims | None = None) -> Micros | None:
    """Return the cash that a new entry may use; None where nobody has said how much there is.

    It is the less of what our books expect and what the exchange said last, each without what it does not yet know to
    be spent.
    """
    claimed = claims(books) if claimed is None else claimed
    known: list[int] = []
    if books.expected_cash is not None:
        known.append(books.expected_cash - sum(money for _, money in claimed))
    if sight.cash is not None:
        missing = (money for order, money in claimed if order.terms.client_order_id not in sight.covered)
        known.append(sight.cash - sum(missing))
    return Micros(min(known)) if known else None


def cap(sizes: SizeSettings, name: str) -> Micros:
    """Return the most that may be at risk by one of the rules. KeyError for others."""
    return micros(getattr(sizes, _CAPS[name]))


def caps(sizes: SizeSettings) -> Mapping[str, Micros]:
    """Return the most that may be at risk, by the name of the rule."""
    return {name: cap(sizes, name) for name in _CAPS}


def step(sizes: SizeSettings) -> Hundredths:
    """Return the smallest count that is bought, of which every count is a multiple."""
    return CONTRACT if sizes.whole_contracts else _SMALLEST


def _market(books: Books, order: Order) -> MarketTerms | None:
    decision = books.decisions.get(order.terms.decision_id)
    return None if decision is None else decision.market
