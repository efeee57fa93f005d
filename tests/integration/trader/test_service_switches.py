"""Pause, resume and flatten over a real server: done once for every request, written, and answered."""

from collections.abc import AsyncIterator
from datetime import timedelta

import grpc
import pytest
from foremesh.access.v1 import access_pb2
from foremesh.trader.v1 import orders_pb2, positions_pb2, status_pb2, switches_pb2
from foremesh.trader.v1 import trader_service_pb2 as pb

from tests.fakes.questions import refused
from tests.fakes.trading import TICKER, book, market
from tests.unit.trader.engine.rig import SETTINGS, Rig
from tests.unit.trader.service.served import Served, served, sound
from trader.domain.entries import OrderIntended, RequestAnswered, SwitchesChanged
from trader.domain.settings import EntrySettings
from trader.domain.words import BlockKind, EntryStyle, ExchangeState

OTHER = "KXHIGHNY-26NOV23-T61"
NOBODY = book(no_bids=[])
PAUSE = pb.PauseTradingRequest(request_id="r-1", reason="lunch")
FLATTEN = pb.FlattenPositionsRequest(request_id="r-1", reason="enough")


def two() -> Rig:
    return Rig(markets=[market(ticker, closes=timedelta(days=2)) for ticker in (TICKER, OTHER)])


@pytest.fixture
async def trader() -> AsyncIterator[Served]:
    async with served(two()) as found:
        yield found


async def test_a_pause_blocks_entries_and_names_who_wanted_it(trader: Served) -> None:
    answer = await trader.stub.PauseTrading(PAUSE)
    sound(answer)
    assert answer.state == status_pb2.TRADING_STATE_PAUSED
    assert (answer.block.kind, answer.block.reason, answer.block.liftable) == (
        status_pb2.BLOCK_KIND_PAUSE,
        "lunch",
        True,
    )
    assert (answer.block.actor.kind, answer.block.actor.name) == (status_pb2.ACTOR_KIND_CALLER, "loopback")
    assert answer.block.actor.role == access_pb2.ROLE_OPERATOR
    change = next(iter(trader.rig.journal.read(answer.sequence - 1))).entry
    assert isinstance(change, SwitchesChanged)
    assert change.request_id == "r-1"
    trader.rig.wants()
    await trader.rig.clock.advance(90)
    assert not trader.rig.journal.of(OrderIntended)


async def test_a_pause_names_the_resting_entries_that_it_cancels() -> None:
    rig = Rig(settings=SETTINGS.model_copy(update={"entries": EntrySettings(style=EntryStyle.REST, shadow=False)}))
    async with served(rig) as trader:
        await trader.enter(TICKER)
        (order,) = (await trader.stub.ListOrders(pb.ListOrdersRequest())).orders
        assert order.state == orders_pb2.ORDER_STATE_RESTING
        assert not order.HasField("position_id")
        answer = await trader.stub.PauseTrading(PAUSE)
        sound(answer)
        assert list(answer.cancelling_client_order_ids) == [order.client_order_id]


async def test_a_repeated_request_changes_nothing_and_gets_the_first_answer(trader: Served) -> None:
    await trader.enter(TICKER)
    calls = [
        (trader.stub.PauseTrading, PAUSE),
        (trader.stub.ResumeTrading, pb.ResumeTradingRequest(request_id="r-2")),
        (trader.stub.FlattenPositions, pb.FlattenPositionsRequest(request_id="r-3")),
    ]
    for call, request in calls:
        first = await call(request)  # type: ignore[operator]  # each with its own
        written = trader.engine.journal.last_sequence
        again = await call(request)  # type: ignore[operator]  # each with its own
        sound(again)
        assert trader.engine.journal.last_sequence == written
        assert again.repeated_request
        again.repeated_request = False
        assert again == first


async def test_a_repeated_request_gets_the_first_answer_of_an_earlier_process() -> None:
    rig = two()
    async with served(rig) as trader:
        first = await trader.stub.PauseTrading(PAUSE)
    async with served(rig) as trader:
        again = await trader.stub.PauseTrading(PAUSE)
    assert again.repeated_request
    assert (again.sequence, again.block) == (first.sequence, first.block)
    assert len(rig.journal.of(RequestAnswered)) == 1


async def test_an_id_that_came_before_with_other_content_is_refused(trader: Served) -> None:
    await trader.stub.PauseTrading(PAUSE)
    written = trader.engine.journal.last_sequence
    for call in (
        trader.stub.PauseTrading(pb.PauseTradingRequest(request_id="r-1", reason="dinner")),
        trader.stub.ResumeTrading(pb.ResumeTradingRequest(request_id="r-1", reason="lunch")),
        trader.stub.FlattenPositions(FLATTEN),
    ):
        found = await refused(call)
        assert (found.code, found.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "REQUEST_ID_REUSED")
    assert trader.engine.journal.last_sequence == written


async def test_a_resume_lifts_what_people_set_and_says_what_stays(trader: Served) -> None:
    paused = await trader.stub.PauseTrading(PAUSE)
    trader.rig.venue.state = ExchangeState.TRADING_PAUSED
    await trader.rig.clock.advance(60)
    answer = await trader.stub.ResumeTrading(pb.ResumeTradingRequest(request_id="r-2"))
    sound(answer)
    assert [(each.block_id, each.WhichOneof("outcome")) for each in answer.outcomes] == [
        (paused.block.block_id, "lifted")
    ]
    (left,) = answer.remaining
    assert left.kind == status_pb2.BLOCK_KIND_EXCHANGE_PAUSE
    assert answer.state == status_pb2.TRADING_STATE_HALTED
    named = pb.ResumeTradingRequest(request_id="r-3", block_ids=[left.block_id, "b-nothing"])
    answer = await trader.stub.ResumeTrading(named)
    sound(answer)
    assert [each.kept.reason for each in answer.outcomes] == [
        switches_pb2.BLOCK_REFUSAL_REASON_NOT_LIFTABLE,
        switches_pb2.BLOCK_REFUSAL_REASON_NOT_FOUND,
    ]


async def test_a_flatten_sells_everything_and_says_what_was_begun(trader: Served) -> None:
    await trader.enter(TICKER, OTHER)
    trader.rig.venue.show(book(OTHER, no_bids=[]))
    await trader.rig.clock.advance(1)
    answer = await trader.stub.FlattenPositions(FLATTEN)
    sound(answer)
    begun, waits = answer.outcomes
    assert (begun.market_ticker, begun.WhichOneof("outcome")) == (TICKER, "accepted")
    assert begun.accepted.floor_price_micros == 10_000
    assert begun.accepted.mark.bid_price_micros == 540_000
    assert (waits.market_ticker, waits.WhichOneof("outcome")) == (OTHER, "no_bid")
    assert [(block.kind, block.WhichOneof("scope")) for block in answer.blocks] == [
        (status_pb2.BLOCK_KIND_FLATTEN, None)
    ]
    intended = [entry.order.client_order_id for entry in trader.rig.journal.of(OrderIntended)]  # type: ignore[union-attr]  # of that kind
    assert begun.accepted.client_order_id in intended
    (waiting,) = (await trader.stub.ListPositions(pb.ListPositionsRequest(market_tickers=[OTHER]))).positions
    assert waiting.state == positions_pb2.POSITION_STATE_NO_BID
    await trader.rig.clock.advance(2)
    trader.rig.venue.show(book(OTHER))
    await trader.rig.clock.advance(10)
    kinds = {trade.exit_kind for trade in (await trader.stub.ListTrades(pb.ListTradesRequest())).trades}
    assert kinds == {positions_pb2.EXIT_KIND_FLATTEN}
    assert not trader.engine.state.books.positions


async def test_a_flatten_of_named_markets_leaves_the_others_alone(trader: Served) -> None:
    await trader.enter(TICKER, OTHER)
    request = pb.FlattenPositionsRequest(
        request_id="r-1", market_tickers=[OTHER, "KXBTC-26NOV23-B1"], floor_price_micros=500_000
    )
    answer = await trader.stub.FlattenPositions(request)
    sound(answer)
    sold, nothing = answer.outcomes
    assert (sold.market_ticker, sold.accepted.floor_price_micros) == (OTHER, 500_000)
    assert nothing.refused.reason == switches_pb2.FLATTEN_REFUSAL_REASON_NO_POSITION
    assert [block.market_ticker for block in answer.blocks] == [OTHER, "KXBTC-26NOV23-B1"]
    assert answer.state == status_pb2.TRADING_STATE_RUNNING
    await trader.rig.clock.advance(5)
    (left,) = trader.engine.state.books.positions.values()
    assert (left.market.ticker, left.exit) == (TICKER, None)


async def test_a_flatten_in_a_pause_of_the_exchange_is_not_begun(trader: Served) -> None:
    await trader.enter(TICKER)
    trader.rig.venue.state = ExchangeState.TRADING_PAUSED
    await trader.rig.clock.advance(60)
    answer = await trader.stub.FlattenPositions(FLATTEN)
    sound(answer)
    (outcome,) = answer.outcomes
    assert outcome.refused.reason == switches_pb2.FLATTEN_REFUSAL_REASON_PAUSED
    (position,) = (await trader.stub.ListPositions(pb.ListPositionsRequest())).positions
    assert position.state == positions_pb2.POSITION_STATE_PAUSED


async def test_a_wish_whose_answer_was_not_kept_is_carried_out_again_to_the_same_effect() -> None:
    """The process dies between the wish and the memory of its answer."""
    rig = two()
    async with served(rig) as trader:
        first = await trader.stub.PauseTrading(PAUSE)
        rig.journal.rows = rig.journal.rows[: first.sequence]
    async with served(rig) as trader:
        again = await trader.stub.PauseTrading(PAUSE)
        assert not again.repeated_request
        assert again.block == first.block
        blocks = [block.kind for block in trader.engine.state.books.blocks.values()]
        assert blocks.count(BlockKind.PAUSE) == 1
