"""The paper account when its process, or its machine, stops in the middle."""

import asyncio
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

from mesh.kalshi.sides import Action
from mesh.types import Micros
from tests.conftest import ROOT
from tests.fakes.trading import NOON, market
from tests.unit.trader.paper.bench import IOC, order_terms, yes_book
from trader.paper.account import Account
from trader.paper.config import PaperConfig
from trader.paper.matching import Matching
from trader.paper.store import Store, opened

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


def test_wherever_a_power_cut_ends_the_file_the_account_is_one_that_it_was(tmp_path: Path) -> None:
    whole = tmp_path / "whole" / "paper.sqlite"
    config = PaperConfig(file=whole)
    states: list[tuple[int, Micros]] = []
    with opened(config) as store:
        account = store.load()
        states += [(0, config.starting_cash), (0, account.purse.cash)]
        for number in range(8):
            trade_once(store, account, number)
            states.append((len(account.orders), account.purse.cash))
        wal = whole.with_name("paper.sqlite-wal").read_bytes()
        begun = whole.read_bytes()
    found = []
    for cut in (*range(0, len(wal), len(wal) // 23), len(wal)):
        file = tmp_path / str(cut) / "paper.sqlite"
        file.parent.mkdir()
        file.write_bytes(begun)
        file.with_name("paper.sqlite-wal").write_bytes(wal[:cut])
        with opened(PaperConfig(file=file)) as store:
            after = store.load()
        found.append((len(after.orders), after.purse.cash))
        shutil.rmtree(file.parent)
    assert found == sorted(found, key=states.index)
    assert found[-1] == states[-1]
    assert len(set(found)) > 5


def trade_once(store: Store, account: Account, number: int) -> None:
    matching = Matching(account)
    book = yes_book(asks=((42, 3 + number),))
    matching.book_came(book, NOON)
    matching.place(order_terms(f"c-{number}", Action.BUY, 42, 4, tif=IOC), market(), book, NOON)
    news, records = account.take()
    assert news
    store.save(records)
