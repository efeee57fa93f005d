"""What Prometheus sees of a trader."""

import math
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest

from tests.fakes.trading import NOON
from tests.unit.trader.engine.rig import Rig
from trader.domain.facts import Actor, Block
from trader.domain.words import ActorKind, BlockKind, OrderState
from trader.metrics import TraderMetrics


class Moving:
    """A position, order or block of a table that the engine changes while somebody reads it."""

    count, kind, state = 1, BlockKind.LINK, OrderState.UNKNOWN

    def __init__(self, table: Any, *also: Any) -> None:
        self.tables = (table, *also)

    def __getattribute__(self, name: str) -> Any:
        if name in {"count", "kind", "state"}:
            for table in object.__getattribute__(self, "tables"):
                key = f"new-{len(table)}"
                table.add(key) if isinstance(table, set) else table.update({key: self})
        return object.__getattribute__(self, name)


def shown(rig: Rig, folder: Path = Path()) -> tuple[CollectorRegistry, Any]:
    registry, engine = CollectorRegistry(), rig.engine()
    TraderMetrics(registry, engine, folder)
    return registry, engine.state.books


async def test_scans_are_counted_from_zero_and_timed() -> None:
    rig, registry = Rig(), CollectorRegistry()
    async with rig.running() as engine:
        TraderMetrics(registry, engine, Path())
        last = engine.state.books.last_scan
        before = registry.get_sample_value("foremesh_trader_scanned_markets_total", {"outcome": "no_signal"})
        while engine.state.books.last_scan is last:
            await rig.clock.advance(0.5)
    assert before == 0
    assert registry.get_sample_value("foremesh_trader_scanned_markets_total", {"outcome": "no_signal"}) == 1
    assert registry.get_sample_value("foremesh_trader_scan_seconds_count") == 1
    assert registry.get_sample_value("foremesh_trader_scan_seconds_sum") == 0.1
    assert registry.get_sample_value("foremesh_trader_notifications_total", {"delivery": "failed"}) == 0


def test_blocks_are_told_apart_by_kind() -> None:
    registry, books = shown(Rig())
    actor = Actor(kind=ActorKind.CALLER, name="alice")
    for name, kind in (("a", BlockKind.PAUSE), ("b", BlockKind.LINK), ("c", BlockKind.LINK)):
        books.blocks[name] = Block(block_id=name, kind=kind, actor=actor, why="because", since=NOON)
    counts = {kind: registry.get_sample_value("foremesh_trader_blocks", {"kind": kind.value}) for kind in BlockKind}
    assert counts == dict.fromkeys(BlockKind, 0) | {BlockKind.PAUSE: 1, BlockKind.LINK: 2}


def test_a_scrape_does_not_fail_while_the_engine_trades() -> None:
    """Prometheus asks on a thread of its own."""
    registry, books = shown(Rig())
    for table in (books.positions, books.blocks):
        table.update({"a": Moving(table), "b": Moving(table)})
    books.working.update({"a", "b"})
    books.orders.update({"a": Moving(books.working, books.orders), "b": Moving(books.working, books.orders)})
    text = generate_latest(registry).decode()
    assert "foremesh_trader_positions 2.0" in text
    assert "foremesh_trader_unknown_orders 2.0" in text


def test_a_disk_that_is_gone_has_no_known_room(tmp_path: Path) -> None:
    here, gone = (shown(Rig(), folder)[0] for folder in (tmp_path, tmp_path / "gone"))
    assert (here.get_sample_value("foremesh_trader_free_disk_bytes") or 0) > 0
    assert math.isnan(gone.get_sample_value("foremesh_trader_free_disk_bytes") or 0)
