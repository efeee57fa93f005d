"""WatchEvents over a real server: the journal, once and in order, from any place on."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
from foremesh.trader.v1 import events_pb2, status_pb2
from foremesh.trader.v1 import trader_service_pb2 as pb
from google.protobuf.duration_pb2 import Duration

from tests.fakes.questions import refused, until
from tests.fakes.trading import TICKER, book, market
from tests.unit.trader.engine.rig import Rig
from tests.unit.trader.service.served import Served, Watch, served
from trader.domain.entries import Notified
from trader.domain.events import Pause
from trader.domain.facts import Actor
from trader.domain.words import ActorKind, Delivery, Urgency
from trader.journal.store import opened
from trader.service.convert_events import KIND

OTHER = "KXHIGHNY-26NOV23-T61"
QUICK = Duration(nanos=250_000_000)


def two() -> Rig:
    return Rig(markets=[market(ticker, closes=timedelta(days=2)) for ticker in (TICKER, OTHER)])


@pytest.fixture
async def trader() -> AsyncIterator[Served]:
    async with served(two()) as found:
        yield found


def wish(number: int) -> Pause:
    return Pause(f"wish-{number}", Actor(kind=ActorKind.CALLER, name="alice", role="operator"), "lunch")


def sequences(events: list[events_pb2.Event]) -> list[int]:
    return [event.sequence for event in events]


async def round_trip(trader: Served) -> None:
    await trader.enter(TICKER, OTHER)
    for ticker in (TICKER, OTHER):
        trader.rig.venue.show(book(ticker, no_bids=[(80.0, 100.0)], no_asks=[(82.0, 100.0)]))
    await trader.rig.clock.advance(10)


async def test_everything_from_the_beginning_comes_once_and_in_order(trader: Served) -> None:
    await round_trip(trader)
    written = [each.sequence for each in trader.rig.journal.read() if type(each.entry) in KIND]
    events = await trader.watch(after_sequence=0).until(trader.engine.journal.last_sequence)
    assert sequences(events) == written
    kinds = {event.WhichOneof("payload") for event in events}
    assert kinds == {
        "scan_started",
        "scan_finished",
        "signal",
        "decision",
        "order",
        "fill",
        "exit",
        "trade",
        "state_change",
        "notification",
    }


async def test_an_order_is_told_as_it_was_after_each_change(trader: Served) -> None:
    await round_trip(trader)
    events = await trader.watch(after_sequence=0, kinds=[events_pb2.EVENT_KIND_ORDER]).until(
        trader.engine.journal.last_sequence
    )
    by_order: dict[str, list[tuple[int, int]]] = {}
    for event in events:
        change = event.order
        by_order.setdefault(change.order.client_order_id, []).append((change.previous_state, change.order.state))
        assert change.order.sequence == event.sequence
    assert len(by_order) == 4
    for changes in by_order.values():
        assert changes[0][0] == 0
        assert [before for before, _ in changes[1:]] == [after for _, after in changes[:-1]]


@pytest.mark.parametrize("place", [1, 7, 20])
async def test_a_watcher_goes_on_from_any_place_as_if_it_had_never_left(trader: Served, place: int) -> None:
    await round_trip(trader)
    last = trader.engine.journal.last_sequence
    whole = await trader.watch(after_sequence=0).until(last)
    rest = await trader.watch(after_sequence=place, journal_id="journal-1").until(last)
    assert sequences(rest) == [number for number in sequences(whole) if number > place]
    orders = {event.sequence: event.order for event in whole if event.HasField("order")}
    assert {event.sequence: event.order for event in rest if event.HasField("order")} == {
        number: order for number, order in orders.items() if number > place
    }


async def test_a_watcher_without_a_place_hears_what_happens_from_now_on(trader: Served) -> None:
    await round_trip(trader)
    watch = trader.watch()
    first = await watch.next()
    assert first.WhichOneof("content") == "heartbeat"
    assert first.through_sequence == trader.engine.journal.last_sequence
    trader.engine.handle(wish(1))
    events = await watch.until(trader.engine.journal.last_sequence)
    assert min(sequences(events)) > first.through_sequence
    assert events[0].state_change.request_id == "wish-1"
    assert events[0].state_change.state == status_pb2.TRADING_STATE_PAUSED
    assert [block.kind for block in events[0].state_change.begun] == [status_pb2.BLOCK_KIND_PAUSE]


async def test_a_quiet_stream_beats_with_state_and_links(trader: Served) -> None:
    watch = trader.watch(heartbeat_interval=QUICK)
    for _ in range(3):
        response = await watch.next()
        assert response.heartbeat.state == status_pb2.TRADING_STATE_RUNNING
        assert len(response.heartbeat.links) == 6


async def test_filters_move_the_place_on_without_sending(trader: Served) -> None:
    await round_trip(trader)
    watch = trader.watch(
        after_sequence=0,
        market_tickers=[OTHER],
        kinds=[events_pb2.EVENT_KIND_DECISION, events_pb2.EVENT_KIND_STATE_CHANGE],
        heartbeat_interval=QUICK,
    )
    events = await watch.until(trader.engine.journal.last_sequence)
    decisions = [event.decision for event in events if event.HasField("decision")]
    assert {decision.market_ticker for decision in decisions} == {OTHER}
    assert any(event.state_change.kind == events_pb2.STATE_CHANGE_KIND_STARTED for event in events)
    assert all(event.HasField("decision") or event.HasField("state_change") for event in events)


async def test_a_place_that_the_journal_has_not_reached_is_out_of_range(trader: Served) -> None:
    beyond = trader.engine.journal.last_sequence + 1
    found = await refused(trader.stub.WatchEvents(pb.WatchEventsRequest(after_sequence=beyond)).read())
    assert found.code is grpc.StatusCode.OUT_OF_RANGE


async def test_a_place_in_another_journal_is_refused(trader: Served) -> None:
    asked = pb.WatchEventsRequest(after_sequence=0, journal_id="journal-2")
    found = await refused(trader.stub.WatchEvents(asked).read())
    assert (found.code, found.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "OTHER_JOURNAL")


async def test_a_caller_has_so_many_streams_and_no_more(trader: Served) -> None:
    watches = [trader.watch() for _ in range(16)]
    for watch in watches:
        await watch.next()
    found = await refused(trader.stub.WatchEvents(pb.WatchEventsRequest()).read())
    assert (found.code, found.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_STREAMS")
    watches[0].call.cancel()
    await until(lambda: trader.server.in_flight() == 15)
    await trader.watch().next()


async def test_a_watcher_hears_the_last_entry_before_the_process_ends(trader: Served) -> None:
    watch = trader.watch()
    await watch.next()
    trader.draining.set()
    stop = asyncio.ensure_future(trader.engine.stop(1.0))
    await trader.rig.clock.advance(2)
    await stop
    events = await watch.until(trader.engine.journal.last_sequence)
    assert events[-1].state_change.kind == events_pb2.STATE_CHANGE_KIND_STOPPED
    found = await refused(watch.next())
    assert (found.code, found.reason) == (grpc.StatusCode.UNAVAILABLE, "DRAINING")


def long_words(number: int) -> Notified:
    return Notified(
        notification_id=f"n-{number}",
        urgency=Urgency.QUIET,
        delivery=Delivery.SUPPRESSED,
        title="long",
        text="x" * 4000,
    )


async def read_on(watch: Watch) -> None:
    """Take what comes, as fast as it comes."""
    while True:
        watch.through = (await watch.call.read()).through_sequence


async def test_who_stops_reading_is_told_so_and_holds_nobody_up() -> None:
    rig = two()
    rig.journal.append(rig.clock.now(), [long_words(number) for number in range(2000)])
    async with served(rig, stalled_seconds=0.3) as trader:
        slow = trader.watch(after_sequence=0)
        await slow.next()
        quick = trader.watch(heartbeat_interval=QUICK)
        await quick.next()
        trader.engine.handle(wish(1))
        assert (await quick.until(trader.engine.journal.last_sequence))[0].state_change.request_id == "wish-1"
        for _ in range(4):
            await quick.next()
        found = await refused(read_on(slow))
        assert (found.code, found.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "STREAM_STALLED")
        again = trader.watch(after_sequence=slow.through)
        await again.call.read()
        rest = await again.call.read()
        assert sequences(rest.batch.events)[:3] == [slow.through + 1, slow.through + 2, slow.through + 3]


async def test_a_journal_on_disk_is_told_across_a_restart(tmp_path: Path) -> None:
    rig = two()
    with opened(tmp_path / "journal.sqlite", "journal-1") as store:
        rig.journal = store  # type: ignore[assignment]  # both are journals
        async with served(rig) as trader:
            await round_trip(trader)
            before = await trader.watch(after_sequence=0).until(store.last_sequence)
        async with served(rig) as trader:
            after = await trader.watch(after_sequence=0).until(store.last_sequence)
            resumed = await trader.watch(after_sequence=25).until(store.last_sequence)
    assert sequences(after)[: len(before)] == sequences(before)
    orders = {event.sequence: event.order for event in after if event.HasField("order")}
    assert {event.sequence: event.order for event in before if event.HasField("order")} == orders
    assert {event.sequence: event.order for event in resumed if event.HasField("order")} == {
        number: order for number, order in orders.items() if number > 25
    }
