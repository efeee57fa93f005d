"""What every form of `trader.ports.Exchange` must do: the same tests, run against each.

A form is tried like this, in a file of its own:

    class TestPaper(ExchangeSuite):
        @pytest.fixture
        async def venue(self) -> AsyncIterator[Venue]:
            async with ...:
                yield PaperVenue(...)

`Venue` is what the tests need of it: the form itself, one market in which nobody else has orders until a test shows
some, an account with a thousand dollars (where the market trades) and no orders, fills or positions, and a clock that
stands still until a test moves it. Each test gets a fresh one. What happens after `place` returned is awaited with
`eventually`, so that a form may take its time; nothing here waits for longer than a busy machine needs.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from mesh.kalshi.fees import DIRECT_PRECISION, charge
from mesh.kalshi.sides import Action
from mesh.kalshi.terms import OrderStatus, Result, TimeInForce
from mesh.types import DOLLAR, Hundredths, Micros, Price, Side, cost
from trader.domain.events import (
    Accepted,
    FillSeen,
    NoOutcome,
    OrderSeen,
    Refused,
)
from trader.domain.facts import MarketTerms, OrderTerms
from trader.domain.views import (
    OrderView,
    Snapshot,
)
from trader.domain.words import EndReason, ExitKind, Purpose
from trader.ports import CancelDone, Exchange

CASH = Micros(1000 * DOLLAR)
PATIENCE = 10.0  # seconds; what has not come by then does not come
LONG = timedelta(hours=1)

T = TypeVar("T")


class Venue(Protocol):
    """One form of exchange, and the world around it."""

    @property
    def exchange(self) -> Exchange:
        """The form itself."""
        ...

    @property
    def market(self) -> MarketTerms:
        """On whole cents, charging takers by the quadratic formula and makers nothing."""
        ...

    @property
    def now(self) -> datetime:
        """The exchange's time, aware UTC."""
        ...

    async def show(self, bids: Mapping[str, str] = {}, asks: Mapping[str, str] = {}) -> None:
        """Make the others' orders these and no others: contracts by YES price, such as `{"0.4000": "10.00"}`.

        The book never crosses itself. When it returns, an order that is placed meets them.
        """
        ...

    async def trade(self, yes_price: str, count: str, *, taker_buys_yes: bool) -> None:
        """Let others trade: somebody takes this many contracts up to this price, from whoever comes first."""
        ...

    async def pass_seconds(self, seconds: float) -> None:
        """Move the exchange's clock; what is due by then has happened when it returns."""
        ...

    async def settle(self, result: Result) -> None:
        """Close the market, determine it, and pay out, all of which has happened when it returns."""
        ...


def no_order(count: str = "1.00", limit: str = "0.6000", **changes: object) -> Callable[[Venue], OrderTerms]:
    """An entry that buys NO at up to this NO price and rests for an hour, unless something else is asked for."""

    def made(venue: Venue) -> OrderTerms:
        market = venue.market
        terms: dict[str, object] = {
            "client_order_id": str(uuid.uuid4()),
            "decision_id": "d-1",
            "leg": 0,
            "position_id": "p-1",
            "ticker": market.ticker,
            "event_ticker": market.event_ticker,
            "series_ticker": market.series_ticker,
            "side": Side.NO,
            "action": Action.BUY,
            "purpose": Purpose.ENTRY,
            "limit": Price.from_dollars(limit),
            "count": Hundredths(round(float(count) * 100)),
            "time_in_force": TimeInForce.GOOD_TILL_CANCELED,
            "expire_time": venue.now + LONG,
        }
        return OrderTerms(**(terms | changes))  # type: ignore[arg-type]  # what tests change they change rightly

    return made


def no_exit(count: str = "1.00", floor: str = "0.0100") -> Callable[[Venue], OrderTerms]:
    """An exit: sells NO at once, at this NO price or better, and never more than is held."""
    return no_order(
        count,
        floor,
        action=Action.SELL,
        purpose=Purpose.EXIT,
        exit_kind=ExitKind.STOP_LOSS,
        time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL,
        expire_time=None,
        reduce_only=True,
    )


async def eventually(read: Callable[[], Awaitable[T]], holds: Callable[[T], bool]) -> T:
    """Read until it holds; fails with what was read last."""
    found = await read()
    try:
        async with asyncio.timeout(PATIENCE):
            while not holds(found):
                await asyncio.sleep(0.005)
                found = await read()
    except TimeoutError:
        raise AssertionError(f"it stays so: {found}") from None
    return found


async def placed(venue: Venue, make: Callable[[Venue], OrderTerms]) -> Accepted:
    """Place an order that is taken."""
    answer = await venue.exchange.place(make(venue), venue.market)
    assert isinstance(answer, Accepted), answer
    return answer


async def ended(venue: Venue, make: Callable[[Venue], OrderTerms]) -> EndReason | None:
    """Place an order that is refused, and say why."""
    answer = await venue.exchange.place(make(venue), venue.market)
    assert isinstance(answer, Refused), answer
    assert not answer.never_left
    return answer.ending.reason


async def the_order(venue: Venue, order_id: str, holds: Callable[[OrderView], bool] = lambda _: True) -> OrderView:
    """Read an order until it is there and as it should be."""

    async def read() -> OrderView | None:
        return await venue.exchange.order(order_id)

    order = await eventually(read, lambda order: order is not None and holds(order))
    assert order is not None
    return order


async def account(venue: Venue, holds: Callable[[Snapshot], bool] = lambda _: True) -> Snapshot:
    """Read the account of the last day until it is as it should be."""
    return await eventually(lambda: venue.exchange.snapshot(venue.now - timedelta(days=1)), holds)


def net(snapshot: Snapshot) -> int:
    """Contracts held, NO below zero."""
    return sum(position.net for position in snapshot.positions)


async def heard(told: AsyncIterator[T], holds: Callable[[T], bool]) -> T:
    """Listen until something is told that holds."""
    async with asyncio.timeout(PATIENCE):
        while not holds(found := await anext(told)):
            pass
    return found


class ExchangeSuite:
    """The tests."""

    async def test_an_order_rests_until_it_is_cancelled(self, venue: Venue) -> None:
        await venue.show(bids={"0.3000": "10.00"}, asks={"0.5000": "10.00"})
        answer = await placed(venue, no_order("3.00", "0.6000"))
        assert (answer.filled, answer.remaining) == (0, 300)
        order = await the_order(venue, answer.order_id)
        assert order.status is OrderStatus.RESTING
        assert (order.book_buys_yes, order.yes_price) == (False, Price(400_000))  # NO at 0.60 is asking 0.40 for YES
        assert (order.count, order.filled, order.remaining) == (300, 0, 300)
        assert await venue.exchange.cancel(answer.order_id, venue.market) == CancelDone(Hundredths(300))
        gone = await the_order(venue, answer.order_id, lambda order: order.status is OrderStatus.CANCELED)
        assert (gone.filled, gone.remaining) == (0, 0)
        assert await venue.exchange.cancel(answer.order_id, venue.market) == CancelDone(None)

    async def test_what_does_not_exist_is_not_found(self, venue: Venue) -> None:
        assert await venue.exchange.order(str(uuid.uuid4())) is None
        assert await venue.exchange.find(str(uuid.uuid4()), venue.market.ticker, venue.now - LONG) is None
        assert await venue.exchange.fills_of(str(uuid.uuid4())) == ()
        assert await venue.exchange.cancel(str(uuid.uuid4()), venue.market) == CancelDone(None)

    async def test_an_immediate_order_takes_what_is_there_and_leaves_nothing(self, venue: Venue) -> None:
        await venue.show(bids={"0.4100": "1.50", "0.4000": "2.00", "0.3900": "50.00"})
        answer = await placed(
            venue, no_order("5.00", "0.6000", time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL, expire_time=None)
        )
        assert (answer.filled, answer.remaining) == (350, 0)
        order = await the_order(venue, answer.order_id, lambda order: order.filled == 350)
        assert (order.status, order.remaining) == (OrderStatus.CANCELED, 0)
        snapshot = await account(venue, lambda snapshot: net(snapshot) == -350)
        assert not [order for order in snapshot.orders if order.status is OrderStatus.RESTING]

    async def test_fills_say_what_was_paid_at_the_makers_prices_with_the_formulas_fee(self, venue: Venue) -> None:
        await venue.show(bids={"0.4100": "1.50", "0.4000": "20.00"})
        answer = await placed(venue, no_order("5.00", "0.6000"))
        assert (answer.filled, answer.remaining) == (500, 0)
        fills = await eventually(
            lambda: venue.exchange.fills_of(answer.order_id),
            lambda fills: sum(fill.count for fill in fills) == 500,
        )
        assert {(fill.side, fill.action, fill.taker, fill.ticker) for fill in fills} == {
            (Side.YES, Action.SELL, True, venue.market.ticker)
        }
        assert sorted((fill.price, fill.count) for fill in fills) == [(400_000, 350), (410_000, 150)]
        assert len({fill.fill_id for fill in fills}) == len(fills)
        carried = Micros(0)
        for fill in sorted(fills, key=lambda fill: -fill.price):  # the best price is met first
            due = charge(
                venue.market.fees,
                price=fill.price,
                count=fill.count,
                buys_yes=False,
                maker=False,
                carried=carried,
                precision=DIRECT_PRECISION,
            )
            assert fill.fee == due.net
            carried = due.carried

    async def test_a_resting_order_that_others_take_is_filled_at_its_own_price(self, venue: Venue) -> None:
        await venue.show(bids={"0.3000": "10.00"})
        answer = await placed(venue, no_order("4.00", "0.6000"))
        await venue.show(bids={"0.3000": "10.00"}, asks={"0.4500": "10.00"})
        await venue.trade("0.4500", "7.00", taker_buys_yes=True)
        fills = await eventually(
            lambda: venue.exchange.fills_of(answer.order_id),
            lambda fills: sum(fill.count for fill in fills) == 400,
        )
        assert {(fill.price, fill.taker) for fill in fills} == {(400_000, False)}
        order = await the_order(venue, answer.order_id, lambda order: order.filled == 400)
        assert order.status is OrderStatus.EXECUTED

    async def test_a_post_only_order_that_would_cross_is_refused_and_leaves_no_trace(self, venue: Venue) -> None:
        await venue.show(bids={"0.4000": "10.00"})
        make = no_order("1.00", "0.6000", post_only=True)
        order = make(venue)
        assert await ended(venue, lambda _: order) is EndReason.POST_ONLY_CROSS
        assert await venue.exchange.find(order.client_order_id, order.ticker, venue.now - LONG) is None
        behind = await placed(venue, no_order("1.00", "0.5900", post_only=True))
        assert (behind.filled, behind.remaining) == (0, 100)

    async def test_an_exit_never_sells_more_than_is_held(self, venue: Venue) -> None:
        await venue.show(bids={"0.4000": "10.00"}, asks={"0.4500": "10.00"})
        await placed(venue, no_order("2.00", "0.6000"))
        answer = await placed(venue, no_exit("5.00", "0.5000"))
        assert (answer.filled, answer.remaining) == (200, 0)
        await account(venue, lambda snapshot: net(snapshot) == 0)
        again = await venue.exchange.place(no_exit("5.00", "0.5000")(venue), venue.market)
        if isinstance(again, Refused):
            assert again.ending.reason is EndReason.REDUCE_ONLY
        else:
            assert isinstance(again, Accepted)
            assert (again.filled, again.remaining) == (0, 0)
        assert net(await account(venue)) == 0

    async def test_an_exit_takes_no_price_below_its_floor(self, venue: Venue) -> None:
        await venue.show(bids={"0.4000": "10.00"}, asks={"0.4500": "1.00", "0.6000": "10.00"})
        await placed(venue, no_order("3.00", "0.6000"))
        answer = await placed(venue, no_exit("3.00", "0.5000"))
        assert (answer.filled, answer.remaining) == (100, 0)

    async def test_the_same_order_again_has_no_outcome_of_its_own_and_changes_nothing(self, venue: Venue) -> None:
        await venue.show(bids={"0.4000": "10.00"})
        order = no_order("1.00", "0.6000")(venue)
        assert isinstance(await venue.exchange.place(order, venue.market), Accepted)
        assert isinstance(await venue.exchange.place(order, venue.market), NoOutcome)
        snapshot = await account(venue, lambda snapshot: net(snapshot) != 0)
        assert net(snapshot) == -100
        assert len(snapshot.orders) == 1

    async def test_an_order_is_found_by_our_own_id(self, venue: Venue) -> None:
        order = no_order("1.00", "0.6000")(venue)
        answer = await placed(venue, lambda _: order)

        async def find() -> OrderView | None:
            return await venue.exchange.find(order.client_order_id, order.ticker, venue.now - LONG)

        found = await eventually(find, lambda found: found is not None)
        assert found is not None
        assert (found.order_id, found.client_order_id) == (answer.order_id, order.client_order_id)
        assert found.expire_time == order.expire_time

    async def test_the_exchange_itself_ends_an_order_at_its_expiry(self, venue: Venue) -> None:
        answer = await placed(
            venue, lambda venue: no_order("2.00", expire_time=venue.now + timedelta(seconds=15))(venue)
        )
        await venue.pass_seconds(14)
        assert (await the_order(venue, answer.order_id)).status is OrderStatus.RESTING
        await venue.pass_seconds(2)
        order = await the_order(venue, answer.order_id, lambda order: order.status is not OrderStatus.RESTING)
        assert (order.status, order.filled, order.remaining) == (OrderStatus.CANCELED, 0, 0)
        assert (await account(venue)).available == CASH

    async def test_more_than_there_is_money_for_is_refused(self, venue: Venue) -> None:
        await venue.show(bids={"0.4000": "5000.00"})
        assert await ended(venue, no_order("2000.00", "0.6000")) is EndReason.INSUFFICIENT_BALANCE
        assert (await account(venue)).orders == ()

    async def test_what_rests_locks_money_that_a_snapshot_still_counts(self, venue: Venue) -> None:
        await placed(venue, no_order("10.00", "0.6000"))
        snapshot = await account(venue, lambda snapshot: len(snapshot.orders) == 1)
        assert snapshot.cash == CASH
        assert snapshot.available == CASH - 6 * DOLLAR
        assert sum(amount for _, amount in snapshot.shards) == snapshot.available

    async def test_a_snapshot_adds_up_from_the_first_order_to_the_settlement(self, venue: Venue) -> None:
        before = await account(venue)
        assert (before.cash, before.available, net(before)) == (CASH, CASH, 0)
        assert (before.orders, before.fills, before.settlements) == ((), (), ())

        await venue.show(bids={"0.4100": "1.50", "0.4000": "20.00"}, asks={"0.4500": "1.00"})
        await placed(venue, no_order("5.00", "0.6000"))
        await placed(venue, no_exit("2.00", "0.5000"))
        await placed(venue, no_order("3.00", "0.5000"))
        held = await account(venue, lambda snapshot: net(snapshot) == -400 and len(snapshot.orders) == 3)
        paid = sum(
            cost(fill.price.complement, fill.count) * (1 if fill.action is Action.SELL else -1) + fill.fee
            for fill in held.fills
        )
        assert held.cash == CASH - paid
        (position,) = held.positions
        assert position.fees == sum(fill.fee for fill in held.fills)
        assert held.as_of <= venue.now

        await venue.settle(Result.NO)
        after = await account(venue, lambda snapshot: len(snapshot.settlements) == 1)
        (settlement,) = after.settlements
        assert (settlement.ticker, settlement.result, settlement.no_count) == (venue.market.ticker, Result.NO, 400)
        assert (settlement.yes_value, settlement.revenue) == (0, 4 * DOLLAR)
        assert after.cash == after.available == CASH - paid + 4 * DOLLAR
        assert net(after) == 0
        assert not [order for order in after.orders if order.status is OrderStatus.RESTING]

    async def test_a_snapshot_leaves_out_what_ended_before_it_was_asked_about(self, venue: Venue) -> None:
        await venue.show(bids={"0.4000": "1.00"})
        await placed(venue, no_order("1.00", "0.6000"))
        resting = await placed(venue, no_order("1.00", "0.6000"))
        await venue.pass_seconds(60)
        snapshot = await venue.exchange.snapshot(venue.now - timedelta(seconds=10))
        assert [order.order_id for order in snapshot.orders] == [resting.order_id]
        assert snapshot.fills == ()
        assert net(snapshot) == -100

    async def test_a_market_that_is_over_takes_no_orders(self, venue: Venue) -> None:
        await venue.settle(Result.YES)
        assert await ended(venue, no_order()) is EndReason.MARKET_CLOSED

    async def test_orders_and_fills_are_told_as_they_happen(self, venue: Venue) -> None:
        await venue.show(bids={"0.3000": "10.00"})
        async with venue.exchange.own() as told:
            assert await heard(told, lambda event: event is None) is None  # whole from here on: compare
            resting = await placed(venue, no_order("4.00", "0.6000"))
            event = await heard(told, lambda event: isinstance(event, OrderSeen))
            assert isinstance(event, OrderSeen)
            assert (event.order.order_id, event.order.status) == (resting.order_id, OrderStatus.RESTING)
            taken = await placed(venue, no_order("2.00", "0.7000"))
            event = await heard(told, lambda event: isinstance(event, FillSeen))
            assert isinstance(event, FillSeen)
            fills = await eventually(lambda: venue.exchange.fills_of(taken.order_id), lambda fills: len(fills) == 1)
            assert event.fill == fills[0]
