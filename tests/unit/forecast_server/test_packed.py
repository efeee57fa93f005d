"""Arrays that pass by their bytes are the arrays that protobuf itself would give and take."""

import numpy as np
import pytest
from foremesh.forecast.v1 import forecast_pb2
from hypothesis import given
from hypothesis import strategies as st

from forecast_server.packed import PathWriter, closes_of
from forecast_server.types import FLOAT32

HISTORIES = st.builds(
    forecast_pb2.MarketHistory,
    market_ticker=st.text(max_size=5),
    closes_cents=st.lists(st.floats(width=32), max_size=40),
    priority=st.integers(0, 100),
)


@given(st.lists(HISTORIES, max_size=40))
def test_closes_arrive_bit_by_bit_as_protobuf_itself_gives_them(histories: list[forecast_pb2.MarketHistory]) -> None:
    expected = [np.asarray(history.closes_cents, dtype=np.float32).tobytes() for history in histories]
    assert [closes.tobytes() for closes in closes_of(histories)] == expected


@pytest.mark.parametrize("points", [0, 1, 31, 32, 512, 2048])
def test_closes_of_any_length_stand_beside_each_other_and_stay_as_they_are(points: int) -> None:
    histories = [forecast_pb2.MarketHistory(closes_cents=[number] * points) for number in range(33)]
    for number, closes in enumerate(closes_of(histories)):
        assert closes.tolist() == [number] * points
        assert not closes.flags.writeable


@pytest.mark.parametrize("steps", [1, 31, 32, 33, 512, 1024])
@pytest.mark.parametrize(
    "levels", [(0.5,), tuple(tenth / 10 for tenth in range(1, 10)), tuple(np.linspace(0.1, 0.9, 32))]
)
def test_a_path_of_any_size_is_written_as_protobuf_itself_writes_it(steps: int, levels: tuple[float, ...]) -> None:
    generator = np.random.default_rng(steps)
    mean = generator.uniform(0, 100, steps).astype(FLOAT32)
    quantiles = generator.uniform(0, 100, (steps, len(levels))).astype(FLOAT32)
    writer = PathWriter(levels)
    for until in (steps, 1):  # a path cut at the market's close, by the same writer
        message = forecast_pb2.ForecastPath()
        writer.write(message, mean[:until], quantiles[:until])
        assert message == forecast_pb2.ForecastPath(
            horizon_steps=until,
            mean_cents=mean[:until].tolist(),
            quantile_levels=levels,
            quantiles_cents=quantiles[:until].ravel().tolist(),
        )


@given(st.lists(st.floats(width=32), min_size=1, max_size=9))
def test_whatever_stands_in_a_path_keeps_its_bits(values: list[float]) -> None:
    mean = np.asarray(values, dtype=FLOAT32)
    message = forecast_pb2.ForecastPath()
    PathWriter((0.5,)).write(message, mean, mean[:, None])
    for found in (message.mean_cents, message.quantiles_cents):
        assert np.asarray(found, dtype=FLOAT32).tobytes() == mean.tobytes()


def test_a_path_is_laid_out_right_whatever_the_order_of_its_numbers_in_memory() -> None:
    quantiles = np.arange(6, dtype=FLOAT32).reshape(3, 2).T
    message = forecast_pb2.ForecastPath()
    PathWriter((0.1, 0.5, 0.9)).write(message, np.zeros(2, FLOAT32), quantiles)
    assert list(message.quantiles_cents) == [0, 2, 4, 1, 3, 5]
