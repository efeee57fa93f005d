"""Every row goes through a real database and comes back as it was, whatever it holds."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.coordinator.calls import Listing
from collector.coordinator.database import Database, opened
from collector.coordinator.database_rows import listing_columns
from collector.coordinator.rows import EventRow, LeaseRow, ShardRow, ShardState, WorkerRow
from collector.coordinator.store import Entry
from collector.types import ApiBudget, BudgetKind, MarketTask, Phase, Purpose
from mesh.shards import STEPS, Commit, Content, Hole, HoleReason, ShardFile, ShardKey

ONE_DATABASE = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

zones = st.sampled_from([UTC, timezone(timedelta(hours=-5)), timezone(timedelta(hours=13, minutes=45))])
times = st.datetimes(datetime(2000, 1, 2), datetime(2100, 1, 1), timezones=zones)  # noqa: DTZ001  zones are added
maybe_times = st.none() | times
counts = st.integers(0, (1 << 63) - 1)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
tickers = st.from_regex(r"[A-Z0-9][A-Z0-9._-]{0,63}", fullmatch=True)
words = st.lists(texts, max_size=4).map(tuple)
rates = st.none() | st.floats(allow_nan=False)

keys = st.builds(ShardKey, tickers, tickers, st.sampled_from(sorted(STEPS)))
holes = st.builds(Hole, texts, st.sampled_from(HoleReason), texts, maybe_times, maybe_times, counts)
files = st.builds(
    ShardFile, texts, counts, counts, counts, maybe_times, maybe_times, texts, counts, st.sampled_from(Content)
)
commits = st.builds(Commit, counts, counts, files, times, counts, texts, times)
leases = st.builds(LeaseRow, counts, texts, texts, st.sampled_from(Purpose), times)
shards = st.builds(
    ShardRow,
    key=keys,
    state=st.sampled_from(ShardState),
    opens=times,
    closes=times,
    settled=maybe_times,
    epoch=counts,
    granted_to=texts,
    lease=st.none() | leases,
    commit=st.none() | commits,
    due=maybe_times,
    due_for=st.sampled_from(Purpose),
    failures=counts,
    hole_retries=counts,
    holders=words,
    withdrawn=st.booleans(),
)
budgets = st.builds(ApiBudget, st.sampled_from(BudgetKind), texts, rates, rates)
workers = st.builds(
    WorkerRow, texts, texts, words, texts, st.none() | counts, st.none() | texts, budgets, times, st.booleans()
)
markets = st.builds(MarketTask, texts, st.sampled_from(Phase), times, times, maybe_times)
events = st.builds(EventRow, texts, texts, st.lists(markets, min_size=1, max_size=5).map(tuple), maybe_times, times)
listings = st.builds(
    Listing, texts, st.lists(counts, max_size=3).map(tuple), times, st.dictionaries(texts, counts, max_size=5)
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with opened(tmp_path / "coordinator.sqlite") as database:
        yield database


@ONE_DATABASE
@given(row=shards, found=st.lists(holes, max_size=4).map(tuple))
def test_a_shard_its_commit_and_its_holes(database: Database, row: ShardRow, found: tuple[Hole, ...]) -> None:
    entry = None
    if row.commit is not None:
        row = replace(row, commit=replace(row.commit, sequence=database.load().last_sequence + 1))
        assert row.commit is not None
        if database.commit_of(row.key, row.commit.epoch) is None:
            entry = Entry(row.key, row.commit, found)
        else:  # that epoch has its commit: it is not written twice
            row = replace(row, commit=database.commit_of(row.key, row.commit.epoch))
    database.save(shards=[row], commit=entry)

    kept = {one.key: one for one in database.load().shards}
    assert kept[row.key] == row
    if entry is not None:
        assert database.commit_of(entry.shard, entry.commit.epoch) == entry.commit
        assert database.holes(entry.shard) == found


@ONE_DATABASE
@given(row=workers)
def test_a_worker(database: Database, row: WorkerRow) -> None:
    database.save(workers=[row])
    assert row in database.load().workers


@ONE_DATABASE
@given(row=events)
def test_an_event_with_its_markets(database: Database, row: EventRow) -> None:
    database.save(events=[row])
    assert database.event(row.event) == row


@ONE_DATABASE
@given(listing=listings)
def test_a_listing(database: Database, listing: Listing) -> None:
    database.save(listing=listing)
    assert database.load().listings[listing.series] == listing


@given(early=times, late=times)
def test_instants_are_written_so_that_text_sorts_as_time_does(early: datetime, late: datetime) -> None:
    first, second = (listing_columns(Listing("KXBTC", (), time, {}))[1] for time in (early, late))
    assert (first < second) == (early < late)
