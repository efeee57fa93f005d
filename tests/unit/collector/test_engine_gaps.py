"""Nothing is sealed that may still be had: late markets, moved closes, repairs, and files that came without a lease."""

from dataclasses import replace
from datetime import timedelta

import pytest

from collector.coordinator.calls import AdoptionKind, Cancelled, CommitCall, ReleaseReason
from collector.types import Condition, FileReport, Grant, MarketTask, Phase, Purpose
from mesh.errors import NotReady
from mesh.shards import Content, Hole, HoleReason
from tests.unit.collector.coordinator_site import (
    HOUR,
    NOON,
    Site,
    Worker,
    event,
    file_of,
    open_event,
    shard_of,
    worker,
)

TICKER = "KXHIGHNY-E0-T0000"
LOST = Hole(TICKER, HoleReason.TIMED_OUT)
DAYS = 3 * 86_400


@pytest.fixture
def site() -> Site:
    return Site(nodes=1)


def later(site: Site, node: Worker, seconds: float = DAYS) -> list[Grant]:
    """Let time pass while the worker stays in touch, until it is granted something."""
    while seconds > 0:
        site.pass_time(60)
        seconds -= 60
        if grants := node.take(5):
            return grants
    return []


def test_a_market_that_is_listed_during_the_last_lease_is_collected_after_it(site: Site) -> None:
    listed = event()
    site.list(listed)
    node = worker(site)
    (grant,) = node.take()
    late = MarketTask("KXHIGHNY-E0-T0009", Phase.SETTLED, listed.opens, listed.closes)
    site.list(replace(listed, markets=(*listed.markets, late)))
    assert node.commit(grant.lease).state.value == "closed"
    (finish,) = node.take()
    assert late.ticker in {market.ticker for market in finish.markets}
    assert node.commit(finish.lease).state.value == "sealed"


def test_a_market_listed_during_a_lease_is_remembered_by_a_coordinator_that_was_killed(site: Site) -> None:
    site.list(event(markets=2))
    node = worker(site)
    (grant,) = node.take()
    site.list(event(markets=3))
    site.restart()
    node.register()
    assert node.commit(grant.lease).state.value == "closed"


@pytest.mark.parametrize("before", [True, False], ids=["listed under the lease", "listed after it ran out"])
def test_a_lease_that_ran_out_and_lacks_a_late_market_is_not_taken_up_again(site: Site, before: bool) -> None:
    site.list(event(markets=2))
    node = worker(site)
    (grant,) = node.take()
    if before:
        site.list(event(markets=3))
    site.pass_time(70)
    if not before:
        site.list(event(markets=3))
    with pytest.raises(NotReady, match="is over"):
        site.commit(node.name, grant.lease)
    assert isinstance(node.beat().verdicts[0], Cancelled)
    node.drop(grant.lease)
    (again,) = later(site, node)
    assert len(again.markets) == 3
    assert node.commit(again.lease).state.value == "sealed"


def test_a_market_whose_close_moves_is_asked_for_from_the_close_that_it_had(site: Site) -> None:
    listed = open_event(markets=2, closes=NOON + 10 * HOUR)
    first, second = listed.markets
    site.list(replace(listed, markets=(replace(first, closes=NOON + HOUR), second)))
    node = worker(site)
    (grant,) = node.take()
    node.commit(grant.lease, covered_end=NOON + 4 * HOUR)
    site.list(replace(listed, markets=(replace(first, closes=NOON + 8 * HOUR), second)))
    (refresh,) = later(site, node, 7200)
    asked = {market.ticker: market.fetch_from or refresh.fetch_from for market in refresh.markets}
    assert asked == {first.ticker: NOON + HOUR, second.ticker: NOON + 4 * HOUR}


def test_a_repair_whose_markets_did_not_answer_is_tried_again(site: Site) -> None:
    site.list(event())
    node = worker(site)
    answer = node.commit(node.take()[0].lease)
    node.beat(reports=(FileReport(shard_of(event()), answer.commit.file.sha256, Condition.MISSING),))
    (repair,) = node.take()
    assert node.commit(repair.lease, holes=(LOST,)).state.value == "closed"
    assert [grant.purpose for grant in later(site, node)] == [Purpose.RETRY_HOLES]


def test_holes_of_a_file_that_was_adopted_before_its_event_was_listed_are_retried(site: Site) -> None:
    node = worker(site)
    file = replace(file_of("static"), market_count=2)
    site.coordinator.commit(
        CommitCall("node-0", shard_of(event()), AdoptionKind.STATIC, file, NOON - 2 * HOUR, (LOST,))
    )
    site.list(event())
    assert [grant.purpose for grant in later(site, node)] == [Purpose.RETRY_HOLES]


@pytest.mark.parametrize("listed_first", [True, False])
def test_an_imported_file_that_lacks_markets_is_collected_anew(site: Site, listed_first: bool) -> None:
    node = worker(site)
    if listed_first:
        site.list(event())
    file = replace(file_of("imported"), market_count=1)
    call = CommitCall("node-0", shard_of(event()), AdoptionKind.IMPORT, file, event().closes, ())
    site.coordinator.commit(call)
    site.list(event(), event(1))
    node.commit(node.take()[0].lease)  # what was never collected comes first
    (anew,) = node.take()
    assert (anew.lease.shard, anew.base, len(anew.markets)) == (shard_of(event()), None, 3)
    assert node.commit(anew.lease).state.value == "sealed"


def test_an_imported_file_that_has_every_market_is_finished(site: Site) -> None:
    node = worker(site)
    site.list(event())
    site.adopt("node-0", shard_of(event()), content=Content.PRICES_AND_QUOTES, covered_end=NOON)
    assert site.row(event()).state.value == "sealed"
    assert node.take() == []


def test_a_price_only_file_stays_where_quotes_cannot_be_had_after_some_tries(site: Site) -> None:
    node = worker(site)
    site.list(event())
    site.adopt("node-0", shard_of(event()))
    tries = 0
    while grants := later(site, node):
        assert grants[0].purpose is Purpose.ADD_QUOTES
        node.drop(grants[0].lease)
        site.coordinator.release("node-0", grants[0].lease, ReleaseReason.FAILED, "nothing came")
        tries += 1
    assert tries == 5
    row = site.row(event())
    assert row.commit is not None
    assert (row.state.value, row.commit.file.content) == ("sealed", Content.PRICES)


def test_a_holder_that_is_silent_is_waited_for_and_then_everything_is_collected_anew() -> None:
    site = Site(nodes=2)
    holder, other = worker(site, 0), worker(site, 1)
    listed = event(markets=50)
    site.list(listed)
    site.pass_time(25)
    (grant,) = [*holder.take(), *other.take()]
    holder, other = (holder, other) if grant.lease in holder.held else (other, holder)
    holder.commit(grant.lease, holes=(LOST,))
    site.pass_time(1200)  # the holder says nothing any more
    began = site.clock.now()
    (anew,) = later(site, other)
    assert site.clock.now() - began > timedelta(seconds=4 * site.policy.lease)
    assert (anew.purpose, anew.base, len(anew.markets)) == (Purpose.COLLECT, None, 50)
    assert anew.replaces == site.row(listed).commit, "which must not be lost for less"
    holes = tuple(Hole(market.ticker, HoleReason.UNAVAILABLE) for market in listed.markets)
    assert other.commit(anew.lease, holes=holes).state.value == "closed"
    assert [grant.purpose for grant in later(site, other)] == [Purpose.RETRY_HOLES]


def test_where_collecting_anew_failed_the_file_is_extended_once_its_holder_is_back() -> None:
    site = Site(nodes=2)
    holder, other = worker(site, 0), worker(site, 1)
    listed = event()
    site.list(listed)
    site.pass_time(25)
    (grant,) = [*holder.take(), *other.take()]
    holder, other = (holder, other) if grant.lease in holder.held else (other, holder)
    committed = holder.commit(grant.lease, holes=(LOST,)).commit
    site.pass_time(1200)
    (anew,) = later(site, other)
    assert anew.replaces == committed
    other.drop(anew.lease)
    site.coordinator.release(other.name, anew.lease, ReleaseReason.FAILED, "it brought less")
    holder.beat()
    seconds = 0
    while not (grants := other.take(5)):
        holder.beat()
        site.pass_time(5)
        seconds += 5
        assert seconds < DAYS
    assert (grants[0].purpose, grants[0].base, grants[0].replaces) == (Purpose.RETRY_HOLES, committed, None)
