"""Several orders placed or cancelled in one call. Saves round trips, not tokens.

Each order has its own end, as in a call of its own: done, refused, or unknown. The exchange takes or refuses a batch's
tokens as a whole, so a batch is never larger than the account's write bucket.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeAlias, TypeVar

from mesh.kalshi.errors import ExchangeError, InvalidOrder, OutcomeUnknown
from mesh.kalshi.rest.batch_wire import (
    CancelBatchRequest,
    CancelItemRequest,
    CancelledBatch,
    CancelledItem,
    ItemError,
    PlaceBatchRequest,
    PlacedBatch,
    PlacedItem,
)
from mesh.kalshi.rest.market_wire import Market
from mesh.kalshi.rest.order_terms import NewOrder, OrderRef
from mesh.kalshi.rest.order_wire import Cancelled, Placed
from mesh.kalshi.rest.orders import ORDERS, contradiction
from mesh.kalshi.rest.reading import ENTRY, EXIT, Group, Urgency
from mesh.kalshi.transport.refusals import Fault, refusal

_BATCH = f"{ORDERS}/batched"
_PLACING, _CANCELLING = f"POST {_BATCH}", f"DELETE {_BATCH}"
_NOBODY_KNOWS = ("internal", "unavailable", "timeout", "deadline")  # the exchange failed, it did not refuse

PlaceOutcome: TypeAlias = Placed | ExchangeError | OutcomeUnknown
CancelOutcome: TypeAlias = Cancelled | ExchangeError | OutcomeUnknown
K = TypeVar("K")


class OrderBatches(Group):
    """Several orders at once."""

    async def place(
        self,
        orders: Sequence[NewOrder],
        markets: Mapping[str, Market] | None = None,
        *,
        urgency: Urgency = ENTRY,
        timeout: float | None = None,
    ) -> list[PlaceOutcome]:
        """Place orders; the outcomes are in the same sequence, refusals as values.

        Args:
            orders: What is wanted.
            markets: By ticker; the price grids of those that are given are checked before anything is sent.
            urgency: How much it matters.
            timeout: Seconds that the answer may take.

        Raises:
            ExchangeError: The batch was refused as a whole, or could not be sent: nothing was placed.
        """
        by_id = {order.client_order_id: order for order in orders}
        if not orders or len(by_id) < len(orders):
            raise InvalidOrder("a batch needs orders, each with a client order id of its own")
        body = PlaceBatchRequest(orders=tuple(order.request((markets or {}).get(order.ticker)) for order in orders))
        reply = await self._transport.write(
            "POST",
            _BATCH,
            {},
            body,
            PlacedBatch,
            priority=urgency.priority,
            items=len(orders),
            deadline=urgency.deadline,
            timeout=timeout,
        )
        if isinstance(reply, OutcomeUnknown):
            return [_unknown_order(order, reply.why, reply.status) for order in orders]
        uses = Counter(item.order_id for item in reply.orders)
        clear = [None if item.order_id and uses[item.order_id] > 1 else item for item in reply.orders]
        answers = _matched(clear, [item.client_order_id for item in reply.orders], list(by_id))
        return [_placed(answers.get(client_order_id), order) for client_order_id, order in by_id.items()]

    async def cancel(
        self, orders: Sequence[OrderRef], *, urgency: Urgency = EXIT, timeout: float | None = None
    ) -> list[CancelOutcome]:
        """Cancel orders; the outcomes are in the same sequence, refusals as values.

        Raises:
            ExchangeError: The batch was refused as a whole, or could not be sent: nothing was cancelled.
        """
        by_id = {order.order_id: order for order in orders}
        if not orders or len(by_id) < len(orders):
            raise InvalidOrder("a batch of cancels needs orders, each once")
        items = tuple(
            CancelItemRequest(
                order_id=order.order_id,
                subaccount=order.subaccount,
                exchange_index=order.exchange_index,
                market_ticker=order.market_ticker,
            )
            for order in orders
        )
        reply = await self._transport.write(
            "DELETE",
            _BATCH,
            {},
            CancelBatchRequest(orders=items),
            CancelledBatch,
            priority=urgency.priority,
            items=len(orders),
            deadline=urgency.deadline,
            timeout=timeout,
        )
        if isinstance(reply, OutcomeUnknown):
            return [_unknown_cancel(order_id, reply.why, reply.status) for order_id in by_id]
        answers = _matched(reply.orders, [item.order_id for item in reply.orders], list(by_id))
        return [_cancelled(answers.get(order_id), order_id) for order_id in by_id]


def _matched(items: Sequence[K], names: Sequence[str | None], expected: Sequence[str]) -> dict[str, K | None]:
    """Match answers to orders: by the name that an answer carries, else by its place where all others are in theirs.

    None stands for an order that two answers speak of: it cannot be told which of them is about it.
    """
    in_place = len(items) == len(expected) and all(
        not name or name == wanted for name, wanted in zip(names, expected, strict=True)
    )
    found: dict[str, K | None] = {}
    for place, (item, name) in enumerate(zip(items, names, strict=True)):
        if about := name or (expected[place] if in_place else None):
            found[about] = None if about in found else item
    return found


def _placed(item: PlacedItem | None, order: NewOrder) -> PlaceOutcome:
    if item is None:
        return _unknown_order(order, "the answer to the batch does not say what became of this order")
    if item.error is not None:
        problem = None if item.order_id else _refused(item.error, _PLACING)
        return problem or _unknown_order(order, f"not a refusal: {item.error}", order_id=item.order_id)
    if item.order_id is None or item.fill_count is None or item.remaining_count is None or item.ts_ms is None:
        return _unknown_order(order, "the answer is neither an order nor an error")
    try:
        placed = Placed(
            order_id=item.order_id,
            client_order_id=item.client_order_id,
            fill_count=item.fill_count,
            remaining_count=item.remaining_count,
            average_fill_price=item.average_fill_price,
            average_fee=item.average_fee,
            ts_ms=item.ts_ms,
        )
    except ValueError as error:
        return _unknown_order(order, str(error), order_id=item.order_id)
    why = contradiction(placed, order)
    return _unknown_order(order, why, order_id=item.order_id) if why else placed


def _cancelled(item: CancelledItem | None, order_id: str) -> CancelOutcome:
    if item is None:
        return _unknown_cancel(order_id, "the answer to the batch does not say what became of this order")
    if item.error is not None:
        problem = None if item.reduced_by else _refused(item.error, _CANCELLING)
        return problem or _unknown_cancel(order_id, f"not a refusal: {item.error}")
    if item.ts_ms is None:
        return _unknown_cancel(order_id, "the answer is neither a cancellation nor an error")
    return Cancelled(
        order_id=order_id, client_order_id=item.client_order_id, reduced_by=item.reduced_by, ts_ms=item.ts_ms
    )


def _refused(error: ItemError, request: str) -> ExchangeError | None:
    """Return the refusal that an item's error means; None where the exchange says nothing, or failed."""
    fault = Fault((error.code or "").lower(), error.message or "", error.details or "")
    said = " ".join((fault.code, fault.message, fault.details)).lower()
    if not said.strip() or any(word in said for word in _NOBODY_KNOWS):
        return None
    return refusal(None, fault, request)


def _unknown_order(
    order: NewOrder, why: str, status: int | None = None, *, order_id: str | None = None
) -> OutcomeUnknown:
    return OutcomeUnknown(
        request=_PLACING, why=why, status=status, client_order_id=order.client_order_id, order_id=order_id
    )


def _unknown_cancel(order_id: str, why: str, status: int | None = None) -> OutcomeUnknown:
    return OutcomeUnknown(request=_CANCELLING, why=why, status=status, order_id=order_id)
