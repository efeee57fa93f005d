"""What the owner is told of a process that cannot go on: past the journal, which may be what does not work.

A process that is started again and again says it once in ten minutes. The time of an empty file remembers that: it can
be set on a full disk too.
"""

import asyncio
import os
from pathlib import Path

from mesh import log
from mesh.clock import Clock
from mesh.errors import MeshError
from trader.domain.entries import Notified
from trader.domain.messages import number
from trader.domain.words import Delivery, Mode, Urgency
from trader.ports import Notifier

_SEND_SECONDS = 5.0
"""No longer: the next process guards, and starts after this one."""
_WINDOW_SECONDS = 600.0
_LIVED_SECONDS = 60.0
"""Where nothing can be remembered, who has lived for less says nothing: it may be the hundredth in a row."""

_log = log.get(__name__)


class LastWord:
    """Says why a process ends, if that was not said of another one just now."""

    def __init__(self, notifier: Notifier, stamp: Path, mode: Mode, clock: Clock) -> None:
        """Take whom to tell, and the file that remembers when that was done last."""
        self._notifier = notifier
        self._stamp = stamp
        self._mode = mode
        self._clock = clock
        self._began = clock.monotonic()

    async def say(self, why: str, positions: int | None) -> None:
        """Tell it; whatever goes wrong is in the log, and takes five seconds at most.

        Args:
            why: The reason.
            positions: How many are open; None where that is not known.
        """
        if not self._due():
            return
        held = "what it holds" if positions is None else number(positions, "position")
        lines = [why, f"Guarded by nobody until it runs again: {held}. systemd starts it every few seconds."]
        lines += [] if self._mode is Mode.LIVE else [f"({self._mode} trading)"]
        notice = Notified(
            notification_id="last-word",
            urgency=Urgency.HIGH if positions == 0 else Urgency.EMERGENCY,
            delivery=Delivery.QUEUED,
            title="the trader cannot go on and has ended",
            text="\n".join(lines),
            key="last_word",
        )
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                await self._notifier.send(notice)
        except TimeoutError:
            _log.error("the owner could not be told of the end", why=f"no answer within {_SEND_SECONDS:.0f} s")
        except MeshError as error:
            _log.error("the owner could not be told of the end", why=str(error))
        except Exception:
            _log.exception("the owner could not be told of the end")

    def _due(self) -> bool:
        now = self._clock.now().timestamp()
        try:
            if not self._stamp.exists():
                self._stamp.touch(0o600)
            elif 0 <= now - self._stamp.stat().st_mtime < _WINDOW_SECONDS:
                return False
            os.utime(self._stamp, (now, now))
        except OSError:
            return self._clock.monotonic() - self._began >= _LIVED_SECONDS
        return True
