"""The dead man's switch: while the trader guards its positions, somebody outside is told so every minute.

Who is told raises the alarm when nothing comes. Nothing is sent while the exit loop is silent.
"""

from collections.abc import Callable

import aiohttp

from mesh import log
from mesh.clock import Clock
from mesh.config import ConfigError
from mesh.secret import Secret

_EVERY_SECONDS = 60.0
_ANSWER_SECONDS = 10.0

_log = log.get(__name__)


class Heartbeat:
    """Calls a URL, which carries a key and is shown nowhere."""

    def __init__(self, url: Secret, alive: Callable[[], bool], clock: Clock) -> None:
        """Take where to. Raises ConfigError where it is no https URL."""
        if not url.reveal().startswith("https://"):
            raise ConfigError("notify.heartbeat_file: must hold an https:// URL")
        self._url = url
        self._alive = alive
        self._clock = clock

    async def run(self) -> None:
        """Call for ever. A failure is logged and harms nothing else."""
        timeout = aiohttp.ClientTimeout(total=_ANSWER_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as session:
            while True:
                if self._alive():
                    await self._call(session)
                await self._clock.sleep(_EVERY_SECONDS)

    async def _call(self, session: aiohttp.ClientSession) -> None:
        try:
            async with session.get(self._url.reveal(), allow_redirects=False) as answer:
                if not answer.ok:
                    _log.warning("the heartbeat was refused", status=answer.status)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:  # a host may be no name at all
            _log.warning("the heartbeat failed", why=type(error).__name__)
