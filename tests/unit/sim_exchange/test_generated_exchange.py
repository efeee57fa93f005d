"""The exchange and its tape make of generated events exactly what the source says of them afterwards."""

from datetime import UTC, datetime, timedelta
from itertools import takewhile

import msgspec
import pytest

from sim_exchange.domain.exchange import Exchange
from sim_exchange.domain.types import Market
from sim_exchange.quirks import Quirks
from sim_exchange.sources.base import Book, NewListing, Print
from sim_exchange.sources.generated.config import GeneratedConfig, SeriesConfig
from sim_exchange.sources.generated.source import GeneratedSource
from sim_exchange.tape.candle import Candle
from sim_exchange.tape.tape import Tape

WEDNESDAY = datetime(2026, 7, 15, 17, 20, 30, tzinfo=UTC)
BEFORE_THE_PAUSE = datetime(2026, 7, 16, 6, 20, 30, tzinfo=UTC)  # which is from 07:00 to 09:00 UTC that day


def lived(source: GeneratedSource, since: datetime, until: datetime) -> tuple[Exchange, Tape]:
    """Run an exchange without members on the source's events."""
    exchange = Exchange(seed=1, quirks=Quirks())
    for item in source.catalogue(since):
        exchange.list(item, since)
    tape = Tape(exchange.markets, lambda ticker: source.past(ticker, since))
    for event in takewhile(lambda event: event.at <= until, source.events(since)):
        if isinstance(event, NewListing):
            exchange.list(event.item, event.at)
        elif isinstance(event, Book):
            exchange.set_book(event.ticker, event.bids, event.asks, event.at)
        elif isinstance(event, Print):
            met = exchange.house_trade(event.ticker, event.taker_side, event.price, event.count, event.at)
            assert met == event.count
        else:
            exchange.determine(event.ticker, event.result, event.value, event.expiration_value, event.at)
        tape(exchange.take_events())
    exchange.advance(until)
    tape(exchange.take_events())
    return exchange, tape


@pytest.mark.parametrize(
    ("since", "hours", "series"),
    [
        (WEDNESDAY, 1.8, (SeriesConfig(ticker="KXBTC", markets=24), SeriesConfig(ticker="KXHIGHNY"))),
        (BEFORE_THE_PAUSE, 4.0, (SeriesConfig(ticker="KXETH", markets=24), SeriesConfig(ticker="KXHIGHLAX"))),
    ],
)
def test_what_the_exchange_shows_is_what_the_source_tells_later(
    since: datetime, hours: float, series: tuple[SeriesConfig, ...]
) -> None:
    source = GeneratedSource(GeneratedConfig(seed=3, series=series))
    until = since + timedelta(hours=hours)
    exchange, tape = lived(source, since, until)
    told = {market.ticker: market for market in source.catalogue(until) if isinstance(market, Market)}
    compared = 0
    for ticker, market in exchange.markets.items():
        shown = tape.candles(ticker, 1, 0, 1 << 40)
        past = list(source.past(ticker, until).minutes)
        if market.open_time < since:
            # Whoever held contracts before the start is unknown to the exchange, so that it cannot see them close.
            shown, past = without_interest(shown), without_interest(past)
        assert shown == past
        if (later := told.get(ticker)) is not None:
            compared += 1
            assert figures(market) == figures(later)
    assert compared > 50


def without_interest(candles: list[Candle]) -> list[Candle]:
    return [msgspec.structs.replace(candle, open_interest=0) for candle in candles]


def figures(market: Market) -> tuple[object, ...]:
    return (
        market.status,
        market.result,
        market.settlement_value,
        market.expiration_value,
        market.determination_time,
        market.settlement_time,
        market.volume,
        market.last_price,
    )
