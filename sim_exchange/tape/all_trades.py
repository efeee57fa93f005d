"""Trades of all markets in one order, those from before the simulation included. Pure."""

from collections.abc import Callable, Sequence

from sim_exchange.domain.types import Trade
from sim_exchange.tape.market import MarketTape
from sim_exchange.tape.trades import TradeIndex, newest

_FIRST = 1 << 40  # number of the simulation's first trade; what was before counts down from it


class AllTrades:
    """Where every market's trades lie.

    Args:
        tapes: The markets' tapes by their numbers.
        load_all: Makes the tapes of all markets be there; called once, when trades from before the simulation's
            beginning are first needed. Markets listed later have no such past.
    """

    def __init__(self, tapes: Sequence[MarketTape], load_all: Callable[[], None]) -> None:
        self._tapes = tapes
        self._load_all = load_all
        self._lived = TradeIndex()
        self._before: TradeIndex | None = None

    def __len__(self) -> int:
        """Count the simulation's trades."""
        return len(self._lived)

    def prepare(self) -> None:
        """Put the trades from before the simulation in order, which else the first to page back that far waits for."""
        self._past()

    def append(self, time: int, market: int, place: int) -> None:
        """Add the newest: its time in microseconds, the market's number and its index in the market's log."""
        self._lived.append(time, market, place)

    def since(self, mark: int) -> list[Trade]:
        """Give the simulation's trades after the first `mark`, oldest first."""
        return [self._trade(_FIRST + number) for number in range(mark, len(self._lived))]

    def page(self, earliest: int, latest: int, before: int | None, limit: int) -> tuple[list[Trade], int | None]:
        """Give trades newest first, within microseconds, and the `before` of the next page."""
        lived = self._lived.within(earliest, latest)
        numbers = [_FIRST + number for number in newest(lived, None if before is None else before - _FIRST, limit + 1)]
        if len(numbers) <= limit and lived.start == 0:  # otherwise the bound lies within the simulation
            past = self._past()
            first = _FIRST - len(past)
            older = newest(
                past.within(earliest, latest), None if before is None else before - first, limit + 1 - len(numbers)
            )
            numbers += [first + number for number in older]
        page = [self._trade(number) for number in numbers[:limit]]
        return page, numbers[limit - 1] if len(numbers) > limit else None

    def _trade(self, number: int) -> Trade:
        if number >= _FIRST:
            market, place = self._lived[number - _FIRST]
        else:
            past = self._past()
            market, place = past[number - _FIRST + len(past)]
        return self._tapes[market].trades[place]

    def _past(self) -> TradeIndex:
        if self._before is None:
            self._load_all()
            self._before = TradeIndex.merged((tape.number, tape.trades, tape.past_trades) for tape in self._tapes)
        return self._before
