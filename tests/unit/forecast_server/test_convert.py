"""The converters rely on numbers that two files must agree on."""

from enum import IntEnum
from typing import Any

import pytest
from foremesh.forecast.v1 import forecast_pb2, forecast_service_pb2, signal_pb2

from forecast_server import types
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


def test_everything_that_is_wrong_with_a_history_is_told_at_once() -> None:
    message = forecast_pb2.MarketHistory(market_ticker="bad one", closes_cents=[float("inf"), 5, -1])
    request = forecast_service_pb2.HistoryBatch(histories=[message])
    batch = batch_of(7, request.histories, check_items(request, "histories"))
    ((index, ticker, verdict),) = batch.rejected
    assert (index, ticker, batch.histories) == (7, "bad one", [])
    assert isinstance(verdict, types.Rejected)
    fields = [problem.field for problem in verdict.problems]
    assert fields == ["market_ticker", "current_price_cents", "closes_cents[0]", "closes_cents[2]"]
