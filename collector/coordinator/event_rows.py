"""Markets as the exchange lists them, put together as the coordinator's events. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType

from collector.coordinator.rows import EventRow
from collector.types import MarketTask, Phase
from mesh.kalshi.rest.market_wire import Market
from mesh.kalshi.terms import MarketStatus
from mesh.shards import ShardKey
from mesh.types import utc

PHASES: Mapping[MarketStatus, Phase] = MappingProxyType(
    {
        MarketStatus.INITIALIZED: Phase.UPCOMING,
        MarketStatus.ACTIVE: Phase.OPEN,
        MarketStatus.INACTIVE: Phase.PAUSED,
        MarketStatus.CLOSED: Phase.CLOSED,
        MarketStatus.DETERMINED: Phase.CLOSED,
        MarketStatus.DISPUTED: Phase.CLOSED,
        MarketStatus.AMENDED: Phase.CLOSED,
        MarketStatus.FINALIZED: Phase.SETTLED,
        MarketStatus.UNKNOWN: Phase.UNKNOWN,
    }
)
"""What a market's state means for collection."""
_EARLIEST, _LATEST = datetime(2, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
"""Plans add time to these instants: one at the end of the calendar would end the coordinator."""


@dataclass(frozen=True, slots=True)
class ListedMarket:
    """What is kept of a market until its event is complete."""

    event: str
    task: MarketTask
    settled: datetime | None
    """When, UTC; None before."""


def listed_market(market: Market) -> ListedMarket:
    """Keep what collection needs. ValueError for a ticker that cannot be one of ours, or an instant beyond planning."""
    for ticker in (market.event_ticker, market.ticker):
        ShardKey(ticker, ticker, 60)
    instants = (market.open_time, market.close_time, market.settlement_time or market.close_time)
    if min(instants) < _EARLIEST or max(instants) > _LATEST:
        raise ValueError(f"{market.ticker} lasts for ever")
    phase = PHASES[market.status]
    task = MarketTask(market.ticker, phase, opens=utc(market.open_time), closes=utc(market.close_time))
    # A record without the instant of its settlement still has to fall on one side of the archive's cutoff.
    settled = utc(market.settlement_time or market.close_time) if phase is Phase.SETTLED else None
    return ListedMarket(market.event_ticker, task, settled)


def merged_event(
    series: str, event: str, found: Iterable[ListedMarket], known: EventRow | None, listed: datetime
) -> EventRow:
    """Put an event together from what is listed now and what is known.

    Markets that are known and not listed stay as they are: live markets move to the archive one by one, and not every
    listing covers both. Where collection of a market begins is not the exchange's to say, and stays too.

    Args:
        series: Its series.
        event: Its ticker.
        found: Its listed markets, at least one unless it is known.
        known: The event as it was listed before.
        listed: When the listing began, UTC.
    """
    tasks = {task.ticker: task for task in known.markets} if known else {}
    settled = [known.settled] if known and known.settled else []
    for market in found:
        before = tasks.get(market.task.ticker)
        tasks[market.task.ticker] = replace(market.task, fetch_from=before.fetch_from) if before else market.task
        if market.settled is not None:
            settled.append(market.settled)
    over = all(task.phase is Phase.SETTLED for task in tasks.values())
    return EventRow(
        series=series,
        event=event,
        markets=tuple(tasks[ticker] for ticker in sorted(tasks)),
        settled=max(settled) if over else None,
        listed=listed,
    )


def with_late_markets(event: EventRow, known: EventRow | None) -> tuple[EventRow, bool]:
    """Mark markets that joined an event after it was first listed, or trade on after their close; tell if some do now.

    What was collected before may reach past their beginning, or past the close that they had.

    Args:
        event: As it is listed now.
        known: As it was listed before; None marks nothing.
    """
    if known is None:
        return event, False
    before = {market.ticker: market for market in known.markets}

    def marked(market: MarketTask) -> MarketTask:
        earlier = before.get(market.ticker)
        if earlier is None:
            return replace(market, fetch_from=market.opens)
        reopened = market.closes > earlier.closes and earlier.fetch_from is None
        return replace(market, fetch_from=earlier.closes if reopened else earlier.fetch_from)

    markets = tuple(map(marked, event.markets))
    froms = {ticker: market.fetch_from for ticker, market in before.items()}
    grown = any(market.ticker not in froms or market.fetch_from != froms[market.ticker] for market in markets)
    return replace(event, markets=markets), grown


def is_news(row: EventRow, known: EventRow | None) -> bool:
    """Tell whether a row says more than that it was listed again."""
    return known is None or replace(known, listed=row.listed) != row
