"""The account's cash, positions, fills and settlements; cash moved between shards."""

from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import Literal

from mesh.kalshi.errors import OutcomeUnknown
from mesh.kalshi.rest.filters import listed, since, until
from mesh.kalshi.rest.portfolio_wire import (
    Balance,
    FillsPage,
    PositionsPage,
    SettlementsPage,
    ShardTransfer,
    ShardTransferRequest,
    SubaccountBalance,
    SubaccountBalances,
)
from mesh.kalshi.rest.reading import ENTRY, RECONCILE, Group, Urgency
from mesh.types import Micros

_CENTICENT = 100  # micros
_EVENT_CONTRACTS = "event_contract"


class Portfolio(Group):
    """What the account has. Reads lag the exchange by up to some hundred milliseconds."""

    async def balance(
        self, *, exchange_index: int | None = None, subaccount: int | None = None, urgency: Urgency = RECONCILE
    ) -> Balance:
        """Return the cash on one shard, or on all together. The exchange allows about one call a second."""
        params = {"exchange_index": exchange_index, "subaccount": subaccount}
        return await self._get("/portfolio/balance", Balance, urgency, params)

    async def subaccount_balances(self, *, urgency: Urgency = RECONCILE) -> tuple[SubaccountBalance, ...]:
        """Return the cash of every subaccount on every shard."""
        return (await self._get("/portfolio/subaccounts/balances", SubaccountBalances, urgency)).balances

    def positions(
        self,
        *,
        ticker: str | None = None,
        event_ticker: str | None = None,
        settlement_status: Literal["unsettled", "settled", "all"] | None = None,
        count_filter: Literal["position", "total_traded"] | None = None,
        subaccount: int | None = None,
        exchange_index: int | None = None,
        urgency: Urgency = RECONCILE,
    ) -> AsyncIterator[PositionsPage]:
        """Yield pages of positions: unsettled ones unless another state is asked for.

        With `count_filter`, only markets in which that number is not zero.
        """
        params = {
            "ticker": ticker,
            "event_ticker": event_ticker,
            "settlement_status": settlement_status,
            "count_filter": count_filter,
            "subaccount": subaccount,
            "exchange_index": exchange_index,
        }
        return self._pages("/portfolio/positions", PositionsPage, urgency, params)

    def fills(
        self,
        *,
        tickers: Iterable[str] | None = None,
        order_id: str | None = None,
        first: datetime | None = None,
        last: datetime | None = None,
        subaccount: int | None = None,
        exchange_index: int | None = None,
        urgency: Urgency = RECONCILE,
    ) -> AsyncIterator[FillsPage]:
        """Yield pages of fills, newest first."""
        params = {
            "ticker": listed(tickers),
            "order_id": order_id,
            "min_ts": since(first),
            "max_ts": until(last),
            "subaccount": subaccount,
            "exchange_index": exchange_index,
        }
        return self._pages("/portfolio/fills", FillsPage, urgency, params)

    def settlements(
        self,
        *,
        ticker: str | None = None,
        event_ticker: str | None = None,
        first: datetime | None = None,
        last: datetime | None = None,
        subaccount: int | None = None,
        urgency: Urgency = RECONCILE,
    ) -> AsyncIterator[SettlementsPage]:
        """Yield pages of settlements, newest first. The archive has none: keep them."""
        params = {
            "ticker": ticker,
            "event_ticker": event_ticker,
            "min_ts": since(first),
            "max_ts": until(last),
            "subaccount": subaccount,
        }
        return self._pages("/portfolio/settlements", SettlementsPage, urgency, params)

    async def transfer(
        self,
        amount: Micros,
        *,
        source_shard: int,
        destination_shard: int,
        client_transfer_id: str,
        subaccount: int | None = None,
        urgency: Urgency = ENTRY,
    ) -> ShardTransfer | OutcomeUnknown:
        """Move cash between two shards. The exchange accepts it now and carries it out later.

        Args:
            amount: A whole number of hundredths of a cent, above zero.
            source_shard: From where.
            destination_shard: To where.
            client_transfer_id: A new UUID.
            subaccount: Whose; the same on both shards.
            urgency: How much it matters.

        Raises:
            ValueError: The amount cannot be moved.
            ExchangeError: A refusal; nothing was moved.
        """
        centicents, rest = divmod(amount, _CENTICENT)
        if rest or amount <= 0:
            raise ValueError(f"{amount} micros cannot be moved: not a positive number of hundredths of a cent")
        body = ShardTransferRequest(
            source=_EVENT_CONTRACTS,
            destination=_EVENT_CONTRACTS,
            amount=centicents,
            source_exchange_shard=source_shard,
            destination_exchange_shard=destination_shard,
            source_subaccount=subaccount,
            destination_subaccount=subaccount,
            client_transfer_id=client_transfer_id,
        )
        return await self._transport.write(
            "POST",
            "/portfolio/intra_exchange_instance_transfer",
            {},
            body,
            ShardTransfer,
            priority=urgency.priority,
            deadline=urgency.deadline,
        )
