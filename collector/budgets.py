"""Whose API budget this worker's calls count against, and learning from the exchange how large it is."""

from dataclasses import replace

from collector.agent import Agent
from collector.config import CollectorConfig
from collector.types import ApiBudget, BudgetKind
from mesh import log
from mesh.clock import Clock
from mesh.daemon import Fatal
from mesh.kalshi.client import KalshiClient
from mesh.kalshi.errors import ExchangeError, WrongKey

_AGAIN_SECONDS = 15.0
_MOST_REFILL, _MOST_CAPACITY = 1_000_000, 10_000_000  # that the contract knows; a simulator may have no limit
_LEARN_SECONDS = 3600.0
"""Between two looks at what the account has: a tier may change."""

_log = log.get(__name__)


def unlearned(config: CollectorConfig) -> ApiBudget:
    """Name the budget as far as the configuration knows it."""
    kind = BudgetKind.PER_ACCOUNT if config.kalshi.key_id else BudgetKind.PER_IP
    return ApiBudget(kind, config.budget)


async def keep_learning(client: KalshiClient, agent: Agent, clock: Clock) -> None:
    """Ask the exchange what the account has, now and every hour, and tell the coordinator, until cancelled.

    Raises:
        Fatal: The exchange does not accept the key.
    """
    while True:
        try:
            await client.account.learn_costs()
            limits = await client.account.learn_limits()
        except WrongKey as error:
            raise Fatal(f"the exchange does not accept the key: {error}") from error
        except ExchangeError as error:
            _log.warning("the account's limits are not known yet", problem=str(error))
            await clock.sleep(_AGAIN_SECONDS)
            continue
        before = agent.identity.budget
        learned = replace(
            before,
            refill_per_second=min(_MOST_REFILL, limits.read.refill_rate),
            capacity=min(_MOST_CAPACITY, limits.read.bucket_capacity),
        )
        if learned != before:
            _log.info("account", tier=limits.usage_tier, tokens_per_second=limits.read.refill_rate)
            agent.take_budget(learned)
        await clock.sleep(_LEARN_SECONDS)
