import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from mesh.kalshi.errors import UnexpectedReply
from mesh.kalshi.rest.pages import follow, gather


@dataclass(frozen=True)
class Leaf:
    items: Sequence[int]
    cursor: str | None


class Book:
    def __init__(self, *leaves: Leaf) -> None:
        self.leaves = leaves
        self.asked: list[str] = []

    async def fetch(self, cursor: str) -> Leaf:
        await asyncio.sleep(0)
        self.asked.append(cursor)
        return self.leaves[len(self.asked) - 1]


async def read(book: Book, limit: int = 2, most_pages: int = 100) -> list[int]:
    return await gather(follow(book.fetch, what="GET /markets", limit=limit, most_pages=most_pages))


async def test_pages_are_followed_to_the_end() -> None:
    book = Book(Leaf([1, 2], "a"), Leaf([3, 4], "b"), Leaf([5], ""))

    assert await read(book) == [1, 2, 3, 4, 5]
    assert book.asked == ["", "a", "b"]


async def test_a_list_without_a_cursor_ends_unless_its_page_is_full() -> None:
    assert await read(Book(Leaf([1], None))) == [1]
    with pytest.raises(UnexpectedReply, match="full page without a cursor"):
        await read(Book(Leaf([1, 2], None)))


async def test_a_cursor_that_comes_again_is_an_error() -> None:
    # The exchange answers a cursor that it does not understand with the first page.
    first = Leaf([1, 2], "a")

    with pytest.raises(UnexpectedReply, match="came again"):
        await read(Book(first, first, first))


async def test_a_cursor_that_comes_again_later_is_an_error_too() -> None:
    with pytest.raises(UnexpectedReply, match="came again"):
        await read(Book(Leaf([1, 2], "a"), Leaf([3, 4], "b"), Leaf([5, 6], "a"), Leaf([7], "")))


async def test_an_empty_page_may_be_followed_but_not_for_ever() -> None:
    assert await read(Book(Leaf([1, 2], "a"), Leaf([], "b"), Leaf([3], ""))) == [1, 2, 3]
    with pytest.raises(UnexpectedReply, match="empty pages"):
        await read(Book(*(Leaf([], str(number)) for number in range(9))))


async def test_a_list_that_never_ends_is_cut() -> None:
    endless = Book(*(Leaf([number], str(number)) for number in range(100)))

    with pytest.raises(UnexpectedReply, match="more than 7 pages"):
        await read(endless, most_pages=7)
    assert len(endless.asked) == 7


async def test_pages_are_asked_for_only_when_they_are_wanted() -> None:
    book = Book(Leaf([1, 2], "a"), Leaf([3], ""))

    async for _page in follow(book.fetch, what="GET /markets", limit=2):
        assert book.asked == [""]
        break
