"""Recorded replies of the real exchange, and what it means that a simulated one has the same shape."""

import json
import re
from typing import Any

import pytest

from tests.conftest import ROOT

FOLDER = ROOT.parent / "shared" / "reference" / "samples"
needs_samples = pytest.mark.skipif(not FOLDER.exists(), reason="the recorded replies are not at hand")

ADDED_SINCE = {
    "categories", "exchange_index", "exchange_index_statuses", "intra_exchange_transfers_active",
    "settlement_bounds_type",
}  # fmt: skip
REMOVED_SINCE = {"liquidity_dollars", "resting_orders_count", "service"}
NOT_SIMULATED = {"early_close_condition", "product_metadata"}
"""Optional, and nothing that the simulation could say truly."""

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,5}[1-9])?Z")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NUMBER = re.compile(r"-?\d+\.(\d+)")


def recorded(name: str) -> Any:
    """One recording, as it is in its file."""
    return json.loads((FOLDER / name).read_text())


def assert_same_shape(ours: Any, theirs: Any, where: str = "reply", optional: frozenset[str] = frozenset()) -> None:
    """Compare names, types and the way of writing numbers and times; values may differ, `optional` names be missing."""
    if isinstance(theirs, dict):
        assert isinstance(ours, dict), where
        known = set(theirs) - REMOVED_SINCE - NOT_SIMULATED
        assert known - optional <= set(ours) <= known | ADDED_SINCE | optional, (
            f"{where}: missing {known - set(ours)}, beyond the recording {set(ours) - known - ADDED_SINCE}"
        )
        for name in known & set(ours):
            assert_same_shape(ours[name], theirs[name], f"{where}.{name}", optional)
    elif isinstance(theirs, list):
        assert isinstance(ours, list), where
        is_row = bool(theirs) and isinstance(theirs[0], str) and len(ours) == len(theirs)
        for number, item in enumerate(ours if theirs else ()):
            assert_same_shape(item, theirs[number if is_row else 0], f"{where}[]", optional)
    elif isinstance(theirs, str):
        assert isinstance(ours, str), where
        assert kind(ours) == kind(theirs), f"{where}: {ours!r} is not written like {theirs!r}"
    elif isinstance(theirs, bool) or theirs is None:
        assert type(ours) is type(theirs), f"{where}: {ours!r} for {theirs!r}"
    else:
        assert type(ours) in (int, float), f"{where}: {ours!r} for {theirs!r}"


def kind(text: str) -> str:
    """Tell times, ids and numbers by their decimals from other texts."""
    if _TIME.fullmatch(text):
        return "time"
    if _UUID.fullmatch(text):
        return "id"
    if number := _NUMBER.fullmatch(text):
        return f"number with {len(number[1])} decimals"
    return "text"
