from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.kalshi.grid import GRIDS
from mesh.types import CENT, Hundredths, Micros, Price
from tests.fakes.trading import NOON, cents, market, moment, signal
from trader.domain import plans
from trader.domain.facts import EntryPlan, ExitPlan, MarketTerms
from trader.domain.settings import ExitSettings, Settings
from trader.domain.words import EntryStyle


def exits(**changes: object) -> Settings:
    return Settings(exits=ExitSettings.model_validate(changes))


def planned(
    entry: float,
    settings: Settings | None = None,
    where: MarketTerms | None = None,
    *,
    take_profit_cents: float = 20.0,
    stop_loss_cents: float = 8.0,
) -> ExitPlan:
    facts = signal(take_profit_cents=take_profit_cents, stop_loss_cents=stop_loss_cents)
    return plans.exit_plan(cents(entry), facts, where or market(), settings or Settings(), NOON)


def entry(limit: Price, plan: ExitPlan) -> EntryPlan:
    return EntryPlan(
        style=EntryStyle.TAKE,
        limit=limit,
        ask=limit,
        count=Hundredths(500),
        most_cost=Micros(3_000_000),
        edge_cents=1.0,
        exit_plan=plan,
        depth=Hundredths(500),
        depth_cost=Micros(2_900_000),
        depth_levels=1,
    )


def test_levels_lie_where_the_policy_puts_them() -> None:
    plan = planned(58)
    assert (plan.take_profit, plan.stop_loss, plan.floor) == (cents(78), cents(50), cents(1))
    assert (plan.policy_version, plan.policy_digest) == ("1", "0" * 64)
    assert (plan.trailing_from, plan.trailing_distance, plan.time_stop) == (None, None, None)


@pytest.mark.parametrize(("entry_cents", "target"), [(79, 99), (80, None), (95, None)])
def test_a_target_at_a_dollar_or_beyond_is_none(entry_cents: float, target: float | None) -> None:
    assert planned(entry_cents).take_profit == (None if target is None else cents(target))


@pytest.mark.parametrize(("stop_cents", "stop"), [(57, 1), (58, None), (70, None)])
def test_a_stop_at_zero_or_below_is_none(stop_cents: float, stop: float | None) -> None:
    assert planned(58, stop_loss_cents=stop_cents).stop_loss == (None if stop is None else cents(stop))


def test_levels_that_are_switched_off_are_not_planned() -> None:
    assert planned(58, exits(take_profit=False)).take_profit is None
    assert planned(58, exits(stop_loss=False)).stop_loss is None


def test_what_is_held_to_settlement_has_a_floor_and_nothing_that_sells() -> None:
    settings = exits(
        hold_to_settlement=("KXHIGHNY",), trailing_from_cents=5, trailing_distance_cents=3, time_stop_seconds=60
    )
    plan = planned(58, settings)
    assert plan == ExitPlan(floor=cents(1), policy_version="1", policy_digest="0" * 64)
    assert not plans.stops(plan)
    assert planned(58, settings, market("KXBTC-26NOV2317-B1")).stop_loss == cents(50)


def test_a_trailing_stop_begins_a_gain_above_the_entry_and_a_time_stop_a_while_after_now() -> None:
    plan = planned(58, exits(trailing_from_cents=6, trailing_distance_cents=3, time_stop_seconds=90, stop_loss=False))
    assert (plan.trailing_from, plan.trailing_distance) == (cents(64), 3 * CENT)
    assert plan.time_stop == moment(90).now
    assert plans.stops(plan)


def test_a_trailing_stop_that_would_begin_at_a_dollar_never_works() -> None:
    plan = planned(95, exits(trailing_from_cents=5, trailing_distance_cents=3))
    assert (plan.trailing_from, plan.trailing_distance) == (None, None)


def test_levels_between_prices_go_to_the_price_that_is_reached_at_the_same_time() -> None:
    plan = planned(58, exits(floor_cents=1.5), take_profit_cents=20.5, stop_loss_cents=7.5)
    assert (plan.take_profit, plan.stop_loss, plan.floor) == (cents(79), cents(50), cents(2))


def test_where_the_market_takes_finer_prices_levels_lie_on_them() -> None:
    tapered = msgspec.structs.replace(market(), bands=GRIDS["tapered_deci_cent"])
    plan = planned(85.0, where=tapered, take_profit_cents=9.25, stop_loss_cents=80.12)
    assert (plan.take_profit, plan.stop_loss) == (cents(94.3), cents(4.8))


def test_a_floor_above_every_price_is_the_highest_price_not_no_floor() -> None:
    assert planned(58, exits(floor_cents=99.9)).floor == cents(99)


@given(st.integers(25, 75), st.integers(0, 5))
def test_levels_move_with_the_price_that_was_paid(limit: int, better: int) -> None:
    settings = exits(trailing_from_cents=6, trailing_distance_cents=3, time_stop_seconds=90)
    moved = plans.rebased(entry(cents(limit), planned(limit, settings)), cents(limit - better), market())
    assert moved == planned(limit - better, settings)


@given(st.sampled_from(sorted(GRIDS)), st.integers(1, 99), st.integers(0, 20), st.floats(0, 100), st.floats(0, 100))
def test_levels_are_always_prices_of_the_market(
    label: str, limit: int, better: int, target: float, stop: float
) -> None:
    where = msgspec.structs.replace(market(), bands=GRIDS[label])
    settings = exits(trailing_from_cents=6, trailing_distance_cents=3)
    plan = planned(limit, settings, where, take_profit_cents=target, stop_loss_cents=stop)
    paid = cents(max(1, limit - better))
    for found, price in ((plan, cents(limit)), (plans.rebased(entry(cents(limit), plan), paid, where), paid)):
        levels = [found.take_profit, found.stop_loss, found.trailing_from, found.floor]
        assert all(plans.grid(where).valid(level) for level in levels if level is not None)
        assert found.take_profit is None or found.take_profit >= price
        assert found.stop_loss is None or found.stop_loss <= price
        assert (found.trailing_from is None) is (found.trailing_distance is None)


def test_a_time_stop_counts_from_the_fill_however_long_the_order_waited() -> None:
    plan = planned(58, exits(time_stop_seconds=3600.0))
    assert plans.rebased(entry(cents(58), plan), cents(58), market()).time_stop == moment(3600).now
    later = plans.rebased(entry(cents(58), plan), cents(58), market(), timedelta(hours=2))
    assert later.time_stop == moment(3 * 3600).now


def test_what_moves_off_the_prices_goes() -> None:
    plan = planned(10, exits(trailing_from_cents=1, trailing_distance_cents=3), stop_loss_cents=8)
    assert plan.stop_loss == cents(2)
    moved = plans.rebased(entry(cents(10), plan), cents(8), market())
    assert (moved.stop_loss, moved.take_profit, moved.trailing_from) == (None, cents(28), cents(9))


def test_the_first_pause_that_is_on_or_begins_in_time_is_found() -> None:
    first, second = (moment(600).now, moment(900).now), (moment(100_000).now, moment(100_600).now)
    soon = NOON + timedelta(hours=1)
    assert plans.pause_before((second, first), NOON, soon) == first
    assert plans.pause_before((first,), moment(700).now, soon) == first
    assert plans.pause_before((first,), moment(900).now, soon) is None
    assert plans.pause_before((second,), NOON, soon) is None
    assert plans.pause_before((), NOON, soon) is None
