"""Checks of the exchange: whether it answers and is open, accepts a daemon's key, and has a daemon's series."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta

from console import model_checks
from console.checks import Check, ok, problem, warning
from console.exchange_connection import BY_OPTIONS, exchange_words
from mesh.config import ConfigError
from mesh.kalshi.client import connect
from mesh.kalshi.config import KalshiConfig
from mesh.kalshi.errors import ExchangeError, NotPermitted, ObjectNotFound, WrongKey

_HOUR = 3600
_SHORT_LIVED = ("hourly", "fifteen_min")
"""What the exchange says of series whose events last for an hour or less."""


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

    None where the key cannot be used, which the check of its file says.
    """
    try:
        async with connect(config) as kalshi:
            limits = await kalshi.account.limits()
    except (WrongKey, NotPermitted) as error:
        found = f"{config.rest_url} does not accept the key {config.key_id}: {error.message}"
        remedy = "key_id and the key's file must be one pair, which the exchange still lists; then restart the daemon"
        return problem(name, found, remedy)
    except ExchangeError as error:
        return warning(name, f"not asked: {exchange_words(error, config)}", "see to the exchange, and ask again")
    except ConfigError:
        return None
    return ok(name, f"the exchange accepts {config.key_id}, tier {limits.usage_tier}")


async def series(config: KalshiConfig, steps: Mapping[str, int], name: str) -> Check:
    """Ask the exchange whether it has each series of a daemon, and whether such candles fit into its events.

    Args:
        config: How the exchange is reached.
        steps: The shortest candle of each series, in seconds, by its ticker.
        name: Of the check.
    """
    unknown, coarse = [], []
    try:
        async with connect(config) as kalshi:
            for ticker, seconds in steps.items():
                try:
                    found = await kalshi.markets.series(ticker)
                except ObjectNotFound:
                    unknown.append(ticker)
                    continue
                if found.frequency in _SHORT_LIVED and seconds >= _HOUR:
                    coarse.append(ticker)
    except ExchangeError as error:
        return warning(name, f"not asked: {exchange_words(error, config)}", "see to the exchange, and ask again")
    except ConfigError as error:
        return warning(name, f"not asked: {'; '.join(error.problems)}", "see to the configuration, and ask again")
    if unknown:
        return problem(name, f"the exchange has no {', '.join(unknown)}", "is it spelt as the exchange spells it?")
    if coarse:
        found_words = (
            f"events of {', '.join(coarse)} last for an hour or less, and the candles asked for are no shorter"
        )
        return warning(
            name, found_words, "write its candles of a minute down with it (docs/runbook.md, adding a series)"
        )
    return ok(name, f"the exchange has all {len(steps)}")
