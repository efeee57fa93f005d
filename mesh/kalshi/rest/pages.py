"""Lists that come in pages: follows the cursor to the end, and notices when there is none."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from mesh.kalshi.errors import UnexpectedReply

MOST_PAGES = 10_000
"""Pages of one list; at the largest page this is more than the exchange has of anything."""
_MOST_EMPTY_PAGES = 3

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


class Page(Protocol[T_co]):
    """One page of a list."""

    @property
    def items(self) -> Sequence[T_co]:
        """What is on it."""
        ...

    @property
    def cursor(self) -> str | None:
        """Where the next one begins; empty or None on the last."""
        ...


P = TypeVar("P", bound=Page[object])


async def follow(
    fetch: Callable[[str], Awaitable[P]], *, what: str, limit: int, most_pages: int = MOST_PAGES
) -> AsyncIterator[P]:
    """Yield page after page.

    Things that move between two requests may come twice or be left out: whoever needs each once removes doubles by id.

    Args:
        fetch: Gets the page at a cursor; the first is at the empty one.
        what: Of what, for errors; method and path.
        limit: Most items that a page was asked to have.
        most_pages: More is an error.

    Raises:
        UnexpectedReply: The list does not end: a cursor came again, pages stay empty, or there are too many; or a full
            page does not say whether it is the last.
    """
    cursor, seen, empty = "", {""}, 0
    for _ in range(most_pages):
        page = await fetch(cursor)
        yield page
        if not page.cursor:
            if page.cursor is None and len(page.items) >= limit:
                raise UnexpectedReply("a full page without a cursor", request=what)
            return
        cursor = page.cursor
        if cursor in seen:
            raise UnexpectedReply("a cursor came again: the list would never end", request=what)
        seen.add(cursor)
        empty = 0 if page.items else empty + 1
        if empty == _MOST_EMPTY_PAGES:
            raise UnexpectedReply(f"{empty} empty pages in a row, each with a cursor", request=what)
    raise UnexpectedReply(f"more than {most_pages} pages", request=what)


async def gather(pages: AsyncIterator[Page[T]]) -> list[T]:
    """Return the items of all pages, in order."""
    return [item async for page in pages for item in page.items]
