"""Events put together from listed markets: nothing is lost, whatever is listed when."""

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.coordinator.event_rows import PHASES, ListedMarket, is_news, listed_market, merged_event
from collector.coordinator.rows import EventRow
from collector.types import MarketTask, Phase
from mesh.kalshi.rest.market_wire import Market, MarketReply
from mesh.kalshi.rest.wire import decode
from mesh.kalshi.terms import MarketStatus
from tests.integration.test_kalshi_client import market as market_body

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def found(ticker: str, phase: Phase, hours: int) -> ListedMarket:
    settled = NOW + timedelta(hours=hours) if phase is Phase.SETTLED else None
    return ListedMarket("E", MarketTask(ticker, phase, NOW, NOW + timedelta(hours=1)), settled)


listed = st.lists(
    st.builds(found, st.sampled_from("ABCDEF"), st.sampled_from(Phase), st.integers(0, 9)), min_size=1, max_size=9
)
once = st.lists(
    st.builds(found, st.sampled_from("ABCDEF"), st.sampled_from(Phase), st.integers(0, 9)),
    min_size=1,
    unique_by=lambda one: one.task.ticker,
)


def merged(given: Sequence[ListedMarket], known: EventRow | None = None) -> EventRow:
    return merged_event("S", "E", given, known, NOW)


@given(first=listed, second=listed)
def test_every_market_ever_listed_is_there_once_as_it_was_listed_last(
    first: list[ListedMarket], second: list[ListedMarket]
) -> None:
    row = merged(second, merged(first))
    last = {market.task.ticker: market.task for market in [*first, *second]}
    assert row.markets == tuple(last[ticker] for ticker in sorted(last))


@given(markets=once, cut=st.integers(0, 6), order=st.randoms())
def test_it_matters_neither_in_which_order_nor_in_how_many_pages_markets_come(
    markets: list[ListedMarket], cut: int, order: random.Random
) -> None:
    whole = merged(markets)
    mixed = list(markets)
    order.shuffle(mixed)
    first, rest = mixed[:cut] or mixed, mixed[cut:]
    assert merged(rest, merged(first)).markets == whole.markets


@given(markets=once)
def test_an_event_is_settled_exactly_if_all_of_its_markets_are_and_then_with_the_last(
    markets: list[ListedMarket],
) -> None:
    row = merged(markets)
    times = [market.settled for market in markets if market.settled]
    assert row.settled == (max(times) if len(times) == len(markets) else None)


@given(markets=once)
def test_listing_the_same_again_is_no_news(markets: list[ListedMarket]) -> None:
    row = merged(markets)
    later = merged_event("S", "E", markets, row, NOW + timedelta(hours=9))
    assert is_news(row, None)
    assert not is_news(later, row)
    assert is_news(replace(later, markets=()), row)


@given(markets=once)
def test_where_the_collection_of_a_market_begins_stays_as_it_was_decided(markets: list[ListedMarket]) -> None:
    row = merged(markets)
    decided = replace(row, markets=tuple(replace(market, fetch_from=NOW) for market in row.markets))
    assert not is_news(merged(markets, decided), decided)


def market(**changes: str) -> Market:
    return decode(json.dumps({"market": market_body(**changes)}).encode(), MarketReply).market


def test_every_state_of_the_exchange_has_a_phase() -> None:
    assert set(PHASES) == set(MarketStatus)
    assert listed_market(market(status="something new")).task.phase is Phase.UNKNOWN


def test_a_settled_market_without_the_instant_of_its_settlement_counts_from_its_close() -> None:
    kept = listed_market(market(status="finalized"))
    assert kept.settled == kept.task.closes
    kept = listed_market(market(status="finalized", settlement_ts="2026-07-13T12:00:00Z"))
    assert kept.settled == datetime(2026, 7, 13, 12, tzinfo=UTC)


@pytest.mark.parametrize("ticker", ["kxhighny", "A/B", "..", "A" * 65, "A B", "A+B"])
def test_a_ticker_that_cannot_be_part_of_a_file_name_is_refused(ticker: str) -> None:
    for field in ("ticker", "event_ticker"):
        with pytest.raises(ValueError, match="not a ticker"):
            listed_market(market(**{field: ticker}))


@pytest.mark.parametrize("instant", ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+05:00"])
@pytest.mark.parametrize("field", ["open_time", "close_time", "settlement_ts"])
def test_a_market_at_an_end_of_the_calendar_is_not_planned_for(field: str, instant: str) -> None:
    with pytest.raises(ValueError, match="lasts for ever"):
        listed_market(market(status="finalized", **{field: instant}))
