"""One request as the handlers see it, the services behind them, and how a route is declared."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import cached_property

from mesh.clock import Clock
from sim_exchange.api.archive import Archive
from sim_exchange.api.auth import Key, Keys
from sim_exchange.api.budgets import Budgets
from sim_exchange.api.catalogue import Catalogue
from sim_exchange.api.history import History
from sim_exchange.api.inputs import Query
from sim_exchange.api.replies import Reply, problem, too_many_requests
from sim_exchange.api.tiers import DEFAULT_COST
from sim_exchange.domain.exchange import Exchange
from sim_exchange.faults import Faults
from sim_exchange.quirks import Quirks
from sim_exchange.tape.tape import Tape


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What every handler works with."""

    exchange: Exchange
    tape: Tape
    keys: Keys
    quirks: Quirks
    clock: Clock
    """The exchange's time."""
    wall: Clock
    """Real time: signatures, budgets, the Date header."""
    budgets: Budgets
    catalogue: Catalogue
    archive: Archive
    history: History
    faults: Faults
    publish: Callable[[], None]
    """Sends out what commands left behind; called before a command is answered."""
    reached: Callable[[], datetime | None]
    """Until when everything has happened, exclusively; None where nothing is awaited."""
    shards: Sequence[int]
    weekly_maintenance: bool
    """Trading pauses on Thursdays, which the schedule says."""


class Bill(Enum):
    """Which budget a route is billed to."""

    READ = "read"
    WRITE = "write"
    """Billed by the handler, which knows shard and number of orders."""
    BALANCE = "balance"
    FREE = "free"


class Call:
    """One request, its caller known and its body read.

    Attributes:
        services: What the exchange consists of.
        key: The caller's; None on public routes without one.
        path: Its variable parts.
        body: As sent.
        now: The exchange's time.
        stale: Real seconds by which reads of the caller's own records lag.
        billed: The write budget was asked.
    """

    def __init__(
        self,
        services: Services,
        *,
        operation: str,
        key: Key | None,
        path: Mapping[str, str],
        query_text: str,
        body: bytes,
        now: datetime,
        stale: float = 0.0,
    ) -> None:
        self.services = services
        self.key = key
        self.path = path
        self.body = body
        self.now = now
        self.stale = stale
        self.billed = False
        self._operation = operation
        self._query_text = query_text

    @cached_property
    def query(self) -> Query:
        """The query parameters. Problem (400) if there are absurdly many."""
        return Query(self._operation, self._query_text)

    @property
    def account_id(self) -> str:
        """Whose call it is. Only for routes that demand a key."""
        if self.key is None:
            raise problem(401, "token_authentication_failure")
        return self.key.account_id

    @property
    def tier(self) -> str:
        """The caller's usage tier."""
        return self.services.exchange.accounts[self.account_id].usage_tier

    def bill_write(self, cost: int = DEFAULT_COST, shard: int | None = 0) -> None:
        """Take tokens for a write; `shard` None is a write whose shard the exchange finds. Problem (429)."""
        self.billed = True
        if not self.services.budgets.write(self.account_id, self.tier, cost, shard):
            raise too_many_requests(self.services.quirks.too_many_requests_body)


@dataclass(frozen=True, slots=True)
class Route:
    """One method and path, and what it takes to be let in."""

    method: str
    path: str
    """Below `/trade-api/v2`."""
    operation: str
    """Its name in the exchange's code, without the verb's suffix."""
    handler: Callable[[Call], Reply]
    scope: str | None = None
    """What the key must be allowed to do; None is public."""
    bill: Bill = Bill.READ
    cost: int = DEFAULT_COST
