"""`foremesh forecast SERIES`: a real exchange, a real server, and days on which one of them is away."""

import asyncio
import fcntl
import json
import os
import pty
import re
import signal
import struct
import termios
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.console_command import ENVIRONMENT, FOREMESH, run, server_process
from tests.fakes.documented import Block, documented, run_block
from tests.fakes.exchange_process import ExchangeProcess, exchange_process

EXCHANGE, SERVER = "127.0.0.1:8790", "127.0.0.1:8787"


@dataclass(frozen=True, slots=True)
class Place:
    """An exchange and a server, each a process."""

    exchange: ExchangeProcess
    server: str

    @property
    def options(self) -> tuple[str, ...]:
        return "--host", self.exchange.url, "--target", self.server

    def open_markets(self) -> list[str]:
        listed = self.exchange.get("/markets?series_ticker=KXHIGHNY&status=open&limit=1000")
        return [market["ticker"] for market in listed["markets"]]

    def addressed(self, text: str) -> str:
        """Put the real addresses into what a page says."""
        return text.replace(f"http://{EXCHANGE}", self.exchange.url).replace(SERVER, self.server)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("series")
    with exchange_process(folder) as exchange, server_process(folder) as server:
        yield Place(exchange, server)


async def test_every_open_market_has_its_row_and_the_counts_sum_to_them(place: Place) -> None:
    tickers = place.open_markets()
    code, out, err = await run("forecast", "KXHIGHNY", *place.options, "--plots", "1")

    assert (code, err) == (0, "")
    assert out.startswith(f"KXHIGHNY: {len(tickers)} open markets at {place.exchange.url}/trade-api/v2\n")
    assert all(re.search(f"^{re.escape(ticker)} ", out, re.MULTILINE) for ticker in tickers)
    counted = re.search(r"^(\d+) markets = (\d+) \D+(\d+) \D+(\d+) \D+(\d+) \D+(\d+) failed$", out, re.MULTILINE)
    assert counted is not None
    whole, *parts = map(int, counted.groups())
    assert whole == sum(parts) == len(tickers)
    assert "10 to 90 % of outcomes" in out
    assert max(map(len, out.split("\n"))) <= 80


async def test_programs_learn_where_every_number_comes_from(place: Place) -> None:
    document = await _document(place)

    assert document["open_markets"] == len(document["inputs"]) == len(document["results"]) > 0
    assert (document["series"], document["price"], document["step_seconds"]) == ("KXHIGHNY", "trade", 3600)
    assert [result["input_index"] for result in document["results"]] == list(range(len(document["results"])))
    assert {given["current_price_from"] for given in document["inputs"]} <= {"book", "last", "unknown"}
    for given, result in zip(document["inputs"], document["results"], strict=True):
        assert given["market_ticker"] == result["market_ticker"]
        assert given["close_time"].endswith("Z")
        assert given["points"] == 0 or given["last_candle_time"] is not None


async def test_other_candles_and_other_prices_can_be_asked_for(place: Place) -> None:
    minutes, middles, fresh = await asyncio.gather(
        _document(place, "--step", "1m", "--points", "90", "--horizon", "30"),
        _document(place, "--price", "mid"),
        _document(place, "--max-age", "1s"),
    )

    assert minutes["step_seconds"] == 60
    assert 3 < max(given["points"] for given in minutes["inputs"]) <= 90
    known = [sum(given["points"] - given["gaps"] for given in found["inputs"]) for found in (middles, fresh)]
    assert known[0] > known[1]  # more is quoted than traded
    assert fresh["summary"]["signal_count"] == 0
    reasons = [result.get("no_signal", {}).get("reason") for result in fresh["results"]]
    assert "NO_SIGNAL_REASON_STALE" in reasons


async def test_what_is_not_there_is_told_in_one_line(place: Place, tmp_path: Path, unused_tcp_port: int) -> None:
    hasty = tmp_path / "hasty.toml"
    hasty.write_text(
        f'environment = "custom"\nhost = "http://127.0.0.1:{unused_tcp_port}"\n'
        "read_seconds = 0.5\nunauthenticated_per_second = 100.0\n"
    )
    nobody, unknown, event = await asyncio.gather(
        run("forecast", "KXHIGHNY", "--exchange-config", hasty),
        run("forecast", "KXNOTHING", *place.options),
        run("forecast", "KXHIGHNY-26NOV22", *place.options),
    )

    assert {found[0] for found in (nobody, unknown, event)} == {1}
    assert {found[2].count("\n") for found in (nobody, unknown, event)} == {1}
    assert f"no exchange answers at http://127.0.0.1:{unused_tcp_port}" in nobody[2]
    assert unknown[2] == "Error: the exchange has no series KXNOTHING\n"
    assert "KXHIGHNY --market KXHIGHNY-26NOV22" in event[2]


@pytest.mark.timeout(120)
async def test_a_watch_survives_a_server_that_is_away_and_ends_at_ctrl_c(
    place: Place, tmp_path: Path, unused_tcp_port: int
) -> None:
    address = f"127.0.0.1:{unused_tcp_port}"
    options = ("--host", place.exchange.url, "--target", address, "--watch", "1", "--json")
    async with _running("forecast", "KXHIGHNY", *options) as process:
        with server_process(tmp_path, listen=address):
            first = await _line_with(process, "results")
        away = await _line_with(process, "problem")
        with server_process(tmp_path, listen=address):
            again = await _line_with(process, "results")
        process.send_signal(signal.SIGINT)
        code = await process.wait()

    assert code == 130
    assert first["summary"]["input_count"] == again["summary"]["input_count"] > 0
    assert "problem" not in again
    assert f"no forecast server answers at {address}" in away["problem"]
    assert away["age_seconds"] > 0


def test_on_a_terminal_the_watch_is_redrawn_in_place(place: Place) -> None:
    child, terminal = pty.fork()
    if child == 0:
        words = ["foremesh", "forecast", "KXHIGHNY", *place.options, "--watch", "1"]
        os.execve(FOREMESH, words, {"PATH": "/usr/bin:/bin", "TERM": "xterm", "PYTHONUTF8": "1"})  # noqa: S606
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    drawn = ""
    until = time.monotonic() + 40
    while len(set(re.findall(r"as of (\d\d:\d\d:\d\d) UTC", drawn))) < 2 and time.monotonic() < until:
        drawn += os.read(terminal, 65_536).decode(errors="replace")
    os.write(terminal, b"\x03")
    code = os.waitstatus_to_exitcode(_read_to_the_end(child, terminal))

    assert code == 130
    assert "\x1b[1A\x1b[2K" in drawn  # back over what was drawn before
    assert "lines do not fit into this terminal" in drawn
    frame = drawn.replace("\r", "").split("Ctrl-C ends")[-2].split("\n")
    assert len(frame) <= 24


@pytest.mark.parametrize("block", documented("docs/forecast.md"), ids=lambda block: f"line-{block.line}")
def test_the_page_says_what_the_commands_print(block: Block, place: Place) -> None:
    run_block(block, place.exchange.folder, place.addressed)


async def _document(place: Place, *options: str) -> dict[str, Any]:
    code, out, err = await run("forecast", "KXHIGHNY", *place.options, *options, "--json")
    assert (code, err) == (0, "")
    found: dict[str, Any] = json.loads(out)
    counts = [count for name, count in found["summary"].items() if name.endswith("_count")]
    assert counts[0] == sum(counts[1:])
    return found


@asynccontextmanager
async def _running(*arguments: object) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        FOREMESH, *map(str, arguments), stdout=asyncio.subprocess.PIPE, env=ENVIRONMENT, limit=1 << 22
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _line_with(process: asyncio.subprocess.Process, key: str) -> dict[str, Any]:
    """Read on until a line has this key."""
    assert process.stdout is not None
    async for line in process.stdout:
        found: dict[str, Any] = json.loads(line)
        if key in found:
            return found
    raise AssertionError("it ended")


def _read_to_the_end(child: int, terminal: int) -> int:
    try:
        while os.read(terminal, 65_536):
            pass
    except OSError:  # how Linux says that nobody holds the other end
        pass
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    return status
