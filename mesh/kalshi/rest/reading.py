"""How every group of endpoints reads: with an urgency, and page after page."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from mesh.kalshi.rest.pages import Page, follow
from mesh.kalshi.transport.buckets import Priority
from mesh.kalshi.transport.paths import Params
from mesh.kalshi.transport.transport import Transport

PAGE = 1000
"""Most items of a page, in nearly all lists; more is refused."""

T = TypeVar("T")
P = TypeVar("P", bound=Page[object])


@dataclass(frozen=True, slots=True)
class Urgency:
    """How much a call matters, and until when."""

    priority: Priority
    deadline: float | None = None
    """When the caller stops waiting, on the clock's monotonic(); None leaves it to the configuration."""
    attempts: int | None = None
    """Most attempts of a read that the exchange does not answer, or not with what it should; None tries until the
    deadline. Being asked to slow down does not count."""


EXIT = Urgency(Priority.EXIT)
ENTRY = Urgency(Priority.ENTRY)
RECONCILE = Urgency(Priority.RECONCILIATION)
SCAN = Urgency(Priority.SCAN)


class Group:
    """Base of the groups of endpoints."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def _get(self, path: str, reply: type[T], urgency: Urgency, params: Params | None = None) -> T:
        return await self._transport.get(
            path,
            params or {},
            reply,
            priority=urgency.priority,
            deadline=urgency.deadline,
            attempts=urgency.attempts,
        )

    def _pages(
        self,
        path: str,
        page: type[P],
        urgency: Urgency,
        params: Mapping[str, str | int | bool | None],
        limit: int = PAGE,
    ) -> AsyncIterator[P]:
        async def fetch(cursor: str) -> P:
            return await self._get(path, page, urgency, {**params, "limit": limit, "cursor": cursor or None})

        return follow(fetch, what=f"GET {path}", limit=limit)
