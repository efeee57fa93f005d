"""The trader's commands against a real server: what people and programs see, and what is done."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from foremesh.trader.v1 import events_pb2
from foremesh.trader.v1 import trader_service_pb2 as pb
from rich.console import Console

from console import trading_status
from console.daemon import TRADER
from console.trading_follow import followed
from mesh.types import Hundredths, Micros
from tests.fakes.cable import cable
from tests.fakes.trading import TICKER, book, market
from tests.unit.trader.engine.rig import Rig
from tests.unit.trader.service.command_worker import Commands, Ran, commands
from tests.unit.trader.service.served import Served, served
from trader.domain.words import BlockKind

Run = Callable[..., Coroutine[Any, Any, Ran]]

OTHER = "KXHIGHNY-26NOV23-T61"


@pytest.fixture
async def trader() -> AsyncIterator[Served]:
    rig = Rig(markets=[market(ticker, closes=timedelta(days=2)) for ticker in (TICKER, OTHER)])
    async with served(rig) as found:
        yield found


@pytest.fixture(scope="module")
def console_process() -> Iterator[Commands]:
    with commands() as found:
        yield found


@pytest.fixture
def run(trader: Served, console_process: Commands) -> Run:
    async def ran(command: str, *arguments: str, answer: str = "") -> Ran:
        return await console_process.run(command, "--trader", trader.server.addresses[0], *arguments, answer=answer)

    return ran


async def test_a_pause_and_a_resume_say_what_holds(trader: Served, run: Run) -> None:
    found = await run("pause", "--reason", "lunch")
    assert found.exit_code == 0, found.output
    assert "the trader is paused; blocked: all markets (pause: lunch" in found.output
    (block,) = trader.engine.state.books.blocks.values()
    found = await run("resume")
    assert found.stdout == f"block {block.block_id}: lifted\nthe trader is running\n"
    found = await run("resume", "--block", "b-nothing")
    assert (found.exit_code, "b-nothing: stays: there is no such block" in found.output) == (1, True)


async def test_a_repeated_id_repeats_the_answer(trader: Served, run: Run) -> None:
    first = json.loads((await run("pause", "--request-id", "r-1", "--json")).stdout)
    again = json.loads((await run("pause", "--request-id", "r-1", "--json")).stdout)
    assert again == first | {"repeated_request": True}
    found = await run("pause", "--request-id", "r-1", "-m", "another")
    assert (found.exit_code, "REQUEST_ID_REUSED" in found.output) == (1, True)


async def test_a_flatten_shows_what_it_sells_and_asks(trader: Served, run: Run) -> None:
    await trader.enter(TICKER, OTHER)
    found = await run("flatten", answer="n\n")
    assert found.exit_code == 1
    assert TICKER in found.output
    assert "Sell 2 positions at the bids, and enter nothing in all markets until resumed?" in found.output
    assert not trader.engine.state.books.blocks

    found = await run("flatten", OTHER, "--floor", "50", answer="y\n")
    assert found.exit_code == 0, found.output
    assert f"{OTHER}: selling 5 NO at 50c or better; the best bid is 54c" in found.output
    found = await run("flatten", "--json")
    assert (found.exit_code, "--json needs --yes" in found.output) == (2, True)
    found = await run("flatten", "KXBTC-1", "--yes")
    assert (found.exit_code, "KXBTC-1: NOT SOLD: the trader holds nothing there" in found.output) == (1, True)


async def test_positions_and_trades_are_tables_and_documents(trader: Served, run: Run) -> None:
    assert "no open positions" in (await run("positions")).output
    await trader.enter(TICKER, OTHER)
    found = await run("positions")
    assert found.exit_code == 0, found.output
    assert [line.split()[:2] for line in found.stdout.splitlines()[1:]] == [[TICKER, "NO"], [OTHER, "NO"]]
    assert "guarded" in found.output
    shown = json.loads((await run("positions", OTHER, "--json")).stdout)["positions"]
    assert [each["market_ticker"] for each in shown] == [OTHER]
    for ticker in (TICKER, OTHER):
        trader.rig.venue.show(book(ticker, no_bids=[(80.0, 100.0)], no_asks=[(82.0, 100.0)]))
    await trader.rig.clock.advance(10)
    found = await run("trades")
    assert found.output.count("take profit") == 2
    net = sum(trade.net for trade in trader.engine.state.books.trades)
    assert f"2 trades shown, net +${net / 1e6:.2f}" in found.output
    shown = json.loads((await run("trades", "--json", "--limit", "1")).stdout)["trades"]
    assert len(shown) == 1


async def test_events_are_told_from_the_beginning(trader: Served, run: Run) -> None:
    await trader.enter(TICKER)
    found = await run("events", "--after", "0", "--kind", "decision", "--kind", "fill", "--count", "2")
    assert found.exit_code == 0, found.output
    assert f"{TICKER} NO: ENTER 5 at" in found.output
    assert f"{TICKER}: buy 5 NO at 56c, fee" in found.output
    found = await run("events", "--after", "0", "--count", "2", "--json")
    assert [json.loads(line)["sequence"] for line in found.stdout.splitlines()] == ["1", "2"]
    found = await run("events", "--after", "100000")
    assert found.exit_code == 1


async def test_a_follower_goes_on_where_it_was_when_the_trader_comes_back() -> None:
    rig = Rig()
    heard: list[events_pb2.Event] = []
    gone: list[str] = []
    came = asyncio.Event()

    def tell(event: events_pb2.Event) -> None:
        heard.append(event)
        came.set()

    async def until(sequence: int) -> None:
        while not heard or heard[-1].sequence < sequence:
            came.clear()
            await came.wait()

    with ExitStack() as links:
        async with asyncio.TaskGroup() as tasks:
            async with served(rig) as trader:
                # It keeps the address while the trader is away: the port of a stopped one may be anybody's.
                laid = links.enter_context(cable(trader.server.addresses[0]))
                config = TRADER.config(None, laid.address, {})
                request = pb.WatchEventsRequest(after_sequence=0)
                follower = tasks.create_task(followed(config, request, tell, gone.append))
                await trader.enter(TICKER)
                await until(1)
            rig.runs, last = 1, rig.journal.last_sequence  # what the first trader wrote, it may still have told
            async with served(rig) as trader:
                laid.lead_to(trader.server.addresses[0])
                await until(last + 1)
                follower.cancel()
    sequences = [event.sequence for event in heard]
    assert sequences == sorted(set(sequences))
    assert gone


async def test_the_status_says_how_the_trader_is(trader: Served, run: Run) -> None:
    await trader.enter(TICKER)
    await run("pause", "-m", "lunch")
    answer = await trading_status.trader_status(TRADER.config(None, trader.server.addresses[0], {}))
    assert trading_status.summary(answer.status).startswith("paused, paper, 1 position, ")
    found = dict(trading_status.rows(answer.status))
    assert found["no entries in"].startswith("all markets (pause: lunch")
    assert "exit loop 0 s ago" in found["links"]
    assert "notifier not known" not in found["links"]
    assert "2 markets, 1 signals, 1 entered" in found["last scan"]
    console = Console(width=100)
    with console.capture() as drawn:
        console.print(trading_status.limits_table(answer.status))
    assert "total exposure" in drawn.get()
    assert drawn.get().count("allows") == 2, "two columns: a mesh is one screen"


async def test_nobody_there_is_one_line(trader: Served, run: Run) -> None:
    found = await run("pause", "--trader", "127.0.0.1:1")
    assert found.exit_code == 1
    assert "no trader answers at 127.0.0.1:1; start one with foremesh-trader" in found.output
    assert "--request-id" in found.output
    found = await run("positions", "--trader", "nothing")
    assert (found.exit_code, "--trader: expected host:port" in found.output) == (2, True)
    assert BlockKind.PAUSE not in {block.kind for block in trader.engine.state.books.blocks.values()}


async def test_an_adoption_shows_what_it_takes_over_and_asks(trader: Served, run: Run) -> None:
    found = await run("adopt", TICKER, "--hold", answer="y\n")
    assert (found.exit_code, f"no foreign position in {TICKER}" in found.output) == (1, True)
    listed = trader.rig.venue.markets[TICKER]
    listed.net, listed.paid, listed.fees = Hundredths(-1000), Micros(5_500_000), Micros(70_000)
    await trader.rig.clock.advance(61)
    found = await run("adopt", TICKER, "--stop", "40", answer="n\n")
    assert found.exit_code == 1
    assert "Adopt 10 NO, bought for $5.50? It is sold at a stop of 40c and as its series would" in found.output
    assert not trader.engine.state.books.positions

    found = await run("adopt", TICKER, "--yes")
    assert (found.exit_code, f"{TICKER}: NOT ADOPTED: no signal of its series" in found.output) == (1, True)
    found = await run("adopt", TICKER, "--target", "70", "--stop", "40", "-m", "mine", answer="y\n")
    assert found.exit_code == 0, found.output
    assert f"{TICKER}: adopted 10 NO, bought for $5.50; target 70c, stop 40c" in found.output
    assert "guarded" in (await run("positions")).output
    shown = json.loads((await run("adopt", TICKER, "--hold", "--yes", "--json")).stdout)
    assert shown["refused"]["reason"] == "ADOPTION_REFUSAL_REASON_OURS"
    for wrong in (("--hold", "--stop", "40"), ("--target", "40", "--stop", "40"), ("--json",)):
        assert (await run("adopt", TICKER, *wrong)).exit_code == 2
