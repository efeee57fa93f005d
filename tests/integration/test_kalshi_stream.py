"""The client's stream over real sockets: against an exchange that does what a test says, well-behaved or not."""

import asyncio
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import WSMsgType, web

from mesh.clock import ManualClock
from mesh.errors import InvalidInput
from mesh.kalshi.config import KalshiConfig
from mesh.kalshi.errors import (
    ClockSkewed,
    ExchangeUnavailable,
    NoAnswer,
    NotConnected,
    NotPermitted,
    RateLimited,
    WrongKey,
)
from mesh.kalshi.rest.wire import decode
from mesh.kalshi.stream.channels import Channel
from mesh.kalshi.stream.config import StreamConfig
from mesh.kalshi.stream.events import BookSnapshot, BookUpdated, Connected, Disconnected, Gap, Resynced
from mesh.kalshi.stream.streaming import streaming
from mesh.kalshi.transport.transport import connecting
from mesh.types import Hundredths, Price
from tests.fakes.kalshi_stream import PATIENCE, QUICK, Ear, Peer, ScriptedExchange, listening_to, scripted_exchange

BIDS = {"0.4000": "3.00"}
ASKS = {"0.4500": "2.00"}


async def begin(exchange: ScriptedExchange, sid: int = 1) -> Peer:
    """Take a connection and give it the book of A."""
    peer = await exchange.connection()
    await peer.confirm("subscribe", sid=sid)
    await peer.book(sid, 1, bids=BIDS, asks=ASKS)
    return peer


async def until_over(peer: Peer) -> None:
    async with asyncio.timeout(PATIENCE):
        await peer.over.wait()


async def test_a_lost_connection_is_told_and_everything_is_subscribed_to_again(tmp_path: Path) -> None:
    async with scripted_exchange() as exchange, listening_to(exchange.url, tmp_path) as (stream, ear):
        stream.subscribe(Channel.BOOK, ["A"])
        stream.subscribe(Channel.TICKER, ["A"])
        stream.subscribe(Channel.FILLS)
        peer = await exchange.connection()
        for sid in (1, 2, 3):
            await peer.confirm("subscribe", sid=sid)
        await peer.book(1, 1, bids=BIDS, asks=ASKS)
        await ear.next(BookSnapshot)
        assert peer.transport is not None
        peer.transport.abort()

        assert (await ear.next(Gap, channel=Channel.BOOK)).tickers == ("A",)
        assert stream.book("A") is None
        await ear.next(Gap, channel=Channel.TICKER)
        await ear.next(Gap, channel=Channel.FILLS)
        down = await ear.next(Disconnected)
        assert isinstance(down.problem, NoAnswer)
        peer = await exchange.connection()
        await ear.next(Connected)
        commands = [await peer.confirm("subscribe", sid=sid) for sid in (7, 8, 9)]
        assert [command["params"]["channels"][0] for command in commands] == ["orderbook_delta", "ticker", "fill"]
        assert [command["params"].get("market_tickers") for command in commands] == [["A"], ["A"], None]
        assert [command["id"] for command in commands] == [1, 2, 3]
        await ear.next(Resynced, channel=Channel.TICKER, tickers=("A",))
        await ear.next(Resynced, channel=Channel.FILLS)
        await peer.delta(7, 1, "0.4000", "1.00")  # of a book that is not known on this connection
        await peer.book(7, 2, bids={"0.1000": "1.00"})
        snapshot = await ear.next(BookSnapshot)
        assert snapshot.book.bids() == ((Price(100_000), Hundredths(100)),)
        assert not [event for event in ear.heard if isinstance(event, BookUpdated)]
        assert stream.stats.connections == 2


async def test_a_polite_goodbye_is_a_lost_connection_too(tmp_path: Path) -> None:
    async with scripted_exchange() as exchange, listening_to(exchange.url, tmp_path) as (stream, ear):
        stream.subscribe(Channel.BOOK, ["A"])
        peer = await begin(exchange)
        await ear.next(BookSnapshot)
        await peer.socket.close(code=1001)
        await ear.next(Gap, channel=Channel.BOOK)
        down = await ear.next(Disconnected)
        assert "1001" in down.problem.message
        await begin(exchange)
        await ear.next(BookSnapshot)


async def test_a_gap_over_the_wire_is_made_good(tmp_path: Path) -> None:
    async with scripted_exchange() as exchange, listening_to(exchange.url, tmp_path) as (stream, ear):
        stream.subscribe(Channel.BOOK, ["A"])
        peer = await begin(exchange)
        await peer.delta(1, 2, "0.4000", "1.00")
        await peer.delta(1, 2, "0.4000", "1.00")  # twice
        assert (await ear.next(BookUpdated)).book.best_bid() == (Price(400_000), Hundredths(400))
        await peer.delta(1, 4, "0.4000", "1.00")
        await ear.next(Gap, channel=Channel.BOOK)
        command = await peer.command("update_subscription")
        assert command["params"] == {"sids": [1], "action": "get_snapshot", "market_tickers": ["A"]}
        await peer.delta(1, 5, "0.4000", "1.00")
        await peer.book(1, 6, bids={"0.4000": "9.00"}, command_id=command["id"])
        await peer.delta(1, 7, "0.4000", "-9.00")
        assert (await ear.next(BookSnapshot)).book.best_bid() == (Price(400_000), Hundredths(900))
        assert (await ear.next(BookUpdated)).book.best_bid() is None
        assert stream.stats.connections == 1


async def test_junk_on_the_wire_is_survived(tmp_path: Path) -> None:
    async with scripted_exchange() as exchange, listening_to(exchange.url, tmp_path) as (stream, ear):
        stream.subscribe(Channel.FILLS)
        peer = await exchange.connection()
        await peer.confirm("subscribe", sid=1)
        await ear.next(Resynced)
        for kind, frame in ((WSMsgType.TEXT, b"junk"), (WSMsgType.TEXT, b'"\xff"'), (WSMsgType.BINARY, b"\x00\x01")):
            await peer.socket.send_frame(frame, kind)
            await ear.next(Gap, channel=Channel.FILLS)
            await ear.next(Resynced, channel=Channel.FILLS)
        await peer.send("from_the_future", {"a": 1}, sid=9, seq=1)
        await peer.send("error", {"code": 25, "msg": "Subscription buffer overflow"}, sid=1)
        await ear.next(Gap, channel=Channel.FILLS)
        await peer.confirm("subscribe", sid=2)
        await ear.next(Resynced, channel=Channel.FILLS)
        assert stream.stats.connections == 1


async def test_a_message_beyond_all_bounds_ends_the_connection(tmp_path: Path) -> None:
    settings = QUICK.model_copy(update={"message_bytes": 65_536})
    async with scripted_exchange() as exchange, listening_to(exchange.url, tmp_path, settings=settings) as (_, ear):
        peer = await exchange.connection()
        await peer.send("ticker", "x" * 100_000)
        down = await ear.next(Disconnected)
        assert isinstance(down.problem, NoAnswer)
        await exchange.connection()


async def test_silence_is_a_dead_connection(tmp_path: Path) -> None:
    settings = QUICK.model_copy(update={"silence_seconds": 0.6})
    async with scripted_exchange() as exchange, listening_to(exchange.url, tmp_path, settings=settings) as (_, ear):
        peer = await exchange.connection()
        peer.deaf = True
        down = await ear.next(Disconnected)
        assert isinstance(down.problem, NoAnswer)
        assert "silent" in down.problem.message
        assert len(peer.pings) == 1  # it was asked for a sign of life
        await exchange.connection()


async def test_any_frame_is_a_sign_of_life(tmp_path: Path) -> None:
    settings = QUICK.model_copy(update={"silence_seconds": 1.0})
    async with (
        scripted_exchange() as exchange,
        listening_to(exchange.url, tmp_path, settings=settings) as (stream, ear),
    ):
        peer = await exchange.connection()
        peer.deaf = True
        for _ in range(6):
            await peer.socket.ping(b"heartbeat")
            await asyncio.sleep(0.25)
        assert peer.pongs == [b"heartbeat"] * 6
        for _ in range(6):
            await peer.send("from_the_future")
            await asyncio.sleep(0.25)
        peer.deaf, asked = False, len(peer.pings)  # it answers pings, and says nothing else
        await asyncio.sleep(2.0)
        assert len(peer.pings) >= asked + 2
        assert stream.stats.connections == 1
        assert [type(event) for event in ear.heard] == []


async def test_a_command_that_is_not_answered_ends_the_connection(tmp_path: Path) -> None:
    settings = QUICK.model_copy(update={"answer_seconds": 0.5})
    async with (
        scripted_exchange() as exchange,
        listening_to(exchange.url, tmp_path, settings=settings) as (stream, ear),
    ):
        stream.subscribe(Channel.FILLS)
        await (await exchange.connection()).command("subscribe")
        down = await ear.next(Disconnected)
        assert "subscribe" in down.problem.message
        await (await exchange.connection()).confirm("subscribe", sid=1)
        await ear.next(Resynced)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, WrongKey), (403, NotPermitted), (429, RateLimited), (503, ExchangeUnavailable), (500, ExchangeUnavailable)],
)
async def test_a_refused_upgrade_is_named_and_tried_again(tmp_path: Path, status: int, kind: type[Exception]) -> None:
    async with scripted_exchange() as exchange:
        exchange.refusals = [web.Response(status=status, body=b"{}") for _ in range(3)]
        async with listening_to(exchange.url, tmp_path) as (_, ear):
            for _ in range(3):
                down = await ear.next(Disconnected)
                assert type(down.problem) is kind
            await ear.next(Connected)
            assert [type(event) for event in ear.heard] == [Disconnected] * 3 + [Connected]


async def test_a_refusal_that_asks_for_time_is_given_it(tmp_path: Path) -> None:
    async with scripted_exchange() as exchange:
        exchange.refusals = [web.Response(status=429, headers={"Retry-After": "1"})]
        started = asyncio.get_running_loop().time()
        async with listening_to(exchange.url, tmp_path) as (_, ear):
            assert (await ear.next(Disconnected)).retry_seconds >= 1
            await ear.next(Connected)
        assert asyncio.get_running_loop().time() - started >= 1


async def test_a_wrong_clock_is_reported_and_made_up_for(tmp_path: Path) -> None:
    async with scripted_exchange() as exchange:
        exchange.refusals = [web.Response(status=401, headers={"Date": "Fri, 10 Jul 2015 12:00:00 GMT"})]
        async with listening_to(exchange.url, tmp_path) as (_, ear):
            assert type((await ear.next(Disconnected)).problem) is WrongKey  # no exchange lives in 2015
            await ear.next(Connected)
        ahead = datetime(2050, 1, 1, tzinfo=UTC)
        exchange.refusals = [web.Response(status=401, headers={"Date": "Sat, 01 Jan 2050 00:00:00 GMT"})]
        async with listening_to(exchange.url, tmp_path) as (_, ear):
            down = await ear.next(Disconnected)
            assert isinstance(down.problem, ClockSkewed)
            assert down.problem.offset_seconds is not None
            await exchange.connection()
            peer = await exchange.connection()
            stamp = int(peer.headers["KALSHI-ACCESS-TIMESTAMP"]) / 1000
            assert abs(stamp - ahead.timestamp()) < 30


async def test_nobody_at_home_is_tried_again(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with listening_to(f"http://127.0.0.1:{port}", tmp_path) as (_, ear):
        for _ in range(4):
            assert isinstance((await ear.next(Disconnected)).problem, NotConnected)


async def test_a_door_that_stays_shut_is_tried_again(tmp_path: Path) -> None:
    settings = QUICK.model_copy(update={"answer_seconds": 0.3})
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        url = f"http://127.0.0.1:{mute.getsockname()[1]}"
        async with listening_to(url, tmp_path, settings=settings) as (_, ear):
            for _ in range(2):
                assert isinstance((await ear.next(Disconnected)).problem, NotConnected)


async def test_pauses_between_attempts_are_those_of_the_given_clock(tmp_path: Path) -> None:
    clock = ManualClock(datetime.now(UTC))
    async with scripted_exchange() as exchange, listening_to(exchange.url, tmp_path, clock=clock) as (stream, ear):
        peer = await exchange.connection()
        peer.over.set()
        down = await ear.next(Disconnected)
        await asyncio.sleep(down.retry_seconds + 0.3)
        assert stream.stats.connections == 1
        await clock.advance(down.retry_seconds)
        await ear.next(Connected)
        assert stream.stats.connections == 2


async def test_a_slow_consumer_holds_up_nobody_and_sees_the_book_as_it_is(tmp_path: Path) -> None:
    settings = QUICK.model_copy(update={"queued_events": 100})
    async with (
        scripted_exchange() as exchange,
        listening_to(exchange.url, tmp_path, settings=settings) as (stream, ear),
    ):
        quick = Ear(stream.events([Channel.BOOK], queued=100_000))
        stream.subscribe(Channel.BOOK, ["A"])
        peer = await begin(exchange)
        async with asyncio.timeout(30):
            for number in range(20_000):
                await peer.delta(1, 2 + number, "0.3000", "1.00")
        while stream.stats.frames < 20_002 or len(quick.events):
            await quick.any()
        assert len(ear.events) <= 102
        told = [await ear.any() for _ in range(len(ear.events))]
        last = told[-1]
        assert isinstance(last, BookSnapshot)
        assert last.book == stream.book("A")
        assert last.book.yes_bids[Price(300_000)] == 2_000_000
        assert stream.stats.gaps == 0


async def test_somebody_who_comes_later_is_told_what_is(tmp_path: Path) -> None:
    async with scripted_exchange() as exchange, listening_to(exchange.url, tmp_path) as (stream, ear):
        stream.subscribe(Channel.BOOK, ["A"])
        stream.subscribe(Channel.TRADES)
        peer = await begin(exchange)
        await peer.confirm("subscribe", sid=2)
        await ear.next(Resynced, channel=Channel.TRADES)
        if stream.book("A") is None:
            await ear.next(BookSnapshot)
        late = Ear(stream.events())
        assert [type(await late.any()) for _ in range(3)] == [Connected, BookSnapshot, Resynced]
        await peer.delta(1, 2, "0.4000", "1.00")
        assert (await late.next(BookUpdated)).book == (await ear.next(BookUpdated)).book


async def test_a_consumer_that_stops_listening_is_forgotten(tmp_path: Path) -> None:
    async with scripted_exchange() as exchange, listening_to(exchange.url, tmp_path) as (stream, ear):
        await exchange.connection()
        async for event in stream.events():
            assert isinstance(event, Connected)
            break
        await ear.next(Connected)
        assert len(stream._consumers) == 1


async def test_consumers_end_with_the_stream(tmp_path: Path) -> None:
    async with scripted_exchange() as exchange:
        async with listening_to(exchange.url, tmp_path) as (stream, ear):
            peer = await exchange.connection()
            await ear.next(Connected)
        assert [event async for event in ear.events] == []
        assert [event async for event in stream.events()] == []
        await until_over(peer)


async def test_what_goes_wrong_inside_comes_out_as_it_is(tmp_path: Path) -> None:
    async def work(url: str) -> None:
        async with listening_to(url, tmp_path):
            raise KeyError("mine")

    async with scripted_exchange() as exchange:
        with pytest.raises(KeyError, match="mine"):
            await work(exchange.url)


async def test_there_is_no_stream_without_a_key() -> None:
    async with scripted_exchange() as exchange:
        config = KalshiConfig(environment="custom", host=exchange.url)
        async with connecting(config, decode) as transport:
            with pytest.raises(WrongKey):
                async with streaming(config, transport.sender):
                    pass


async def test_wishes_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    async with scripted_exchange() as exchange, listening_to(exchange.url, tmp_path) as (stream, _):
        for channel, tickers in (
            (Channel.BOOK, None),
            (Channel.BOOK, []),
            (Channel.TICKER, "A"),
            (Channel.TICKER, [""]),
            (Channel.LIFECYCLE, ["A"]),
            (Channel.GROUPS, ["A"]),
        ):
            with pytest.raises(InvalidInput):
                stream.subscribe(channel, tickers)
        stream.subscribe(Channel.FILLS)
        with pytest.raises(InvalidInput):
            stream.unsubscribe(Channel.FILLS, ["A"])
        stream.unsubscribe(Channel.TRADES, ["A"])  # was never wanted
        peer = await exchange.connection()
        assert (await peer.command())["params"]["channels"] == ["fill"]
        assert peer.commands_waiting == 0


async def test_wishes_may_change_at_any_time(tmp_path: Path) -> None:
    async with scripted_exchange() as exchange, listening_to(exchange.url, tmp_path) as (stream, ear):
        peer = await exchange.connection()
        await ear.next(Connected)
        stream.subscribe(Channel.TICKER, ["A", "B"])
        stream.subscribe(Channel.TICKER, ["C"])  # while the first is under way
        await peer.confirm("subscribe", sid=1)
        command = await peer.confirm("update_subscription", sid=1, seq=1)
        assert (command["params"]["action"], command["params"]["market_tickers"]) == ("add_markets", ["C"])
        await ear.next(Resynced, channel=Channel.TICKER, tickers=("C",))
        stream.unsubscribe(Channel.TICKER, ["A", "C"])
        command = await peer.confirm("update_subscription", sid=1, seq=2)
        assert (command["params"]["action"], command["params"]["market_tickers"]) == ("delete_markets", ["A", "C"])
        stream.unsubscribe(Channel.TICKER, ["B"])
        await peer.confirm("unsubscribe", sid=1, seq=3)
        stream.subscribe(Channel.TICKER)
        command = await peer.confirm("subscribe", sid=2)
        assert "market_tickers" not in command["params"]
        stream.subscribe(Channel.TICKER, ["A"])  # which is among them all
        await ear.next(Resynced, channel=Channel.TICKER, tickers=None)
        assert peer.commands_waiting == 0
        gone = "it is not subscribed to any more"
        assert [event for event in ear.heard if isinstance(event, Gap)] == [
            Gap(Channel.TICKER, ("A", "C"), gone),
            Gap(Channel.TICKER, None, gone),
        ]


async def test_many_pings_and_commands_do_not_wait_for_a_peer_that_does_not_read(tmp_path: Path) -> None:
    settings = StreamConfig(answer_seconds=30.0)
    async with (
        scripted_exchange() as exchange,
        listening_to(exchange.url, tmp_path, settings=settings) as (stream, ear),
    ):
        peer = await exchange.connection()
        stream.subscribe(Channel.BOOK, ["A"])
        await peer.confirm("subscribe", sid=1)
        assert peer.transport is not None
        peer.transport.pause_reading()
        for _ in range(2000):
            await peer.socket.ping(b"x" * 100)
        await peer.book(1, 1, bids=BIDS)
        await ear.next(BookSnapshot)
