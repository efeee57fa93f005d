"""What the account may ask for: learned from the exchange, so that a better tier is used and a worse one is kept to."""

from mesh import log
from mesh.clock import Clock
from mesh.kalshi.client import KalshiClient
from mesh.kalshi.errors import ExchangeError

_AGAIN_SECONDS, _RETRY_SECONDS = 3600.0, 30.0

_log = log.get(__name__)


async def keep_learning(client: KalshiClient, clock: Clock) -> None:
    """Learn limits and costs at the start, every hour, and soon again where the exchange does not answer, for ever.

    Until then requests keep to the lowest tier's budget.
    """
    while True:
        wait = _AGAIN_SECONDS
        try:
            await client.account.learn_costs()
            limits = await client.account.learn_limits()
        except ExchangeError as error:
            _log.info("the account's rate limits are not known yet", problem=str(error))
            wait = _RETRY_SECONDS
        else:
            _log.info(
                "rate limits", tier=limits.usage_tier, read=limits.read.refill_rate, write=limits.write.refill_rate
            )
        await clock.sleep(wait)
