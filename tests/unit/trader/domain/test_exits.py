"""Which exit prices ask for: targets, stops that must be seen twice, graces, trailing and time stops."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from mesh.types import Micros, Side
from tests.fakes.trading import NOON, cents, contracts, market, moment
from trader.domain import exits
from trader.domain.events import Moment
from trader.domain.exits import Reached
from trader.domain.facts import ExitPlan, Top
from trader.domain.settings import ExitSettings, Settings
from trader.domain.state import Guard, Position
from trader.domain.words import ExitKind

PLAN = ExitPlan(take_profit=cents(75), stop_loss=cents(47), floor=cents(1))
DEFAULTS = Settings()
START = 1000.0
"""Monotonic seconds of `moment(0)`."""


def position(plan: ExitPlan = PLAN, peak: float | None = None) -> Position:
    found = Position("p-1", market(), Side.NO, "d-1", cents(55), plan, count=contracts(10))
    found.peak = None if peak is None else cents(peak)
    return found


def top(bid: float | None) -> Top:
    return Top(bid=None if bid is None else cents(bid), bid_size=contracts(10), age_seconds=0.0)


def looks(
    *seen: tuple[float, float | None], held: Position | None = None, guard: Guard | None = None, **changes: object
) -> list[ExitKind | None]:
    """Evaluate bids at so many seconds after the first fill; give the kind of each look."""
    settings = Settings(exits=ExitSettings.model_validate(changes))
    guard = guard or Guard(opened=START)
    found = [exits.evaluate(held or position(), guard, top(bid), moment(seconds), settings) for seconds, bid in seen]
    return [None if one is None else one.kind for one in found]


def test_a_bid_at_the_target_sells_at_once_even_in_the_time_of_grace() -> None:
    guard = Guard(opened=START)
    assert exits.evaluate(position(), guard, top(75), moment(1), DEFAULTS) == Reached(ExitKind.TAKE_PROFIT, cents(75))
    assert exits.evaluate(position(), guard, top(74), moment(2), DEFAULTS) is None


def test_a_stop_needs_two_checks_five_seconds_apart() -> None:
    assert looks((20, 47), (24.9, 46), (25, 46)) == [None, None, ExitKind.STOP_LOSS]


def test_a_quote_above_the_stop_starts_the_checks_again() -> None:
    assert looks((20, 47), (22, 48), (25, 46), (29, 46), (30, 46)) == [None, None, None, None, ExitKind.STOP_LOSS]


def test_with_one_check_a_quote_fires_at_once_also_right_after_one_above() -> None:
    assert looks((20, 48), (20.1, 47), stop_checks=1) == [None, ExitKind.STOP_LOSS]


def test_no_stop_fires_and_no_check_counts_in_the_time_of_grace() -> None:
    assert looks((1, 30), (6, 30), (9.9, 30), (10, 30), (15, 30)) == [None, None, None, None, ExitKind.STOP_LOSS]


def test_a_position_of_an_earlier_process_has_no_grace_left() -> None:
    assert looks((0, 30), (5, 30), guard=Guard()) == [None, ExitKind.STOP_LOSS]


def test_a_wall_clock_that_jumps_ends_no_grace_and_counts_no_check() -> None:
    guard, jumped = Guard(opened=START), Moment(NOON + timedelta(days=1), START + 5)
    assert exits.evaluate(position(), guard, top(30), jumped, DEFAULTS) is None
    assert guard.below == 0
    late = [Moment(NOON - timedelta(hours=1), START + 20), Moment(NOON + timedelta(days=1), START + 21)]
    assert [exits.evaluate(position(), guard, top(30), when, DEFAULTS) for when in late] == [None, None]
    assert guard.below == 1


def test_nobody_who_bids_counts_as_below_the_stop_and_never_as_a_target() -> None:
    assert looks((20, None), (25, None)) == [None, ExitKind.STOP_LOSS]


def test_a_plan_without_levels_asks_for_nothing() -> None:
    assert looks((20, None), (25, 1), (30, 99), held=position(ExitPlan())) == [None, None, None]


TRAILING = ExitPlan(stop_loss=cents(47), trailing_from=cents(60), trailing_distance=Micros(50_000))


def test_a_trailing_stop_works_once_its_peak_was_reached_and_follows_it() -> None:
    late = Guard()
    assert exits.active_stop(position(TRAILING), late, moment(), DEFAULTS) == cents(47)
    assert exits.active_stop(position(TRAILING, peak=59), late, moment(), DEFAULTS) == cents(47)
    assert exits.active_stop(position(TRAILING, peak=60), late, moment(), DEFAULTS) == cents(55)
    assert exits.active_stop(position(TRAILING, peak=70), late, moment(), DEFAULTS) == cents(65)
    held = position(TRAILING, peak=70)
    assert looks((20, 65), (25, 20), held=held) == [None, ExitKind.TRAILING_STOP]


def test_the_higher_of_stop_and_trailing_stop_names_the_exit() -> None:
    held = position(ExitPlan(stop_loss=cents(58), trailing_from=cents(60), trailing_distance=Micros(50_000)), peak=60)
    assert looks((20, 50), (25, 50), held=held) == [None, ExitKind.STOP_LOSS]


def test_a_peak_is_kept_only_where_a_trailing_stop_is_set_and_only_where_it_is_higher() -> None:
    assert exits.new_peak(position(), top(60)) is None
    assert exits.new_peak(position(TRAILING), top(None)) is None
    assert exits.new_peak(position(TRAILING), top(50)) == cents(50)
    assert exits.new_peak(position(TRAILING, peak=60), top(60)) is None
    assert exits.new_peak(position(TRAILING, peak=60), top(61)) == cents(61)


def test_a_trailing_stop_that_would_lie_below_zero_is_none() -> None:
    wide = ExitPlan(trailing_from=cents(40), trailing_distance=Micros(400_000))
    assert exits.trailing_stop(position(wide, peak=40)) is None
    assert exits.trailing_stop(position(wide, peak=41)) == cents(1)


def test_a_time_stop_sells_at_any_price_when_its_instant_comes_but_not_in_the_time_of_grace() -> None:
    plan = ExitPlan(time_stop=NOON + timedelta(seconds=5))
    assert looks((4, 50), (5, 50), (10, 50), held=position(plan)) == [None, None, ExitKind.TIME_STOP]
    reached = exits.evaluate(position(plan), Guard(), top(None), moment(5), DEFAULTS)
    assert reached == Reached(ExitKind.TIME_STOP, None)


@given(
    steps=st.lists(st.tuples(st.floats(0.1, 8), st.one_of(st.none(), st.integers(40, 55))), min_size=1, max_size=40),
    checks=st.integers(1, 4),
    grace=st.floats(0, 30),
)
def test_whenever_a_stop_fires_every_look_of_its_checks_was_below_and_after_the_grace(
    steps: list[tuple[float, int | None]], checks: int, grace: float
) -> None:
    settings = Settings(exits=ExitSettings(stop_checks=checks, grace_seconds=grace))
    guard, now, seen = Guard(opened=START), 0.0, list[tuple[float, bool]]()
    for wait, bid in steps:
        now += wait
        seen.append((now, bid is None or bid <= 47))
        reached = exits.evaluate(position(), guard, top(bid), moment(now), settings)
        since = now - (checks - 1) * settings.exits.check_seconds
        run = next((place for place in range(len(seen), 0, -1) if not seen[place - 1][1]), 0)
        low = [when for when, _ in seen[run:] if when >= grace - 1e-6]
        if reached is not None:
            assert low
            assert low[0] <= since + 1e-6
            break
        # Looks that are all below for long enough fire: each wait here is at most 8 s, so a check comes every 13 s.
        assert not low or low[0] > now - checks * (settings.exits.check_seconds + 8)
