"""What requests cost and which bucket pays: everything that the exchange limits for one account or one address."""

import random
import re
from collections.abc import Iterable

from mesh.clock import Clock
from mesh.kalshi.transport.buckets import Rate, TokenBucket

DEFAULT_COST = 10.0
"""Tokens of an endpoint that the exchange's list does not name."""
_PREFIX = "/trade-api/v2"
_BALANCE = "/portfolio/balance"  # has a bucket of its own that counts calls
_SLOW_BALANCE_TIERS = frozenset({"basic", "advanced"})
_LATENESS = 0.08  # seconds; what a new connection takes longer than an open one, or one route than another
_BASIC = Rate(200, 200), Rate(100, 100)  # the lowest tier, until the exchange says what the account has


class Costs:
    """Tokens per endpoint. A path with more literal parts wins: `batched` over `:order_id`."""

    def __init__(self, default: float = DEFAULT_COST, listed: Iterable[tuple[str, str, float]] = ()) -> None:
        """Take the exchange's list.

        Args:
            default: Tokens of an endpoint that is not listed.
            listed: Method, path and tokens each. In a path `:name` stands for one part and `*name` for the rest.
        """
        self._default = default
        ranked = sorted(listed, key=lambda entry: _wildcards(entry[1]))
        self._listed = [(method, _pattern(path), cost) for method, path, cost in ranked]

    def of(self, method: str, path: str) -> float:
        """Return the tokens of one request; the path is the one below `/trade-api/v2`."""
        for listed, pattern, cost in self._listed:
            if listed == method and pattern.fullmatch(path):
                return cost
        return self._default


class Limits:
    """The buckets of one account, or of one address that asks without a key. Share one among all callers."""

    def __init__(
        self, clock: Clock, *, read: Rate = _BASIC[0], write: Rate = _BASIC[1], dice: random.Random | None = None
    ) -> None:
        self.read = TokenBucket("read", read, clock, dice, lateness=_LATENESS)
        self.write = TokenBucket("write", write, clock, dice, lateness=_LATENESS)
        self.balance = TokenBucket("balance", Rate(1, 1), clock, dice, lateness=_LATENESS)
        self.costs = Costs()
        self._counts_requests = False

    @classmethod
    def without_key(cls, clock: Clock, per_second: float) -> "Limits":
        """Return the limits of an address, evenly paced: requests a second, whatever they would cost an account."""
        made = cls(clock)
        made.read = TokenBucket("read", Rate(per_second * DEFAULT_COST, DEFAULT_COST), clock)
        made._counts_requests = True
        return made

    def set_account(self, usage_tier: str, read: Rate, write: Rate) -> None:
        """Take the account's tier and its buckets as the exchange states them."""
        self.read.set_account(read)
        self.write.set_account(write)
        calls = 1 if usage_tier in _SLOW_BALANCE_TIERS else 5
        self.balance.set_account(Rate(calls, 1))

    def set_budget(self, *, read: Rate | None, write: Rate | None) -> None:
        """Take the part of the account that this process may use; None is all of it.

        A part of 0 tokens a second holds every request back until the next call of this.
        """
        self.read.set_budget(read)
        self.write.set_budget(write)

    def price(self, method: str, path: str, items: int = 1) -> tuple[TokenBucket, float]:
        """Return the bucket that pays for a request, and its tokens; `items` is the length of a batch."""
        if method == "GET" and path == _BALANCE:
            return self.balance, 1.0
        cost = DEFAULT_COST if self._counts_requests else self.costs.of(method, path)
        return (self.read if method == "GET" else self.write), cost * items


def _wildcards(path: str) -> tuple[bool, int]:
    return "*" in path, path.count(":")


def _pattern(path: str) -> re.Pattern[str]:
    parts = path.removeprefix(_PREFIX).split("/")
    return re.compile("/".join(map(_part, parts)))


def _part(part: str) -> str:
    if part.startswith("*"):
        return ".*"
    return "[^/]+" if part.startswith(":") else re.escape(part)
