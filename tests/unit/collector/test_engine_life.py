"""The life of a shard: when it is due, what for, and when it is finished for good."""

from dataclasses import replace
from datetime import timedelta

import pytest

from collector.coordinator import due
from collector.coordinator.calls import AdoptionKind, Listing, ReleaseReason
from collector.coordinator.policy import LeasePolicy
from collector.coordinator.rows import ShardRow, ShardState
from collector.types import Condition, FileReport, Grant, Phase, Purpose
from mesh.errors import AlreadyExists, Conflict
from mesh.shards import Content, Hole, HoleReason, ShardKey
from tests.unit.collector.coordinator_site import (
    HOUR,
    NOON,
    STEPS,
    Site,
    Worker,
    event,
    file_of,
    open_event,
    shard_of,
    worker,
)

TICKER = "KXHIGHNY-E0-T0000"


@pytest.fixture
def site() -> Site:
    return Site(nodes=1)


def later(site: Site, node: Worker, seconds: float) -> list[Grant]:
    """Let time pass while the worker stays in touch, until it is granted something."""
    while seconds > 0:
        site.pass_time(min(60.0, seconds))
        seconds -= 60
        if grants := node.take(5):
            return grants
    return []


def collected(site: Site, *holes: Hole, settled: bool = True) -> Worker:
    """Collect one closed event with holes."""
    site.list(event(phase=Phase.SETTLED if settled else Phase.CLOSED))
    node = worker(site)
    (grant,) = node.take()
    node.commit(grant.lease, holes=holes)
    return node


def test_an_open_event_is_refreshed_from_where_it_was_covered(site: Site) -> None:
    site.list(open_event())
    node = worker(site)
    (first,) = node.take()
    assert node.commit(first.lease, covered_end=NOON + timedelta(minutes=7)).state.value == "open"
    site.pass_time(3500)
    assert node.take() == []
    (again,) = later(site, node, 200)
    assert (again.purpose, again.fetch_from) == (Purpose.REFRESH, NOON)
    assert again.base == site.row(open_event()).commit
    assert again.base_addresses == ("node-0:7",)


def test_a_refresh_comes_no_sooner_than_the_policy_says_however_short_the_candles(site: Site) -> None:
    listed = event(series="KXBTC", opens=NOON - HOUR, closes=NOON + HOUR, phase=Phase.OPEN)
    site.list(listed)
    node = worker(site)
    node.commit(node.take()[0].lease)
    assert site.row(listed).due == NOON + timedelta(minutes=15)


def test_an_event_that_has_not_opened_waits_for_its_first_candle(site: Site) -> None:
    site.list(event(opens=NOON + HOUR, closes=NOON + 9 * HOUR, phase=Phase.UPCOMING))
    node = worker(site)
    assert node.take() == []
    assert [grant.purpose for grant in later(site, node, 2 * 3600)] == [Purpose.COLLECT]
    assert NOON + 2 * HOUR <= site.clock.now() < NOON + 2 * HOUR + timedelta(minutes=2)


def test_an_event_shorter_than_its_candles_is_collected_once_when_it_is_over(site: Site) -> None:
    site.list(event(opens=NOON, closes=NOON + HOUR, phase=Phase.OPEN))
    node = worker(site)
    (grant,) = later(site, node, 8000)
    assert (grant.purpose, site.row(event()).state.value) == (Purpose.COLLECT, "closed")
    asked = site.clock.now() - (NOON + HOUR + HOUR)
    assert timedelta(seconds=30) <= asked <= timedelta(seconds=90), "the book is emptied in the candle after the close"
    assert node.commit(grant.lease).state.value == "sealed"


def test_an_event_that_closes_is_finished_once_and_sealed(site: Site) -> None:
    site.list(open_event(closes=NOON + HOUR / 2))
    node = worker(site)
    (first,) = node.take()
    node.commit(first.lease)
    (last,) = later(site, node, 7200)
    assert (last.purpose, last.fetch_from) == (Purpose.FINISH, NOON)
    asked = site.clock.now() - (NOON + HOUR)
    assert timedelta(seconds=30) <= asked <= timedelta(seconds=90), "the candle under way at the close is the last"
    assert node.commit(last.lease).state.value == "sealed"
    assert later(site, node, 7200) == []


def test_the_last_collection_comes_again_if_it_did_not_reach_the_end(site: Site) -> None:
    site.list(event())
    node = worker(site)
    (first,) = node.take()
    assert node.commit(first.lease, covered_end=NOON - 5 * HOUR).state.value == "closed"
    (again,) = later(site, node, 2 * 3600)
    assert (again.purpose, again.fetch_from) == (Purpose.FINISH, NOON - 5 * HOUR)
    assert node.commit(again.lease).state.value == "sealed"


def test_a_last_collection_for_which_the_exchange_was_late_does_not_seal(site: Site) -> None:
    site.list(event())  # its trading ended together with a candle: the next one is its last
    node = worker(site)
    (first,) = node.take()
    assert node.commit(first.lease, covered_end=NOON - 4 * HOUR).state.value == "closed"
    (again,) = later(site, node, 2 * 3600)
    assert (again.purpose, again.fetch_from) == (Purpose.FINISH, NOON - 4 * HOUR)
    assert node.commit(again.lease, covered_end=NOON - 3 * HOUR).state.value == "sealed"


def test_a_daily_candle_is_not_waited_for_beyond_the_close() -> None:
    closes = NOON + timedelta(seconds=17)
    row = ShardRow(ShardKey("KXHIGHNY", "KXHIGHNY-E0", 86_400), ShardState.OPEN, NOON - 24 * HOUR, closes)
    assert due.final_time(row, LeasePolicy()) == closes + timedelta(seconds=30)


def test_a_close_that_moves_later_goes_on_with_the_refreshes(site: Site) -> None:
    site.list(open_event(closes=NOON + HOUR / 2))
    node = worker(site)
    node.commit(node.take()[0].lease)
    site.list(open_event(closes=NOON + 20 * HOUR))
    (grant,) = later(site, node, 3700)
    assert grant.purpose is Purpose.REFRESH
    assert grant.closes == NOON + 20 * HOUR


def test_a_sealed_event_that_trades_on_is_opened_again(site: Site) -> None:
    node = collected(site)
    assert site.row(event()).state.value == "sealed"
    site.list(open_event())
    assert site.row(event()).state.value == "open"
    assert [grant.purpose for grant in later(site, node, 3700)] == [Purpose.REFRESH]


def test_an_event_that_the_exchange_closed_early_is_finished_when_it_is_settled(site: Site) -> None:
    site.list(open_event())
    node = worker(site)
    node.commit(node.take()[0].lease, covered_end=NOON)
    settled = replace(event(closes=NOON + 8 * HOUR), settled=NOON + HOUR / 2)
    site.pass_time(60)
    site.list(settled)
    assert site.row(settled).state.value == "closed"
    (grant,) = later(site, node, 7200)
    assert grant.purpose is Purpose.FINISH
    assert node.commit(grant.lease).state.value == "sealed"


def test_holes_are_asked_for_again_three_times_and_then_sealed(site: Site) -> None:
    hole = Hole(TICKER, HoleReason.TIMED_OUT, first=NOON - 6 * HOUR)
    node = collected(site, hole)
    for wait in (600, 7200, 86400):
        assert site.row(event()).state.value == "closed"
        assert later(site, node, wait - 60) == []
        (retry,) = later(site, node, 180)
        assert retry.purpose is Purpose.RETRY_HOLES
        assert [(task.ticker, task.fetch_from) for task in retry.markets] == [(TICKER, hole.first)]
        assert retry.base is not None
        node.commit(retry.lease, holes=(hole,))
    assert site.row(event()).state.value == "sealed"


def test_holes_that_a_retry_filled_seal_the_shard(site: Site) -> None:
    node = collected(site, Hole(TICKER, HoleReason.UNAVAILABLE))
    (retry,) = later(site, node, 700)
    assert node.commit(retry.lease).state.value == "sealed"


@pytest.mark.parametrize("reason", [reason for reason in HoleReason if reason is not HoleReason.NO_DATA])
def test_every_hole_but_no_data_may_mend(site: Site, reason: HoleReason) -> None:
    collected(site, Hole(TICKER, reason))
    assert site.row(event()).due_for is Purpose.RETRY_HOLES


def test_no_data_is_final_once_the_event_is_settled(site: Site) -> None:
    collected(site, Hole(TICKER, HoleReason.NO_DATA))
    assert site.row(event()).state.value == "sealed"


def test_no_data_is_asked_for_again_while_the_event_is_not_settled(site: Site) -> None:
    node = collected(site, Hole(TICKER, HoleReason.NO_DATA), settled=False)
    assert site.row(event()).due_for is Purpose.RETRY_HOLES
    site.list(event())
    later(site, node, 700)
    assert site.row(event()).state.value == "sealed"  # settled meanwhile: there is nothing left to ask for


def test_what_a_drained_worker_left_is_collected_on_at_once(site: Site) -> None:
    node = collected(site, Hole(TICKER, HoleReason.NOT_ATTEMPTED), Hole(f"{TICKER[:-1]}1", HoleReason.NOT_ATTEMPTED))
    (grant,) = node.take()
    assert (grant.purpose, len(grant.markets)) == (Purpose.RETRY_HOLES, 2)
    node.commit(grant.lease, holes=(Hole(TICKER, HoleReason.NOT_ATTEMPTED),))
    (grant,) = node.take()
    node.commit(grant.lease, holes=(Hole(TICKER, HoleReason.NOT_ATTEMPTED),))
    assert node.take() == []  # it did not get any further


def test_an_open_events_holes_are_asked_for_with_its_refresh(site: Site) -> None:
    site.list(open_event())
    node = worker(site)
    (grant,) = node.take()
    node.commit(grant.lease, holes=(Hole(TICKER, HoleReason.RATE_LIMITED),))
    (refresh,) = later(site, node, 3700)
    starts = {task.ticker: task.fetch_from for task in refresh.markets}
    assert starts[TICKER] == grant.opens
    assert [starts[name] for name in starts if name != TICKER] == [None, None]


def test_markets_beyond_a_thousand_are_collected_under_further_leases(site: Site) -> None:
    site.list(event(markets=2300))
    node = worker(site)
    asked: list[str] = []
    for expected in (1000, 1000, 300):
        (grant,) = node.take()
        assert len(grant.markets) == expected
        asked += [task.ticker for task in grant.markets]
        done = {task.ticker for task in grant.markets}
        inherited = [hole for hole in site.coordinator.holes(grant.lease.shard) if hole.market not in done]
        answer = node.commit(grant.lease, holes=tuple(inherited))
    assert asked == [task.ticker for task in event(markets=2300).markets]
    assert (answer.commit.hole_count, answer.state.value) == (0, "sealed")


def test_a_market_that_joins_an_event_late_is_asked_for_from_its_opening(site: Site) -> None:
    site.list(open_event(markets=2))
    node = worker(site)
    node.commit(node.take()[0].lease)
    site.list(open_event(markets=3))
    (refresh,) = later(site, node, 3700)
    assert [task.fetch_from for task in refresh.markets] == [None, None, open_event().opens]


def test_a_market_that_joins_a_sealed_event_is_collected_too(site: Site) -> None:
    site.list(event(markets=2))
    node = worker(site)
    assert node.commit(node.take()[0].lease).state.value == "sealed"
    site.list(event(markets=3))
    (late,) = later(site, node, 60)
    assert late.purpose is Purpose.FINISH
    assert late.markets[2].fetch_from == event().opens
    assert node.commit(late.lease).state.value == "sealed"
    site.list(event(markets=3))
    assert later(site, node, 7200) == []


def test_what_is_due_goes_by_the_exchanges_time_once_it_is_known(site: Site) -> None:
    site.clock.wall = NOON + timedelta(days=100)  # the exchange replays a day of last summer
    site.coordinator.learn_time(NOON)
    site.list(open_event())
    node = worker(site)
    (first,) = node.take()
    assert site.row(open_event()).state.value == "open"
    node.commit(first.lease, covered_end=NOON)
    site.clock.wall -= timedelta(days=300)
    assert [grant.purpose for grant in later(site, node, 3700)] == [Purpose.REFRESH]
    site.coordinator.learn_time(open_event().closes)
    site.clock.pass_time(1)
    site.coordinator.tick()
    assert site.row(open_event()).due_for is Purpose.REFRESH  # leased: what follows is planned when it ends


def test_a_restart_does_not_close_what_trades_at_an_exchange_that_lives_in_another_year(site: Site) -> None:
    site.coordinator.learn_time(NOON)
    site.list(open_event(1), open_event(2))
    site.coordinator.finish_listing(Listing("KXHIGHNY", (3600,), NOON, {"KXHIGHNY-E1": 3}))
    node = worker(site)
    (first, _) = node.take(2)
    node.commit(first.lease, covered_end=NOON)
    site.clock.wall += 365 * 24 * HOUR
    site.restart()
    node.register()
    site.coordinator.tick()  # before the exchange was asked what time it is
    assert node.take(5) == []
    assert site.coordinator.progress().series[0].due == 1, "the lease in force"
    site.coordinator.learn_time(NOON + HOUR / 60)
    assert [site.row(open_event(number)).state.value for number in (1, 2)] == ["open", "open"]
    assert [grant.purpose for grant in later(site, node, 3700)] == [Purpose.REFRESH]


def test_a_base_that_nobody_can_give_is_collected_anew(site: Site) -> None:
    site.list(open_event())
    node, other = worker(site), worker(site, None)
    node.commit(node.take()[0].lease)
    for _ in range(70):  # node-0 is gone by the time of the refresh
        site.pass_time(60)
        if grants := other.take():
            break
    (refresh,) = grants
    assert (refresh.base, refresh.fetch_from, refresh.base_addresses) == (None, None, ())
    assert len(refresh.markets) == 3


def test_the_last_holders_loss_makes_a_repair_due(site: Site) -> None:
    node = collected(site)
    other = worker(site, None)
    committed = site.row(event()).commit
    assert committed is not None
    sha256 = committed.file.sha256
    seen = FileReport(shard_of(event()), sha256, Condition.VERIFIED)
    other.beat(reports=(seen,))
    assert site.row(event()).holders == ("node-0", "spare")
    node.beat(reports=(replace(seen, condition=Condition.DAMAGED),))
    assert (site.row(event()).holders, site.row(event()).due) == (("spare",), None)
    other.beat(reports=(replace(seen, condition=Condition.MISSING),))
    (repair,) = node.take()
    assert (repair.purpose, repair.base, len(repair.markets)) == (Purpose.REPAIR, None, 3)
    assert node.commit(repair.lease).state.value == "sealed"


def test_a_holder_that_comes_back_calls_the_repair_off(site: Site) -> None:
    node = collected(site)
    committed = site.row(event()).commit
    assert committed is not None
    seen = FileReport(shard_of(event()), committed.file.sha256, Condition.VERIFIED)
    node.beat(reports=(replace(seen, condition=Condition.MISSING),))
    assert site.row(event()).due_for is Purpose.REPAIR
    node.beat(reports=(seen,))
    assert site.row(event()).due is None
    assert node.take() == []


def test_news_of_another_file_or_shard_is_ignored(site: Site) -> None:
    node = collected(site)
    before = site.row(event())
    node.beat(
        reports=(
            FileReport(shard_of(event()), "0" * 64, Condition.MISSING),
            FileReport(ShardKey("KXHIGHNY", "KXHIGHNY-NONE", 3600), "0" * 64, Condition.VERIFIED),
        )
    )
    assert site.row(event()) == before


def test_an_imported_file_of_an_event_that_nobody_listed_is_finished(site: Site) -> None:
    node = worker(site)
    answer = site.adopt("node-0", shard_of(event()))
    assert (answer.commit.epoch, answer.commit.sequence, answer.state.value) == (1, 1, "sealed")
    assert site.adopt("node-0", shard_of(event())).already_committed
    assert node.take() == []


def test_quotes_are_added_to_a_price_only_file_once_the_exchange_lists_its_event(site: Site) -> None:
    node = worker(site)
    site.adopt("node-0", shard_of(event()))
    site.list(event(), event(1))
    first, second = node.take(2)
    assert (first.purpose, second.purpose) == (Purpose.COLLECT, Purpose.ADD_QUOTES)
    assert (second.lease.epoch, second.base) == (2, None)
    assert node.commit(second.lease).state.value == "sealed"


def test_quotes_that_cannot_be_had_are_asked_for_once(site: Site) -> None:
    node = worker(site)
    site.list(event())
    assert site.adopt("node-0", shard_of(event())).state.value == "closed"
    (grant,) = node.take()
    assert site.commit("node-0", grant.lease, content=Content.PRICES).state.value == "sealed"
    site.restart()
    site.list(event())
    node.restart()
    node.register()
    assert node.take() == []


def test_an_adopted_file_beside_a_commit_is_refused(site: Site) -> None:
    collected(site)
    with pytest.raises(AlreadyExists, match="COMMIT_CONFLICT"):
        site.adopt("node-0", shard_of(event()))


def test_an_adopted_file_of_a_leased_shard_is_refused_with_its_owner(site: Site) -> None:
    site.list(event())
    node, other = worker(site), worker(site, None)
    (grant,) = node.take()
    with pytest.raises(Conflict, match="SHARD_LEASED") as refused:
        site.adopt(other.name, shard_of(event()))
    assert refused.value.metadata == {"current_owner": "node-0", "current_epoch": "1"}
    node.release(grant.lease)
    site.adopt(other.name, shard_of(event()))
    with pytest.raises(AlreadyExists, match="COMMIT_CONFLICT"):
        node.site.adopt(node.name, shard_of(event()), name="older")


def test_a_file_of_the_static_split_is_gone_on_with(site: Site) -> None:
    site.list(open_event())
    node = worker(site)
    site.adopt(
        "node-0",
        shard_of(event()),
        content=Content.PRICES_AND_QUOTES,
        kind=AdoptionKind.STATIC,
        covered_end=NOON,
    )
    (refresh,) = later(site, node, 3700)
    assert (refresh.purpose, refresh.fetch_from) == (Purpose.REFRESH, NOON)


def test_a_series_that_left_the_configuration_is_withdrawn_and_comes_back(site: Site) -> None:
    listed = event(series="KXBTC")
    site.list(listed)
    node = worker(site)
    (grant,) = node.take()
    steps = dict(STEPS)
    try:
        del STEPS["KXBTC"]
        site.restart()
        (verdict,) = node.register().verdicts
        assert getattr(verdict, "reason").value == "withdrawn"  # noqa: B009  a revocation has one
        node.release(grant.lease)
        assert node.take() == []
    finally:
        STEPS.update(steps)
    site.restart()
    node.register()
    assert [again.lease.epoch for again in node.take()] == [2]


def test_an_event_without_markets_waits_until_it_has_some(site: Site) -> None:
    site.list(replace(event(), markets=()))
    assert site.store.shards == {}
    site.list(event())
    assert len(worker(site).take()) == 1


def test_a_listing_that_changes_nothing_is_not_saved_again(site: Site) -> None:
    site.list(event(), open_event(1))
    saves = site.store.saves
    site.list(event(), open_event(1))
    assert site.store.saves == saves


def test_totals_are_known_once_a_series_was_listed_to_the_end(site: Site) -> None:
    site.list(event())
    assert [view.total for view in site.coordinator.progress().series] == [None]
    site.coordinator.finish_listing(Listing("KXHIGHNY", (3600,), NOON, {"KXHIGHNY-E0": 3}))
    assert [view.total for view in site.coordinator.progress().series] == [1]
    site.restart()
    assert [view.total for view in site.coordinator.progress().series] == [1]


def test_progress_counts_what_there_is(site: Site) -> None:
    site.list(event(0), event(1), open_event(2), event(3))
    node = worker(site)
    site.adopt("node-0", shard_of(event(3)))
    grants = {grant.lease.shard.event: grant for grant in node.take(3)}
    node.commit(grants["KXHIGHNY-E0"].lease, holes=(Hole(TICKER, HoleReason.TIMED_OUT),))
    node.commit(grants["KXHIGHNY-E1"].lease)
    (view,) = site.coordinator.progress().series
    counts = (view.committed, view.sealed, view.open, view.leased, view.holed, view.price_only, view.holes, view.rows)
    assert counts == (3, 1, 1, 1, 1, 1, 1, 30)
    assert view.size_bytes == 3 * file_of("x").size_bytes
    before = site.coordinator.progress()
    site.restart()
    (again,) = site.coordinator.progress().series
    assert replace(again, remaining=None) == replace(before.series[0], remaining=None)


def test_the_time_that_is_left_follows_the_rate_of_the_last_minutes(site: Site) -> None:
    site.list(*(event(number) for number in range(40)))
    site.coordinator.finish_listing(Listing("KXHIGHNY", (3600,), NOON, {}))
    node = worker(site)
    assert site.coordinator.progress().remaining is None
    for _ in range(20):
        site.pass_time(10)
        node.commit(node.take()[0].lease)
    assert site.coordinator.progress().remaining == timedelta(seconds=200)
    for _ in range(20):
        site.pass_time(10)
        node.commit(node.take()[0].lease)
    assert site.coordinator.progress().remaining == timedelta(0)


def test_what_is_not_due_yet_takes_no_time_and_the_next_is_named(site: Site) -> None:
    hole = Hole(TICKER, HoleReason.TIMED_OUT)
    node = collected(site, hole)  # to be asked for again in ten minutes
    site.list(open_event(1), event(2))
    site.coordinator.finish_listing(Listing("KXHIGHNY", (3600,), NOON, {}))
    site.pass_time(40)
    for _ in range(2):
        (grant,) = node.take(1)
        assert site.coordinator.progress().series[0].due >= 1
        node.commit(grant.lease)
    (view,) = site.coordinator.progress().series
    assert (view.due, view.remaining, view.sealed) == (0, timedelta(0), 1)
    assert view.next_due == site.coordinator.progress().next_due == timedelta(seconds=560)
    site.pass_time(600)
    (view,) = site.coordinator.progress().series
    assert (view.due, view.next_due) == (1, timedelta(seconds=3000))
    assert view.remaining is None, "nothing was collected in the last minutes"


def test_a_wall_clock_set_back_delays_nothing(site: Site) -> None:
    site.list(open_event())
    node = worker(site)
    node.commit(node.take()[0].lease)
    site.clock.wall -= 5 * HOUR
    assert [grant.purpose for grant in later(site, node, 3700)] == [Purpose.REFRESH]


def test_a_wall_clock_that_jumps_ahead_seals_nothing_that_still_trades(site: Site) -> None:
    site.list(open_event())
    node = worker(site)
    node.commit(node.take()[0].lease, covered_end=NOON)
    site.clock.wall += 100 * HOUR
    (grant,) = later(site, node, 60)
    assert grant.purpose is Purpose.FINISH
    assert node.commit(grant.lease, covered_end=NOON).state.value == "closed"  # its worker's clock was right
    site.list(open_event(closes=NOON + 200 * HOUR))
    assert site.row(open_event()).state.value == "open"


def test_failed_work_is_backed_off_although_its_event_is_listed_again(site: Site) -> None:
    site.list(event())
    node = worker(site)
    node.release(node.take()[0].lease, ReleaseReason.FAILED)
    site.list(replace(event(), settled=NOON))
    assert node.take() == []
