"""Adopting a position over a real server: what is held by others becomes the trader's, once, and is sold by it."""

from collections.abc import AsyncIterator
from datetime import timedelta

import grpc
import pytest
from foremesh.trader.v1 import events_pb2, positions_pb2, switches_pb2
from foremesh.trader.v1 import trader_service_pb2 as pb

from mesh.types import Hundredths, Micros
from tests.fakes.questions import refused
from tests.fakes.trading import TICKER, book, market
from tests.fakes.venue import Fault
from tests.unit.trader.engine.rig import Rig
from tests.unit.trader.service.served import Served, served, sound
from trader.domain.entries import Adopted, Differed, PositionOpened, RequestAnswered
from trader.domain.words import Resolution
from trader.engine.core import EngineFailed

OTHER = "KXHIGHNY-26NOV23-T61"
ADOPT = pb.AdoptPositionRequest(
    request_id="r-1",
    reason="bought by hand",
    market_ticker=OTHER,
    take_profit_price_micros=700_000,
    stop_loss_price_micros=400_000,
)
CHEAP = book(OTHER, no_bids=[(38.0, 100.0)], no_asks=[(42.0, 100.0)])


def owned() -> Rig:
    """An account that holds 10 NO of a market which the trader does not scan: 55 cents each, 7 cents of fees."""
    rig = Rig(markets=[market(ticker, closes=timedelta(days=2)) for ticker in (TICKER, OTHER)])
    rig.forecasts.markets = rig.markets[:1]
    listed = rig.venue.markets[OTHER]
    listed.net, listed.paid, listed.fees = Hundredths(-1000), Micros(5_500_000), Micros(70_000)
    return rig


@pytest.fixture
async def trader() -> AsyncIterator[Served]:
    async with served(owned()) as found:
        await found.rig.clock.advance(1)
        yield found


async def test_an_adopted_position_is_the_traders_from_then_on(trader: Served) -> None:
    (foreign,) = (await trader.stub.ListPositions(pb.ListPositionsRequest())).positions
    assert foreign.state == positions_pb2.POSITION_STATE_FOREIGN
    answer = await trader.stub.AdoptPosition(ADOPT)
    sound(answer)
    adopted = answer.adopted
    assert (adopted.count_hundredths, adopted.cost_micros, adopted.entry_fees_micros) == (1000, 5_500_000, 70_000)
    assert (adopted.plan.take_profit_price_micros, adopted.plan.stop_loss_price_micros) == (700_000, 400_000)
    assert (adopted.state, adopted.mark.bid_price_micros) == (positions_pb2.POSITION_STATE_GUARDED, 540_000)
    (listed,) = (await trader.stub.ListPositions(pb.ListPositionsRequest())).positions
    assert (listed.position_id, listed.plan) == (adopted.position_id, adopted.plan)
    entries = list(trader.rig.journal.read(answer.sequence - 1))
    assert [type(recorded.entry).__name__ for recorded in entries[:3]] == [
        "SwitchesChanged",
        "PositionOpened",
        "Adopted",
    ]
    await trader.rig.clock.advance(2)
    assert [notice.title for notice in trader.rig.phone.sent if "adopted" in notice.title]


async def test_its_stop_sells_it_and_the_accounts_books_agree(trader: Served) -> None:
    await trader.stub.AdoptPosition(ADOPT)
    await trader.rig.clock.advance(120)
    reported = len(trader.rig.journal.of(Differed))
    trader.rig.venue.show(CHEAP)
    await trader.rig.clock.advance(180)
    (trade,) = (await trader.stub.ListTrades(pb.ListTradesRequest())).trades
    assert (trade.exit_kind, trade.count_hundredths) == (positions_pb2.EXIT_KIND_STOP_LOSS, 1000)
    assert not trade.HasField("decision_id")
    books, venue = trader.engine.state.books, trader.rig.venue
    assert (venue.held(OTHER), books.expected_cash) == (0, venue.cash)
    assert trade.fees_micros == venue.markets[OTHER].fees, "what its purchase cost in fees is in its trade"
    assert len(trader.rig.journal.of(Differed)) == reported, "nothing differs any more"


async def test_watchers_are_told(trader: Served) -> None:
    watch = trader.watch(after_sequence=0, kinds=[events_pb2.EVENT_KIND_STATE_CHANGE])
    answer = await trader.stub.AdoptPosition(ADOPT)
    event = (await watch.until(answer.sequence))[-1]
    change = event.state_change
    assert (event.sequence, change.kind) == (answer.sequence, events_pb2.STATE_CHANGE_KIND_ADOPTED)
    assert (change.actor.name, change.reason, change.request_id) == ("loopback", "bought by hand", "r-1")
    assert list(change.position_ids) == [answer.adopted.position_id]
    watch.call.cancel()


async def test_a_refusal_changes_nothing_and_is_remembered_too(trader: Served) -> None:
    yes = pb.AdoptPositionRequest(request_id="r-2", market_ticker="KXBTC-26NOV23-B1", hold_to_settlement=True)
    answer = await trader.stub.AdoptPosition(yes)
    sound(answer)
    assert answer.refused.reason == switches_pb2.ADOPTION_REFUSAL_REASON_NO_POSITION
    trader.rig.venue.fail("market", Fault("unavailable"))
    again = await trader.stub.AdoptPosition(yes)
    assert (again.repeated_request, again.refused) == (True, answer.refused)
    assert not trader.rig.journal.of(PositionOpened)


async def test_the_same_wish_again_gets_the_first_answer_after_a_restart_too() -> None:
    rig = owned()
    async with served(rig) as trader:
        await rig.clock.advance(1)
        first = await trader.stub.AdoptPosition(ADOPT)
    async with served(rig) as trader:
        again = await trader.stub.AdoptPosition(ADOPT)
        assert again.repeated_request
        assert (again.sequence, again.adopted) == (first.sequence, first.adopted)
        other = pb.AdoptPositionRequest(request_id="r-1", market_ticker=OTHER, hold_to_settlement=True)
        found = await refused(trader.stub.AdoptPosition(other))
        assert (found.code, found.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "REQUEST_ID_REUSED")
    assert len(rig.journal.of(RequestAnswered)) == len(rig.journal.of(Adopted)) == 1


async def test_an_exchange_that_cannot_be_asked_leaves_the_wish_open(trader: Served) -> None:
    trader.rig.venue.fail("market", Fault("unavailable"))
    found = await refused(trader.stub.AdoptPosition(ADOPT))
    assert (found.code, found.reason) == (grpc.StatusCode.UNAVAILABLE, "EXCHANGE_AWAY")
    answer = await trader.stub.AdoptPosition(ADOPT)
    assert (answer.repeated_request, answer.WhichOneof("outcome")) == (False, "adopted")


async def test_before_the_account_was_read_nothing_is_decided() -> None:
    rig = owned()
    rig.venue.fail("snapshot", *[Fault("unavailable")] * 20)
    async with served(rig) as trader:
        found = await refused(trader.stub.AdoptPosition(ADOPT))
        assert (found.code, found.reason) == (grpc.StatusCode.UNAVAILABLE, "ACCOUNT_NOT_READ")
        assert not rig.journal.of(RequestAnswered)


@pytest.mark.parametrize(
    "levels",
    [
        {"take_profit_price_micros": 400_000, "stop_loss_price_micros": 400_000},
        {"hold_to_settlement": True, "stop_loss_price_micros": 400_000},
        {"take_profit_price_micros": 1_000_000},
    ],
)
async def test_levels_that_contradict_each_other_are_refused_as_input(trader: Served, levels: dict[str, int]) -> None:
    wish = pb.AdoptPositionRequest(request_id="r-1", market_ticker=OTHER, **levels)  # type: ignore[arg-type]  # fields
    assert (await refused(trader.stub.AdoptPosition(wish))).code == grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("written", [False, True], ids=["before it is written", "after it is written"])
async def test_a_death_at_the_write_leaves_it_adopted_or_foreign_and_the_wish_may_be_repeated(written: bool) -> None:
    rig = owned()
    with pytest.raises(ExceptionGroup) as died:
        await _adopt_and_die(rig, written=written)
    assert died.group_contains(EngineFailed)
    rig.journal.lose_from = rig.journal.refuse_from = None
    assert len(rig.journal.of(Adopted)) == len(rig.journal.of(RequestAnswered)) == written
    async with served(rig) as trader:
        await rig.clock.advance(1)
        answer = await trader.stub.AdoptPosition(ADOPT)
        assert answer.repeated_request is written
        await rig.clock.advance(180)
        (position,) = trader.engine.state.books.positions.values()
        assert (position.count, rig.venue.held(OTHER)) == (1000, -1000)
    assert len(rig.journal.of(Adopted)) == 1
    kinds = {entry.resolution for entry in rig.journal.of(Differed)}  # type: ignore[union-attr]  # of that kind
    assert kinds == {Resolution.LEFT_ALONE}


async def _adopt_and_die(rig: Rig, *, written: bool) -> None:
    async with served(rig) as trader:
        await rig.clock.advance(1)
        number = rig.journal.appends + 1  # the adoption is the next thing that is written
        if written:
            rig.journal.lose_from = number
        else:
            rig.journal.refuse_from = number
        await refused(trader.stub.AdoptPosition(ADOPT))
