"""`foremesh terminal`, driven by keys, on messages that are written down and on a real service."""

import asyncio
import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from foremesh.trader.v1 import trader_service_pb2 as pb
from google.protobuf import json_format

from console.desk.calls import TraderCalls
from console.desk.feed import feed
from console.desk.lines import Lines
from mesh.rpc.config import ClientConfig
from tests.fakes.desks import desk_of, plain, status, until
from tests.fakes.trading import TICKER
from tests.unit.trader.engine.rig import Rig
from tests.unit.trader.service.served import served

CASES = Path(__file__).parents[1] / "console" / "cases"
SIZES = [(120, 40), (80, 24), (60, 18)]


def story(name: str) -> list[pb.WatchStateResponse]:
    steps = json.loads((CASES / f"{name}.json").read_text())["steps"]
    return [json_format.ParseDict(step["message"], pb.WatchStateResponse()) for step in steps if "message" in step]


class Told:
    """A feed that tells what a test gives it, and the clock that goes with it."""

    def __init__(self, *messages: pb.WatchStateResponse) -> None:
        self.now = 1000.0
        self._first = messages
        self.tell: Callable[[pb.WatchStateResponse], None]
        self.away: Callable[[str], None]

    async def __call__(self, tell: Any, away: Any) -> None:
        self.tell, self.away = tell, away
        for message in self._first:
            tell(message)
        await asyncio.Event().wait()

    def clock(self) -> float:
        return self.now


@pytest.mark.parametrize("size", SIZES)
async def test_it_shows_what_it_is_told_at_every_size(size: tuple[int, int]) -> None:
    told = Told(*story("why_not"))
    desk = desk_of(told, clock=told.clock)
    async with desk.run_test(size=size) as pilot:
        await pilot.pause(0.3)
        assert [line.split()[-2:] for line in plain(desk, "markets")[:1]] == [["●●○", "+1.8c"]]
        assert "[PAPER]" in status(desk)
        assert desk.query_one("#middle").display is (size[0] >= 80)
        assert ("enlarge for more" in status(desk)) is (size[0] < 80)


async def test_what_is_not_heard_of_is_not_shown() -> None:
    told = Told(*story("silence"))
    desk = desk_of(told, clock=told.clock)
    async with desk.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.3)
        assert "43" in plain(desk, "markets")[0].split()
        assert "▼ -$0.10" in plain(desk, "positions")[0]
        told.now += 3
        await pilot.pause(0.4)
        assert "NO LINK 3 s" in status(desk)
        assert "STALE" in plain(desk, "markets")[0]
        assert "43" not in plain(desk, "markets")[0].split()
        assert "$" not in plain(desk, "positions")[0]
        told.away("no trader answers")
        await pilot.pause(0.1)
        assert "no trader answers" in status(desk)


async def test_the_cursor_stays_on_its_market_when_lines_move() -> None:
    first, second = story("changes")
    told = Told(first)
    desk = desk_of(told, clock=told.clock)
    async with desk.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.3)
        markets = desk.query_one("#markets", Lines)
        await pilot.press("down", "up")
        chosen = markets.at
        told.tell(second)
        await pilot.pause(0.4)
        assert markets.at == chosen == "KXHIGHNY-26NOV22-B41.5"
        assert [line.key for line in markets.lines] == ["KXHIGHNY-26NOV22-T40", "KXHIGHNY-26NOV22-B41.5"]
        assert plain(desk, "positions") == []


async def test_a_held_display_stands_still_and_says_so() -> None:
    first, second = story("changes")
    told = Told(first)
    desk = desk_of(told, clock=told.clock)
    async with desk.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.3)
        await pilot.press("space")
        told.tell(second)
        told.now += 2
        await pilot.pause(0.4)
        assert "HELD 2 s" in status(desk)
        assert len(plain(desk, "positions")) == 1
        await pilot.press("space")
        await pilot.pause(0.4)
        assert plain(desk, "positions") == []


async def test_panels_are_chosen_and_zoomed_by_keys() -> None:
    told = Told(*story("why_not"))
    desk = desk_of(told, clock=told.clock)
    async with desk.run_test(size=(120, 40)) as pilot:
        for key, panel in (
            ("2", "chart"),
            ("3", "why"),
            ("4", "positions"),
            ("5", "funnel"),
            ("6", "events"),
            ("1", "markets"),
        ):
            await pilot.press(key)
            assert desk.focused is not None
            assert desk.focused.id == panel
            await pilot.press("z")
            await pilot.pause()
            assert desk.screen.maximized is desk.focused
            assert desk.focused.region.height > 30
            await pilot.press("z")
            await pilot.pause()
            assert desk.screen.maximized is None


async def test_it_follows_a_real_trader_and_says_when_it_is_gone() -> None:
    async with AsyncExitStack() as stack:
        trader = await stack.enter_async_context(served(Rig()))
        config = ClientConfig(targets=(trader.server.addresses[0],))
        desk = desk_of(lambda tell, away: feed(config, 20.0, tell, away), calls=TraderCalls(config), hz=20.0)
        async with desk.run_test(size=(120, 40)):
            await until(lambda: desk.known.status is not None)
            await trader.enter(TICKER)
            await until(lambda: len(plain(desk, "positions")) == 1)
            assert plain(desk, "markets")
            assert any("buy" in line for line in plain(desk, "events"))
            await stack.aclose()
            await until(lambda: "NO LINK" in status(desk))
            assert all("STALE" in line for line in plain(desk, "markets"))


class Terminal:
    """The command on a terminal of 80 × 24, with no trader behind it."""

    def __init__(self, **env: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        command = [str(Path(sys.executable).parent / "foremesh"), "terminal", "--trader", "127.0.0.1:9"]
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, env=os.environ | env
        )
        os.close(slave)
        self.seen = b""

    def until(self, words: bytes) -> None:
        """Read until the words have come, or the end."""
        while words not in self.seen:
            try:
                found = os.read(self._master, 65536)
            except OSError:  # the other end is closed
                found = b""
            if not found:
                break
            self.seen += found

    def press(self, key: bytes) -> None:
        os.write(self._master, key)

    def vanish(self) -> None:
        """Be closed, as a window is."""
        os.close(self._master)

    def end(self) -> int:
        self.until(b"\0nothing says this")
        os.close(self._master)
        return self.process.wait(20)


@pytest.mark.parametrize("how", [b"q", signal.SIGTERM, signal.SIGHUP])
def test_however_it_ends_the_terminal_is_as_it_was(how: bytes | signal.Signals) -> None:
    terminal = Terminal(TERM="xterm-256color")
    terminal.until(b"no trader answers")
    assert b"\x1b[?1049h" in terminal.seen
    if isinstance(how, bytes):
        terminal.press(how)
    else:
        terminal.process.send_signal(how)
    assert terminal.end() == 0
    assert b"\x1b[?1049l" in terminal.seen
    assert b"\x1b[?25h" in terminal.seen


def test_it_ends_with_a_terminal_that_goes_without_a_signal() -> None:
    terminal = Terminal(TERM="xterm-256color")
    terminal.until(b"no trader answers")
    terminal.vanish()
    assert terminal.process.wait(20) is not None


def test_without_colours_all_words_are_there() -> None:
    terminal = Terminal(TERM="xterm-256color", NO_COLOR="1")
    terminal.until(b"no trader answers")
    terminal.press(b"q")
    assert terminal.end() == 0
    assert b"no figure yet" in terminal.seen


def test_what_cannot_be_drawn_on_is_refused_in_a_sentence() -> None:
    terminal = Terminal(TERM="dumb")
    assert terminal.end() == 1
    assert b"no terminal that can be drawn on" in terminal.seen
    assert b"\x1b[" not in terminal.seen
