"""Real recordings load as they are: quotes to the cent, results that were observed, and no candle before its end."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from research.loading import Recording, load
from research.types import ABSENT, CLOSE, Defects, Origin, RecordedMarket
from tests.fakes.recorded_store import HIGHS, KALSHI, imported

NEW_YORK = ["KXHIGHNY-25DEC05", "KXHIGHNY-26JAN05"]
pytestmark = pytest.mark.skipif(not KALSHI.is_dir(), reason="needs the recorded markets in ../shared")


@pytest.fixture(scope="module")
def new_york(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = [f"{kind}_KXHIGHNY.parquet" for kind in ("markets", "candles_60m", "candles_1m")]
    return imported(tmp_path_factory.mktemp("new-york"), files, NEW_YORK)


def test_recorded_quotes_and_observed_results(new_york: Path) -> None:
    defects = Defects()
    recording = Recording(new_york, "KXHIGHNY", step_seconds=3600, observed=HIGHS, defects=defects)
    assert all(each.proven and each.compared >= 100 for each in recording.agreements)
    events = list(recording.load(defects))
    assert [event.event_ticker for event in events] == NEW_YORK
    raw = pq.read_table(KALSHI / "candles_60m_KXHIGHNY.parquet").to_pylist()
    cents = {
        (row["market_ticker"], row["end_period_ts"]): tuple(
            None if row[name] is None or row[name] == nobody else round(row[name] * 100)
            for name, nobody in (("yes_bid_close", 0), ("yes_ask_close", 1))
        )
        for row in raw
        if row["event_ticker"] in NEW_YORK
    }
    for event in events:
        outcomes = [market.outcome for market in event.markets]
        assert Counter(outcome and (outcome.origin, outcome.yes_value) for outcome in outcomes) == {
            (Origin.DERIVED, 1_000_000): 1,
            (Origin.DERIVED, 0): 5,
        }
        for market in event.markets:
            strip = market.decisions
            for end, bid, ask in zip(strip.ends.tolist(), strip.bids, strip.asks, strict=True):
                quoted = [None if side[CLOSE] == ABSENT else int(side[CLOSE]) // 10_000 for side in (bid, ask)]
                assert tuple(quoted) == cents.pop((market.terms.ticker, end))
    closed = {market.terms.ticker: market.terms.close_time.timestamp() for event in events for market in event.markets}
    assert all(end - 3600 >= closed[ticker] for ticker, end in cents)  # what is left began after the close
    minutes = [market for event in events for market in event.markets if market.path.step_seconds == 60]
    assert minutes
    assert all(np.isin(market.decisions.ends, market.path.ends).all() for market in minutes)


def test_a_recording_that_ends_earlier_says_what_was_known_then(new_york: Path) -> None:
    def loaded(last: datetime | None = None) -> dict[str, RecordedMarket]:
        events = load(new_york, "KXHIGHNY", step_seconds=3600, observed=HIGHS, last=last, defects=Defects())
        return {market.terms.ticker: market for event in events for market in event.markets}

    whole = loaded()
    for moment in (datetime(2025, 12, 5, 14, 30, tzinfo=UTC), datetime(2026, 1, 5, 18, tzinfo=UTC)):
        then, at = loaded(moment), int(moment.timestamp())
        known = {ticker: market for ticker, market in whole.items() if len(market.decisions.until(at).ends)}
        assert known.keys() == then.keys()
        for ticker, market in known.items():
            early = then[ticker]
            assert (early.terms, early.outcome) == (market.terms, market.outcome)
            for cut, strip in (
                (market.decisions.until(at), early.decisions),
                (market.path.until(at), early.path),
            ):
                assert all(
                    np.array_equal(getattr(cut, name), getattr(strip, name))
                    for name in ("ends", "bids", "asks", "trades", "volumes")
                )


def test_quarter_hours_and_index_days_load_too(tmp_path: Path) -> None:
    files = [
        "markets_KXBTC15M.parquet",
        "candles_1m_KXBTC15M.parquet",
        "markets_INXD.parquet",
        "candles_1m_INXD.parquet",
    ]
    event = "KXBTC15M-26MAY131215"
    store = imported(tmp_path, files, [event, "INXD-23APR14"])
    defects = Defects()
    (quarter,) = load(store, "KXBTC15M", step_seconds=60, defects=defects)
    (day,) = load(store, "INXD", step_seconds=60, defects=defects)
    assert quarter.markets[0].outcome is not None
    assert quarter.markets[0].outcome.origin is Origin.RECORDED
    assert day.markets[0].outcome is not None
    assert day.markets[0].outcome.origin is Origin.INFERRED
    assert not defects.counts["price_off_grid"]
