"""Kalshi, reached: the public side always, the account where there is a key, both over one WebSocket."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from mesh.clock import Clock
from mesh.kalshi.client import KalshiClient, connect
from mesh.kalshi.config import KalshiConfig
from mesh.kalshi.stream.config import StreamConfig
from mesh.kalshi.stream.streaming import streaming
from mesh.kalshi.transport.limits import Limits
from trader.exchange.auditing import AUDIT_SECONDS
from trader.exchange.fee_book import FeeBook
from trader.exchange.kalshi import KalshiExchange
from trader.exchange.markets import CONFIRM_SECONDS, POLL_SECONDS, KalshiMarkets

PATIENCE = StreamConfig(silence_seconds=6.0)
"""A silent line is asked for a sign of life after 3 s and given up after 6: a book that is confirmed is no older."""


@dataclass(frozen=True, slots=True)
class Kalshi:
    """Both sides of it."""

    client: KalshiClient
    fees: FeeBook
    markets: KalshiMarkets
    exchange: KalshiExchange | None
    """None without a key."""


@asynccontextmanager
async def reaching(
    config: KalshiConfig,
    clock: Clock,
    *,
    patience: StreamConfig = PATIENCE,
    limits: Limits | None = None,
    confirm_seconds: float = CONFIRM_SECONDS,
    poll_seconds: float = POLL_SECONDS,
    audit_seconds: float = AUDIT_SECONDS,
) -> AsyncIterator[Kalshi]:
    """Talk to the exchange while the context lasts.

    Args:
        config: Which exchange, and with which key.
        clock: The trader's; the line itself lives in real time.
        patience: How long the stream bears silence, at most as long as a book may be old.
        limits: The buckets to use where several clients share an account.
        confirm_seconds: Between two confirmations of books that did not change.
        poll_seconds: Between two polls of the books where there is no key.
        audit_seconds: Between two comparisons of streamed books with the exchange's answers, of real time.

    Raises:
        ConfigError: The private key cannot be used.
    """
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(connect(config, limits=limits))
        fees = FeeBook(client, clock)
        stream = None
        if config.key_id is not None:
            stream = await stack.enter_async_context(streaming(config, client.transport.sender, settings=patience))
        markets = KalshiMarkets(
            client,
            stream,
            fees,
            clock,
            confirm_seconds=confirm_seconds,
            poll_seconds=poll_seconds,
            audit_seconds=audit_seconds,
        )
        exchange = None if stream is None else KalshiExchange(client, stream, clock)
        yield Kalshi(client, fees, markets, exchange)
