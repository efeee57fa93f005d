"""One market's place of trading: its book, its grid, its fees. Pure."""

from decimal import Decimal
from functools import lru_cache

from mesh.kalshi.fees import FeeTerms, trade_fee
from mesh.kalshi.grid import PriceGrid
from mesh.kalshi.terms import BookSide, FeeType, MarketStatus
from mesh.types import CONTRACT, DOLLAR, Hundredths
from sim_exchange.domain.book import ASK, BID, Book
from sim_exchange.domain.types import Event, Market, PriceBand, Series


@lru_cache(maxsize=64)
def _grid(bands: tuple[PriceBand, ...]) -> PriceGrid:
    return PriceGrid(bands)


class Venue:
    """Where one market trades.

    Raises:
        UnknownFee: Its fee type has no known formula.
        ValueError: Its bands are not a grid.
    """

    __slots__ = ("book", "grid", "lots", "market", "shard", "taken", "terms", "ticker", "untold", "withheld")

    def __init__(self, market: Market, event: Event, series: Series) -> None:
        self.market = market
        self.ticker = market.ticker
        self.shard = market.exchange_index
        self.book = Book()
        self.grid = _grid(market.price_ranges)
        fee_type: FeeType = event.fee_type_override or series.fee_type
        multiplier: Decimal = series.fee_multiplier
        if event.fee_multiplier_override is not None:
            multiplier = event.fee_multiplier_override
        self.terms = FeeTerms(fee_type, multiplier, market.fee_waiver_expiration_time)
        # An unknown fee shall be found when the market is listed, not at its first trade.
        trade_fee(self.terms, price=DOLLAR // 2, count=CONTRACT, at=market.open_time)
        self.lots: dict[BookSide, dict[int, Hundredths]] = {BID: {}, ASK: {}}
        """What the house has resting, by price."""
        self.taken: dict[BookSide, dict[int, Hundredths]] = {BID: {}, ASK: {}}
        """What members took of the house at each price since its ladder was last empty there."""
        self.withheld: dict[BookSide, dict[int, Hundredths]] = {BID: {}, ASK: {}}
        """What the house would have resting at each price, if no member's order of the other side rested there."""
        self.untold: dict[BookSide, dict[int, Hundredths]] = {BID: {}, ASK: {}}
        """What of the house left from ahead of members at each price, and no print has told why."""

    def regrid(self, bands: tuple[PriceBand, ...]) -> None:
        """Take other bands. ValueError if they are not a grid."""
        self.grid = _grid(bands)
        self.market.price_ranges = bands

    @property
    def trades(self) -> bool:
        """Whether the market is open, as far as it alone decides that."""
        return self.market.status is MarketStatus.ACTIVE
