"""The converters rely on numbers that two files must agree on."""

from enum import IntEnum
from typing import Any

import pytest
from foremesh.forecast.v1 import forecast_pb2, signal_pb2

from forecast_server import types


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
