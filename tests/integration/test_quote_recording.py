"""Recorded rows give the exchange's books again, say where something was missed, and survive a disk that refuses."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives import serialization

from collector.recording import recorder as recording_module
from collector.recording.files import QuoteFiles
from collector.recording.recorder import Recorder
from collector.recording.rows import Row, table_of
from mesh.clock import SystemClock
from mesh.kalshi.client import connect
from mesh.kalshi.config import KalshiConfig
from mesh.kalshi.stream.streaming import streaming
from mesh.kalshi.terms import BookSide
from mesh.records import QUOTES
from mesh.store.parquet import read
from sim_exchange.fault_rules import DropSocket
from tests.fakes.exchange_keys import Signer
from tests.fakes.exchange_stream import streaming_world
from tests.fakes.exchange_world import EVENT, MILD, WARM, World, order
from tests.fakes.kalshi_stream import PATIENCE, QUICK

SERIES = EVENT.partition("-")[0]
Books = dict[str, dict[tuple[str, int], int] | None]


def written(key_file: Path, signer: Signer) -> None:
    pem = signer.private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key_file.write_bytes(pem)
    key_file.chmod(0o600)


@asynccontextmanager
async def recording(
    world: World,
    root: Path,
    key_file: Path,
    signer: Signer,
    *,
    files: QuoteFiles | None = None,
    series: Sequence[str] = (SERIES,),
    most_rows: int = 100_000,
) -> AsyncIterator[Recorder]:
    written(key_file, signer)
    config = KalshiConfig(environment="custom", host=world.url, key_id=signer.key_id, private_key_file=key_file)
    clock = SystemClock()
    async with (
        connect(config) as client,
        streaming(config, client.transport.sender, settings=QUICK) as stream,
        asyncio.TaskGroup() as tasks,
    ):
        recorder = Recorder(
            client, stream, files or QuoteFiles(root, "me"), series, clock, look_seconds=0.1, flush_seconds=0.1,
            most_rows=most_rows,
        )  # fmt: skip
        running = tasks.create_task(recorder.run())
        yield recorder
        running.cancel()


def rows(root: Path) -> list[dict[str, Any]]:
    files = sorted(root.glob("quotes/*/*/*.parquet"))
    return [row for file in files for row in read(file, QUOTES).to_pylist()]


def plain_rows(root: Path) -> int:
    """As somebody counts them who knows nothing of us."""
    return sum(pq.read_table(file).num_rows for file in root.joinpath("quotes").rglob("*") if file.is_file())


def replayed(root: Path, *, after_loss: bool = False) -> Books:
    """The books at the end of a recording; None where nothing is known. Only after a loss changes lack their book."""
    books: Books = {}
    snapshot = None
    for row in rows(root):
        market, kind = row["market_ticker"], row["kind"]
        level = (row["side"], row["price_micros"])
        if kind == "gap":
            books[market] = None
        elif kind == "book_snapshot":
            if snapshot != (market, row["received_time"]):
                books[market] = {}
            book = books[market]
            assert book is not None
            if row["side"]:
                book[level] = row["size_hundredths"]
        elif kind == "book_delta":
            book = books[market]
            if book is None and after_loss:
                continue
            assert book is not None, "a change of a book that nobody knows"
            book[level] = book.get(level, 0) + row["change_hundredths"]
            if not book[level]:
                del book[level]
        snapshot = (market, row["received_time"]) if kind == "book_snapshot" else None
    return books


def truth(world: World, ticker: str) -> dict[tuple[str, int], int]:
    book = world.exchange.books[ticker]
    return {
        (side.value, price): size
        for side in (BookSide.BID, BookSide.ASK)
        for price, size in dict(book.levels(side)).items()
    }


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not happened():
            await asyncio.sleep(0.02)


async def test_a_recording_replayed_gives_the_exchanges_books(tmp_path: Path) -> None:
    random = Random(3)  # noqa: S311  repeatable
    async with streaming_world() as world:
        alice = world.member("alice")
        assert alice.signer is not None
        async with recording(world, tmp_path, tmp_path / "key.pem", alice.signer) as recorder:
            await until(lambda: recorder.stats.markets == 2)
            for _ in range(100):
                bids = {f"0.{random.randint(30, 40)}00": f"{random.randint(1, 9)}.00" for _ in range(3)}
                asks = {f"0.{random.randint(41, 50)}00": f"{random.randint(1, 9)}.50" for _ in range(3)}
                world.book(random.choice([WARM, MILD]), bids=bids, asks=asks)
                await asyncio.sleep(0.002)
            await until(lambda: all(replayed(tmp_path).get(each) == truth(world, each) for each in (WARM, MILD)))
        assert set(replayed(tmp_path).values()) == {None}, "nobody knows what happens after the end"
    assert plain_rows(tmp_path) == recorder.stats.written == len(rows(tmp_path))


async def test_tickers_are_recorded_with_what_is_absent_as_null(tmp_path: Path) -> None:
    async with streaming_world() as world:
        alice = world.member("alice")
        assert alice.signer is not None
        world.book(WARM, bids={"0.4000": "10.00"})
        async with recording(world, tmp_path, tmp_path / "key.pem", alice.signer) as recorder:
            await until(lambda: recorder.stats.markets == 2)
            await alice.post("/portfolio/events/orders", order(price="0.4100", count="3.00"))
            await until(lambda: any(row["yes_bid_micros"] == 410_000 for row in rows(tmp_path)))
        told = next(row for row in rows(tmp_path) if row["yes_bid_micros"] == 410_000)
    assert (told["kind"], told["market_ticker"], told["yes_bid_size_hundredths"]) == ("ticker", WARM, 300)
    assert told["yes_ask_micros"] is None
    assert told["yes_ask_size_hundredths"] is None
    assert told["exchange_time"] is not None


async def test_a_lost_connection_is_a_gap_in_every_market_and_a_snapshot_ends_it(tmp_path: Path) -> None:
    async with streaming_world() as world:
        alice = world.member("alice")
        assert alice.signer is not None
        world.book(WARM, bids={"0.4000": "10.00"})
        async with recording(world, tmp_path, tmp_path / "key.pem", alice.signer):
            await until(lambda: replayed(tmp_path).get(WARM) == truth(world, WARM))
            before = {row["connection"] for row in rows(tmp_path)}
            drop = world.faults.add(DropSocket(kind="drop_socket", channel="orderbook_delta", probability=1.0))
            world.book(WARM, bids={"0.3900": "7.00"})
            await until(lambda: replayed(tmp_path).get(WARM) is None)
            world.faults.remove(drop)
            await until(lambda: replayed(tmp_path).get(WARM) == truth(world, WARM))
            kinds = [row["kind"] for row in rows(tmp_path) if row["market_ticker"] == WARM and row["kind"] != "ticker"]
            assert kinds.index("gap") < len(kinds) - 1 - kinds[::-1].index("book_snapshot")
            assert {row["connection"] for row in rows(tmp_path)} > before


async def test_a_disk_that_refuses_costs_nothing_if_it_recovers_in_time(tmp_path: Path) -> None:
    async with streaming_world() as world:
        alice = world.member("alice")
        assert alice.signer is not None
        world.book(WARM, bids={"0.4000": "10.00"})
        (tmp_path / "quotes").write_text("in the way")
        async with recording(world, tmp_path, tmp_path / "key.pem", alice.signer) as recorder:
            await until(lambda: recorder.stats.waiting > 0)
            assert recorder.stats.written == 0
            (tmp_path / "quotes").unlink()
            await until(lambda: replayed(tmp_path).get(WARM) == truth(world, WARM))
            assert recorder.stats.lost == 0


async def test_rows_that_a_disk_refused_for_too_long_leave_a_gap_in_their_place(tmp_path: Path) -> None:
    async with streaming_world() as world:
        alice = world.member("alice")
        assert alice.signer is not None
        world.book(WARM, bids={"0.4000": "10.00"})
        (tmp_path / "quotes").write_text("in the way")
        async with recording(world, tmp_path, tmp_path / "key.pem", alice.signer, most_rows=40) as recorder:
            count = 10
            while not recorder.stats.lost:
                count += 1
                world.book(WARM, bids={"0.4000": f"{count}.00"})
                await asyncio.sleep(0.02)
            (tmp_path / "quotes").unlink()
            world.book(WARM, bids={"0.3900": "7.00"})
            await until(lambda: recorder.stats.written > 0 and not recorder.stats.waiting)
            kinds = [row["kind"] for row in rows(tmp_path) if row["market_ticker"] == WARM and row["kind"] != "ticker"]
            assert kinds[0] == "gap", "before any change of a book whose beginning is lost"
            world.book(WARM, bids={"0.3800": "7.00"})
            await until(lambda: replayed(tmp_path, after_loss=True).get(WARM) == truth(world, WARM))
            world.book(WARM, bids={"0.3700": "7.00"})
            await until(lambda: replayed(tmp_path, after_loss=True).get(WARM) == truth(world, WARM))


class Gate:
    """Holds a thread until it is let through; the others pass."""

    def __init__(self) -> None:
        self.reached, self._opened = threading.Event(), threading.Event()

    def wait(self) -> None:
        if not self.reached.is_set():
            self.reached.set()
            self._opened.wait(PATIENCE)

    def open(self) -> None:
        self._opened.set()


class SlowFiles(QuoteFiles):
    """A disk that takes its time over the first file, once that has its name."""

    def __init__(self, root: Path, gate: Gate) -> None:
        super().__init__(root, "me")
        self._gate = gate

    def write(self, series: str, rows: pa.Table) -> Path:
        path = super().write(series, rows)
        self._gate.wait()
        return path


@pytest.mark.parametrize("during", ["layout", "write"])
async def test_a_stop_amid_a_flush_loses_no_row_and_writes_none_twice(
    during: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()

    def slow_layout(rows: list[Row]) -> pa.Table:
        gate.wait()
        return table_of(rows)

    if during == "layout":
        monkeypatch.setattr(recording_module, "table_of", slow_layout)
    files = SlowFiles(tmp_path, gate) if during == "write" else QuoteFiles(tmp_path, "me")
    async with streaming_world() as world:
        alice = world.member("alice")
        assert alice.signer is not None
        async with recording(world, tmp_path, tmp_path / "key.pem", alice.signer, files=files, series=()) as recorder:
            for market in ("KXA-1-T1", "KXB-1-T1"):
                recorder._rows.gap([market] * 3, SystemClock().now(), "c")
            await until(gate.reached.is_set)
            asyncio.get_running_loop().call_later(0.05, gate.open)  # after the cancellation
    assert sorted(row["market_ticker"] for row in rows(tmp_path)) == ["KXA-1-T1"] * 3 + ["KXB-1-T1"] * 3
    assert plain_rows(tmp_path) == recorder.stats.written == 6
    assert recorder.stats.waiting == 0
