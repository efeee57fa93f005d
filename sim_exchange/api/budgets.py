"""Token buckets: how many requests an account, or an address without one, may make.

Buckets live on real time, however fast the exchange's clock runs. A request passes if every bucket that it bills holds
its cost; a refused request costs nothing.
"""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from sim_exchange.api.tiers import BucketLimit, Tier

_ADDRESSES = 10_000  # remembered at most; a flood of addresses may not fill the memory


class Bucket(Struct):
    """One bucket's level at an instant of the monotonic clock; its size is given at each use, as tiers change."""

    level: float
    at: float

    def refill(self, limit: BucketLimit, now: float) -> float:
        """Bring the level up to now, in tokens."""
        self.level = min(limit.bucket_capacity, self.level + (now - self.at) * limit.refill_rate)
        self.at = now
        return self.level


class Budgets:
    """All buckets of one exchange.

    Args:
        tiers: What each usage tier may spend.
        monotonic: Real time in seconds.
        shards: Each has a bucket for writes; that of shard 0 is also billed for what names no shard.
        per_address: Requests a second without a key from one address; 0 is no limit.
    """

    def __init__(
        self, tiers: Mapping[str, Tier], monotonic: Callable[[], float], shards: Sequence[int], per_address: float
    ) -> None:
        self.tiers = tiers
        self._now = monotonic
        self._shards = tuple(dict.fromkeys((0, *shards)))
        self._per_address = per_address
        self._buckets: dict[tuple[str, str, int], Bucket] = {}
        self._addresses: dict[str, Bucket] = {}

    def read(self, account_id: str, tier: str, cost: int) -> bool:
        """Bill a read."""
        return self._take((account_id, "read", 0), limit=self.tiers[tier].read, cost=cost)

    def write(self, account_id: str, tier: str, cost: int, shard: int | None) -> bool:
        """Bill a write to one shard; None, where the exchange finds the shard, bills every shard's bucket."""
        shards = self._shards if shard is None else (shard if shard in self._shards else 0,)
        keys = [(account_id, "write", each) for each in shards]
        return self._take(*keys, limit=self.tiers[tier].write, cost=cost)

    def balance(self, account_id: str, tier: str) -> bool:
        """Bill a look at the balance."""
        calls = self.tiers[tier].balance_per_second
        return self._take((account_id, "balance", 0), limit=BucketLimit(calls, 1), cost=1)

    def address(self, address: str) -> bool:
        """Bill a request without a key."""
        if not self._per_address:
            return True
        now, capacity = self._now(), max(self._per_address, 1)
        bucket = self._addresses.setdefault(address, Bucket(capacity, now))
        bucket.level = min(capacity, bucket.level + (now - bucket.at) * self._per_address)
        bucket.at = now
        if len(self._addresses) > _ADDRESSES:
            del self._addresses[next(iter(self._addresses))]
        if bucket.level < 1:
            return False
        bucket.level -= 1
        return True

    def _take(self, *keys: tuple[str, str, int], limit: BucketLimit, cost: int) -> bool:
        now = self._now()
        buckets = [self._buckets.setdefault(key, Bucket(limit.bucket_capacity, now)) for key in keys]
        levels = [bucket.refill(limit, now) for bucket in buckets]
        if min(levels) < cost:
            return False
        for bucket in buckets:
            bucket.level -= cost
        return True
