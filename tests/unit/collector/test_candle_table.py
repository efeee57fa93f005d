"""The exchange's candles as columns."""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from collector.candle_table import candle_table
from mesh.kalshi.rest.price_wire import Asks, Bids, Candle, Prints
from mesh.records import CANDLES
from mesh.shards import ShardKey
from mesh.types import DOLLAR, Hundredths, Price

SHARD = ShardKey("KXHIGHNY", "KXHIGHNY-26JUL10", 3600)
PRICES = st.integers(0, DOLLAR).map(Price)
PRINTS = st.one_of(
    st.builds(Prints, previous=st.none() | PRICES),
    st.builds(Prints, PRICES, PRICES, PRICES, PRICES, PRICES, st.none() | PRICES),
)
COUNTS = st.integers(0, 10**14).map(Hundredths)


@st.composite
def candles(draw: st.DrawFn) -> Candle:
    prints = draw(PRINTS)
    volume = draw(COUNTS) if prints.close is not None else Hundredths(0)
    bids, asks = draw(st.tuples(*[PRICES] * 4)), draw(st.tuples(*[PRICES] * 4))
    end = draw(st.integers(0, 2_000_000_000))
    return Candle(end, Bids(*bids), Asks(*asks), prints, volume, draw(COUNTS))


def row(ticker: str, candle: Candle) -> dict[str, Any]:
    """The stored row, by the record's own properties."""
    made: dict[str, Any] = {
        "series_ticker": SHARD.series,
        "event_ticker": SHARD.event,
        "market_ticker": ticker,
        "end_time": candle.end,
        "step_seconds": 3600,
        "volume_hundredths": candle.volume,
        "open_interest_hundredths": candle.open_interest,
    }
    for side, quotes in (("price", candle.trades), ("yes_bid", candle.bid), ("yes_ask", candle.ask)):
        made |= {f"{side}_{name}_micros": getattr(quotes, name) for name in ("open", "high", "low", "close")}
    return made | {"price_mean_micros": candle.trades.mean, "price_previous_micros": candle.trades.previous}


@given(st.dictionaries(st.sampled_from(["A", "B", "C"]), st.lists(candles(), max_size=4)))
def test_every_value_of_every_candle_is_stored_exactly(found: dict[str, list[Candle]]) -> None:
    table = candle_table(SHARD, found)

    assert table.schema.equals(CANDLES, check_metadata=True)
    assert table.to_pylist() == [row(ticker, candle) for ticker, some in found.items() for candle in some]


def test_nobody_bidding_and_nobody_asking_is_null() -> None:
    candle = Candle(
        3600, Bids(*[Price(0)] * 4), Asks(*[Price(DOLLAR)] * 4), Prints(), Hundredths(0), Hundredths(0)
    )  # fmt: skip
    (stored,) = candle_table(SHARD, {"A": [candle]}).to_pylist()

    assert [stored[f"{side}_close_micros"] for side in ("yes_bid", "yes_ask", "price")] == [None, None, None]
    assert stored["end_time"] == datetime(1970, 1, 1, 1, tzinfo=UTC)


def test_no_column_holds_a_float() -> None:
    assert not any(pa.types.is_floating(field.type) for field in candle_table(SHARD, {}).schema)
