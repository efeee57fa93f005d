from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from mesh.kalshi.fees import FeeTerms
from mesh.kalshi.terms import FeeType
from mesh.types import CENT
from research.statistics.decomposition import Quote
from research.statistics.quotes import exit_quotes
from research.types import ABSENT, RecordedMarket, Strip
from tests.fakes.trade_rows import row
from trader.domain.facts import MarketTerms

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
START = int(NOON.timestamp())


def market(closes: list[tuple[int, int]]) -> RecordedMarket:
    count = len(closes)

    def bars(place: int) -> np.ndarray:
        return np.repeat(np.array([[close[place]] for close in closes], np.int64), 4, axis=1)

    strip = Strip(
        step_seconds=60,
        ends=START + 60 * np.arange(count, dtype=np.int64),
        bids=bars(0),
        asks=bars(1),
        trades=np.full((count, 4), ABSENT, np.int64),
        volumes=np.full(count, ABSENT, np.int64),
    )
    terms = MarketTerms(
        ticker=row().market_ticker,
        event_ticker="E",
        series_ticker="KXA",
        title="",
        close_time=NOON,
        bands=(),
        fees=FeeTerms(FeeType.QUADRATIC, Decimal(1)),
    )
    return RecordedMarket(terms=terms, open_time=None, decisions=strip, path=strip, outcome=None)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-1, None),
        (0, Quote(30 * CENT, 34 * CENT)),
        (59.9, Quote(30 * CENT, 34 * CENT)),
        (60, Quote(40 * CENT, 42 * CENT)),
        (120, None),  # nobody asked
        (180, None),  # crossed
        (240, Quote(10 * CENT, 12 * CENT)),
        (539, Quote(10 * CENT, 12 * CENT)),
        (540, None),  # nobody knows any more
    ],
)
def test_the_quote_that_held_at_the_exit_is_found(seconds: float, expected: Quote | None) -> None:
    closes = [(30, 34), (40, 42), (40, ABSENT), (50, 50), (10, 12)]
    recorded = market([(bid * CENT, ask if ask == ABSENT else ask * CENT) for bid, ask in closes])
    find = exit_quotes({row().market_ticker: recorded}, stale_seconds=300)
    assert find(row(exit_time=NOON + timedelta(seconds=seconds))) == expected


def test_of_a_market_that_was_not_recorded_nothing_is_known() -> None:
    assert exit_quotes({}, stale_seconds=300)(row()) is None
