"""Orders: placed, amended, decreased, cancelled and read.

Every write has three ends. It returns what the exchange did; or it raises, and then nothing was done; or it returns an
`OutcomeUnknown`, and then only a read can tell.
"""

from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import TypeVar

from mesh.kalshi.errors import InvalidOrder, OutcomeUnknown
from mesh.kalshi.rest.filters import known, listed, since, until
from mesh.kalshi.rest.market_wire import Market
from mesh.kalshi.rest.order_terms import NewOrder, NewTerms, OrderRef
from mesh.kalshi.rest.order_wire import (
    Amended,
    Cancelled,
    Decreased,
    DecreaseRequest,
    Order,
    OrderReply,
    OrdersPage,
    Placed,
    QueuePosition,
    QueuePositionReply,
    QueuePositions,
)
from mesh.kalshi.rest.reading import ENTRY, EXIT, RECONCILE, Group, Urgency
from mesh.kalshi.terms import OrderStatus
from mesh.types import Hundredths, count_text

ORDERS = "/portfolio/events/orders"

Done = TypeVar("Done", Cancelled, Decreased)


class Orders(Group):
    """The account's orders."""

    async def place(
        self,
        order: NewOrder,
        market: Market | None = None,
        *,
        urgency: Urgency = ENTRY,
        timeout: float | None = None,
    ) -> Placed | OutcomeUnknown:
        """Place an order.

        Args:
            order: What is wanted.
            market: Its market, whose price grid is then checked before anything is sent.
            urgency: How much it matters, and until when it may wait to be sent.
            timeout: Seconds that the answer may take; None leaves it to the configuration.

        Raises:
            ExchangeError: Nothing was placed. DuplicateClientOrderId says that an earlier order with this id was.
        """
        reply = await self._transport.write(
            "POST",
            ORDERS,
            {},
            order.request(market),
            Placed,
            priority=urgency.priority,
            deadline=urgency.deadline,
            timeout=timeout,
            client_order_id=order.client_order_id,
        )
        if isinstance(reply, Placed) and (why := contradiction(reply, order)):
            return OutcomeUnknown(
                request=f"POST {ORDERS}",
                why=why,
                client_order_id=order.client_order_id,
                order_id=reply.order_id,
            )
        return reply

    async def cancel(
        self, order: OrderRef, *, urgency: Urgency = EXIT, timeout: float | None = None
    ) -> Cancelled | OutcomeUnknown:
        """Cancel what is left of an order.

        Raises:
            ObjectNotFound: It rests no more, or never existed; the exchange does not say which.
            ExchangeError: Another refusal; nothing was cancelled.
        """
        path = f"{ORDERS}/{order.order_id}"
        reply = await self._transport.write(
            "DELETE",
            path,
            {
                "market_ticker": order.market_ticker,
                "exchange_index": order.exchange_index,
                "subaccount": order.subaccount,
            },
            None,
            Cancelled,
            priority=urgency.priority,
            deadline=urgency.deadline,
            timeout=timeout,
            order_id=order.order_id,
        )
        return _about(order, reply, f"DELETE {path}")

    async def cancel_all(
        self, *, subaccount: int | None = None, urgency: Urgency = EXIT, timeout: float | None = None
    ) -> OutcomeUnknown | None:
        """Cancel every resting order on every shard; None once it is done.

        Orders placed within the next minute may be cancelled too.

        Raises:
            ExchangeError: A refusal; nothing was cancelled.
        """
        return await self._transport.write(
            "DELETE",
            ORDERS,
            {"subaccount": subaccount},
            None,
            type(None),
            priority=urgency.priority,
            deadline=urgency.deadline,
            timeout=timeout,
        )

    async def amend(
        self,
        order_id: str,
        terms: NewTerms,
        market: Market | None = None,
        *,
        subaccount: int | None = None,
        urgency: Urgency = ENTRY,
        timeout: float | None = None,
    ) -> Amended | OutcomeUnknown:
        """Give a resting order new terms; it may fill at once.

        Raises:
            ExchangeError: A refusal; the order is as it was.
        """
        return await self._transport.write(
            "POST",
            f"{ORDERS}/{order_id}/amend",
            {"subaccount": subaccount},
            terms.request(market),
            Amended,
            priority=urgency.priority,
            deadline=urgency.deadline,
            timeout=timeout,
            client_order_id=terms.updated_client_order_id or terms.client_order_id,
            order_id=order_id,
        )

    async def decrease(
        self,
        order: OrderRef,
        *,
        by: Hundredths | None = None,
        to: Hundredths | None = None,
        urgency: Urgency = EXIT,
        timeout: float | None = None,
    ) -> Decreased | OutcomeUnknown:
        """Make a resting order smaller, which keeps its place in the queue.

        Args:
            order: Which.
            by: Contracts to take off.
            to: Contracts to leave; zero cancels it. Exactly one of the two.
            urgency: How much it matters.
            timeout: Seconds that the answer may take.

        Raises:
            ExchangeError: A refusal; the order is as it was.
        """
        if (by is None) == (to is None) or (by is not None and by <= 0) or (to is not None and to < 0):
            raise InvalidOrder("a decrease needs one count: by more than zero, or to zero or more")
        body = DecreaseRequest(
            reduce_by=None if by is None else count_text(by),
            reduce_to=None if to is None else count_text(to),
            exchange_index=order.exchange_index,
            market_ticker=order.market_ticker,
        )
        path = f"{ORDERS}/{order.order_id}/decrease"
        reply = await self._transport.write(
            "POST",
            path,
            {"subaccount": order.subaccount},
            body,
            Decreased,
            priority=urgency.priority,
            deadline=urgency.deadline,
            timeout=timeout,
            order_id=order.order_id,
        )
        return _about(order, reply, f"POST {path}")

    async def order(self, order_id: str, *, urgency: Urgency = RECONCILE) -> Order:
        """Return one order. What it says may be some hundred milliseconds old."""
        return (await self._get(f"/portfolio/orders/{order_id}", OrderReply, urgency)).order

    def orders(
        self,
        *,
        ticker: str | None = None,
        event_tickers: Iterable[str] | None = None,
        status: OrderStatus | None = None,
        first: datetime | None = None,
        last: datetime | None = None,
        subaccount: int | None = None,
        exchange_index: int | None = None,
        urgency: Urgency = RECONCILE,
    ) -> AsyncIterator[OrdersPage]:
        """Yield pages of orders, newest first."""
        params = {
            "ticker": ticker,
            "event_ticker": listed(event_tickers),
            "status": known(status),
            "min_ts": since(first),
            "max_ts": until(last),
            "subaccount": subaccount,
            "exchange_index": exchange_index,
        }
        return self._pages("/portfolio/orders", OrdersPage, urgency, params)

    async def find(
        self, client_order_id: str, *, ticker: str | None = None, first: datetime | None = None, urgency: Urgency = EXIT
    ) -> Order | None:
        """Look an order up by its client order id, which resolves an unknown outcome.

        None means that no list shows it yet, not that it was never placed: reads lag. Placing the same order again
        with the same id is safe in both cases, and certain.
        """
        async for page in self.orders(ticker=ticker, first=first, urgency=urgency):
            for order in page.items:
                if order.client_order_id == client_order_id:
                    return order
        return None

    async def queue_position(self, order_id: str, *, urgency: Urgency = RECONCILE) -> Hundredths:
        """Return how many contracts are ahead of a resting order."""
        return (await self._get(f"/portfolio/orders/{order_id}/queue_position", QueuePositionReply, urgency)).count

    async def queue_positions(
        self,
        *,
        market_tickers: Iterable[str] | None = None,
        event_ticker: str | None = None,
        subaccount: int | None = None,
        urgency: Urgency = RECONCILE,
    ) -> tuple[QueuePosition, ...]:
        """Return how many contracts are ahead of each resting order in some markets, or in an event."""
        params = {"market_tickers": listed(market_tickers), "event_ticker": event_ticker, "subaccount": subaccount}
        return (await self._get("/portfolio/orders/queue_positions", QueuePositions, urgency, params)).positions


def _about(order: OrderRef, reply: Done | OutcomeUnknown, request: str) -> Done | OutcomeUnknown:
    """Return an answer that is about this order; about another one, it leaves the order's fate unknown."""
    if reply.order_id == order.order_id:
        return reply
    why = f"answered for another order, {reply.order_id}"
    return OutcomeUnknown(request=request, why=why, order_id=order.order_id)


def contradiction(reply: Placed, order: NewOrder) -> str | None:
    """Say what in an answer cannot be about this order; None if nothing."""
    if reply.client_order_id not in (None, order.client_order_id):
        return f"answered for another order, {reply.client_order_id}"
    if reply.fill_count + reply.remaining_count > order.count:
        return "answered with more contracts than were ordered"
    return None
