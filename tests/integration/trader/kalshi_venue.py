"""The Kalshi form of the trader's exchange, at a simulated exchange in this process.

async with kalshi_venue(tmp_path) as venue:
    await venue.show(bids={"0.4000": "10.00"})
    answer = await venue.exchange.place(order, venue.market)

The trader lives by the simulated exchange's clock, which stands still; the line between them lives in real time.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from mesh.clock import SystemClock
from mesh.kalshi.config import KalshiConfig
from mesh.kalshi.stream.config import StreamConfig
from mesh.kalshi.terms import BookSide, Result
from mesh.kalshi.transport.limits import Limits
from mesh.types import Micros, hundredths_from_count, micros_from_dollars
from sim_exchange.quirks import Quirks
from tests.fakes.exchange_keys import Signer
from tests.fakes.exchange_stream import streaming_world
from tests.fakes.exchange_world import WARM, Caller, World
from tests.fakes.kalshi_calls import FAST
from tests.fakes.kalshi_stream import QUICK
from trader.domain.facts import MarketTerms
from trader.exchange.auditing import AUDIT_SECONDS
from trader.exchange.kalshi import KalshiExchange
from trader.exchange.reaching import Kalshi, reaching


def fast_limits() -> Limits:
    """Buckets that let everything pass: the simulated member's tier does, too."""
    limits = Limits(SystemClock(), read=FAST, write=FAST)
    limits.balance.set_account(FAST)
    return limits


def key_config(url: str, folder: Path, signer: Signer) -> KalshiConfig:
    """How a member reaches an exchange."""
    path = folder / f"{signer.key_id}.pem"
    path.write_bytes(
        signer.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    path.chmod(0o600)
    return KalshiConfig(
        environment="custom",
        host=url,
        key_id=signer.key_id,
        private_key_file=path,
        read_seconds=5.0,
        answer_seconds=5.0,
    )


@dataclass
class KalshiVenue:
    """The exchange suite's `Venue`, and the simulated exchange behind it."""

    world: World
    member: Caller
    kalshi: Kalshi
    exchange: KalshiExchange
    market: MarketTerms

    @property
    def now(self) -> datetime:
        return self.world.now

    async def show(self, bids: Mapping[str, str] = {}, asks: Mapping[str, str] = {}) -> None:
        self.world.book(self.market.ticker, bids, asks)

    async def trade(self, yes_price: str, count: str, *, taker_buys_yes: bool) -> None:
        side = BookSide.BID if taker_buys_yes else BookSide.ASK
        price, contracts = micros_from_dollars(yes_price), hundredths_from_count(count)
        self.world.exchange.house_trade(self.market.ticker, side, price, contracts, self.now)
        self.world.publish()

    async def pass_seconds(self, seconds: float) -> None:
        await self.world.pass_seconds(seconds)

    async def settle(self, result: Result) -> None:
        ticker = self.market.ticker
        self.world.exchange.determine(ticker, result, Micros(0), "88", self.now)
        self.world.publish()
        await self.world.pass_seconds(self.world.exchange.markets[ticker].settlement_timer_seconds + 1)

    @property
    def cash(self) -> int:
        """What the account has by the exchange's own books."""
        exchange = self.world.exchange
        return sum(exchange.cash(self.member.account_id, shard) for shard in exchange.shards)


@asynccontextmanager
async def kalshi_venue(
    folder: Path,
    *,
    ticker: str = WARM,
    patience: StreamConfig = QUICK,
    quirks: Quirks | None = None,
    audit_seconds: float = AUDIT_SECONDS,
) -> AsyncIterator[KalshiVenue]:
    """Start both; the account has a thousand dollars on the market's shard, shard 0."""
    async with streaming_world(quirks=quirks) as world:
        signer = Signer.ed25519()
        member = world.member("alice", signer=signer)
        config = key_config(world.url, folder, signer)
        async with reaching(
            config,
            world.clock,
            patience=patience,
            limits=fast_limits(),
            confirm_seconds=0.01,
            audit_seconds=audit_seconds,
        ) as kalshi:
            assert kalshi.exchange is not None
            market = (await kalshi.markets.market(ticker)).market
            yield KalshiVenue(world, member, kalshi, kalshi.exchange, market)
