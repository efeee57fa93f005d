"""Delivering what the owner is told, beside everything else and never in its way."""

import asyncio

from mesh import log
from mesh.errors import MeshError
from trader.domain.entries import Notified
from trader.domain.events import Delivered, LinkSeen
from trader.domain.words import Delivery, LinkKind, Urgency
from trader.engine.core import Core
from trader.ports import Notifier

_SEND_SECONDS = 30.0
_MOST_TRIES = 12
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0
_SPACING_SECONDS = 1.0
"""Between two messages at least; services refuse who sends faster."""
_MOST_WAITING = 200
_RANK = tuple(Urgency)

_log = log.get(__name__)


class Teller:
    """Sends what the books hold as queued, notices of an earlier process included, one at a time.

    What was tried least goes first, then what is more urgent, then what is older: one message that nobody accepts keeps
    none of the others waiting. Each comes to an end: accepted, or failed after a dozen tries.
    """

    def __init__(self, core: Core, notifier: Notifier) -> None:
        self._core = core
        self._notifier = notifier
        self._tries: dict[str, int] = {}
        self._over: set[str] = set()
        self._bell = asyncio.Event()

    def look(self) -> None:
        """Wake up if something is queued."""
        if self._core.books.notices:
            self._bell.set()

    async def run(self) -> None:
        """Deliver for ever."""
        wait = _FIRST_WAIT
        self.look()
        while True:
            notice = self._next()
            if notice is None:
                self._bell.clear()
                await self._bell.wait()
                continue
            if await self._sent(notice):
                wait = _FIRST_WAIT
                await self._core.clock.sleep(_SPACING_SECONDS)
            else:
                await self._core.clock.sleep(wait)
                wait = min(2 * wait, _LONGEST_WAIT)

    def _waiting(self) -> list[Notified]:
        notices = self._core.books.notices
        self._over &= notices.keys()
        waiting = [notice for name, notice in notices.items() if name not in self._over]
        return sorted(waiting, key=lambda each: (self._tries.get(each.notification_id, 0), -_RANK.index(each.urgency)))

    def _next(self) -> Notified | None:
        waiting = self._waiting()
        for notice in waiting[_MOST_WAITING:]:
            self._end(notice, Delivery.FAILED, "too many messages wait")
        return waiting[0] if waiting else None

    async def _sent(self, notice: Notified) -> bool:
        name = notice.notification_id
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                await self._notifier.send(notice)
        except TimeoutError:
            problem = f"no answer within {_SEND_SECONDS:.0f} s"
        except MeshError as error:
            problem = str(error)
        except Exception as error:
            _log.exception("telling the owner failed in an unexpected way", notification_id=name)
            problem = type(error).__name__
        else:
            self._end(notice, Delivery.ACCEPTED, "")
            self._core.handle(LinkSeen(LinkKind.NOTIFIER, up=True))
            return True
        self._tries[name] = self._tries.get(name, 0) + 1
        _log.warning("the owner could not be told", title=notice.title, tries=self._tries[name], why=problem)
        self._core.handle(LinkSeen(LinkKind.NOTIFIER, up=False, problem=problem))
        if self._tries[name] >= _MOST_TRIES:
            self._end(notice, Delivery.FAILED, problem)
        return False

    def _end(self, notice: Notified, delivery: Delivery, detail: str) -> None:
        self._tries.pop(notice.notification_id, None)
        self._over.add(notice.notification_id)
        self._core.handle(Delivered(notice.notification_id, delivery, detail))
