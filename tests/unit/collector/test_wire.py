"""What goes over the wire comes back the same, keeps the contract's rules, and is refused by field where it cannot be.

The laws hold for every value that the contract allows; the numbers of enums, which both sides must agree on, are
checked name by name when the module is imported.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

import pytest
from foremesh.coordinator.v1 import budget_pb2, lease_pb2, shard_pb2, worker_pb2
from foremesh.market.v1 import market_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from collector import wire
from collector.types import (
    ApiBudget,
    ApiShare,
    ApiUsage,
    BudgetKind,
    Condition,
    FileReport,
    Grant,
    LeaseKey,
    LeaseProgress,
    MarketTask,
    Phase,
    Purpose,
    Stage,
)
from collector.words import Words
from mesh.errors import InvalidInput
from mesh.rpc.validation import violations
from mesh.shards import STEPS, Commit, Content, Hole, HoleReason, ShardFile, ShardKey

DAY = datetime(2026, 11, 22, tzinfo=UTC)
KEY = ShardKey("KXHIGHNY", "KXHIGHNY-26NOV22", 3600)

times = st.datetimes(datetime(2015, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
maybe_times = st.none() | times
seconds = st.integers(1, 86_400 * 10**6).map(lambda micros: micros / 10**6)
tickers = st.from_regex(r"[A-Z0-9][A-Z0-9._-]{0,63}", fullmatch=True)
workers = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,62}", fullmatch=True)
hashes = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)
epochs = st.integers(1, 2**63 - 1)
rates = st.floats(0, 1_000_000)

keys = st.builds(ShardKey, tickers, tickers, st.sampled_from(sorted(STEPS)))
leases = st.builds(LeaseKey, keys, epochs)


@st.composite
def holes(draw: st.DrawFn) -> Hole:
    first, last = draw(maybe_times), draw(maybe_times)
    if first and last:
        first, last = min(first, last), max(first, last)
    text = st.text(st.characters(codec="utf-8"), max_size=60)
    reason = draw(st.sampled_from(HoleReason))
    return Hole(draw(tickers), reason, draw(text), first, last, draw(st.integers(0, 1_000_000)))


@st.composite
def files(draw: st.DrawFn) -> ShardFile:
    rows = draw(st.integers(0, 100_000_000_000))
    first, last = sorted((draw(times), draw(times))) if rows else (None, None)
    return ShardFile(
        sha256=draw(hashes),
        size_bytes=draw(st.integers(1, 68_719_476_736)),
        row_count=rows,
        market_count=draw(st.integers(0, 100_000)),
        first=first,
        last=last,
        schema=draw(st.from_regex(r"[a-z][a-z0-9_.]{0,63}", fullmatch=True)),
        schema_version=draw(st.integers(1, 10_000)),
        content=draw(st.sampled_from(Content)),
    )


commits = st.builds(Commit, epochs, epochs, files(), times, st.integers(0, 2000), workers, times)
progresses = st.builds(
    LeaseProgress,
    leases,
    st.sampled_from(Stage),
    st.integers(0, 100_000),
    st.integers(0, 100_000),
    st.integers(0, 2000),
    st.integers(0, 100_000_000_000),
    st.integers(0, 2**63 - 1),
    st.integers(0, 2**63 - 1),
    maybe_times,
    seconds,
)
tasks = st.builds(MarketTask, tickers, st.sampled_from(Phase), times, times, maybe_times)
grants = st.builds(
    Grant,
    leases,
    st.sampled_from(Purpose),
    times,
    times,
    maybe_times,
    maybe_times,
    st.lists(tasks, min_size=1, max_size=3).map(tuple),
    st.none() | commits,
    st.lists(st.sampled_from(["spark:8791", "10.8.0.2:1", "[::1]:8791"]), unique=True).map(tuple),
    st.none() | commits,
)
positive = st.floats(0, 1_000_000, exclude_min=True)
budgets = st.builds(
    ApiBudget,
    st.sampled_from(BudgetKind),
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}", fullmatch=True),
    st.none() | positive,
    st.none() | positive,
)
counts = st.integers(0, 2**63 - 1)
usages = st.builds(ApiUsage, counts, counts, counts, counts, rates, st.none() | rates)
shares = st.builds(ApiShare, rates, rates, seconds, rates)
reports = st.builds(FileReport, keys, hashes, st.sampled_from(Condition))

BOTH_WAYS: dict[str, tuple[st.SearchStrategy[Any], Callable[[Any], Message], Callable[[Any], Any]]] = {
    "shard key": (keys, wire.write_shard_key, lambda message: wire.read_shard_key(message, "it")),
    "hole": (holes(), wire.write_hole, lambda message: wire.read_hole(message, "it")),
    "file": (files(), wire.write_shard_file, lambda message: wire.read_shard_file(message, "it")),
    "commit": (commits, wire.write_commit, lambda message: wire.read_commit(message, "it")),
    "lease key": (leases, wire.write_lease_key, lambda message: wire.read_lease_key(message, "it")),
    "progress": (progresses, wire.write_progress, lambda message: wire.read_progress(message, "it")),
    "budget": (budgets, wire.write_api_budget, lambda message: wire.read_api_budget(message, "it")),
    "usage": (usages, wire.write_api_usage, wire.read_api_usage),
    "share": (shares, wire.write_api_share, lambda message: wire.read_api_share(message, "it")),
    "report": (reports, wire.write_file_report, lambda message: wire.read_file_report(message, "it")),
    "grant": (
        st.tuples(grants, seconds),
        lambda pair: wire.write_grant(*pair),
        lambda message: wire.read_grant(message, "it"),
    ),
}


def sent(message: Message) -> Message:
    """The message as the other side has it."""
    arrived = type(message)()
    arrived.ParseFromString(message.SerializeToString())
    return arrived


@pytest.mark.parametrize("what", BOTH_WAYS)
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_what_is_sent_arrives_the_same_and_keeps_the_rules(what: str, data: st.DataObject) -> None:
    values, write, read = BOTH_WAYS[what]
    value = data.draw(values)
    message = sent(write(value))
    assert violations(message) == []
    assert read(message) == value


def test_a_market_with_the_times_of_its_event_sends_none() -> None:
    as_event, later = (MarketTask("A", Phase.OPEN, DAY, DAY + timedelta(hours=hours), None) for hours in (1, 2))
    written = [wire.write_market_task(task, opens=DAY, closes=DAY + timedelta(hours=1)) for task in (as_event, later)]
    assert [task.HasField("open_time") for task in written] == [False, False]
    assert [task.HasField("close_time") for task in written] == [False, True]


@pytest.mark.parametrize(
    ("ours", "theirs", "meaningless"),
    [
        (Content, shard_pb2.ShardContent, 1),
        (HoleReason, shard_pb2.HoleReason, 1),
        (Stage, shard_pb2.LeaseStage, 1),
        (Purpose, shard_pb2.LeasePurpose, 1),
        (Phase, market_pb2.MarketPhase, 0),  # UNKNOWN is our word for "not specified"
        (BudgetKind, budget_pb2.ApiBudgetKind, 1),
        (Condition, worker_pb2.FileCondition, 1),
    ],
)
def test_every_word_of_the_contract_is_ours_too(ours: type[Enum], theirs: Any, meaningless: int) -> None:
    assert len(ours) == len(theirs.items()) - meaningless


def test_a_word_that_the_contract_lacks_is_found_when_the_program_starts() -> None:
    with pytest.raises(ValueError, match="lacks"):
        Words(Purpose, shard_pb2.LeaseStage)


def test_what_a_newer_coordinator_says_has_a_meaning_where_the_contract_gives_one() -> None:
    message = wire.write_grant(
        Grant(
            LeaseKey(KEY, 3),
            Purpose.REFRESH,
            DAY,
            DAY,
            None,
            None,
            (MarketTask("A", Phase.OPEN, DAY, DAY),),
            None,
        ),
        60.0,
    )
    newer: Any = 99
    message.purpose = newer
    message.markets[0].phase = newer
    grant, _ = wire.read_grant(message, "grants[0]")
    assert (grant.purpose, grant.markets[0].phase) == (Purpose.COLLECT, Phase.UNKNOWN)


def hole(**changes: Any) -> shard_pb2.Hole:
    message = wire.write_hole(Hole("A", HoleReason.TIMED_OUT))
    message.MergeFrom(shard_pb2.Hole(**changes))
    return message


@pytest.mark.parametrize(
    ("read", "message", "field"),
    [
        (wire.read_shard_key, shard_pb2.ShardKey(), "it"),
        (wire.read_shard_key, shard_pb2.ShardKey(series_ticker="a/b", event_ticker="A"), "it"),
        (
            wire.read_shard_key,
            shard_pb2.ShardKey(series_ticker="A", event_ticker="..", candle_step=Duration(seconds=60)),
            "it",
        ),
        (
            wire.read_shard_key,
            shard_pb2.ShardKey(series_ticker="A", event_ticker="A", candle_step=Duration(seconds=60, nanos=1000)),
            "it.candle_step",
        ),
        (
            wire.read_shard_key,
            shard_pb2.ShardKey(series_ticker="A", event_ticker="A", candle_step=Duration(seconds=61)),
            "it",
        ),
        (
            wire.read_shard_key,
            shard_pb2.ShardKey(series_ticker="A", event_ticker="A", candle_step=Duration(seconds=1, nanos=-1)),
            "it.candle_step",
        ),
        (wire.read_hole, shard_pb2.Hole(market_ticker="A"), "it.reason"),
        (wire.read_hole, hole(start_time=Timestamp(seconds=568_971_820_800)), "it.start_time"),
        (wire.read_hole, hole(end_time=Timestamp(seconds=1, nanos=-1)), "it.end_time"),
        (wire.read_shard_file, shard_pb2.ShardFile(), "it.content"),
        (wire.read_progress, shard_pb2.LeaseProgress(), "it.lease.shard_key"),
        (wire.read_commit, shard_pb2.ShardCommit(), "it.file.content"),
        (wire.read_api_budget, budget_pb2.ApiBudget(), "it.kind"),
        (wire.read_grant, lease_pb2.LeaseGrant(), "it.lease.shard_key"),
    ],
)
def test_what_cannot_be_ours_is_refused_by_field(read: Callable[[Any, str], Any], message: Message, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(message, "it")
    assert [found.field for found in caught.value.violations] == [field]
