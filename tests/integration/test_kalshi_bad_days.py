"""The client on bad days: the simulated exchange with its faults, and servers whose answers cannot be right."""

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import TypeAdapter

from mesh.clock import Clock, SystemClock
from mesh.kalshi.client import KalshiClient, connect
from mesh.kalshi.config import KalshiConfig
from mesh.kalshi.errors import (
    ClockSkewed,
    DuplicateClientOrderId,
    ExchangeError,
    ExchangePaused,
    ExchangeUnavailable,
    InsufficientBalance,
    InvalidOrder,
    InvalidPrice,
    ObjectNotFound,
    OutcomeUnknown,
    OutOfTime,
    RateLimited,
    TradingPaused,
    UnexpectedReply,
)
from mesh.kalshi.rest.order_terms import NewOrder, NewTerms, OrderRef
from mesh.kalshi.rest.order_wire import Cancelled, Placed
from mesh.kalshi.rest.pages import gather
from mesh.kalshi.rest.reading import Urgency
from mesh.kalshi.sides import Quote
from mesh.kalshi.terms import BookSide, MarketFilter, OrderStatus, TimeInForce
from mesh.kalshi.transport.buckets import Priority, Rate
from mesh.kalshi.transport.limits import Limits
from mesh.types import CONTRACT, Hundredths, Price
from sim_exchange.faults import FaultRule
from tests.fakes.exchange_keys import Signer
from tests.fakes.exchange_world import MILD, WARM, World, exchange_world
from tests.fakes.kalshi_calls import FAST, talking
from tests.integration.test_kalshi_client import market

ANY_RULE: TypeAdapter[FaultRule] = TypeAdapter(FaultRule)
ORDERS = "*/portfolio/events/orders*"
READS = "*/portfolio/orders*"


def fault(world: World, kind: str, **settings: Any) -> None:
    world.faults.clear()
    world.faults.add(ANY_RULE.validate_python({"kind": kind, "count": 1, **settings}))


def buy(price: int = 400_000, count: int = 100, client_order_id: str | None = None, **changes: Any) -> NewOrder:
    terms: dict[str, Any] = {
        "ticker": WARM,
        "client_order_id": client_order_id or str(uuid.uuid4()),
        "quote": Quote(BookSide.BID, Price(price)),
        "count": Hundredths(count),
        "time_in_force": TimeInForce.GOOD_TILL_CANCELED,
    }
    return NewOrder(**{**terms, **changes})


class Wrong(SystemClock):
    """A machine whose wall clock is off."""

    def __init__(self, seconds: float) -> None:
        self._off = timedelta(seconds=seconds)

    def now(self) -> datetime:
        return super().now() + self._off


@asynccontextmanager
async def member(
    world: World,
    folder: Path,
    *,
    signer: Signer | None = None,
    tier: str = "unlimited",
    clock: Clock | None = None,
    limits: Limits | None = None,
    **settings: Any,
) -> AsyncIterator[KalshiClient]:
    """A client of the simulated exchange with an account there; without pacing unless limits are given."""
    signer, clock = signer or Signer.ed25519(), clock or SystemClock()
    world.member("alice", signer=signer, tier=tier)
    file = folder / f"{signer.key_id}.key"
    file.write_bytes(signer.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    file.chmod(0o600)
    config = KalshiConfig(
        environment="custom",
        host=world.url,
        key_id=signer.key_id,
        private_key_file=file,
        **{"read_seconds": 10.0, "answer_seconds": 5.0, **settings},
    )
    async with connect(config, clock, limits=limits or Limits(clock, read=FAST, write=FAST)) as client:
        yield client


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with exchange_world() as world:
        world.book(WARM, {"0.3800": "10.00"}, {"0.4200": "3.00", "0.4300": "9.00"})
        yield world


# Writes


@pytest.mark.parametrize(
    ("kind", "settings", "happened"),
    [
        ("reply_lost", {}, True),
        ("no_body_object", {}, True),
        ("server_error", {"status": 503, "executed": True}, True),
        ("server_error", {"status": 504}, False),
        ("drop_socket", {}, False),
    ],
)
async def test_an_order_of_unknown_fate_is_found_or_safely_sent_again(
    world: World, tmp_path: Path, kind: str, settings: dict[str, Any], *, happened: bool
) -> None:
    wanted = buy()
    async with member(world, tmp_path) as client:
        fault(world, kind, path=ORDERS, **settings)
        outcome = await client.orders.place(wanted)
        assert isinstance(outcome, OutcomeUnknown)
        assert outcome.client_order_id == wanted.client_order_id
        found = await client.orders.find(wanted.client_order_id)
        assert (found is not None) == happened
        if happened:
            with pytest.raises(DuplicateClientOrderId):
                await client.orders.place(wanted)
        else:
            assert isinstance(await client.orders.place(wanted), Placed)
        assert len(await gather(client.orders.orders())) == 1


@pytest.mark.parametrize(
    ("kind", "settings", "expected"),
    [
        ("too_many_requests", {}, RateLimited),
        ("empty_shard", {}, InsufficientBalance),
        ("pause", {"scope": "trading"}, TradingPaused),
        ("pause", {"scope": "exchange"}, ExchangePaused),
        ("clock_skew", {"seconds": 60}, ClockSkewed),
        ("clock_skew", {"seconds": -60}, ClockSkewed),
    ],
)
async def test_a_refused_order_is_not_there(
    world: World, tmp_path: Path, kind: str, settings: dict[str, Any], expected: type[ExchangeError]
) -> None:
    async with member(world, tmp_path) as client:
        fault(world, kind, path=ORDERS, **settings)
        with pytest.raises(expected):
            await client.orders.place(buy())
        assert await gather(client.orders.orders()) == []


async def test_a_partial_fill_is_told_as_it_is(world: World, tmp_path: Path) -> None:
    async with member(world, tmp_path) as client:
        fault(world, "partial_fill", path=ORDERS, contracts="1.00")
        outcome = await client.orders.place(buy(430_000, 500, time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL))
        assert isinstance(outcome, Placed)
        assert (outcome.fill_count, outcome.remaining_count) == (100, 0)


# Reads


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("reply_lost", {}),
        ("drop_socket", {}),
        ("server_error", {"status": 500}),
        ("server_error", {"status": 503}),
        ("too_many_requests", {}),
    ],
)
async def test_reads_outlast_a_fault(world: World, tmp_path: Path, kind: str, settings: dict[str, Any]) -> None:
    async with member(world, tmp_path) as client:
        fault(world, kind, path=READS, **settings)
        assert await gather(client.orders.orders()) == []
        assert world.faults.counts()[0].strikes == 1


@pytest.mark.parametrize("status", [500, 503, 504])
async def test_the_exchanges_status_is_asked_again_when_the_answer_is_a_failure(
    world: World, tmp_path: Path, status: int
) -> None:
    async with member(world, tmp_path) as client:
        fault(world, "server_error", path="*/exchange/status", status=status)
        assert (await client.exchange.status()).exchange_active


@pytest.mark.parametrize("body", ["<html>503</html>", "", '{"error":{"code":"service_unavailable"}}', "[]", "{}"])
async def test_a_gateways_page_is_no_status_of_the_exchange(body: str) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=503, text=body)

    async with talking(answer) as client:
        with pytest.raises((ExchangeUnavailable, OutOfTime)):
            await client.exchange.status(urgency=Urgency(Priority.SCAN, time.monotonic() + 0.5))
        assert client.transport.limits.read.usage.failed >= 1


async def test_a_paused_exchange_says_so_with_a_503() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"exchange_active": False, "trading_active": False}, status=503)

    async with talking(answer) as client:
        assert not (await client.exchange.status()).exchange_active


async def test_a_page_from_before_the_exchange_does_not_say_that_an_order_is_gone() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=404, text="404 page not found\n")

    async with talking(answer) as client:
        with pytest.raises(UnexpectedReply):
            await client.orders.order("O")
        assert isinstance(await client.orders.cancel(OrderRef(order_id="O")), OutcomeUnknown)


async def test_a_read_is_tried_again_when_a_proxy_gave_up() -> None:
    statuses = [408, 404]

    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"error": {"code": "not_found"}}, status=statuses.pop(0))

    async with talking(answer) as client:
        with pytest.raises(ObjectNotFound):
            await client.orders.order("O")


# Time


@pytest.mark.parametrize("seconds", [-90, 90, -3e7, 3e7])
async def test_a_machine_with_a_wrong_clock_reads_at_once_and_then_trades(
    world: World, tmp_path: Path, seconds: float
) -> None:
    async with member(world, tmp_path, clock=Wrong(seconds)) as client:
        assert await gather(client.orders.orders()) == []
        assert isinstance(await client.orders.place(buy()), Placed)
        assert client.transport.sender.server_clock.offset_seconds == pytest.approx(-seconds, abs=2)


async def test_a_first_order_by_a_wrong_clock_is_refused_and_the_second_stands(world: World, tmp_path: Path) -> None:
    async with member(world, tmp_path, clock=Wrong(60)) as client:
        with pytest.raises(ClockSkewed) as raised:
            await client.orders.place(buy())
        assert raised.value.offset_seconds == pytest.approx(-60, abs=2)
        assert isinstance(await client.orders.place(buy()), Placed)


@pytest.mark.parametrize("seconds", [-60, 60])
async def test_one_confused_answer_of_the_exchange_does_not_last(world: World, tmp_path: Path, seconds: float) -> None:
    async with member(world, tmp_path) as client:
        fault(world, "clock_skew", path=READS, seconds=seconds)
        assert await gather(client.orders.orders()) == []
        assert client.transport.sender.server_clock.offset_seconds == 0.0


async def test_a_clock_that_no_answer_puts_right_is_reported(tmp_path: Path) -> None:
    async with exchange_world() as world, member(world, tmp_path) as client:
        world.faults.add(ANY_RULE.validate_python({"kind": "clock_skew", "seconds": 60, "count": 1, "name": "a"}))
        for number in range(1, 9):  # each answer contradicts the one before
            seconds = 60 if number % 2 == 0 else -60
            rule = {"kind": "clock_skew", "seconds": seconds, "after": number, "count": 1, "name": f"r{number}"}
            world.faults.add(ANY_RULE.validate_python(rule))
        began = time.monotonic()
        with pytest.raises(ClockSkewed):
            await gather(client.orders.orders())
        assert time.monotonic() - began < 5


# Answers that cannot be right


def placed(client_order_id: str | None, order_id: str, **more: Any) -> dict[str, Any]:
    named = {"client_order_id": client_order_id} if client_order_id else {}
    return {**named, "order_id": order_id, "fill_count": "0.00", "remaining_count": "1.00", "ts_ms": 1, **more}


def refused(client_order_id: str | None = None, **error: str) -> dict[str, Any]:
    return {**({"client_order_id": client_order_id} if client_order_id else {}), "error": error}


@pytest.mark.parametrize(
    ("items", "unknown"),
    [
        ([placed("a", "O1"), refused("a", code="invalid_price")], "ab"),
        ([placed("a", "O1"), placed("a", "O2")], "ab"),
        ([placed("a", "O1"), placed("b", "O1")], "ab"),
        ([placed("b", "O1"), placed(None, "O2")], "a"),
        ([refused(code="invalid_price"), placed("a", "O1")], "b"),
        ([placed("a", "O1", error={"code": "invalid_price"}), placed("b", "O2")], "a"),
        ([placed("a", "O1"), refused("b")], "b"),
        ([placed("a", "O1"), refused("b", message="internal server error")], "b"),
        ([placed("a", "O1"), placed("stranger", "O2")], "b"),
        ([placed("a", "O1")], "b"),
        ([], "ab"),
    ],
)
async def test_a_batch_answer_that_contradicts_itself_leaves_fates_unknown(items: list[Any], unknown: str) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"orders": items}, status=201)

    async with talking(answer) as client:
        outcomes = await client.batches.place([buy(client_order_id="a"), buy(client_order_id="b")])
    assert "".join(item.client_order_id or "" for item in outcomes if isinstance(item, OutcomeUnknown)) == unknown


async def test_places_say_nothing_in_a_batch_answer_that_is_out_of_order() -> None:
    async def answer(request: web.Request) -> web.Response:
        items = [placed("b", "O2"), refused(code="invalid_price"), placed(None, "O3")]
        return web.json_response({"orders": items}, status=201)

    async with talking(answer) as client:
        outcomes = await client.batches.place([buy(client_order_id=name) for name in "abc"])
    assert [type(outcome) for outcome in outcomes] == [OutcomeUnknown, Placed, OutcomeUnknown]


@pytest.mark.parametrize(
    ("items", "unknown"),
    [
        ([{"order_id": "O1", "reduced_by": "1.00", "ts_ms": 1}] * 2, ["O1", "O2"]),
        (
            [
                {"order_id": "O1", "reduced_by": "1.00", "ts_ms": 1, "error": {"code": "not_found"}},
                {"order_id": "O2", "reduced_by": "1.00", "ts_ms": 1},
            ],
            ["O1"],
        ),
    ],
)
async def test_a_batch_of_cancels_that_contradicts_itself(items: list[Any], unknown: list[str]) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"orders": items})

    async with talking(answer) as client:
        outcomes = await client.batches.cancel([OrderRef(order_id="O1"), OrderRef(order_id="O2")])
    assert [item.order_id for item in outcomes if isinstance(item, OutcomeUnknown)] == unknown


async def test_an_answer_about_another_order_says_nothing_about_this_one() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"order_id": "O2", "reduced_by": "1.00", "remaining_count": "1.00", "ts_ms": 1})

    async with talking(answer) as client:
        for outcome in (
            await client.orders.cancel(OrderRef(order_id="O1")),
            await client.orders.decrease(OrderRef(order_id="O1"), by=CONTRACT),
        ):
            assert isinstance(outcome, OutcomeUnknown)
            assert outcome.order_id == "O1"


@pytest.mark.parametrize(
    "ranges",
    [
        [],
        [{"start": "0.0000", "end": "1.0000", "step": "0.0000"}],
        [{"start": "0.5000", "end": "0.1000", "step": "0.0100"}],
    ],
)
async def test_a_market_whose_grid_makes_no_sense_takes_no_order(ranges: list[Any]) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"market": market(WARM, price_ranges=ranges)})

    async with talking(answer) as client:
        found = await client.markets.market(WARM)
        with pytest.raises(InvalidPrice):
            await client.orders.place(buy(), found)


async def test_times_without_a_zone_and_unknown_words_are_never_sent() -> None:
    async def answer(request: web.Request) -> web.Response:
        raise AssertionError("something was sent")

    naive = datetime(2026, 7, 10, 12, tzinfo=UTC).replace(tzinfo=None)
    terms = NewTerms(ticker=WARM, quote=Quote(BookSide.BID, Price(10_000)), count=CONTRACT, expiration_time=naive)
    async with talking(answer) as client:
        with pytest.raises(InvalidOrder):
            await client.orders.place(buy(expiration_time=naive))
        with pytest.raises(InvalidOrder):
            await client.orders.amend("O", terms)
        with pytest.raises(ValueError, match="zone"):
            client.portfolio.fills(first=naive)
        with pytest.raises(ValueError, match="unknown"):
            client.orders.orders(status=OrderStatus.UNKNOWN)
        with pytest.raises(ValueError, match="unknown"):
            client.markets.events(status=MarketFilter.UNKNOWN)


# Load


async def test_an_exit_never_waits_behind_slow_reads_for_a_connection() -> None:
    over = asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        if request.method == "GET":
            await over.wait()
        return web.json_response({"order_id": "O", "reduced_by": "1.00", "ts_ms": 1})

    async with talking(answer) as client, asyncio.TaskGroup() as tasks:
        reads = [tasks.create_task(client.markets.market(f"M{number}")) for number in range(150)]
        await asyncio.sleep(0.3)
        began = time.monotonic()
        assert isinstance(await client.orders.cancel(OrderRef(order_id="O")), Cancelled)
        assert time.monotonic() - began < 1
        over.set()
        for read in reads:
            read.cancel()


async def test_after_429s_the_many_come_one_by_one_and_exits_first() -> None:
    seen: list[tuple[float, str]] = []

    async def answer(request: web.Request) -> web.Response:
        now = time.monotonic()
        seen.append((now, request.path.rpartition("/")[2]))
        if now < seen[0][0] + 0.4:
            return web.json_response({"error": "too many requests"}, status=429)
        return web.json_response({"error": {"code": "not_found"}}, status=404)

    async def ask(client: KalshiClient, priority: Priority, number: int) -> None:
        with pytest.raises(ObjectNotFound):
            await client.markets.market(f"{priority.name}-{number}", urgency=Urgency(priority))

    async with talking(answer) as client:
        limits = client.transport.limits
        limits.read.set_account(Rate(200, 100))
        async with asyncio.TaskGroup() as tasks:
            for number in range(30):
                tasks.create_task(ask(client, Priority.EXIT if number % 10 == 9 else Priority.SCAN, number))
        throttled = limits.read.usage.throttled
    after = seen[throttled:]
    assert throttled <= 15  # the first burst, and one or two who asked too early
    assert sum(at < after[0][0] + 0.1 for at, _ in after) <= 5  # 200 tokens a second are 2 requests in 0.1 s
    assert max(place for place, (_, name) in enumerate(after) if name.startswith("EXIT")) <= 4


@pytest.mark.parametrize("tier", ["basic", "advanced"])
async def test_a_client_that_knows_its_limits_uses_them_up_without_a_429(tier: str, tmp_path: Path) -> None:
    seconds = 3.0
    async with exchange_world() as world, member(world, tmp_path, tier=tier, limits=Limits(SystemClock())) as client:
        await client.account.learn_costs()
        await client.account.learn_limits()
        limits = client.transport.limits
        until = time.monotonic() + seconds
        done: Counter[str] = Counter()

        async def trade() -> None:
            while time.monotonic() < until:
                outcome = await client.orders.place(buy(10_000, ticker=MILD))
                assert isinstance(outcome, Placed)
                await client.orders.cancel(OrderRef(order_id=outcome.order_id, market_ticker=MILD))
                await client.batches.place([buy(10_000, ticker=MILD) for _ in range(3)])
                done["trade"] += 1

        async def look() -> None:
            while time.monotonic() < until:
                await client.markets.market(WARM)
                await client.orders.orders(ticker=MILD, first=world.now + timedelta(days=1)).__anext__()

        async def count() -> None:
            while time.monotonic() < until:
                await client.portfolio.balance()

        before = {bucket: bucket.usage.tokens for bucket in (limits.read, limits.write)}
        async with asyncio.TaskGroup() as tasks:
            for _ in range(8):
                tasks.create_task(trade())
                tasks.create_task(look())
            tasks.create_task(count())
        for bucket, spent in before.items():
            assert bucket.usage.tokens - spent >= 0.9 * bucket.rate.per_second * seconds, bucket.name
        assert [bucket.usage.throttled for bucket in (limits.read, limits.write, limits.balance)] == [0, 0, 0]
        assert limits.balance.usage.calls >= 3


async def test_two_processes_that_share_an_account_by_budgets_meet_no_429(tmp_path: Path) -> None:
    signer = Signer.ed25519()
    async with (
        exchange_world() as world,
        member(world, tmp_path, signer=signer, tier="basic", limits=Limits(SystemClock())) as one,
        member(world, tmp_path, signer=signer, tier="basic", limits=Limits(SystemClock())) as other,
    ):
        until = time.monotonic() + 2.5

        async def look(client: KalshiClient) -> None:
            while time.monotonic() < until:
                await client.markets.market(WARM)

        async def cancel(client: KalshiClient) -> None:
            while time.monotonic() < until:
                await client.orders.cancel_all()

        async with asyncio.TaskGroup() as tasks:
            for client in (one, other):
                client.transport.limits.set_budget(read=Rate(100, 100), write=Rate(50, 50))
                for _ in range(5):
                    tasks.create_task(look(client))
                    tasks.create_task(cancel(client))
        for client in (one, other):
            limits = client.transport.limits
            assert (limits.read.usage.throttled, limits.write.usage.throttled) == (0, 0)
            assert limits.read.usage.tokens >= 0.9 * 100 * 2.5
