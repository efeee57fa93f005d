"""TraderService over a real server: what it tells of an engine that trades."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import grpc
import pytest
from foremesh.trader.v1 import orders_pb2, positions_pb2, status_pb2
from foremesh.trader.v1 import trader_service_pb2 as pb

from tests.fakes.questions import refused
from tests.fakes.trading import NOON, TICKER, book, market
from tests.fakes.venue import Fault
from tests.unit.trader.engine.rig import Rig
from tests.unit.trader.service.served import Served, served, sound
from trader.domain.rules import known_rules

MARKETS = [f"KXHIGHNY-26NOV23-T{number}" for number in (60, 61, 62)]
HIGH = [(80.0, 100.0)]


def three() -> Rig:
    return Rig(markets=[market(ticker, closes=timedelta(days=2)) for ticker in MARKETS])


@pytest.fixture
async def trader() -> AsyncIterator[Served]:
    async with served(three()) as found:
        yield found


async def sold_all(trader: Served) -> None:
    """Let every position reach its target."""
    for ticker in MARKETS:
        trader.rig.venue.show(book(ticker, no_bids=HIGH, no_asks=[(82.0, 100.0)]))
    await trader.rig.clock.advance(10)
    assert not trader.engine.state.books.positions


async def test_the_status_tells_mode_money_links_and_limits(trader: Served) -> None:
    await trader.enter(*MARKETS)
    answer = await trader.stub.GetStatus(pb.GetStatusRequest())
    sound(answer)
    status, books = answer.status, trader.engine.state.books
    assert (answer.instance_id, answer.journal_id, answer.as_of_sequence) == ("run-1", "journal-1", books.sequence)
    assert status.mode == status_pb2.TRADING_MODE_PAPER
    assert status.state == status_pb2.TRADING_STATE_RUNNING
    assert status.exchange_state == status_pb2.EXCHANGE_STATE_OPEN
    assert [link.kind for link in status.links] == list(range(1, 7))
    assert (status.position_count, status.working_order_count) == (3, 0)
    assert status.last_scan.market_count == 3
    stake = sum(position.cost + position.entry_fees for position in books.positions.values())
    assert status.balance.stake_micros == stake
    assert status.balance.available_micros == trader.rig.venue.available
    assert not status.balance.HasField("confirmed_age")
    limits = {limit.rule: limit for limit in status.limits}
    assert limits["total_exposure"].used.micros == stake
    assert limits["contracts_per_market"].used.contracts_hundredths == -trader.rig.venue.held(TICKER)
    shown = [limit.rule for limit in status.limits if limit.rule in known_rules()]
    assert shown == [name for name in known_rules() if name != "stop_distance"]


async def test_the_sum_of_what_positions_would_gain_is_the_statuss(trader: Served) -> None:
    await trader.enter(*MARKETS)
    trader.rig.venue.show(book(MARKETS[1], no_bids=[(60.0, 100.0)]))
    trader.rig.venue.show(book(MARKETS[2], no_bids=[]))
    await trader.rig.clock.advance(1)
    status = (await trader.stub.GetStatus(pb.GetStatusRequest())).status
    positions = (await trader.stub.ListPositions(pb.ListPositionsRequest())).positions
    known = [each.mark.unrealised_micros for each in positions if each.mark.HasField("unrealised_micros")]
    assert len(known) == 2
    assert status.pnl_today.unrealised_micros == status.pnl_total.unrealised_micros == sum(known)
    assert status.pnl_total.unpriced_position_count == 1


async def test_positions_come_with_guard_plan_and_price(trader: Served) -> None:
    held = await trader.enter(TICKER)
    answer = await trader.stub.ListPositions(pb.ListPositionsRequest())
    sound(answer)
    (position,) = answer.positions
    assert (position.market_ticker, position.count_hundredths) == (TICKER, held)
    assert position.state == positions_pb2.POSITION_STATE_GUARDED
    assert position.plan.take_profit_price_micros == 760_000
    assert position.guard.stop_hits_needed == 2
    assert not position.guard.HasField("stop_in_force_micros")  # the time of grace
    assert position.mark.bid_price_micros == 540_000
    assert position.mark.liquidation_micros - position.mark.unrealised_micros == (
        position.cost_micros + position.entry_fees_micros
    )


async def test_a_position_of_whose_orders_nobody_knows_is_uncertain(trader: Served) -> None:
    await trader.enter(TICKER)
    trader.rig.venue.fail("place", Fault("reply_lost"))
    trader.rig.venue.fail("find", *[Fault("unavailable")] * 50)
    trader.rig.venue.fail("snapshot", *[Fault("unavailable")] * 50)
    trader.rig.venue.silent = True
    trader.rig.venue.show(book(no_bids=HIGH, no_asks=[(82.0, 100.0)]))
    await trader.rig.clock.advance(8)
    (position,) = (await trader.stub.ListPositions(pb.ListPositionsRequest())).positions
    assert position.state == positions_pb2.POSITION_STATE_UNCERTAIN
    asked = pb.ListOrdersRequest(states=[orders_pb2.ORDER_STATE_UNKNOWN])
    answer = await trader.stub.ListOrders(asked)
    sound(answer)
    (order,) = answer.orders
    assert not order.HasField("remaining_hundredths")
    status = (await trader.stub.GetStatus(pb.GetStatusRequest())).status
    sound(status)
    assert status.unknown_order_count == 1


async def test_lists_are_paged_without_loss_in_their_order(trader: Served) -> None:
    await trader.enter(*MARKETS)
    await sold_all(trader)
    lists: list[tuple[Any, Any, str]] = [
        (trader.stub.ListOrders, pb.ListOrdersRequest, "orders"),
        (trader.stub.ListTrades, pb.ListTradesRequest, "trades"),
    ]
    for call, request, field in lists:
        whole = await call(request())
        sound(whole)
        items = list(getattr(whole, field))
        assert [item.sequence for item in items] == sorted((item.sequence for item in items), reverse=True)
        found: list[Any] = []
        token = ""
        while token or not found:
            page = await call(request(page_size=2, page_token=token))
            found += getattr(page, field)
            token = page.next_page_token
        assert found == items
        assert not whole.next_page_token


async def test_positions_are_paged_too(trader: Served) -> None:
    await trader.enter(*MARKETS)
    whole = [each.position_id for each in (await trader.stub.ListPositions(pb.ListPositionsRequest())).positions]
    first = await trader.stub.ListPositions(pb.ListPositionsRequest(page_size=2))
    rest = await trader.stub.ListPositions(pb.ListPositionsRequest(page_token=first.next_page_token))
    assert [each.position_id for each in [*first.positions, *rest.positions]] == whole
    assert len(whole) == 3


async def test_a_token_of_another_query_is_refused(trader: Served) -> None:
    await trader.enter(*MARKETS)
    token = (await trader.stub.ListPositions(pb.ListPositionsRequest(page_size=1))).next_page_token
    for wrong in (
        pb.ListPositionsRequest(page_token=token, market_tickers=[TICKER]),
        pb.ListPositionsRequest(page_token="anything"),
        pb.ListPositionsRequest(page_token=token[:-4]),
    ):
        refusal = await refused(trader.stub.ListPositions(wrong))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID")


async def test_filters_leave_out_what_was_not_asked_for(trader: Served) -> None:
    await trader.enter(*MARKETS)
    await sold_all(trader)
    stub, books = trader.stub, trader.engine.state.books

    async def orders(**asked: object) -> int:
        return len((await stub.ListOrders(pb.ListOrdersRequest(**asked))).orders)  # type: ignore[arg-type]  # as given

    async def trades(**asked: object) -> int:
        return len((await stub.ListTrades(pb.ListTradesRequest(**asked))).trades)  # type: ignore[arg-type]  # as given

    name, order = next(iter(books.orders.items()))
    assert await orders() == 6
    assert await orders(market_tickers=[TICKER]) == 2
    assert await orders(states=[orders_pb2.ORDER_STATE_FILLED]) == 6
    assert await orders(states=[orders_pb2.ORDER_STATE_RESTING]) == 0
    assert await orders(client_order_id=name) == 1
    assert await orders(client_order_id="another") == 0
    assert await orders(decision_id=order.terms.decision_id) == 1
    assert await orders(start_time=NOON + timedelta(days=1)) == 0
    assert await orders(end_time=NOON + timedelta(days=1)) == 6
    assert await trades() == 3
    assert await trades(market_tickers=[TICKER]) == 1
    assert await trades(series_tickers=["KXBTC"]) == 0
    assert await trades(exit_kinds=[positions_pb2.EXIT_KIND_TAKE_PROFIT]) == 3
    assert await trades(exit_kinds=[positions_pb2.EXIT_KIND_STOP_LOSS]) == 0
    assert await trades(end_time=NOON) == 0


async def test_profit_is_what_the_trades_come_to(trader: Served) -> None:
    await trader.enter(*MARKETS)
    await sold_all(trader)
    answer = await trader.stub.ListTrades(pb.ListTradesRequest())
    status = (await trader.stub.GetStatus(pb.GetStatusRequest())).status
    sound(status)
    assert status.pnl_total.net_realised_micros == sum(trade.net_micros for trade in answer.trades) > 0
    assert status.pnl_total.unrealised_micros == 0
    assert {trade.exit_slippage_micros <= 0 for trade in answer.trades} == {True}


async def test_a_report_comes_to_what_the_trades_come_to(trader: Served) -> None:
    await trader.enter(*MARKETS)
    await sold_all(trader)
    trades = (await trader.stub.ListTrades(pb.ListTradesRequest())).trades
    answer = await trader.stub.GetReport(pb.GetReportRequest(time_zone="America/New_York"))
    sound(answer)
    assert answer.report.total.net_micros == sum(trade.net_micros for trade in trades)
    assert answer.as_of_sequence == (await trader.stub.GetStatus(pb.GetStatusRequest())).as_of_sequence
    refusal = await refused(trader.stub.GetReport(pb.GetReportRequest(time_zone="Mars/Olympus")))
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT


async def test_before_the_engine_has_begun_only_the_status_is_told() -> None:
    async with served(Rig(), run=False) as trader:
        answer = await trader.stub.GetStatus(pb.GetStatusRequest())
        sound(answer)
        assert answer.status.state == status_pb2.TRADING_STATE_STARTING
        assert not answer.status.HasField("balance")
        for call in (
            trader.stub.ListPositions(pb.ListPositionsRequest()),
            trader.stub.ListOrders(pb.ListOrdersRequest()),
            trader.stub.ListTrades(pb.ListTradesRequest()),
            trader.stub.PauseTrading(pb.PauseTradingRequest(request_id="r-1")),
            trader.stub.WatchEvents(pb.WatchEventsRequest()).read(),
        ):
            refusal = await refused(call)
            assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "STARTING")
