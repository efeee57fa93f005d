"""The kill switch at the exchange: an order group that ends the entries in it, also while this process is dead."""

from mesh import log
from mesh.kalshi.client import KalshiClient
from mesh.kalshi.errors import ExchangeError, NoAnswer, ObjectNotFound, OutcomeUnknown
from mesh.types import Hundredths

_log = log.get(__name__)


class OrderGroups:
    """One group on every shard, since a group lives on one. Shared by whatever places entries.

    Groups have no names: those with the same limit are taken for ours.

    Attributes:
        wanted: Whether every entry must be in one; once `prepare` was called, whatever came of it.
    """

    def __init__(self, client: KalshiClient) -> None:
        self.wanted = False
        self._client = client
        self._ids: dict[int, str] = {}

    def on(self, shard: int) -> str | None:
        """Return the id of the group on a shard; None where there is none."""
        return self._ids.get(shard)

    async def prepare(self, limit: Hundredths) -> None:
        """Find the groups, or create them. One that was triggered stays so: only `reset` lets it take orders again.

        Args:
            limit: Contracts that may be matched within 15 seconds, on each shard, before everything in the group ends.

        Raises:
            ExchangeError: Some are missing; what is there is found by the next call.
        """
        self.wanted = True
        found = await self._client.order_groups.groups()
        self._ids |= {group.exchange_index or 0: group.group_id for group in found if group.contracts_limit == limit}
        status = await self._client.exchange.status()
        for shard in sorted({shard.exchange_index for shard in status.shards or ()} or {0}):
            if shard not in self._ids:
                made = await self._client.order_groups.create(limit, exchange_index=shard)
                if isinstance(made, OutcomeUnknown):
                    raise NoAnswer(f"nobody knows whether there is an order group now: {made.why}")
                self._ids[shard] = made.order_group_id
        _log.info("order groups are ready", groups=len(self._ids), limit_contracts=limit / 100)

    async def trigger(self) -> None:
        """Cancel all entries and refuse new ones. ExchangeError if not everywhere; tried on every shard first."""
        await self._everywhere(trigger=True)

    async def reset(self) -> None:
        """Take entries again, counting from zero. ExchangeError if not everywhere; tried on every shard first."""
        await self._everywhere(trigger=False)

    async def _everywhere(self, *, trigger: bool) -> None:
        change = self._client.order_groups.trigger if trigger else self._client.order_groups.reset
        if not self._ids:
            raise ObjectNotFound("no order groups are known: there is nothing that could be triggered or reset")
        problem: ExchangeError | None = None
        for shard, group_id in sorted(self._ids.items()):
            try:
                unknown = await change(group_id, exchange_index=shard)
            except ExchangeError as error:
                problem = error
            else:
                if unknown is not None:
                    problem = NoAnswer(f"nobody knows whether it was done: {unknown.why}", request=unknown.request)
        if problem is not None:
            raise problem
