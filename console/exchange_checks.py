"""Checks of the exchange: whether it answers and is open, and whether it accepts a daemon's key."""

from collections.abc import AsyncIterator
from datetime import timedelta

from console import model_checks
from console.checks import Check, ok, problem, warning
from console.exchange_connection import BY_OPTIONS, exchange_words
from mesh.config import ConfigError
from mesh.kalshi.client import connect
from mesh.kalshi.config import KalshiConfig
from mesh.kalshi.errors import ExchangeError, NotPermitted, WrongKey


async def exchange(config: KalshiConfig, *, other: str = BY_OPTIONS) -> AsyncIterator[Check]:
    """Ask what the exchange says of itself, and what time it has.

    Args:
        config: How it is reached.
        other: How another one is named.
    """
    try:
        async with connect(config) as kalshi:
            status = await kalshi.exchange.status()
            offset = kalshi.transport.sender.server_clock.offset_seconds
    except ExchangeError as error:
        found = exchange_words(error, config, other=other)
        yield problem("exchange", found, "look at its status page, and at this host's network")
        return
    except ConfigError as error:
        yield problem("exchange", "; ".join(error.problems), "leave the key out: prices are public")
        return
    if status.exchange_active and status.trading_active:
        yield ok("exchange", f"{config.rest_url} is open")
    else:
        what = "trading" if status.exchange_active else "the whole exchange"
        yield warning("exchange", f"{config.rest_url}: {what} is paused", "wait; prices may stand still")
    yield model_checks.clock(None if offset is None else timedelta(seconds=offset), "exchange")


async def key(config: KalshiConfig, name: str) -> Check | None:
    """Ask the exchange whether it accepts a key, by a read that only a key's owner may make.

    None where the key cannot be used, which the check of its file says, or the exchange does not answer, which
    `exchange` says.
    """
    try:
        async with connect(config) as kalshi:
            limits = await kalshi.account.limits()
    except (WrongKey, NotPermitted) as error:
        found = f"{config.rest_url} does not accept the key {config.key_id}: {error.message}"
        remedy = "key_id and the key's file must be one pair, which the exchange still lists; then restart the daemon"
        return problem(name, found, remedy)
    except (ExchangeError, ConfigError):
        return None
    return ok(name, f"the exchange accepts {config.key_id}, tier {limits.usage_tier}")
