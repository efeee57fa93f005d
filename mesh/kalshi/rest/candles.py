"""Candles of live markets: of one, of many with as few calls as possible, of an event."""

from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import TypeVar

from mesh.kalshi.errors import ObjectNotFound, UnexpectedReply
from mesh.kalshi.rest.candle_plan import (
    MOST_PERIODS,
    PERIODS_MINUTES,
    CallCosts,
    CandleCall,
    Span,
    together,
    windows,
)
from mesh.kalshi.rest.filters import since, until
from mesh.kalshi.rest.historical_wire import ArchivedCandles
from mesh.kalshi.rest.price_wire import Candle, CandlesBatch, CandlesReply, EventCandles
from mesh.kalshi.rest.reading import SCAN, Group, Urgency

_BATCH = "/markets/candlesticks"


class Candles(Group):
    """Candles of live markets. A period is 1, 60 or 1440 minutes; daily ones end at midnight in New York."""

    async def of_market(
        self,
        ticker: str,
        first: datetime,
        last: datetime,
        period_minutes: int,
        *,
        latest_before: bool = False,
        urgency: Urgency = SCAN,
    ) -> list[Candle]:
        """Return one market's candles that end within the span, in as many calls as it takes.

        Args:
            ticker: The market.
            first: Earliest end of a candle.
            last: Latest end of a candle.
            period_minutes: Length of a candle.
            latest_before: Begin with a candle that holds only the last price before the span.
            urgency: How much it matters.

        Raises:
            ObjectNotFound: It is archived, or does not exist.
            ValueError: There are no candles of this length.
        """
        check_period(period_minutes)
        found: list[Candle] = []
        for start, end in span_windows(first, last, period_minutes):
            params = {
                "start_ts": start,
                "end_ts": end,
                "period_interval": period_minutes,
                "include_latest_before_start": latest_before or None,
            }
            reply = await self._get(_path(ticker), CandlesReply, urgency, params)
            found.extend(of_asked(reply, ticker).candlesticks)
            latest_before = False
        return found

    def plan(self, spans: Iterable[Span], period_minutes: int) -> list[CandleCall]:
        """Return the cheapest calls for the candles of many live markets, at what calls cost this account."""
        check_period(period_minutes)
        return together(spans, period_minutes, self.costs())

    def costs(self) -> CallCosts:
        """Return what calls for candles cost this account, in tokens."""
        price = self._transport.limits.price
        single = price("GET", "/series/S/markets/M/candlesticks")[1]
        return CallCosts(round(single), round(price("GET", _BATCH)[1]))

    async def planned(
        self, calls: Iterable[CandleCall], period_minutes: int, *, urgency: Urgency = SCAN
    ) -> AsyncIterator[tuple[CandleCall, dict[str, tuple[Candle, ...]]]]:
        """Make the calls of a plan one after the other, and yield the candles of each by market.

        A market without candles has an empty tuple; one that the exchange does not know, or has archived, is not
        there.
        """
        check_period(period_minutes)
        for call in calls:
            params = {"start_ts": call.start_ts, "end_ts": call.end_ts, "period_interval": period_minutes}
            if call.batch:
                batch = await self._get(
                    _BATCH, CandlesBatch, urgency, {**params, "market_tickers": ",".join(call.tickers)}
                )
                found = {market.market_ticker: market.candlesticks for market in batch.markets}
                if len(found) < len(batch.markets) or not found.keys() <= set(call.tickers):
                    raise UnexpectedReply("markets that were not asked for, or twice", request=f"GET {_BATCH}")
                yield call, found
            else:
                (ticker,) = call.tickers
                try:
                    reply = await self._get(_path(ticker), CandlesReply, urgency, params)
                except ObjectNotFound:
                    yield call, {}
                else:
                    yield call, {ticker: of_asked(reply, ticker).candlesticks}

    async def of_event(
        self, event_ticker: str, first: datetime, last: datetime, period_minutes: int, *, urgency: Urgency = SCAN
    ) -> EventCandles:
        """Return the candles of all markets of an event, up to where the exchange stops: see `adjusted_end_ts`."""
        check_period(period_minutes)
        path = f"/series/{event_ticker.partition('-')[0]}/events/{event_ticker}/candlesticks"
        params = {"start_ts": since(first), "end_ts": until(last), "period_interval": period_minutes}
        return await self._get(path, EventCandles, urgency, params)


def _path(ticker: str) -> str:
    # The series is not checked against the market: any would do.
    return f"/series/{ticker.partition('-')[0]}/markets/{ticker}/candlesticks"


R = TypeVar("R", bound="CandlesReply | ArchivedCandles")


def of_asked(reply: R, ticker: str) -> R:
    """Return a reply that is about the market asked for. Raises UnexpectedReply for another's."""
    if reply.ticker != ticker:
        raise UnexpectedReply(f"candles of {reply.ticker}, asked for those of {ticker}", request=f"GET {ticker}")
    return reply


def check_period(period_minutes: int) -> None:
    """ValueError unless the exchange has candles of this length."""
    if period_minutes not in PERIODS_MINUTES:
        raise ValueError(f"candles of {period_minutes} minutes: the exchange has {PERIODS_MINUTES}")


def span_windows(first: datetime, last: datetime, period_minutes: int) -> Iterable[tuple[int, int]]:
    """Cut a span into what one call for one market may ask for, in Unix seconds."""
    start, end = since(first) or 0, until(last) or 0
    return windows(start, end, period_minutes, MOST_PERIODS)
