"""The account's rate limits, and telling the transport about them."""

from mesh.kalshi.rest.exchange_wire import AccountLimits, Bucket, EndpointCosts
from mesh.kalshi.rest.reading import RECONCILE, Group, Urgency
from mesh.kalshi.transport.buckets import Rate
from mesh.kalshi.transport.limits import Costs


class Account(Group):
    """What the account may do, and what it costs."""

    async def limits(self, *, urgency: Urgency = RECONCILE) -> AccountLimits:
        """Return the account's tier and buckets. Needs a key."""
        return await self._get("/account/limits", AccountLimits, urgency)

    async def endpoint_costs(self, *, urgency: Urgency = RECONCILE) -> EndpointCosts:
        """Return what calls cost, for everybody."""
        return await self._get("/account/endpoint_costs", EndpointCosts, urgency)

    async def learn_costs(self, *, urgency: Urgency = RECONCILE) -> EndpointCosts:
        """Ask what calls cost, and count by that from now on."""
        costs = await self.endpoint_costs(urgency=urgency)
        listed = [(cost.method, cost.path, float(cost.cost)) for cost in costs.costs]
        self._transport.limits.costs = Costs(costs.default_cost, listed)
        return costs

    async def learn_limits(self, *, urgency: Urgency = RECONCILE) -> AccountLimits:
        """Ask for the account's buckets, and keep within them from now on. Needs a key."""
        limits = await self.limits(urgency=urgency)
        self._transport.limits.set_account(limits.usage_tier, _rate(limits.read), _rate(limits.write))
        return limits


def _rate(bucket: Bucket) -> Rate:
    return Rate(bucket.refill_rate, bucket.bucket_capacity)
