"""Work that never ends: begun again after an error, with its link told."""

from collections.abc import Awaitable, Callable

from mesh import log
from mesh.errors import MeshError
from trader.domain.events import LinkSeen
from trader.domain.words import LinkKind
from trader.engine.core import Core, EngineFailed

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 10.0

_log = log.get(__name__)


class Looping:
    """Runs the engine's loops. Only a failed engine ends one; whatever else goes wrong is logged and tried again."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def every(
        self, name: str, wait: Callable[[], float], work: Callable[[], Awaitable[None]], *links: LinkKind
    ) -> None:
        """Do something, wait, and do it again; after an error as well.

        Args:
            name: For the log.
            wait: Gives seconds until the next time, asked each time.
            work: What to do.
            links: Told to be down when it fails; the work itself tells when they are up.
        """
        troubled = False
        while True:
            troubled = await self._tried(name, work, links, troubled=troubled)
            await self._core.clock.sleep(wait())

    async def again(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do something that lasts, and begin anew where it ended: after 0.5 s, then twice as long, 10 s at most."""
        wait = _FIRST_WAIT
        while True:
            began = self._core.clock.monotonic()
            await self._tried(name, work, (), troubled=False)
            wait = _FIRST_WAIT if self._core.clock.monotonic() - began > _LONGEST_WAIT else wait
            await self._core.clock.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT)

    async def _tried(
        self, name: str, work: Callable[[], Awaitable[None]], links: tuple[LinkKind, ...], *, troubled: bool
    ) -> bool:
        """Do it once; says whether it failed. While `troubled`, a failure is not said again in the log."""
        try:
            await work()
        except EngineFailed:
            raise
        except MeshError as error:
            problem = str(error)
            if not troubled:
                _log.warning("failed, tried again", loop=name, why=problem)
        except Exception as error:
            problem = type(error).__name__
            _log.exception("failed in an unexpected way, tried again", loop=name)
        else:
            if troubled:
                _log.info("works again", loop=name)
            return False
        self._core.handle(*(LinkSeen(link, up=False, problem=problem) for link in links))
        return True
