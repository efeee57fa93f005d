"""Whatever happens, and however seldom a screen is told of it: what it has is what there is."""

import asyncio
from datetime import timedelta

from foremesh.trader.v1 import trader_service_pb2 as pb
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from mesh.rpc.validation import violations
from tests.fakes.screens import Kept
from tests.fakes.trading import TICKER, book, market
from tests.unit.trader.engine.rig import Rig
from tests.unit.trader.service.served import FACTS
from trader.domain.events import BookCame, Pause, Resume
from trader.domain.facts import Actor
from trader.domain.words import ActorKind
from trader.engine.engine import Engine
from trader.service.screen.log import shown
from trader.service.screen.picture import Picture
from trader.service.screen.stream import Screen

OTHER, LAST = "KXHIGHNY-26NOV23-T61", "KXHIGHNY-26NOV23-B70.5"
ALICE = Actor(kind=ActorKind.CALLER, name="alice", role="operator")

tickers = st.sampled_from((TICKER, OTHER, LAST))
steps = st.one_of(
    st.tuples(st.just("price"), tickers, st.integers(20, 80)),
    st.tuples(st.just("wants"), st.frozensets(tickers)),
    st.tuples(st.just("scanned"), st.frozensets(tickers)),
    st.tuples(st.just("time"), st.sampled_from((0.0, 0.3, 2.0, 31.0))),
    st.tuples(st.just("pause"), st.integers(0, 10**9)),
    st.tuples(st.just("resume"), st.integers(0, 10**9)),
    st.tuples(st.just("look")),
    st.tuples(st.just("other looks")),
)


class Watched:
    """A screen of an engine, without a wire between them."""

    def __init__(self, picture: Picture, **asked: object) -> None:
        self.screen = Screen(picture, FACTS, pb.WatchStateRequest(**asked))  # type: ignore[arg-type]
        self.picture, self.kept = picture, Kept()

    async def begin(self) -> None:
        await self.picture.refresh(within=0.0)
        self.take(pb.WatchStateResponse(snapshot=await self.screen.snapshot()))

    async def look(self) -> None:
        await self.picture.refresh(within=0.0)
        delta = await self.screen.delta()
        if delta is None:
            self.take(pb.WatchStateResponse(heartbeat=self.screen.heartbeat()))
        else:
            self.take(pb.WatchStateResponse(delta=delta))

    def take(self, response: pb.WatchStateResponse) -> None:
        response.instance_id, response.journal_id = "run-1", "journal-1"
        response.as_of_sequence = self.screen.as_of
        response.stream_age.SetInParent()
        assert sound(response)
        self.kept.take(response)


def sound(message: Message) -> bool:
    return violations(message) == []


async def do(rig: Rig, engine: Engine, step: tuple[object, ...]) -> None:
    match step:
        case ("price", str(ticker), int(bid)):
            rig.venue.show(book(ticker, no_bids=[(float(bid), 100.0)], no_asks=[(bid + 2.0, 100.0)]))
            await rig.clock.advance(0)
        case ("wants", frozenset() as wanted):
            rig.forecasts.signals.clear()
            if wanted:
                rig.wants(*wanted)
        case ("scanned", frozenset() as listed):
            rig.forecasts.markets = tuple(each for each in rig.markets if each.ticker in listed)
        case ("time", float(seconds)):
            await rig.clock.advance(seconds)
        case ("pause", int(number)):
            engine.handle(Pause(f"pause-{number}", ALICE, "lunch"))
        case ("resume", int(number)):
            engine.handle(Resume(f"resume-{number}", ALICE, "back", ()))
        case _:
            pass


async def follow(script: list[tuple[object, ...]]) -> None:
    rig = Rig(markets=[market(ticker, closes=timedelta(days=2)) for ticker in (TICKER, OTHER, LAST)])
    async with rig.running() as engine:
        picture = Picture(engine, FACTS, engine.clock.monotonic())
        first, second, some = Watched(picture), Watched(picture), Watched(picture, market_tickers=[OTHER])
        for each in (first, second, some):
            await each.begin()
        began = first.screen.as_of
        for step in script:
            await do(rig, engine, step)
            if step == ("look",):
                await first.look()
            elif step == ("other looks",):
                await second.look()
        await rig.clock.advance(1.0)  # what changes by the clock alone is looked at so often
        later, later_some = Watched(picture), Watched(picture, market_tickers=[OTHER])
        for each in (first, second, some):
            await each.look()
        await later.begin()
        await later_some.begin()
        for each in (first, second):
            assert each.kept.content() == later.kept.content()
            assert each.screen.as_of == later.screen.as_of == engine.journal.last_sequence
        content, other = some.kept.content(), later_some.kept.content()
        assert content == other
        assert {row.market_ticker for row in some.kept.rows()} <= {OTHER}
        written = [each.sequence for each in rig.journal.read(began) if shown(each.entry)]
        heard = [event.sequence for event in first.kept.log if event.sequence > began]
        assert heard == written[len(written) - len(heard) :]
        assert first.kept.skipped == len(written) - len(heard)


@settings(max_examples=40, deadline=None)
@given(st.lists(steps, max_size=15))
def test_changes_applied_to_a_snapshot_make_a_later_snapshot(script: list[tuple[object, ...]]) -> None:
    asyncio.run(follow(script))


def test_a_day_with_everything_in_it() -> None:
    everything = frozenset({TICKER, OTHER, LAST})
    script: list[tuple[object, ...]] = [
        ("wants", everything),
        ("time", 31.0),
        ("look",),
        ("wants", frozenset()),
        ("time", 31.0),
        ("price", TICKER, 80),
        ("price", OTHER, 20),
        ("look",),
        ("time", 31.0),
        ("pause", 1),
        ("other looks",),
        ("time", 2.0),
        ("resume", 1),
        ("scanned", frozenset({OTHER})),
        ("time", 31.0),
        ("look",),
        ("scanned", everything),
        ("time", 31.0),
    ]
    asyncio.run(follow(script))


def test_a_price_that_has_changed_and_was_not_sent_yet_does_not_look_young() -> None:
    async def watch() -> None:
        rig = Rig(markets=[market(TICKER, closes=timedelta(days=2))])
        async with rig.running() as engine:
            await rig.clock.advance(1.0)
            engine.handle(BookCame(book(TICKER)))
            picture = Picture(engine, FACTS, engine.clock.monotonic())
            watched = Watched(picture)
            await watched.begin()
            number = watched.kept.row(TICKER).number
            await rig.clock.advance(2.0)
            engine.handle(BookCame(book(TICKER)))
            await picture.refresh(within=0.0)
            assert [list(each.numbers) for each in watched.screen.heartbeat().confirmed] == [[number]]
            await rig.clock.advance(2.0)
            engine.handle(BookCame(book(TICKER, no_bids=[(30.0, 1.0)])))
            await picture.refresh(within=0.0)
            assert not watched.screen.heartbeat().confirmed
            await watched.look()
            assert watched.kept.row(TICKER).no_mark.bid_price_micros == 300_000
            assert watched.kept.row(TICKER).no_mark.confirmed_age.ToTimedelta() == timedelta()

    asyncio.run(watch())
