"""Looking again and again, where nothing can be redrawn."""

import asyncio
import io
import json

import pytest
from rich.console import Console

from console.recorded import HistoryError
from console.watch import View, watch
from mesh.errors import Denied, Unavailable

Looked = View | Exception


class Looks:
    """Finds what it is told to, one after the other; after the last one the watch is ended, as by Ctrl-C."""

    def __init__(self, *found: Looked) -> None:
        self._found = list(found)

    async def __call__(self) -> View:
        if not self._found:
            raise asyncio.CancelledError
        found = self._found.pop(0)
        if isinstance(found, Exception):
            raise found
        return found


def view(text: str) -> View:
    def show(console: Console) -> None:
        console.print(text)

    return View(show, lambda: {"text": text})


async def watched(*found: Looked, as_json: bool = False, console: Console | None = None) -> None:
    with pytest.raises(asyncio.CancelledError):
        await watch(Looks(*found), str, every=1, what="KXA", as_json=as_json, console=console)


async def test_each_look_is_a_block_and_a_failed_one_a_line_with_the_age_of_the_last(
    capsys: pytest.CaptureFixture[str],
) -> None:
    await watched(view("one"), Unavailable("away"), view("two"))

    first, one, empty, failed, second, two, *_ = capsys.readouterr().out.split("\n")
    assert first.endswith("Z  KXA")
    assert second.endswith("Z  KXA")
    assert (one, empty, two) == ("one", "", "two")
    assert "UNAVAILABLE: away; as of " in failed
    assert failed.endswith(" s ago")


async def test_a_block_is_printed_when_it_is_found_not_at_the_end() -> None:
    paper, seen = io.StringIO(), list[str]()

    async def look() -> View:
        seen.append(paper.getvalue())
        if len(seen) > 1:
            raise asyncio.CancelledError
        return view("one")

    with pytest.raises(asyncio.CancelledError):
        await watch(look, str, every=1, what="KXA", as_json=False, console=Console(file=paper))

    assert seen[0] == ""
    assert "one\n" in seen[1]


async def test_programs_get_one_document_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    await watched(HistoryError("nothing open"), view("one"), Unavailable("away"), as_json=True)

    none_yet, one, away = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert {name: none_yet[name] for name in ("problem", "age_seconds")} == {
        "problem": "nothing open",
        "age_seconds": None,
    }
    assert one["text"] == "one"
    assert one["time"].endswith("Z")
    assert away["problem"] == "UNAVAILABLE: away"
    assert away["age_seconds"] >= 0


async def test_what_somebody_must_act_on_ends_it() -> None:
    with pytest.raises(Denied):
        await watch(Looks(view("one"), Denied("no")), str, every=1, what="KXA", as_json=True)


@pytest.mark.parametrize("count", [11, 12])
async def test_on_a_terminal_no_more_is_drawn_than_fits_and_the_end_stays(count: int) -> None:
    paper = io.StringIO()
    terminal = Console(file=paper, force_terminal=True, color_system=None, width=60, height=14)
    lines = "\n".join(f"line {number}" for number in range(count))

    await watched(view(lines), Unavailable("the server is away"), console=terminal)

    drawn = paper.getvalue().split("KXA   as of ")[-1].split("\n")
    shown = drawn[: drawn.index(f"line {count - 1}") + 1]
    assert shown[1] == "UNAVAILABLE: the server is away"
    assert len(shown) == min(count + 2, 13)
    assert any("lines do not fit" in line for line in shown) is (count > 11)
