"""The paper account when its process, or its machine, stops in the middle."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from trader.paper.config import PaperConfig
from trader.paper.store import opened

TRADES_ON = """
import asyncio, sys
from pathlib import Path
from mesh.clock import SystemClock
from mesh.kalshi.sides import Action
from tests.fakes.trading import TICKER, cents, contracts, market
from tests.unit.trader.paper.bench import order_terms, yes_book
from trader.domain.events import BookCame, Traded
from trader.paper.config import PaperConfig
from trader.paper.exchange import paper_exchange
from datetime import timedelta, datetime, UTC
import msgspec

async def main() -> None:
    terms = msgspec.structs.replace(market(), close_time=datetime.now(UTC) + timedelta(hours=1))
    async with paper_exchange(PaperConfig(file=Path(sys.argv[1]), latency_seconds=0), None, SystemClock()) as exchange:
        for number in range(100_000):
            exchange.see(BookCame(yes_book(asks=((42, 3 + number % 5),))))
            answer = await exchange.place(order_terms(f"c-{number}", Action.BUY, 42, 4), terms)
            print(answer.order_id, answer.filled, flush=True)
            exchange.see(Traded(TICKER, cents(42), contracts(1), taker_buys_yes=False))
            await exchange.place(order_terms(f"s-{number}", Action.SELL, 40, 4), terms)

asyncio.run(main())
"""


@pytest.mark.parametrize("answers", [3, 40])
async def test_after_a_kill_everything_that_was_answered_is_in_the_file(answers: int, tmp_path: Path) -> None:
    file = tmp_path / "paper.sqlite"
    trading = await asyncio.create_subprocess_exec(
        sys.executable, "-c", TRADES_ON, str(file), stdout=asyncio.subprocess.PIPE, cwd=ROOT, env=dict(os.environ)
    )
    assert trading.stdout is not None
    told = [(await trading.stdout.readline()).split() for _ in range(answers)]
    trading.send_signal(signal.SIGKILL)
    await trading.wait()
    with opened(PaperConfig(file=file)) as store:
        account = store.load()
    assert account.missing == 0
    assert account.available >= 0
    for order_id, filled in told:
        assert account.orders[order_id.decode()].filled >= int(filled)
    for order in account.orders.values():
        assert sum(fill.count for fill in account.fills.get(order.order_id, ())) == order.filled
