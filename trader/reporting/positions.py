"""Positions that are open now, marked at what selling them would bring. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mesh.types import Hundredths, Micros, Side
from trader.domain.events import Moment
from trader.domain.protections import liquidation
from trader.domain.state import NO_MONEY, Books, State


@dataclass(frozen=True, slots=True)
class Mark:
    """What selling a position as it stands would add."""

    count: Hundredths
    """That it was reckoned for: a mark of another count is none."""
    unrealised: Micros
    """Proceeds after fees, less cost and entry fees of what is held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPosition:
    """One open position."""

    position_id: str
    ticker: str
    series: str
    side: Side
    count: Hundredths
    cost: Micros
    entry_fees: Micros
    """Of the held contracts."""
    realised: Micros
    """Net result of contracts that are gone; in no sum of the report before the last one is gone."""
    unrealised: Micros | None
    """None: unmarked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPositions:
    """All of them."""

    count: int = 0
    unrealised: Micros | None = NO_MONEY
    """Of those that are marked; None where there are positions and none is marked."""
    unmarked: int | None = 0
    """Positions that are missing in it; None where nobody says."""
    each: tuple[OpenPosition, ...] = ()
    """Empty where only their sum is known."""


def marks(state: State, moment: Moment) -> dict[str, Mark]:
    """Mark open positions at the bids as last told, after fees; what those bids do not take whole is left out."""
    found: dict[str, Mark] = {}
    for position in state.books.positions.values():
        paid = liquidation(state, position, moment) if position.count > 0 else None
        if paid is not None:
            net = Micros(paid - position.cost - position.entry_fees)
            found[position.position_id] = Mark(position.count, net)
    return found


def open_positions(books: Books, marked: Mapping[str, Mark], wanted: Callable[[str], bool]) -> OpenPositions:
    """Return the positions with contracts, of series that are wanted, with those marks that fit."""
    each: list[OpenPosition] = []
    for position in books.positions.values():
        if position.count > 0 and wanted(position.market.series_ticker):
            mark = marked.get(position.position_id)
            each.append(
                OpenPosition(
                    position_id=position.position_id,
                    ticker=position.market.ticker,
                    series=position.market.series_ticker,
                    side=position.side,
                    count=position.count,
                    cost=position.cost,
                    entry_fees=position.entry_fees,
                    realised=position.realised,
                    unrealised=mark.unrealised if mark is not None and mark.count == position.count else None,
                )
            )
    known = [position.unrealised for position in each if position.unrealised is not None]
    return OpenPositions(
        count=len(each),
        unrealised=Micros(sum(known)) if known or not each else None,
        unmarked=len(each) - len(known),
        each=tuple(each),
    )
