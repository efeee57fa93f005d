"""Order groups: when more than a limit is matched within 15 seconds, all orders of the group end together."""

from mesh.kalshi.errors import InvalidOrder, OutcomeUnknown
from mesh.kalshi.rest.group_wire import (
    CreateGroupRequest,
    EmptyRequest,
    GroupCreated,
    GroupLimitRequest,
    Nothing,
    OrderGroup,
    OrderGroups,
    OrderGroupState,
)
from mesh.kalshi.rest.reading import ENTRY, EXIT, RECONCILE, Group, Urgency
from mesh.kalshi.rest.wire import Body
from mesh.kalshi.transport.paths import Params
from mesh.types import CONTRACT, Hundredths, count_text

_GROUPS = "/portfolio/order_groups"
_MOST_CONTRACTS = 1_000_000


class OrderGroupCalls(Group):
    """The account's order groups. Each lives on one shard. Writes end as those of orders do."""

    async def groups(self, *, subaccount: int | None = None, urgency: Urgency = RECONCILE) -> tuple[OrderGroup, ...]:
        """Return all groups. The exchange leaves the list out of its answer when there are none."""
        return (await self._get(_GROUPS, OrderGroups, urgency, {"subaccount": subaccount})).groups or ()

    async def group(
        self, group_id: str, *, subaccount: int | None = None, urgency: Urgency = RECONCILE
    ) -> OrderGroupState:
        """Return one group with the ids of its orders."""
        return await self._get(f"{_GROUPS}/{group_id}", OrderGroupState, urgency, {"subaccount": subaccount})

    async def create(
        self,
        limit: Hundredths,
        *,
        subaccount: int | None = None,
        exchange_index: int | None = None,
        urgency: Urgency = ENTRY,
    ) -> GroupCreated | OutcomeUnknown:
        """Create a group.

        Args:
            limit: Contracts that may be matched within 15 seconds, 1 to 1,000,000.
            subaccount: Whose.
            exchange_index: The shard of the markets it is for.
            urgency: How much it matters.

        Raises:
            ExchangeError: A refusal; there is no group.
        """
        body = CreateGroupRequest(
            contracts_limit_fp=_limit_text(limit), subaccount=subaccount, exchange_index=exchange_index
        )
        return await self._transport.write(
            "POST",
            f"{_GROUPS}/create",
            {},
            body,
            GroupCreated,
            priority=urgency.priority,
            deadline=urgency.deadline,
        )

    async def set_limit(
        self,
        group_id: str,
        limit: Hundredths,
        *,
        subaccount: int | None = None,
        exchange_index: int | None = None,
        urgency: Urgency = EXIT,
    ) -> OutcomeUnknown | None:
        """Change the limit; None once it is done."""
        body = GroupLimitRequest(contracts_limit_fp=_limit_text(limit))
        return await self._change("PUT", f"{group_id}/limit", body, _where(subaccount, exchange_index), urgency)

    async def reset(
        self,
        group_id: str,
        *,
        subaccount: int | None = None,
        exchange_index: int | None = None,
        urgency: Urgency = ENTRY,
    ) -> OutcomeUnknown | None:
        """Let a triggered group take orders again, counting from zero; None once it is done."""
        return await self._change(
            "PUT", f"{group_id}/reset", EmptyRequest(), _where(subaccount, exchange_index), urgency
        )

    async def trigger(
        self,
        group_id: str,
        *,
        subaccount: int | None = None,
        exchange_index: int | None = None,
        urgency: Urgency = EXIT,
    ) -> OutcomeUnknown | None:
        """Cancel the group's orders and refuse new ones until a reset; None once it is done."""
        return await self._change(
            "PUT", f"{group_id}/trigger", EmptyRequest(), _where(subaccount, exchange_index), urgency
        )

    async def delete(
        self,
        group_id: str,
        *,
        subaccount: int | None = None,
        exchange_index: int | None = None,
        urgency: Urgency = EXIT,
    ) -> OutcomeUnknown | None:
        """Cancel the group's orders and forget it; None once it is done."""
        return await self._change("DELETE", group_id, None, _where(subaccount, exchange_index), urgency)

    async def _change(
        self,
        method: str,
        path: str,
        body: Body | None,
        params: Params,
        urgency: Urgency,
    ) -> OutcomeUnknown | None:
        reply = await self._transport.write(
            method,
            f"{_GROUPS}/{path}",
            params,
            body,
            Nothing,
            priority=urgency.priority,
            deadline=urgency.deadline,
        )
        return reply if isinstance(reply, OutcomeUnknown) else None


def _where(subaccount: int | None, exchange_index: int | None) -> Params:
    return {"subaccount": subaccount, "exchange_index": exchange_index}


def _limit_text(limit: Hundredths) -> str:
    if not CONTRACT <= limit <= _MOST_CONTRACTS * CONTRACT:
        raise InvalidOrder(f"a group's limit lies between 1 and {_MOST_CONTRACTS} contracts")
    return count_text(limit)
