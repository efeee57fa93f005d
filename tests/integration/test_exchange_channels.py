"""What the simulated exchange's channels say, to whom, in which order, and what faults make of it."""

from decimal import Decimal
from typing import Any

import pytest

from sim_exchange.fault_rules import DropSocket, Latency, PlainMessageRule
from sim_exchange.stream.session import StreamLimits
from tests.fakes.exchange_stream import Ear, listening, streaming_world
from tests.fakes.exchange_world import FINE, LATER, MILD, WARM, Caller, World, market, order

ORDERS = "/portfolio/events/orders"
Message = dict[str, Any]


class Replica:
    """A book kept from messages alone, on the scale of YES; what it is told must follow without a gap."""

    def __init__(self) -> None:
        self.levels: dict[tuple[str, str], Decimal] = {}
        self.seq = 0
        self.clock = -1

    def hear(self, message: Message) -> None:
        assert message["seq"] == self.seq + 1
        self.seq += 1
        body = message["msg"]
        if message["type"] == "orderbook_snapshot":
            self.levels = {
                (side, price): Decimal(count)
                for side in ("yes", "no")
                for price, count in body.get(f"{side}_dollars_fp", [])
            }
        elif message["type"] == "orderbook_delta":
            assert body["clock"] >= self.clock
            level = body["side"], body["price_dollars"]
            self.levels[level] = self.levels.get(level, Decimal()) + Decimal(body["delta_fp"])
            assert self.levels[level] >= 0
            if not self.levels[level]:
                del self.levels[level]
        self.clock = max(self.clock, body.get("clock", 0))


async def rest_book(caller: Caller, ticker: str) -> dict[tuple[str, str], Decimal]:
    body = (await caller.get(f"/markets/{ticker}/orderbook")).body["orderbook_fp"]
    yes = {("yes", price): Decimal(count) for price, count in body["yes_dollars"]}
    no = {("no", f"{1 - Decimal(price):.4f}"): Decimal(count) for price, count in body["no_dollars"]}
    return yes | no


async def trade_a_little(world: World, alice: Caller, bob: Caller, number: int) -> None:
    price = f"0.{40 + number % 7}00"
    world.book(WARM, bids={"0.3800": f"{5 + number}.00"}, asks={"0.5000": "7.50"})
    placed = (await alice.post(ORDERS, order(price=price, count="3.00"))).body["order_id"]
    await bob.post(ORDERS, order(side="ask", price=price, count="1.25", time_in_force="immediate_or_cancel"))
    if number % 3 == 0:
        await alice.delete(f"{ORDERS}/{placed}")
    if number % 5 == 0:
        await bob.post(ORDERS, order(side="bid", price="0.6000", count="2.00"))


async def test_a_book_kept_from_messages_is_the_book() -> None:
    async with streaming_world() as world:
        alice, bob = world.member("alice"), world.member("bob")
        async with listening(world, bob) as ear:
            await ear.subscribe("orderbook_delta", market_tickers=[WARM], use_yes_price=True)
            replica = Replica()
            for number in range(20):
                await trade_a_little(world, alice, bob, number)
                for message in await ear.settled():
                    replica.hear(message)
                assert replica.levels == await rest_book(alice, WARM)
            assert replica.seq > 40


async def test_own_changes_carry_the_client_order_id_for_the_owner_alone() -> None:
    async with streaming_world() as world:
        alice, bob = world.member("alice"), world.member("bob")
        async with listening(world, alice) as own, listening(world, bob) as other:
            for ear in (own, other):
                await ear.subscribe("orderbook_delta", market_tickers=[WARM])
                await ear.next("orderbook_snapshot")
            await alice.post(ORDERS, order(side="ask", price="0.6000", client_order_id="mine-1"))
            mine, theirs = (await own.next("orderbook_delta"))["msg"], (await other.next("orderbook_delta"))["msg"]
        assert mine.pop("client_order_id") == "mine-1"
        assert mine == theirs
        assert (mine["side"], mine["price_dollars"], mine["delta_fp"]) == ("no", "0.4000", "1.00")


async def test_both_scales_show_the_same_book() -> None:
    async with streaming_world() as world:
        alice = world.member("alice")
        world.book(WARM, bids={"0.4000": "1.00", "0.3900": "2.00"}, asks={"0.4200": "3.00", "0.4500": "4.00"})
        async with listening(world, alice) as plain, listening(world, alice) as yes:
            await plain.subscribe("orderbook_delta", market_tickers=[WARM])
            await yes.subscribe("orderbook_delta", market_tickers=[WARM], use_yes_price=True)
            first, second = (await plain.next())["msg"], (await yes.next())["msg"]
        assert first["yes_dollars_fp"] == second["yes_dollars_fp"] == [["0.3900", "2.00"], ["0.4000", "1.00"]]
        assert first["no_dollars_fp"] == [["0.5500", "4.00"], ["0.5800", "3.00"]]
        assert second["no_dollars_fp"] == [["0.4200", "3.00"], ["0.4500", "4.00"]]
        assert first["clock"] == second["clock"] > 0


async def test_an_empty_side_has_no_key_and_an_untouched_market_clock_zero() -> None:
    async with streaming_world() as world, listening(world, world.member("alice")) as ear:
        await ear.subscribe("orderbook_delta", market_tickers=[MILD])
        body = (await ear.next("orderbook_snapshot"))["msg"]
        assert set(body) == {"market_ticker", "market_id", "clock"}
        assert body["clock"] == 0


async def test_one_command_is_one_clock_and_one_ticker() -> None:
    async with streaming_world() as world:
        alice = world.member("alice")
        world.book(WARM, asks={"0.4200": "1.00", "0.4300": "1.00"})
        async with listening(world, alice) as ear:
            await ear.subscribe("orderbook_delta", "ticker", "trade", market_tickers=[WARM])
            await ear.next("orderbook_snapshot")
            await alice.post(ORDERS, order(price="0.4300", count="3.00"))
            heard = await ear.settled()
        deltas = [message["msg"] for message in heard if message["type"] == "orderbook_delta"]
        assert len(deltas) == 3
        assert len({delta["clock"] for delta in deltas}) == 1
        assert len([message for message in heard if message["type"] == "trade"]) == 2
        [ticker] = [message["msg"] for message in heard if message["type"] == "ticker"]
        assert (ticker["yes_bid_dollars"], ticker["yes_ask_dollars"]) == ("0.4300", "1.0000")
        assert (ticker["volume_fp"], ticker["last_trade_size_fp"]) == ("2.00", "1.00")
        assert (ticker["dollar_volume"], ticker["dollar_open_interest"]) == (1, 1)
        assert ticker["price_dollars"] == "0.4300"


async def test_a_ticker_comes_only_when_something_in_it_changed() -> None:
    async with streaming_world() as world, listening(world, world.member("alice")) as ear:
        world.book(WARM, bids={"0.4000": "5.00"})
        await ear.subscribe("ticker", market_ticker=WARM, send_initial_snapshot=True)
        assert (await ear.next("ticker"))["msg"]["yes_bid_size_fp"] == "5.00"
        world.book(WARM, bids={"0.4000": "6.00"})
        assert (await ear.next("ticker"))["msg"]["yes_bid_size_fp"] == "6.00"
        world.book(WARM, bids={"0.4000": "6.00", "0.3900": "1.00"})
        world.book(MILD, bids={"0.1000": "1.00"})
        assert await ear.settled() == []


async def test_all_tickers_can_begin_with_a_snapshot() -> None:
    async with streaming_world() as world, listening(world, world.member("alice")) as ear:
        await ear.subscribe("ticker", send_initial_snapshot=True)
        heard = {message["msg"]["market_ticker"] for message in await ear.settled()}
        assert heard == {WARM, MILD, FINE}  # those that trade


async def test_markets_can_be_named_by_id_on_the_ticker_channel() -> None:
    async with streaming_world() as world, listening(world, world.member("alice")) as ear:
        warm, mild = (world.exchange.markets[ticker].market_id for ticker in (WARM, MILD))
        [sid] = await ear.subscribe("ticker", market_ids=[warm])
        world.book(WARM, bids={"0.4000": "1.00"})
        world.book(MILD, bids={"0.4000": "1.00"})
        assert [m["msg"]["market_id"] for m in await ear.settled()] == [warm]
        await ear.command("update_subscription", sid=sid, action="add_markets", market_id=mild)
        assert (await ear.next("ok"))["msg"] == {"market_ids": sorted([warm, mild])}
        await ear.command("update_subscription", sid=sid, action="delete_markets", market_ids=[warm])
        assert (await ear.next("ok"))["msg"] == {"market_ids": [mild]}
        world.book(WARM, bids={"0.4000": "2.00"})
        world.book(MILD, bids={"0.4000": "2.00"})
        assert [m["msg"]["market_id"] for m in await ear.settled()] == [mild]


async def test_what_is_private_stays_private() -> None:
    channels = ("fill", "user_orders", "market_positions", "order_group_updates")
    async with streaming_world() as world:
        alice, bob, eve = (world.member(name) for name in ("alice", "bob", "eve"))
        async with listening(world, alice) as ear, listening(world, eve) as wall:
            await ear.subscribe(*channels)
            await wall.subscribe(*channels)
            await alice.post("/portfolio/order_groups/create", {"contracts_limit": 5})
            placed = (await alice.post(ORDERS, order(client_order_id="a", count="2.00"))).body["order_id"]
            await bob.post(ORDERS, order(side="ask", client_order_id="b", time_in_force="immediate_or_cancel"))
            await alice.delete(f"{ORDERS}/{placed}")
            heard = await ear.settled()
            assert await wall.settled() == []
        orders = [m["msg"] for m in heard if m["type"] == "user_order"]
        assert [(o["status"], o["remaining_count_fp"], o.get("last_update_reason")) for o in orders] == [
            ("resting", "2.00", None),
            ("resting", "1.00", "Trade"),
            ("canceled", "0.00", orders[-1].get("last_update_reason")),
        ]
        [fill] = [m["msg"] for m in heard if m["type"] == "fill"]
        assert (fill["client_order_id"], fill["is_taker"], fill["post_position_fp"]) == ("a", False, "1.00")
        [position] = [m["msg"] for m in heard if m["type"] == "market_position"]
        assert (position["position_fp"], position["position_cost_dollars"]) == ("1.00", "0.400000")
        [group] = [m["msg"] for m in heard if m["type"] == "order_group_updates"]
        assert (group["event_type"], group["contracts_limit_fp"]) == ("created", "5.00")
        rest_fill = (await alice.get("/portfolio/fills")).body["fills"][0]
        assert (fill["trade_id"], fill["fee_cost"]) == (rest_fill["trade_id"], rest_fill["fee_cost"])


async def test_subscriptions_are_changed_and_listed() -> None:
    async with streaming_world() as world, listening(world, world.member("alice")) as ear:
        book, trade = await ear.subscribe("orderbook_delta", "trade", market_tickers=[WARM])
        await ear.next("orderbook_snapshot")
        number = await ear.command("update_subscription", sids=[book], action="add_markets", market_tickers=[MILD])
        confirmed = await ear.next("ok")
        assert (confirmed["id"], confirmed["sid"], confirmed["seq"]) == (number, book, 2)
        assert confirmed["msg"] == {"market_tickers": sorted([WARM, MILD])}
        assert (await ear.next("orderbook_snapshot"))["msg"]["market_ticker"] == MILD
        number = await ear.command("update_subscription", sid=book, action="get_snapshot", market_tickers=[WARM, MILD])
        for ticker, seq in ((WARM, 4), (MILD, 5)):
            message = await ear.next("orderbook_snapshot")
            assert (message["id"], message["seq"], message["msg"]["market_ticker"]) == (number, seq, ticker)
        await ear.command("update_subscription", sid=book, action="delete_markets", market_ticker=WARM)
        assert (await ear.next("ok"))["msg"] == {"market_tickers": [MILD]}
        world.book(WARM, bids={"0.4000": "1.00"})
        assert await ear.settled() == []
        number = await ear.command("list_subscriptions")
        rows = [{"channel": "orderbook_delta", "sid": book}, {"channel": "trade", "sid": trade}]
        assert (await ear.next("ok"))["msg"] == rows
        await ear.command("unsubscribe", sids=[trade, 77, book])
        assert (await ear.next("unsubscribed"))["seq"] == 1
        assert (await ear.next("error"))["msg"]["code"] == 7
        assert (await ear.next("unsubscribed"))["seq"] == 7
        world.book(MILD, bids={"0.4000": "1.00"})
        assert await ear.settled() == []


async def test_updates_that_do_not_fit_are_refused() -> None:
    async with streaming_world(StreamLimits(markets=3)) as world, listening(world, world.member("alice")) as ear:
        book, life, fills = await ear.subscribe("orderbook_delta", "market_lifecycle_v2", "fill", market_tickers=[WARM])
        await ear.next("orderbook_snapshot")
        update = "update_subscription"
        assert await ear.refusal(update, sid=9, action="add_markets", market_tickers=[MILD]) == (
            7,
            "Unknown subscription ID",
        )
        assert (await ear.refusal(update, sid=life, action="add_markets", market_tickers=[MILD]))[0] == 13
        assert (await ear.refusal(update, sid=fills, action="get_snapshot", market_tickers=[MILD]))[0] == 13
        assert (await ear.refusal(update, sid=book, action="add_markets"))[0] == 14
        assert (await ear.refusal(update, sid=book, action="get_snapshot", market_tickers=["KX-NO"]))[0] == 11
        assert (await ear.refusal(update, sid=book, action="add_markets", market_tickers=[MILD, FINE]))[0] == 26
        assert (await ear.refusal("subscribe", channels=["trade"], market_tickers=[WARM, MILD]))[0] == 26
        await ear.subscribe("trade")
        assert (await ear.refusal(update, sid=4, action="add_markets", market_tickers=[MILD]))[0] == 11


async def test_another_scale_begins_all_books_anew() -> None:
    async with streaming_world() as world, listening(world, world.member("alice")) as ear:
        world.book(WARM, asks={"0.6000": "1.00"})
        await ear.subscribe("orderbook_delta", market_tickers=[WARM])
        assert (await ear.next())["msg"]["no_dollars_fp"] == [["0.4000", "1.00"]]
        await ear.command("subscribe", channels=["orderbook_delta"], market_tickers=[MILD], use_yes_price=True)
        assert (await ear.next("ok"))["msg"] == {"market_tickers": sorted([MILD, WARM])}
        books = {m["msg"]["market_ticker"]: m["msg"] for m in (await ear.next(), await ear.next())}
        assert books[WARM]["no_dollars_fp"] == [["0.6000", "1.00"]]


async def test_confirmations_can_leave_out_the_markets() -> None:
    async with streaming_world() as world, listening(world, world.member("alice")) as ear:
        [sid] = await ear.subscribe("ticker", market_tickers=[WARM], skip_ticker_ack=True)
        await ear.command("update_subscription", sid=sid, action="add_markets", market_tickers=[MILD])
        assert (await ear.next("ok"))["msg"] == {}


async def test_a_market_that_comes_later_begins_with_its_book() -> None:
    ticker = "KXHIGHNY-26JUL11-B90.5"
    async with streaming_world() as world, listening(world, world.member("alice")) as ear:
        await ear.subscribe("orderbook_delta", "market_lifecycle_v2", market_tickers=[ticker, LATER])
        assert (await ear.next())["msg"]["market_ticker"] == LATER
        opens = world.exchange.markets[LATER].open_time
        world.exchange.list(market(ticker, opens, world.exchange.markets[LATER].close_time), world.now)
        world.publish()
        assert (await ear.next("market_lifecycle_v2"))["msg"]["event_type"] == "created"
        snapshot = await ear.next("orderbook_snapshot")
        assert (snapshot["seq"], snapshot["msg"]["market_ticker"]) == (2, ticker)


async def test_nothing_is_said_when_a_market_opens_or_closes_by_schedule() -> None:
    async with streaming_world() as world, listening(world, world.member("alice")) as ear:
        await ear.subscribe("market_lifecycle_v2")
        await world.pass_seconds(3 * 3600)
        assert world.exchange.markets[LATER].status.value == "active"
        assert world.exchange.markets[FINE].status.value == "closed"
        assert await ear.settled() == []


async def prices(ear: Ear) -> list[tuple[int, str]]:
    return [(message["seq"], message["msg"]["price_dollars"]) for message in await ear.settled()]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("duplicate_message", [(2, "0.1000"), (3, "0.2000"), (3, "0.2000"), (4, "0.3000"), (5, "0.4000")]),
        ("reorder_messages", [(2, "0.1000"), (4, "0.3000"), (3, "0.2000"), (5, "0.4000")]),
        ("skip_seq", [(2, "0.1000"), (4, "0.3000"), (5, "0.4000")]),
    ],
)
async def test_faults_strike_messages(kind: Any, expected: list[tuple[int, str]]) -> None:
    async with streaming_world() as world, listening(world, world.member("alice")) as ear:
        await ear.subscribe("orderbook_delta", market_tickers=[WARM])
        await ear.next("orderbook_snapshot")
        world.faults.add(PlainMessageRule(kind=kind, channel="orderbook_delta", ticker=WARM, after=1, count=1))
        ladder = {}
        for price in ("0.1000", "0.2000", "0.3000", "0.4000"):
            ladder[price] = "1.00"
            world.book(WARM, bids=ladder)
        assert await prices(ear) == expected
        assert [found.strikes for found in world.faults.counts()] == [1]


async def test_a_socket_is_cut_in_place_of_a_message() -> None:
    async with streaming_world() as world:
        alice, bob = world.member("alice"), world.member("bob")
        world.faults.add(DropSocket(kind="drop_socket", channel="trade", account="alice"))
        async with listening(world, alice) as ear, listening(world, bob) as other:
            await ear.subscribe("trade")
            await other.subscribe("trade")
            await alice.post(ORDERS, order())
            await bob.post(ORDERS, order(side="ask"))
            frame = await ear.socket.receive(10)
            assert (frame.type.name, ear.socket.close_code) == ("CLOSED", 1006)
            assert (await other.next("trade"))["seq"] == 1


async def test_messages_can_be_late_and_keep_their_order() -> None:
    async with streaming_world() as world, listening(world, world.member("alice")) as ear:
        world.faults.add(Latency(kind="latency", seconds=0.2, channel="orderbook_delta", count=2))
        await ear.subscribe("orderbook_delta", market_tickers=[WARM])
        world.book(WARM, bids={"0.4000": "1.00"})
        world.book(WARM, bids={"0.4000": "2.00"})
        assert [(await ear.next())["seq"] for _ in range(3)] == [1, 2, 3]
        assert world.faults.counts()[0].strikes == 2
