"""Kalshi as the place where orders go. Every write is sent once; nothing here is ever sent again."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import datetime

from mesh.clock import Clock
from mesh.kalshi.client import KalshiClient
from mesh.kalshi.errors import (
    DuplicateClientOrderId,
    ExchangeError,
    ObjectNotFound,
    OutcomeUnknown,
    RequestConflict,
)
from mesh.kalshi.rest.order_terms import NewOrder, OrderRef
from mesh.kalshi.rest.pages import gather
from mesh.kalshi.rest.reading import ENTRY, EXIT
from mesh.kalshi.sides import Intent, to_book
from mesh.kalshi.stream.streaming import Stream
from mesh.kalshi.terms import TimeInForce
from trader.domain.events import (
    Accepted,
    FillSeen,
    NoOutcome,
    OrderSeen,
    Refused,
)
from trader.domain.facts import Ending, FillFacts, MarketTerms, OrderTerms
from trader.domain.views import (
    OrderView,
    Snapshot,
)
from trader.domain.words import EndReason, Purpose
from trader.exchange.account import read_account
from trader.exchange.exchange_time import ExchangeTime
from trader.exchange.groups import OrderGroups
from trader.exchange.own_stream import OWN, own_events
from trader.exchange.refusals import refused
from trader.exchange.views import fill_read, order_read
from trader.ports import CancelDone


class KalshiExchange:
    """`trader.ports.Exchange` over Kalshi's API.

    Args:
        client: With a key.
        stream: Of the same account.
        clock: The trader's.

    Attributes:
        groups: The kill switch at the exchange; once prepared, every entry is in it.
    """

    def __init__(self, client: KalshiClient, stream: Stream, clock: Clock) -> None:
        self.groups = OrderGroups(client)
        self._client = client
        self._stream = stream
        self._clock = clock
        self._time = ExchangeTime(client)

    async def place(self, order: OrderTerms, market: MarketTerms) -> Accepted | Refused | NoOutcome:
        """Send an order once. A call that is cancelled may have placed it or not."""
        entry = order.purpose is Purpose.ENTRY
        shard = market.exchange_index if order.exchange_index is None else order.exchange_index
        group = self.groups.on(shard or 0) if entry else None
        if entry and self.groups.wanted and group is None:
            return Refused(Ending(reason=EndReason.NEVER_LEFT, detail=f"no order group on shard {shard}"), True)
        new = NewOrder(
            ticker=order.ticker,
            client_order_id=order.client_order_id,
            quote=to_book(Intent(order.action, order.side, order.limit)),
            count=order.count,
            time_in_force=order.time_in_force,
            expiration_time=None if order.expire_time is None else self._time.theirs(order.expire_time),
            post_only=order.post_only,
            reduce_only=order.reduce_only,
            # An entry that rests through a pause meets prices that nobody decided on.
            cancel_order_on_pause=entry and order.time_in_force is TimeInForce.GOOD_TILL_CANCELED,
            order_group_id=group,
            exchange_index=shard,
        )
        try:
            placed = await self._client.orders.place(new, urgency=ENTRY if entry else EXIT)
        except DuplicateClientOrderId as error:
            return NoOutcome(f"an earlier request placed it: {error.message}")
        except RequestConflict as error:
            # Without its reason, that something in between sent the order twice and this answers the second.
            return refused(error) if error.code else NoOutcome(f"it may have been placed before: {error.message}")
        except ExchangeError as error:
            return refused(error)
        if isinstance(placed, OutcomeUnknown):
            return NoOutcome(placed.why)
        return Accepted(placed.order_id, placed.fill_count, placed.remaining_count)

    async def cancel(self, order_id: str, market: MarketTerms) -> CancelDone | NoOutcome:
        """Cancel an order once. Raises ExchangeError where it was refused."""
        where = OrderRef(order_id=order_id, market_ticker=market.ticker, exchange_index=market.exchange_index)
        try:
            done = await self._client.orders.cancel(where)
        except ObjectNotFound:
            return CancelDone(None)
        return NoOutcome(done.why) if isinstance(done, OutcomeUnknown) else CancelDone(done.reduced_by)

    async def order(self, order_id: str) -> OrderView | None:
        """Read one order; None where the exchange does not have it, or not yet. Raises ExchangeError."""
        try:
            return order_read(await self._client.orders.order(order_id, urgency=EXIT))
        except ObjectNotFound:
            return None

    async def find(self, client_order_id: str, ticker: str, since: datetime) -> OrderView | None:
        """Look for an order by our id among those since an instant; None where no list shows it yet.

        Raises ExchangeError.
        """
        found = await self._client.orders.find(client_order_id, ticker=ticker, first=self._time.since(since))
        return None if found is None else order_read(found)

    async def fills_of(self, order_id: str) -> tuple[FillFacts, ...]:
        """Read the fills of one order, as bids and asks for YES. Raises ExchangeError."""
        rows = await gather(self._client.portfolio.fills(order_id=order_id, urgency=EXIT))
        now = self._time.theirs(self._clock.now())
        return tuple({row.trade_id: fill_read(row, now) for row in rows}.values())

    async def snapshot(self, since: datetime) -> Snapshot:
        """Read the account: everything that rests or is held, and what happened since. Raises ExchangeError."""
        return await read_account(self._client, since, self._clock)

    @asynccontextmanager
    async def own(self) -> AsyncIterator[AsyncIterator[OrderSeen | FillSeen | None]]:
        """Stream what becomes of the account's orders; None says that something may have been missed: compare."""
        for channel in OWN:
            self._stream.subscribe(channel)
        async with aclosing(own_events(self._stream.events(OWN))) as told:
            yield told
