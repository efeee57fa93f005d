"""Looking at what changes slowly: the exchange's status, the kill switch, which books to follow."""

from collections.abc import Callable
from datetime import timedelta

from trader.domain.entries import AnyEntry, OrderIntended, PositionOpened
from trader.domain.events import KillSwitch
from trader.domain.words import ExchangeState
from trader.engine.core import Core
from trader.engine.interest import followed
from trader.engine.looping import Looping
from trader.ports import Markets

_STATUS_SECONDS, _NEAR_SECONDS = 5.0, 1.0
_NEAR = timedelta(minutes=1)
_SWITCH_SECONDS = 0.5
_FOLLOW_SECONDS = 2.0


class Looking:
    """Feeds the exchange's status and the kill switch file, and tells the market data what to follow."""

    def __init__(self, core: Core, markets: Markets, kill_switch: Callable[[], bool], looping: Looping) -> None:
        self._core = core
        self._markets = markets
        self._kill_switch = kill_switch
        self._looping = looping
        self._present: bool | None = None
        self._followed: tuple[str, ...] | None = None

    async def status(self) -> None:
        """Read the exchange's status for ever: every 5 s, every second near a pause."""
        await self._looping.every("exchange status", self._status_wait, self._status)

    async def switch(self) -> None:
        """Look for the kill switch file for ever, every 0.5 s."""
        await self._looping.every("kill switch", lambda: _SWITCH_SECONDS, self._switch)

    async def following(self) -> None:
        """Follow what signals have made interesting, and let go of what is of no interest any more, for ever."""
        await self._looping.every("followed books", lambda: _FOLLOW_SECONDS, self._follow)

    async def _status(self) -> None:
        self._core.handle(await self._markets.status())
        books, watch = self._core.books, self._core.state.watch
        for ticker in sorted(watch.halted & books.by_ticker.keys()):
            self._core.handle(await self._markets.market(ticker))

    def _status_wait(self) -> float:
        watch, now = self._core.state.watch, self._core.clock.now()
        edges = [edge for pause in watch.pauses for edge in pause]
        near = any(abs(edge - now) < _NEAR for edge in edges)
        return _NEAR_SECONDS if near or watch.exchange is not ExchangeState.OPEN else _STATUS_SECONDS

    async def _switch(self) -> None:
        self.look_at_switch()

    def look_at_switch(self) -> None:
        """Look once, and tell what changed; the first time in any case."""
        present = self._kill_switch()
        if present is not self._present:
            self._present = present
            self._core.handle(KillSwitch(present))

    def look(self, written: tuple[AnyEntry, ...]) -> None:
        """Follow at once what entries make interesting."""
        if any(isinstance(entry, OrderIntended | PositionOpened) for entry in written):
            self.follow()

    async def _follow(self) -> None:
        self.follow()

    def follow(self) -> None:
        """Tell the market data what to follow from now on, where that has changed."""
        wanted = followed(self._core.state, self._core.clock.monotonic())
        if wanted != self._followed:
            self._followed = wanted
            self._markets.watch(wanted)
