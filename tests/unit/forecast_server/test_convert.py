"""The converters rely on numbers that two files must agree on."""

from enum import IntEnum
from typing import Any

import numpy as np
import pytest
from foremesh.forecast.v1 import forecast_pb2, forecast_service_pb2, signal_pb2
from hypothesis import given
from hypothesis import strategies as st

from forecast_server import convert, types
from forecast_server.batches import batch_of
from mesh.rpc.validation import check_items


@pytest.mark.parametrize(
    ("ours", "theirs", "prefix"),
    [
        (types.Direction, signal_pb2.Direction, "DIRECTION_"),
        (types.Confidence, signal_pb2.Confidence, "CONFIDENCE_"),
        (types.Degradation, forecast_pb2.Degradation, "DEGRADATION_"),
    ],
)
def test_our_enumerations_are_numbered_like_the_contracts(ours: type[IntEnum], theirs: Any, prefix: str) -> None:
    named = {f"{prefix}{member.name}": member.value for member in ours}
    assert named | {f"{prefix}UNSPECIFIED": 0} == dict(theirs.items())


@given(st.lists(st.floats(width=32), max_size=300), st.text(max_size=5), st.integers(0, 100))
def test_closes_arrive_bit_by_bit_as_protobuf_itself_gives_them(
    closes: list[float], ticker: str, priority: int
) -> None:
    message = forecast_pb2.MarketHistory(market_ticker=ticker, closes_cents=closes, priority=priority)
    expected = np.asarray(message.closes_cents, dtype=np.float32)
    assert convert.history(0, message).closes.tobytes() == expected.tobytes()


def test_everything_that_is_wrong_with_a_history_is_told_at_once() -> None:
    message = forecast_pb2.MarketHistory(market_ticker="bad one", closes_cents=[float("inf"), 5, -1])
    request = forecast_service_pb2.HistoryBatch(histories=[message])
    batch = batch_of(7, request.histories, check_items(request, "histories"))
    ((index, ticker, verdict),) = batch.rejected
    assert (index, ticker, batch.histories) == (7, "bad one", [])
    assert isinstance(verdict, types.Rejected)
    fields = [problem.field for problem in verdict.problems]
    assert fields == ["market_ticker", "current_price_cents", "closes_cents[0]", "closes_cents[2]"]
