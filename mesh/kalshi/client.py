"""The exchange as one object."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mesh.clock import Clock
from mesh.kalshi.config import KalshiConfig
from mesh.kalshi.rest.account import Account
from mesh.kalshi.rest.anytime import Anytime
from mesh.kalshi.rest.candles import Candles
from mesh.kalshi.rest.exchange_info import ExchangeInfo
from mesh.kalshi.rest.historical import Historical
from mesh.kalshi.rest.market_data import MarketData
from mesh.kalshi.rest.order_batches import OrderBatches
from mesh.kalshi.rest.order_groups import OrderGroupCalls
from mesh.kalshi.rest.orders import Orders
from mesh.kalshi.rest.portfolio import Portfolio
from mesh.kalshi.rest.wire import decode
from mesh.kalshi.transport.limits import Limits
from mesh.kalshi.transport.transport import Transport, connecting


class KalshiClient:
    """Every endpoint that we use, by group. Safe to share among tasks. Make it with `connect`.

    Attributes:
        transport: What the groups go through: rate limits, the exchange's time, signatures.
        exchange: Status, schedule, changes of fees.
        markets: Series, events, markets, order books, trades.
        candles: Candles of live markets.
        historical: The archive.
        anytime: Markets, candles and trades of any age.
        account: Rate limits and costs; `learn_limits` and `learn_costs` put them into force.
        portfolio: Cash, positions, fills, settlements.
        orders: Orders one by one.
        batches: Orders several at once.
        order_groups: Groups of orders that end together.
    """

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.exchange = ExchangeInfo(transport)
        self.markets = MarketData(transport)
        self.candles = Candles(transport)
        self.historical = Historical(transport)
        self.anytime = Anytime(self.markets, self.candles, self.historical)
        self.account = Account(transport)
        self.portfolio = Portfolio(transport)
        self.orders = Orders(transport)
        self.batches = OrderBatches(transport)
        self.order_groups = OrderGroupCalls(transport)


@asynccontextmanager
async def connect(
    config: KalshiConfig, clock: Clock | None = None, *, limits: Limits | None = None
) -> AsyncIterator[KalshiClient]:
    """Talk to the exchange while the context lasts. Nothing is sent before the first call.

    Args:
        config: Which exchange, and with which key.
        clock: Real time by default.
        limits: The buckets to use where several clients share an account.

    Raises:
        ConfigError: The private key cannot be used.
    """
    async with connecting(config, decode, clock=clock, limits=limits) as transport:
        yield KalshiClient(transport)
