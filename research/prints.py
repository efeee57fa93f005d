"""Recorded public trades, laid beside the markets that orders rest in."""

from collections.abc import Mapping
from dataclasses import replace

from research.tape import BID, UNKNOWN, MarketTrades
from research.types import Defects, Prints, RecordedEvent, RecordedMarket


def with_prints(event: RecordedEvent, found: Mapping[str, MarketTrades] | None, defects: Defects) -> RecordedEvent:
    """Give an event its trades.

    Args:
        event: As it was loaded.
        found: Its trades by market, of `research.tape.trades`; None where none were recorded. A market that is not
            among those that were recorded had no trade.
        defects: Told of trades whose taker nobody named: whom they met is not known, so they fill nobody.
    """
    if found is None:
        return event
    return replace(event, markets=tuple(_market(market, found, defects) for market in event.markets))


def _market(market: RecordedMarket, found: Mapping[str, MarketTrades], defects: Defects) -> RecordedMarket:
    trades = found.get(market.terms.ticker)
    if trades is None:
        return market
    known = trades.takers != UNKNOWN
    if not known.all():
        defects.note("trade_without_taker", market.terms.ticker, int((~known).sum()))
    return replace(
        market,
        prints=Prints(
            times=trades.times[known],
            prices=trades.prices[known],
            counts=trades.counts[known],
            taker_buys_yes=trades.takers[known] == BID,
        ),
    )
