"""Orders over a real line on bad days: lost replies, pauses, budgets, clocks, the kill switch, a broken stream."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from mesh.clock import SystemClock
from mesh.kalshi.config import KalshiConfig
from mesh.kalshi.errors import ExchangeError, ExchangePaused, WrongKey
from mesh.kalshi.fees import FeeTerms
from mesh.kalshi.grid import GRIDS
from mesh.kalshi.stream.streaming import streaming
from mesh.kalshi.terms import FeeType, OrderStatus
from mesh.kalshi.transport.buckets import Rate
from mesh.kalshi.transport.limits import Limits
from mesh.types import Hundredths, Side
from sim_exchange.domain.results import PauseScope
from sim_exchange.fault_rules import DropSocket, PlainRequestRule, ServerError
from sim_exchange.quirks import Quirks
from tests.fakes.exchange_keys import Signer
from tests.fakes.exchange_world import FINE
from tests.fakes.kalshi_calls import serving, talking
from tests.integration.trader.exchange_suite import account, ended, heard, no_exit, no_order, placed, the_order
from tests.integration.trader.kalshi_venue import KalshiVenue, fast_limits, kalshi_venue, key_config
from trader.domain.events import Accepted, FillSeen, NoOutcome, OrderSeen, Refused
from trader.domain.facts import MarketTerms, OrderTerms
from trader.domain.words import EndReason, Purpose
from trader.exchange.account import read_account
from trader.exchange.groups import OrderGroups
from trader.exchange.kalshi import KalshiExchange
from trader.exchange.reaching import reaching
from trader.ports import CancelDone

ORDERS = "*/portfolio/events/orders*"
LIMIT = Hundredths(500)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SOMEWHERE = MarketTerms(
    ticker="KXHIGHNY-26NOV23-T60",
    event_ticker="KXHIGHNY-26NOV23",
    series_ticker="KXHIGHNY",
    title="",
    close_time=NOON + timedelta(hours=12),
    bands=GRIDS["linear_cent"],
    fees=FeeTerms(FeeType.QUADRATIC),
    exchange_index=0,
)


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[KalshiVenue]:
    async with kalshi_venue(tmp_path) as venue:
        yield venue


def an_order(**changes: Any) -> OrderTerms:
    """An order where there is no venue."""

    class _There:
        market = SOMEWHERE
        now = NOON

    return no_order(**changes)(_There())  # type: ignore[arg-type]  # all that it reads of a venue


async def test_an_order_whose_reply_is_lost_has_no_outcome_until_it_is_found(venue: KalshiVenue) -> None:
    venue.world.faults.add(PlainRequestRule(kind="reply_lost", method="POST", path=ORDERS, count=1))
    order = no_order("1.00")(venue)
    assert isinstance(await venue.exchange.place(order, venue.market), NoOutcome)
    found = await venue.exchange.find(order.client_order_id, order.ticker, venue.now)
    assert found is not None
    assert found.status is OrderStatus.RESTING


async def test_an_order_answered_with_a_server_error_has_no_outcome_and_is_not_sent_again(venue: KalshiVenue) -> None:
    name = venue.world.faults.add(ServerError(kind="server_error", method="POST", path=ORDERS, status=503))
    assert isinstance(await venue.exchange.place(no_order("1.00")(venue), venue.market), NoOutcome)
    (count,) = [each for each in venue.world.faults.counts() if each.rule.name == name]
    assert count.strikes == 1
    assert (await account(venue)).orders == ()


async def test_a_cancellation_whose_reply_is_lost_has_no_outcome(venue: KalshiVenue) -> None:
    resting = await placed(venue, no_order("1.00"))
    venue.world.faults.add(PlainRequestRule(kind="reply_lost", method="DELETE", path=ORDERS, count=1))
    assert isinstance(await venue.exchange.cancel(resting.order_id, venue.market), NoOutcome)
    assert await venue.exchange.cancel(resting.order_id, venue.market) == CancelDone(None)


async def test_what_finds_no_connection_never_left(tmp_path: Path) -> None:
    async def nothing(_: web.Request) -> web.Response:
        return web.Response()

    async with serving(nothing) as gone:
        pass
    async with reaching(key_config(gone, tmp_path, Signer.ed25519()), SystemClock(), limits=fast_limits()) as kalshi:
        assert kalshi.exchange is not None
        answer = await kalshi.exchange.place(an_order(), SOMEWHERE)
    assert isinstance(answer, Refused)
    assert (answer.never_left, answer.ending.reason) == (True, EndReason.NEVER_LEFT)


async def test_what_has_no_budget_never_left(tmp_path: Path) -> None:
    limits = Limits(SystemClock(), write=Rate(0.001, 100))
    limits.write.throttled(SystemClock().monotonic(), 60.0)
    config = key_config("http://127.0.0.1:9", tmp_path, Signer.ed25519())
    async with reaching(config, SystemClock(), limits=limits) as kalshi:
        assert kalshi.exchange is not None
        answer = await kalshi.exchange.place(an_order(), SOMEWHERE)
    assert isinstance(answer, Refused)
    assert answer.never_left


@pytest.mark.parametrize("scope", [PauseScope.TRADING, PauseScope.EXCHANGE])
async def test_a_pause_refuses_orders_and_an_exchange_pause_cancellations_too(
    venue: KalshiVenue, scope: PauseScope
) -> None:
    resting = await placed(venue, no_exit_that_rests())
    venue.world.exchange.pause(scope, 0, venue.now)
    assert await ended(venue, no_order()) is EndReason.PAUSE
    if scope is PauseScope.TRADING:
        assert await venue.exchange.cancel(resting.order_id, venue.market) == CancelDone(Hundredths(100))
    else:
        with pytest.raises(ExchangePaused):
            await venue.exchange.cancel(resting.order_id, venue.market)


def no_exit_that_rests() -> Any:
    """A take-profit on the book; nothing has to be held for it to rest."""
    return no_order("1.00", "0.8000", purpose=Purpose.EXIT, expire_time=None, post_only=True)


async def test_a_pause_ends_entries_that_rest_and_leaves_targets_that_rest(venue: KalshiVenue) -> None:
    entry, target = await placed(venue, no_order("1.00", "0.2000")), await placed(venue, no_exit_that_rests())
    venue.world.exchange.pause(PauseScope.TRADING, 0, venue.now)
    assert (await the_order(venue, entry.order_id)).status is OrderStatus.CANCELED
    assert (await the_order(venue, target.order_id)).status is OrderStatus.RESTING


async def test_a_price_off_the_grid_and_an_unknown_market_are_refused_for_good(venue: KalshiVenue) -> None:
    assert await ended(venue, no_order("1.00", "0.6050")) is EndReason.REFUSED
    assert await ended(venue, no_order(ticker="KXHIGHNY-26JUL10-NONE")) is EndReason.MARKET_CLOSED


async def test_the_kill_switch_at_the_exchange_ends_entries_and_never_exits(venue: KalshiVenue) -> None:
    await venue.show(bids={"0.4000": "50.00"}, asks={"0.4500": "50.00"})
    await venue.exchange.groups.prepare(LIMIT)
    await placed(venue, no_order("2.00", "0.6000"))
    resting = await placed(venue, no_order("1.00", "0.5000"))
    await venue.exchange.groups.trigger()
    assert (await the_order(venue, resting.order_id)).status is OrderStatus.CANCELED
    assert await ended(venue, no_order("1.00", "0.5000")) is EndReason.ORDER_GROUP
    assert (await placed(venue, no_exit("2.00", "0.5000"))).filled == 200
    await venue.exchange.groups.reset()
    assert isinstance(await venue.exchange.place(no_order("1.00", "0.5000")(venue), venue.market), Accepted)


async def test_a_runaway_of_entries_is_stopped_by_the_exchange(venue: KalshiVenue) -> None:
    await venue.show(bids={"0.4000": "50.00"})
    await venue.exchange.groups.prepare(LIMIT)
    answers = [await venue.exchange.place(no_order("2.00", "0.6000")(venue), venue.market) for _ in range(5)]
    assert [isinstance(answer, Accepted) for answer in answers] == [True, True, True, False, False]


async def test_order_groups_are_found_again_and_one_that_was_triggered_stays_so(venue: KalshiVenue) -> None:
    await venue.exchange.groups.prepare(LIMIT)
    before = await venue.kalshi.client.order_groups.groups()
    await venue.exchange.groups.trigger()
    again = OrderGroups(venue.kalshi.client)
    await again.prepare(LIMIT)
    assert again.on(0) == venue.exchange.groups.on(0)
    assert len(await venue.kalshi.client.order_groups.groups()) == len(before) == len(venue.world.exchange.shards)
    assert await ended(venue, no_order()) is EndReason.ORDER_GROUP


async def test_an_entry_where_no_kill_switch_is_never_leaves(venue: KalshiVenue) -> None:
    await venue.exchange.groups.prepare(LIMIT)
    answer = await venue.exchange.place(no_order(exchange_index=99)(venue), venue.market)
    assert isinstance(answer, Refused)
    assert answer.never_left


async def test_a_kill_switch_that_could_not_be_prepared_lets_no_entry_pass(venue: KalshiVenue) -> None:
    venue.world.exchange.pause(PauseScope.EXCHANGE, 0, venue.now)
    with pytest.raises(ExchangeError):
        await venue.exchange.groups.prepare(LIMIT)
    venue.world.exchange.resume(PauseScope.EXCHANGE, 0, venue.now)
    answer = await venue.exchange.place(no_order()(venue), venue.market)
    assert isinstance(answer, Refused)
    assert answer.never_left
    with pytest.raises(ExchangeError):
        await venue.exchange.groups.trigger()
    await venue.exchange.groups.prepare(LIMIT)
    assert isinstance(await venue.exchange.place(no_order()(venue), venue.market), Accepted)


async def test_a_group_that_is_gone_refuses_entries(venue: KalshiVenue) -> None:
    await venue.exchange.groups.prepare(LIMIT)
    group = venue.exchange.groups.on(0)
    assert group is not None
    await venue.kalshi.client.order_groups.delete(group, exchange_index=0)
    assert await ended(venue, no_order()) is EndReason.ORDER_GROUP


async def test_orders_of_a_market_on_another_shard_are_placed_and_cancelled_there(tmp_path: Path) -> None:
    async with kalshi_venue(tmp_path, ticker=FINE) as venue:
        venue.world.member("alice")
        assert venue.market.exchange_index == 2
        assert await ended(venue, no_order(limit="0.6000")) is EndReason.INSUFFICIENT_BALANCE
        venue.world.exchange.transfer(venue.member.account_id, 0, 2, 10_000_000, venue.now)  # type: ignore[arg-type]
        await venue.exchange.groups.prepare(LIMIT)
        resting = await placed(venue, no_order("1.00", "0.6000"))
        snapshot = await account(venue)
        assert dict(snapshot.shards)[2] == 10_000_000 - 600_000
        assert snapshot.cash == venue.cash == 1_000_000_000
        assert await venue.exchange.cancel(resting.order_id, venue.market) == CancelDone(Hundredths(100))


async def test_a_snapshot_says_how_far_the_exchanges_reads_lag(tmp_path: Path) -> None:
    async with kalshi_venue(tmp_path, quirks=Quirks(read_lag_seconds=30)) as venue:
        answer = await placed(venue, no_order("1.00"))
        snapshot = await venue.exchange.snapshot(venue.now - timedelta(days=1))
        assert snapshot.orders == ()
        assert snapshot.as_of == venue.now - timedelta(seconds=30)
        assert await venue.exchange.order(answer.order_id) is None


async def test_a_snapshot_since_long_ago_has_what_the_exchange_has_archived_meanwhile(venue: KalshiVenue) -> None:
    await venue.show(bids={"0.4500": "10.00"})
    bought = await placed(venue, no_order("4.00"))
    later = venue.now + timedelta(days=1)
    venue.world.archive.move(trades_created=later, orders_updated=later)
    whole = await venue.exchange.snapshot(venue.now - timedelta(days=30))
    assert [order.order_id for order in whole.orders] == [bought.order_id]
    assert [fill.order_id for fill in whole.fills] == [bought.order_id]


async def test_a_snapshot_that_cannot_be_read_to_its_end_says_why(venue: KalshiVenue) -> None:
    venue.world.faults.add(PlainRequestRule(kind="no_body_object", path="*/portfolio/fills"))
    with pytest.raises(ExchangeError):
        await venue.exchange.snapshot(venue.now)


async def test_without_a_key_there_is_no_account(tmp_path: Path) -> None:
    async with kalshi_venue(tmp_path) as venue:
        config = KalshiConfig(environment="custom", host=venue.world.url, unauthenticated_per_second=100)
        async with reaching(config, venue.world.clock) as kalshi:
            assert kalshi.exchange is None
            with pytest.raises(WrongKey):
                await read_account(kalshi.client, venue.now, venue.world.clock)


async def test_instants_are_translated_where_the_clocks_differ(tmp_path: Path) -> None:
    """The exchange's clock is 100 s ahead: what we call noon, it calls 12:01:40."""
    bodies: list[Any] = []
    ahead = timedelta(seconds=100)
    asked: dict[str, str] = {}

    async def answer(request: web.Request) -> web.Response:
        path = request.path.removeprefix("/trade-api/v2")
        asked.update({f"{path} {name}": value for name, value in request.query.items()})
        empty: dict[str, Any] = {"cursor": ""}
        replies: dict[str, Any] = {
            "/exchange/user_data_timestamp": {"as_of_time": (NOON + ahead).isoformat()},
            "/portfolio/orders": empty | {"orders": []},
            "/portfolio/fills": empty | {"fills": []},
            "/portfolio/settlements": empty | {"settlements": []},
            "/portfolio/positions": empty | {"market_positions": [], "event_positions": []},
            "/portfolio/balance": {"balance_dollars": "1.0000", "portfolio_value": 0, "updated_ts": 1},
        }
        if request.method == "POST":
            bodies.append(await request.json())
            replies[path] = {"order_id": "O", "fill_count": "0.00", "remaining_count": "1.00", "ts_ms": 1}
        date = format_datetime(SystemClock().now() + ahead, usegmt=True)
        return web.json_response(replies[path], headers={"Date": date})

    async with talking(answer) as client:
        config = key_config("http://127.0.0.1:9", tmp_path, Signer.ed25519())
        async with (
            reaching(config, SystemClock()) as somewhere,
            streaming(config, somewhere.client.transport.sender) as stream,
        ):
            exchange = KalshiExchange(client, stream, SystemClock())
            snapshot = await exchange.snapshot(NOON)
            assert isinstance(await exchange.place(an_order(expire_time=NOON), SOMEWHERE), Accepted)
    assert abs(bodies[0]["expiration_time"] - (NOON + ahead).timestamp()) <= 2
    assert abs(int(asked["/portfolio/fills min_ts"]) - (NOON + ahead).timestamp()) <= 4
    offset = client.transport.sender.server_clock.offset_seconds
    assert offset is not None
    assert abs(offset - 100) <= 2
    assert abs(snapshot.as_of - NOON) <= timedelta(seconds=2)


async def test_a_broken_stream_is_told_once_and_once_more_when_it_is_whole(venue: KalshiVenue) -> None:
    async with venue.exchange.own() as told:
        assert await anext(told) is None
        venue.world.faults.add(DropSocket(kind="drop_socket", channel="user_orders", count=1))
        missed = await placed(venue, no_order("1.00"))
        assert [await anext(told), await anext(told)] == [None, None]
        assert [order.order_id for order in (await account(venue)).orders] == [missed.order_id]
        later = await placed(venue, no_order("1.00"))
        event = await anext(told)
        assert isinstance(event, OrderSeen)
        assert event.order.order_id == later.order_id


async def test_a_fill_of_an_exit_is_told_as_buying_yes(venue: KalshiVenue) -> None:
    await venue.show(bids={"0.4000": "5.00"}, asks={"0.4500": "5.00"})
    async with venue.exchange.own() as told:
        await placed(venue, no_order("1.00", "0.6000"))
        await placed(venue, no_exit("1.00", "0.5000"))
        fills = [await heard(told, lambda event: isinstance(event, FillSeen)) for _ in range(2)]
    assert [(event.fill.side, event.fill.action.value) for event in fills if isinstance(event, FillSeen)] == [
        (Side.YES, "sell"),
        (Side.YES, "buy"),
    ]
