"""A market's record as the terms that decisions are made on. Pure."""

from decimal import Decimal
from functools import lru_cache

from mesh import errors
from mesh.kalshi.errors import ExchangeError
from mesh.kalshi.fees import FeeTerms, UnknownFee
from mesh.kalshi.grid import Band, PriceGrid, PriceRange
from mesh.kalshi.rest.market_wire import Market
from mesh.shards import is_ticker
from mesh.types import DOLLAR
from trader.domain.facts import MarketTerms

_LONGEST_TITLE = 300


class NotTradable(ExchangeError, errors.Unsupported):
    """The market is of a kind that cannot be reckoned with: its fee formula, prices or pay-out are not known here."""

    default_reason = "MARKET_NOT_TRADABLE"


def terms(market: Market, fees: FeeTerms, title: str) -> MarketTerms:
    """Return a market's terms.

    Args:
        market: Its record.
        fees: Of its event or series; the market's own waiver is added.
        title: For people.

    Raises:
        NotTradable: It is no binary market over one dollar, or its fee formula or its prices are not known; or its
            name is no ticker.
    """
    for name in (market.ticker, market.event_ticker):
        if not is_ticker(name):
            raise NotTradable(f"not a ticker: {name[:_LONGEST_TITLE]!r}")
    charged = FeeTerms(fees.fee_type, Decimal(fees.multiplier), market.fee_waiver_expiration_time)
    try:
        charged.rates  # noqa: B018  raises for a formula that nobody knows
    except UnknownFee as error:
        raise NotTradable(f"{market.ticker}: {error.message}") from None
    if market.market_type != "binary" or market.notional_value != DOLLAR:
        raise NotTradable(f"{market.ticker} is {market.market_type!r}, or does not pay one dollar")
    return MarketTerms(
        ticker=market.ticker,
        event_ticker=market.event_ticker,
        series_ticker=market.series_ticker,
        title=title,
        close_time=market.close_time,
        bands=bands(market.ticker, market.price_ranges),
        fees=charged,
        exchange_index=market.exchange_index,
    )


def bands(ticker: str, ranges: tuple[PriceRange, ...]) -> tuple[Band, ...]:
    """Return the prices that a market takes, ascending. NotTradable for ranges that cannot be."""
    try:
        return _bands(ranges)
    except ValueError as error:
        raise NotTradable(f"{ticker}: {error}") from None


@lru_cache(256)
def _bands(ranges: tuple[PriceRange, ...]) -> tuple[Band, ...]:
    """Read price ranges; there are a few kinds of them, and thousands of markets."""
    return PriceGrid(ranges).bands


def title_of(event_title: str, market: Market) -> str:
    """Say for people what a market is about: its event's title and what YES means, in a line without controls."""
    said = f"{event_title} {market.yes_sub_title}".strip()[:_LONGEST_TITLE]
    return "".join(character if character.isprintable() else " " for character in said)
