"""Tickers of events name a day or a time of one, and closes follow from them where neighbours agree."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from research.closes import Closes
from research.tickers import named


@pytest.mark.parametrize(
    ("ticker", "day", "clock"),
    [
        ("KXHIGHNY-26JAN05", date(2026, 1, 5), None),
        ("KXBTCD-26JUL3121", date(2026, 7, 31), time(21)),
        ("KXBTC15M-26MAY131215", date(2026, 5, 13), time(12, 15)),
        ("KXINX-26JUL17H1600", date(2026, 7, 17), time(16)),
    ],
)
def test_a_ticker_names_a_day_or_a_time_of_one(ticker: str, day: date, clock: time | None) -> None:
    assert named(ticker) == (day, clock)


@pytest.mark.parametrize(
    "ticker", ["KXHIGHNY-26JAN32", "KXHIGHNY-26JUX05", "KXHIGHNY", "KXBTCD-26JUL3125", "KXHIGHNY-26JAN05-B40.5"]
)
def test_a_ticker_that_names_no_day_says_so(ticker: str) -> None:
    assert named(ticker) is None
    assert Closes([]).derive(ticker) is None


def closes(offsets: dict[int, timedelta]) -> Closes:
    """Events of January days, each closed so long after its day began in UTC."""
    return Closes((f"A-26JAN{day:02}", datetime(2026, 1, day, tzinfo=UTC) + after) for day, after in offsets.items())


def test_a_close_follows_from_the_nearest_events_on_both_sides_where_they_agree() -> None:
    late, later = timedelta(hours=29), timedelta(hours=30)
    known = closes({2: late, 9: late, 12: later})
    assert known.derive("A-26JAN05") == datetime(2026, 1, 6, 5, tzinfo=UTC)
    assert known.derive("A-26JAN10") is None  # they differ
    assert known.derive("A-26JAN01") is None  # nothing before
    assert known.derive("A-26JAN13") is None  # nothing after
    assert known.derive("A-26JUN01") is None  # too far
