"""WatchState over a real server: everything first, then what changes."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
from foremesh.trader.v1 import decisions_pb2, events_pb2, positions_pb2
from foremesh.trader.v1 import trader_service_pb2 as pb

from mesh.types import Micros
from tests.fakes.questions import refused, until
from tests.fakes.trading import TICKER, book, contracts, market
from tests.unit.trader.engine.rig import Rig
from tests.unit.trader.engine.rig import write as write_entries
from tests.unit.trader.service.served import ScreenWatch, Served, served
from trader.domain.entries import Notified
from trader.domain.events import Pause
from trader.domain.facts import Actor
from trader.domain.words import ActorKind, Delivery, Urgency
from trader.journal.store import opened

OTHER = "KXHIGHNY-26NOV23-T61"


def two() -> Rig:
    return Rig(markets=[market(ticker, closes=timedelta(days=2)) for ticker in (TICKER, OTHER)])


@pytest.fixture
async def trader() -> AsyncIterator[Served]:
    async with served(two()) as found:
        yield found


def wish(number: int) -> Pause:
    return Pause(f"wish-{number}", Actor(kind=ActorKind.CALLER, name="alice", role="operator"), "lunch")


async def test_everything_comes_first(trader: Served) -> None:
    await trader.enter(TICKER)
    screen = trader.screen()
    first = await screen.next()
    assert first.WhichOneof("content") == "snapshot"
    assert first.as_of_sequence == trader.engine.journal.last_sequence
    kept = screen.kept
    assert kept.status is not None
    assert kept.status.position_count == 1
    (position,) = kept.positions.values()
    assert position.market_ticker == TICKER
    assert position.state == positions_pb2.POSITION_STATE_GUARDED
    assert [row.market_ticker for row in kept.rows()] == sorted(
        (TICKER, OTHER), key=lambda ticker: float(ticker.rpartition("-")[2][1:])
    )
    row = kept.row(TICKER)
    assert row.title == position.title
    assert row.no_mark.bid_price_micros == position.mark.bid_price_micros
    assert row.scan_outcome == decisions_pb2.SCAN_OUTCOME_SIGNAL
    assert row.signal.magnitude_cents > 0
    assert row.decision.outcome == decisions_pb2.DECISION_OUTCOME_ENTER
    assert kept.row(OTHER).scan_outcome == decisions_pb2.SCAN_OUTCOME_NO_SIGNAL
    assert kept.row(OTHER).scan_reason == "too_flat"
    assert kept.funnel is not None
    assert (kept.funnel.market_count, kept.funnel.signal_count, kept.funnel.entry_count) == (2, 1, 1)
    kinds = {event.WhichOneof("payload") for event in kept.log}
    assert {"scan_finished", "decision", "order", "fill", "state_change"} <= kinds
    assert not kinds & {"signal", "scan_started"}
    assert not any(event.scan_finished.unsignalled for event in kept.log)


async def test_a_price_that_changes_comes_with_its_position(trader: Served) -> None:
    await trader.enter(TICKER)
    screen = trader.screen(max_hz=20)
    await screen.next()
    number = screen.kept.row(TICKER).number
    trader.rig.venue.show(book(TICKER, no_bids=[(47.0, 100.0)], no_asks=[(49.0, 100.0)]))
    await trader.rig.clock.advance(0)
    kept = await screen.until(lambda kept: kept.row(TICKER).no_mark.bid_price_micros == 470_000)
    assert kept.row(TICKER).number == number
    await screen.until(lambda kept: all(each.mark.bid_price_micros == 470_000 for each in kept.positions.values()))


async def test_orders_and_positions_come_and_go(trader: Served) -> None:
    screen = trader.screen(max_hz=20)
    await screen.next()
    await trader.enter(TICKER, OTHER)
    kept = await screen.until(lambda kept: len(kept.positions) == 2 and not kept.orders)
    for ticker in (TICKER, OTHER):
        trader.rig.venue.show(book(ticker, no_bids=[(80.0, 100.0)], no_asks=[(82.0, 100.0)]))
    await trader.rig.clock.advance(10)
    await screen.until(lambda kept: not kept.positions)
    later = trader.screen()
    await later.next()
    await screen.until(lambda _: screen.as_of == later.as_of)
    assert kept.content() == later.kept.content()


async def test_a_resting_order_is_there_while_it_rests(trader: Served) -> None:
    screen = trader.screen(max_hz=20)
    await screen.next()
    trader.rig.venue.show(book(TICKER, no_asks=[(45.0, 0.5)]))
    trader.rig.wants(TICKER)
    await trader.rig.clock.advance(31)
    working = trader.engine.state.books.working
    seen = screen.kept
    await screen.until(lambda kept: {name for _, name in kept.orders} == working and bool(kept.log))
    assert {name for _, name in seen.orders} == working


async def test_a_quiet_screen_gets_a_beat_with_links(trader: Served) -> None:
    screen = trader.screen()
    await screen.next()
    beats = 0
    while beats < 2:
        response = await screen.next()
        if response.HasField("heartbeat"):
            assert len(response.heartbeat.links) == 6
            beats += 1


async def test_prices_that_are_confirmed_anew_are_told_by_number(trader: Served) -> None:
    await trader.enter(TICKER)
    screen = trader.screen(max_hz=20)
    await screen.next()
    number = screen.kept.row(TICKER).number
    for _ in range(2):
        await trader.rig.clock.advance(2)
        trader.rig.venue.show(book(TICKER))
        await trader.rig.clock.advance(0)
        await screen.next()
    await screen.until(lambda kept: kept.confirmed.get(number, 0) > 0)


async def test_a_slow_reader_gets_the_latest_and_no_backlog(trader: Served) -> None:
    await trader.enter(TICKER)
    screen = trader.screen(max_hz=20)
    await screen.next()
    for number in range(30):
        price = 40.0 + number % 5
        trader.rig.venue.show(book(TICKER, no_bids=[(price, 100.0)], no_asks=[(50.0, 100.0)]))
        await trader.rig.clock.advance(0)
    trader.rig.venue.show(book(TICKER, no_bids=[(39.0, 100.0)], no_asks=[(50.0, 100.0)]))
    await trader.rig.clock.advance(0)
    messages = 0
    while screen.kept.row(TICKER).no_mark.bid_price_micros != 390_000:
        await screen.next()
        messages += 1
    assert messages < 30


async def test_only_the_markets_that_are_wanted(trader: Served) -> None:
    await trader.enter(TICKER, OTHER)
    screen = trader.screen(market_tickers=[OTHER])
    await screen.next()
    kept = screen.kept
    assert [row.market_ticker for row in kept.rows()] == [OTHER]
    assert {each.market_ticker for each in kept.positions.values()} == {OTHER}
    assert {event.fill.market_ticker for event in kept.log if event.HasField("fill")} == {OTHER}
    assert any(event.HasField("state_change") for event in kept.log)


async def test_a_log_goes_on_where_a_broken_stream_ended(trader: Served) -> None:
    screen = trader.screen()
    left = (await screen.next()).as_of_sequence
    screen.call.cancel()
    await trader.enter(TICKER)
    again = trader.screen(after_sequence=left, journal_id="journal-1")
    response = await again.next()
    assert again.kept.log
    assert min(event.sequence for event in again.kept.log) > left
    assert not response.snapshot.log.more_skipped


async def test_a_place_that_the_journal_has_not_reached_is_out_of_range(trader: Served) -> None:
    beyond = trader.engine.journal.last_sequence + 1
    found = await refused(trader.stub.WatchState(pb.WatchStateRequest(after_sequence=beyond)).read())
    assert found.code is grpc.StatusCode.OUT_OF_RANGE


async def test_a_place_in_another_journal_is_refused(trader: Served) -> None:
    asked = pb.WatchStateRequest(after_sequence=0, journal_id="journal-2")
    found = await refused(trader.stub.WatchState(asked).read())
    assert (found.code, found.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "OTHER_JOURNAL")


async def test_a_trader_that_has_not_started_shows_nothing() -> None:
    async with served(two(), run=False) as trader:
        found = await refused(trader.stub.WatchState(pb.WatchStateRequest()).read())
    assert (found.code, found.reason) == (grpc.StatusCode.UNAVAILABLE, "STARTING")


async def test_a_stream_ends_with_the_process_after_its_last_change(trader: Served) -> None:
    screen = trader.screen(max_hz=0.2)
    await screen.next()
    trader.engine.handle(wish(1))
    trader.draining.set()
    async with asyncio.TaskGroup() as group:
        stop = group.create_task(trader.engine.stop(0.1))
        while not stop.done():
            await trader.rig.clock.advance(0.1)
    last = trader.engine.journal.last_sequence
    await screen.until(lambda _: screen.as_of == last)
    changes = [event.state_change.kind for event in screen.kept.log if event.HasField("state_change")]
    assert changes[-1] == events_pb2.STATE_CHANGE_KIND_STOPPED
    found = await refused(screen.call.read())
    assert (found.code, found.reason) == (grpc.StatusCode.UNAVAILABLE, "DRAINING")


async def test_who_stops_reading_is_told_so_and_holds_nobody_up() -> None:
    rig = two()
    rig.journal.append(rig.clock.now(), [long_words(number) for number in range(200)])
    async with served(rig, stalled_seconds=0.3) as trader:
        slow = trader.screen(after_sequence=0, max_hz=20)
        await slow.next()
        quick = trader.screen(max_hz=20)
        await quick.next()
        for number in range(120):  # more than what a connection holds
            trader.engine.handle(wish(number))
            rig.venue.show(book(TICKER, no_bids=[(40.0 + number % 5, 100.0)], no_asks=[(50.0, 100.0)]))
            write_entries(trader.engine._core, [long_words(10 * number + each) for each in range(10)])
            await rig.clock.advance(0)
            await quick.next()
        await asyncio.sleep(1.0)
        found = await refused(read_on(slow))
        assert (found.code, found.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "STREAM_STALLED")
        await quick.next()


async def test_streams_of_both_kinds_are_counted_together(trader: Served) -> None:
    screens = [trader.screen() for _ in range(8)]
    watches = [trader.watch() for _ in range(8)]
    for screen in screens:
        await screen.next()
    for watch in watches:
        await watch.next()
    found = await refused(trader.stub.WatchState(pb.WatchStateRequest()).read())
    assert (found.code, found.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_STREAMS")
    screens[0].call.cancel()
    await until(lambda: trader.server.in_flight() == 15)
    await trader.screen().next()


def long_words(number: int) -> Notified:
    return Notified(
        notification_id=f"n-{number}",
        urgency=Urgency.QUIET,
        delivery=Delivery.SUPPRESSED,
        title="long",
        text="x" * 4000,
    )


async def read_on(screen: ScreenWatch) -> None:
    """Take what comes, as fast as it comes."""
    while True:
        await screen.call.read()


async def test_what_the_last_scan_made_of_the_markets_is_known_after_a_restart(tmp_path: Path) -> None:
    rig = two()
    with opened(tmp_path / "journal.sqlite", "journal-1") as store:
        rig.journal = store  # type: ignore[assignment]  # both are journals
        async with served(rig) as trader:
            await trader.enter(TICKER)
            before = trader.screen()
            await before.next()
        rig.forecasts.seconds = 1e6  # the next scan begins and says nothing
        async with served(rig) as trader:
            after = trader.screen()
            await after.next()
    for ticker in (TICKER, OTHER):
        old, new = before.kept.row(ticker), after.kept.row(ticker)
        assert (old.scan_id, old.scan_outcome, old.scan_reason) == (new.scan_id, new.scan_outcome, new.scan_reason)
        assert old.signal.magnitude_cents == new.signal.magnitude_cents
        assert old.decision.decision_id == new.decision.decision_id
    assert before.kept.funnel == after.kept.funnel
    fills = [event for event in before.kept.log if event.HasField("fill")]
    assert fills
    assert [event for event in after.kept.log if event.HasField("fill")] == fills
    assert not after.kept.row(OTHER).HasField("no_mark")


async def test_what_is_not_the_traders_is_shown_as_such() -> None:
    rig = two()
    rig.forecasts.markets = rig.markets[:1]
    listed = rig.venue.markets[OTHER]
    listed.net, listed.paid = contracts(-10), Micros(5_500_000)
    async with served(rig) as trader:
        await trader.rig.clock.advance(1)
        screen = trader.screen()
        await screen.next()
        (position,) = screen.kept.positions.values()
        assert (position.market_ticker, position.state) == (OTHER, positions_pb2.POSITION_STATE_FOREIGN)
        assert screen.kept.row(OTHER).no_mark == position.mark
