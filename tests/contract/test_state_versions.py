"""What is kept on disk changes only together with its version: an older foremesh refuses what it would misread."""

import hashlib
import json
from collections.abc import Callable
from typing import Any, get_args

import msgspec
import pytest

import mesh.store.catalog
from collector.coordinator import database_schema
from collector.coordinator.rows import ShardState
from collector.types import BudgetKind, Phase, Purpose
from forecast_server import recorder
from mesh.records import SCHEMAS, schema_version
from mesh.shards import Commit, Content, Hole, HoleReason
from mesh.store.label import Origin
from trader.domain.entries import AnyEntry
from trader.journal import schema
from trader.paper import records, store


def _form(*kinds: Any) -> object:
    """What a kind is as JSON: fields, types, words and defaults, without what is said about them."""
    _, components = msgspec.json.schema_components(kinds, schema_hook=lambda kind: {"type": kind.__name__})
    return _unsaid(components)


def _unsaid(part: object) -> object:
    if isinstance(part, dict):
        return {key: _unsaid(value) for key, value in part.items() if key not in {"title", "description"}}
    return [_unsaid(each) for each in part] if isinstance(part, list) else part


def _columns(table: Any) -> list[list[str]]:
    return [[field.name, str(field.type), str(field.nullable)] for field in table]


def _words(*kinds: Any) -> list[list[object]]:
    return [[word.value for word in kind] for kind in kinds]


KEPT: dict[str, tuple[Callable[[], object], Callable[[], object], tuple[object, str]]] = {
    "the trader's journal": (
        lambda: len(schema.VERSIONS),
        lambda: [schema.VERSIONS, _form(*get_args(AnyEntry))],
        (2, "766882ea58d5b1e3"),
    ),
    "the paper account": (
        lambda: store.VERSION,
        lambda: [store._TABLE, _form(*get_args(records.Record))],
        (1, "a1c4c060639b9d6c"),
    ),
    "the coordinator's database": (
        lambda: len(database_schema.VERSIONS),
        lambda: [database_schema.VERSIONS, _words(ShardState, Purpose, Phase, BudgetKind, Content, HoleReason)],
        (1, "613a8f937de49ce3"),
    ),
    "the catalog of a data folder": (
        lambda: mesh.store.catalog._VERSION,
        lambda: [mesh.store.catalog._TABLE, _form(Commit, Hole), _words(Origin)],
        (1, "548b3f5bd5896fe9"),
    ),
    "collected files": (
        lambda: [schema_version(each) for each in SCHEMAS.values()],
        lambda: {name: _columns(each) for name, each in SCHEMAS.items()},
        ([1, 1, 1, 1], "d6979f5f097ba9ac"),
    ),
    "recorded forecasts": (
        lambda: recorder.VERSION,
        lambda: _columns(recorder.SCHEMA),
        (b"1", "2fa71a7af564f28e"),
    ),
}
"""Version, form, and both as they are: the form by the beginning of its SHA-256."""


@pytest.mark.parametrize("what", KEPT)
def test_what_is_kept_changes_only_with_its_version(what: str) -> None:
    """Failed? Raise the version, so that older software refuses the file, and write both down here.

    A change that older software reads as it is meant, such as another order of words, needs the new digest alone.
    """
    version, form, written = KEPT[what]
    digest = hashlib.sha256(json.dumps(form(), sort_keys=True, default=str).encode()).hexdigest()
    assert (version(), digest[:16]) == written
