"""Recorded weather days whose results nobody recorded, decided by what was measured."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mesh.config import ConfigError
from mesh.kalshi.terms import MarketStatus, Result
from sim_exchange.domain.types import Market
from sim_exchange.sources.base import Determined
from sim_exchange.sources.recorded import RecordedConfig, RecordedSource
from sim_exchange.sources.recorded_markets import event_day, read_markets
from sim_exchange.sources.recorded_observations import answer, high_of, read_highs

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
HIGHS = DATA / "underlying" / "daily_high_temperature.parquet"
END = datetime(2026, 12, 1, tzinfo=UTC)
SETTLED = datetime(2026, 3, 11, 12, tzinfo=UTC)
"""Noon of the next day, as for days with a recorded result."""

_TEXTS = [
    "market_ticker",
    "event_ticker",
    "series_ticker",
    "title",
    "subtitle",
    "strike_type",
    "open_time",
    "close_time",
    "expiration_time",
    "result",
    "expiration_value",
    "result_inferred",
]
_NUMBERS = ["floor_strike", "cap_strike", "volume", "open_interest"]


def write_markets(folder: Path, series: str, rows: Sequence[dict[str, Any]]) -> None:
    schema = pa.schema([(name, pa.string()) for name in _TEXTS] + [(name, pa.float64()) for name in _NUMBERS])
    made = [dict.fromkeys(schema.names) | {"series_ticker": series} | row for row in rows]
    pq.write_table(pa.Table.from_pylist(made, schema), folder / f"markets_{series}.parquet")


def write_highs(folder: Path, *rows: tuple[str, str, float | None]) -> Path:
    path = folder / "highs.parquet"
    names = ("series_ticker", "date", "tmax_f")
    pq.write_table(pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows]), path)
    return path


def strikes(event: str) -> list[dict[str, Any]]:
    """A ladder: 49 or below, 50 to 51, 52 to 53, 54 or above."""
    return [
        {"market_ticker": f"{event}-T50", "event_ticker": event, "strike_type": "less", "cap_strike": 50.0},
        {"market_ticker": f"{event}-B50.5", "event_ticker": event, "strike_type": "between"}
        | {"floor_strike": 50.0, "cap_strike": 51.0},
        {"market_ticker": f"{event}-B52.5", "event_ticker": event, "strike_type": "between"}
        | {"floor_strike": 52.0, "cap_strike": 53.0},
        {"market_ticker": f"{event}-T53", "event_ticker": event, "strike_type": "greater", "floor_strike": 53.0},
    ]


def source(folder: Path, series: str, observations: Path | None) -> RecordedSource:
    return RecordedSource(RecordedConfig(kind="recorded", folder=folder, series=(series,), observations=observations))


def winners(recorded: RecordedSource) -> list[str]:
    items = recorded.catalogue(END)
    return [item.ticker for item in items if isinstance(item, Market) and item.result is Result.YES]


@pytest.mark.parametrize(
    ("high", "winner"),
    [(49.0, "T50"), (50.0, "B50.5"), (51.08, "B50.5"), (51.98, "B52.5"), (53.06, "B52.5"), (54.0, "T53")],
)
@pytest.mark.parametrize("series", ["KXHIGHNY", "HIGHNY"])
def test_the_observed_high_decides_all_markets_of_its_day(
    tmp_path: Path, series: str, high: float, winner: str
) -> None:
    event = f"{series}-26MAR10"
    write_markets(tmp_path, series, strikes(event))
    highs = write_highs(tmp_path, ("KXHIGHNY", "2026-03-10", high), ("KXHIGHNY", "2026-03-11", 20.0))
    recorded = source(tmp_path, series, highs)
    assert winners(recorded) == [f"{event}-{winner}"]
    ends = [one for one in recorded.events(datetime(2020, 1, 1, tzinfo=UTC)) if isinstance(one, Determined)]
    assert {end.at for end in ends} == {SETTLED}
    assert {end.expiration_value for end in ends} == {f"{round(high)}.00"}
    assert recorded.notes["result inferred from the observed high"] == 4
    assert recorded.notes["without a result"] == 0


def test_recorded_and_inferred_results_come_first_and_what_cannot_be_known_stays_open(tmp_path: Path) -> None:
    low, first, second, high = strikes("KXHIGHNY-26MAR10")
    rows = [
        low | {"result": "yes", "expiration_value": "45.00"},
        first | {"result_inferred": "no"},
        second | {"floor_strike": None},
        high | {"event_ticker": "KXHIGHNY-26MAR12"},
    ]
    write_markets(tmp_path, "KXHIGHNY", rows)
    highs = write_highs(tmp_path, ("KXHIGHNY", "2026-03-10", 50.0), ("KXHIGHNY", "2026-03-12", None))
    recorded = source(tmp_path, "KXHIGHNY", highs)
    shown = {item.ticker: item for item in recorded.catalogue(END) if isinstance(item, Market)}
    assert [(one.result, one.expiration_value) for one in shown.values()] == [
        (Result.YES, "45.00"),
        (Result.NO, ""),
        (Result.NONE, ""),
        (Result.NONE, ""),
    ]
    assert shown["KXHIGHNY-26MAR10-B52.5"].status is MarketStatus.CLOSED
    assert recorded.notes["without a result"] == 2
    assert recorded.notes["inferred result"] == 1
    assert winners(source(tmp_path, "KXHIGHNY", None)) == ["KXHIGHNY-26MAR10-T50"]


def test_a_day_of_which_sources_say_different_things_is_not_decided(tmp_path: Path) -> None:
    day = "2026-03-10"
    highs = read_highs(
        write_highs(tmp_path, ("KXA", day, 50.0), ("KXA", day, 51.0), ("KXB", day, 50.0), ("KXB", day, 50.36))
    )
    assert (high_of(highs, "KXA", event_day("KXA-26MAR10")), high_of(highs, "B", event_day("B-26MAR10"))) == (None, 50)
    assert high_of(highs, "KXB", None) is None


def test_other_series_are_not_decided_by_temperatures(tmp_path: Path) -> None:
    write_markets(tmp_path, "KXINX", [row | {"close_time": "2026-03-10T20:00:00Z"} for row in strikes("KXINX-26MAR10")])
    highs = write_highs(tmp_path, ("KXINX", "2026-03-10", 50.0))
    assert winners(source(tmp_path, "KXINX", highs)) == []


@pytest.mark.parametrize(
    "row", [{"series": "KXHIGHNY"}, {"series_ticker": "KXHIGHNY", "date": "tomorrow", "tmax_f": 50.0}]
)
def test_observations_that_cannot_be_read_are_named(tmp_path: Path, row: dict[str, Any]) -> None:
    write_markets(tmp_path, "KXHIGHNY", strikes("KXHIGHNY-26MAR10"))
    path = tmp_path / "highs.parquet"
    with pytest.raises(ConfigError, match="observations"):
        source(tmp_path, "KXHIGHNY", path)
    pq.write_table(pa.Table.from_pylist([row]), path)
    with pytest.raises(ConfigError, match="observations"):
        source(tmp_path, "KXHIGHNY", path)


@pytest.mark.skipif(not HIGHS.is_file(), reason="needs the recordings")
@pytest.mark.parametrize("city", ["NY", "CHI", "MIA", "AUS", "DEN"])
def test_observed_highs_agree_with_recorded_results(city: str) -> None:
    highs, notes = read_highs(HIGHS), Counter[str]()
    right: dict[str, list[bool]] = defaultdict(list)
    for series in (f"HIGH{city}", f"KXHIGH{city}"):
        path = DATA / f"kalshi/markets_{series}.parquet"
        rows = pq.read_table(path).to_pylist() if path.is_file() else []
        told = {row["market_ticker"]: row["result"] for row in rows if row["result"]}
        for market, *_ in read_markets(rows, notes, highs):
            high = high_of(highs, series, event_day(market.event_ticker))
            said = None if high is None or market.ticker not in told else answer(market, Decimal(high))
            if said is not None:
                right[market.event_ticker].append(said == (told[market.ticker] == "yes"))
    assert len(right) > 100
    assert sum(map(all, right.values())) >= 0.992 * len(right)
    assert notes["result inferred from the observed high"] > 0
