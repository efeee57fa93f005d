"""What the spot says of markets: by strikes that are known, of a spot that was known then, and of nothing else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mesh.errors import InvalidInput
from mesh.kalshi.terms import StrikeType
from research.loading import Recording
from research.quality.spot import SpotPath
from research.quality.spot_file import read_spot
from research.quality.spot_forecasts import Spot, SpotForecaster, SpotSeen, spot_of
from research.questions import QuestionPlan
from research.strikes import Strikes
from research.types import Defects, Fan, Key, RecordedEvent, Unsaid
from tests.fakes.recorded_store import KALSHI, SHARED, imported
from tests.fakes.research import event, market, walked

COINBASE, INDEX = (
    SHARED / "underlying" / name for name in ("btc_usd_coinbase_1s_2026-05.parquet", "spx_seconds_2023-04.parquet")
)
EVENTS = ["KXBTC15M-26MAY130915", "KXBTC15M-26MAY150745"]
REAL = pytest.mark.skipif(not KALSHI.is_dir(), reason="needs the recorded markets in ../shared")
PLAN = QuestionPlan(horizon_steps=4, step=timedelta(minutes=1))
LEVELS = tuple(number / 10 for number in range(1, 10))
BEGIN = datetime(2026, 5, 13, 9, tzinfo=UTC)
CLOSE = BEGIN + timedelta(minutes=15)


ABOVE = Strikes(StrikeType.GREATER_OR_EQUAL, 100.0, None)


def asked(spot: Spot, events: list[RecordedEvent]) -> tuple[dict[Key, Fan | None], SpotForecaster]:
    forecaster = SpotForecaster(spot, PLAN, LEVELS)
    found = {key: said for one in events for key, said in forecaster.answers(one).items()}
    return {key: said.fan for key, said in found.items() if isinstance(said, Unsaid)}, forecaster


def by_hand(close: datetime = CLOSE, strikes: Strikes | None = ABOVE) -> RecordedEvent:
    candles = walked(15, step_seconds=60, begin=BEGIN)
    return event(replace(market(candles, ticker="KXBTC15M-26MAY130915-15", close=close, pays=True), strikes=strikes))


def path(minutes: int = 135) -> SpotPath:
    """An underlying that goes up and down by a tenth, until the close."""
    times = np.arange(int(CLOSE.timestamp()) - 60 * minutes, int(CLOSE.timestamp()) + 1)
    return SpotPath(times * 1_000_000, 100.05 + 0.05 * np.where(times // 60 % 2, 1, -1))


@REAL
def test_real_paths_give_real_results_and_look_at_nothing_that_came_later(tmp_path: Path) -> None:
    files = [f"{kind}_KXBTC15M.parquet" for kind in ("markets", "candles_1m")]
    recording = Recording(imported(tmp_path, files, EVENTS), "KXBTC15M", step_seconds=60, defects=Defects())
    events = list(recording.load(Defects()))
    spot = spot_of(read_spot(COINBASE), "KXBTC15M", COINBASE.name)

    whole, forecaster = asked(spot, events)

    assert forecaster.seen() == SpotSeen(
        source=COINBASE.name, settles="the mean of the minute before the close", agreed=2, compared=2
    )
    spoke = [key for key, fan in whole.items() if fan is not None]
    assert len(spoke) == 28
    assert forecaster.tally.unsaid == {"no_step_left": 2}
    for key in spoke[::9]:
        known = spot.path.times <= key[1] * 1_000_000
        cut = replace(spot, path=SpotPath(spot.path.times[known], spot.path.prices[known]))
        then, _ = asked(cut, events)
        assert repr(then[key]) == repr(whole[key])


@REAL
def test_the_index_gives_what_its_market_paid_and_where_it_stood(tmp_path: Path) -> None:
    files = [f"{kind}_INXD.parquet" for kind in ("markets", "candles_1m")]
    recording = Recording(imported(tmp_path, files, ["INXD-23APR14"]), "INXD", step_seconds=60, defects=Defects())

    found, forecaster = asked(spot_of(read_spot(INDEX), "INXD", INDEX.name), list(recording.load(Defects())))

    assert (forecaster.seen().agreed, forecaster.seen().compared) == (1, 1)
    assert forecaster.tally.unsaid == {"volatility_not_known": 20}
    last = [fan for fan in found.values() if fan is not None][-1]
    assert last.path_cents[0] == pytest.approx(100, abs=0.01)


def test_steps_end_with_the_close_and_the_price_is_a_probability() -> None:
    found, _ = asked(spot_of(path(), "KXBTC15M", "by hand"), [by_hand()])

    fans = list(found.values())
    assert [0 if fan is None else len(fan.path_cents) for fan in fans] == [4] * 11 + [3, 2, 1, 0]
    first = fans[0]
    assert first is not None
    assert 50 < first.path_cents[0] < 65
    assert first.quantiles_cents.shape == (4, 9)


@pytest.mark.parametrize(
    ("strikes", "spot", "reasons"),
    [
        (None, path(), {"strikes_unknown": 15}),
        (ABOVE, path(minutes=19), {"volatility_not_known": 14, "no_step_left": 1}),
        (ABOVE, SpotPath(path().times, 0 * path().prices), {"volatility_not_known": 14, "no_step_left": 1}),
        (ABOVE, SpotPath(path().times - 7_200_000_000, path().prices), {"spot_not_known": 14, "no_step_left": 1}),
    ],
)
def test_what_is_not_known_is_not_said(strikes: Strikes | None, spot: SpotPath, reasons: dict[str, int]) -> None:
    found, forecaster = asked(spot_of(spot, "KXBTC15M", "by hand"), [by_hand(strikes=strikes)])

    assert set(found.values()) == {None}
    assert forecaster.tally.unsaid == reasons
    assert forecaster.tally.questions == 15


def test_an_index_says_nothing_of_another_days_session_and_a_mean_nothing_once_it_has_begun() -> None:
    _, tomorrow = asked(spot_of(path(), "INXD", "by hand"), [by_hand(CLOSE + timedelta(days=1))])
    half = QuestionPlan(horizon_steps=4, step=timedelta(seconds=30))
    averaged = SpotForecaster(spot_of(path(), "KXBTC15M", "by hand"), half, LEVELS)
    averaged.answers(by_hand(CLOSE + timedelta(seconds=45)))

    assert tomorrow.tally.unsaid == {"before_the_session": 15}
    assert averaged.tally.unsaid == {"averaging_begun": 1}


def test_a_series_that_settles_by_something_else_is_refused() -> None:
    with pytest.raises(InvalidInput, match="KXHIGHNY is not known to settle by a spot") as caught:
        spot_of(path(), "KXHIGHNY", "by hand")
    assert caught.value.reason == "SPOT_SERIES_UNKNOWN"


def test_a_path_is_read_in_the_order_of_time_and_without_rows_that_say_nothing(tmp_path: Path) -> None:
    table = {"end_ts": [3, None, 1, 2, 3], "close": [30.0, 9.0, 10.0, None, 31.0]}
    pq.write_table(pa.table(table), tmp_path / "path.parquet")

    found = read_spot(tmp_path / "path.parquet")

    assert found.times.tolist() == [1_000_000, 3_000_000, 3_000_000]
    assert found.at(np.array([2, 3])).tolist() == [10.0, 31.0]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"day": [1], "close": [1.0]}, "no column ts_us or end_ts"),
        ({"ts_us": [1], "tmax_f": [1.0]}, "none close or price"),
        ({"ts_us": [1, 2], "price": [None, None]}, "no price"),
        ({"ts_us": [1, 2], "price": [1.0, 2.0], "symbol": ["BTC", "ETH"]}, "several underlyings"),
        ({"ts_us": ["a"], "price": [1.0]}, "could not convert"),
        (None, "magic bytes"),
    ],
)
def test_what_is_no_path_is_named(tmp_path: Path, table: dict[str, list[object]] | None, words: str) -> None:
    file = tmp_path / "path.parquet"
    file.write_bytes(b"no table") if table is None else pq.write_table(pa.table(table), file)

    with pytest.raises(InvalidInput, match=words) as caught:
        read_spot(file)

    assert caught.value.reason == "SPOT_UNREADABLE"
    assert str(file) in str(caught.value)
