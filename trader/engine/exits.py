"""The exit loop: every position is looked at again and again, with prices from wherever they can be had."""

from trader.domain.events import BookCame, LinkSeen, Tick
from trader.domain.watching import top
from trader.domain.words import LinkKind
from trader.engine.core import Core
from trader.engine.looping import Looping
from trader.ports import Markets

_LONGEST_TICK = 1.0


class ExitLoop:
    """Ticks; and reads, apart from that, the books of positions that no stream keeps fresh.

    Attributes:
        passed: Monotonic time of the last pass over all positions; None before the first.
    """

    def __init__(self, core: Core, markets: Markets, looping: Looping) -> None:
        self.passed: float | None = None
        self._core = core
        self._markets = markets
        self._looping = looping
        self._check = core.state.settings.exits.check_seconds
        self._tick = min(_LONGEST_TICK, self._check / 2)

    async def run(self) -> None:
        """Tick for ever."""
        await self._looping.every("exits", lambda: self._tick, self._pass, LinkKind.EXIT_LOOP)

    async def audit(self) -> None:
        """Read stale books for ever. A read that takes long delays no tick.

        Market data counts as up while the books of all positions are current, wherever they come from.
        """
        await self._looping.every("stale books", lambda: self._tick, self._refresh, LinkKind.MARKET_DATA)

    async def _pass(self) -> None:
        self._core.handle(Tick(), LinkSeen(LinkKind.EXIT_LOOP, up=True))
        self.passed = self._core.clock.monotonic()

    async def _refresh(self) -> None:
        stale = self.stale()
        books = await self._markets.books(stale) if stale else ()
        self._core.handle(*(BookCame(book) for book in books), LinkSeen(LinkKind.MARKET_DATA, up=True))

    def stale(self) -> tuple[str, ...]:
        """Return the markets of positions whose books are not known to be current, in alphabetical order."""
        state, moment = self._core.state, self._core.moment

        def old(ticker: str) -> bool:
            position = next(iter(state.books.by_ticker[ticker]))
            seen = top(state.watch, ticker, state.books.positions[position].side, moment)
            return seen is None or seen.age_seconds is None or seen.age_seconds >= self._check

        return tuple(ticker for ticker in sorted(state.books.by_ticker) if old(ticker))
