"""The table of expected gains: what a forecast of five cents is worth once everything is paid."""

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.kalshi.fees import FeeTerms, UnknownFee
from mesh.kalshi.terms import FeeType
from mesh.types import Price, Side
from tests.fakes.trading import NOON, cents, market, signal
from trader.domain import edge
from trader.domain.facts import MarketTerms, Top
from trader.domain.settings import EntrySettings, RuleSettings, Settings
from trader.domain.words import EntryStyle

INDEX = FeeTerms(FeeType.QUADRATIC, Decimal("0.5"))


def around(mid: float, spread: float) -> Top:
    return Top(bid=cents(mid - spread / 2), ask=cents(mid + spread / 2), age_seconds=0.0)


def expected(
    top: Top,
    limit: Price | None,
    *,
    no_mean: float,
    where: MarketTerms | None = None,
    settings: Settings | None = None,
    settles: bool = False,
    side: Side = Side.NO,
    target: Price | None = None,
) -> float | None:
    assert limit is not None
    mean = 100 - no_mean if side is Side.NO else no_mean
    return edge.expected_cents(
        signal(side=side, forecast_mean_cents=mean),
        where or market(),
        top,
        limit,
        settings=settings or Settings(),
        settles=settles,
        at=NOON,
        target=target,
    )


@pytest.mark.parametrize(
    ("mid", "spread", "earned"),
    [
        (50, 1, (0.51, -0.48, 3.26, 2.26)),
        (50, 2, (-0.49, -1.49, 3.26, 1.26)),
        (50, 4, (-2.49, -3.49, 3.26, -0.75)),
        (50, 10, (-8.48, -9.47, 3.25, -6.74)),
        (75, 2, (0.56, -0.40, 3.84, 1.78)),
        (90, 2, (2.03, 1.09, 4.61, 2.52)),
    ],
)
def test_a_right_forecast_of_five_cents_earns_what_spread_and_fees_leave(
    mid: float, spread: float, earned: tuple[float, ...]
) -> None:
    top, mean = around(mid, spread), mid + 5
    rest = Settings(entries=EntrySettings(style=EntryStyle.REST))
    at_index = msgspec.structs.replace(market(), fees=INDEX)
    ask = cents(mid + spread / 2)
    taken_slipped_rested_index = (
        expected(top, ask, no_mean=mean),
        expected(top, cents(mid + spread / 2 + 1), no_mean=mean),
        expected(top, top.bid, no_mean=mean, settings=rest),
        expected(top, ask, no_mean=mean, where=at_index),
    )
    assert taken_slipped_rested_index == pytest.approx(earned, abs=0.0051)


@pytest.mark.parametrize(("price", "needed"), [(50, 51.75), (70, 71.47), (80, 81.12), (90, 90.63)])
def test_holding_to_settlement_pays_one_fee_and_no_spread(price: float, needed: float) -> None:
    nobody_buys = Top(ask=cents(price), age_seconds=0.0)
    assert expected(nobody_buys, cents(price), no_mean=needed, settles=True) == pytest.approx(0, abs=0.0051)


@pytest.mark.parametrize("settles", [True, False])
def test_a_position_earns_no_more_than_its_target_which_is_sold_at(settles: bool) -> None:
    sold_at_60 = 60 - 50 - 7 * 0.5 * 0.5 - 7 * 0.6 * 0.4
    found = expected(around(49, 2), cents(50), no_mean=90, settles=settles, target=cents(60))
    assert found == pytest.approx(sold_at_60)


@pytest.mark.parametrize("settles", [True, False])
def test_a_target_beyond_the_forecast_changes_nothing(settles: bool) -> None:
    plain = expected(around(49, 2), cents(50), no_mean=61, settles=settles)
    assert expected(around(49, 2), cents(50), no_mean=61, settles=settles, target=cents(61)) == plain


def test_makers_pay_where_the_series_charges_them() -> None:
    rest = Settings(entries=EntrySettings(style=EntryStyle.REST))
    charged = msgspec.structs.replace(market(), fees=FeeTerms(FeeType.QUADRATIC_WITH_MAKER_FEES))
    free, paid = (expected(around(50, 2), cents(49), no_mean=55, settings=rest, where=m) for m in (market(), charged))
    assert free is not None
    assert paid is not None
    assert free - paid == pytest.approx(1.75 * 0.49 * 0.51)


def test_a_waiver_that_ends_before_the_entry_may_be_filled_is_not_counted_on() -> None:
    top, later = around(50, 2), NOON + timedelta(days=1)
    waived = [
        msgspec.structs.replace(market(), fees=FeeTerms(FeeType.QUADRATIC, waived_until=until))
        for until in (NOON, later)
    ]
    assert [expected(top, cents(51), no_mean=55, where=where) for where in waived] == pytest.approx(
        [-0.488, 3.0], abs=0.001
    )


def test_a_waiver_that_ends_before_the_horizon_leaves_the_exit_its_fee() -> None:
    fees = FeeTerms(FeeType.QUADRATIC, waived_until=NOON + timedelta(hours=1))
    where = msgspec.structs.replace(market(), fees=fees)
    assert expected(around(50, 2), cents(51), no_mean=55, where=where) == pytest.approx(3 - 7 * 0.54 * 0.46)


def test_the_forecasts_own_uncertainty_may_have_to_be_cleared_as_well() -> None:
    strict = Settings(rules=RuleSettings(edge_uncertainty_share=0.5))
    found = expected(around(50, 2), cents(51), no_mean=65, settings=strict)
    usual = expected(around(50, 2), cents(51), no_mean=65)
    assert found is not None
    assert usual is not None
    assert usual - found == pytest.approx(2.5)


@pytest.mark.parametrize("top", [Top(bid=cents(49), age_seconds=0.0), Top(ask=cents(51), age_seconds=0.0)])
def test_without_both_sides_of_the_book_a_sale_is_not_expected_to_bring_anything_known(top: Top) -> None:
    assert expected(top, cents(51), no_mean=60) is None


@pytest.mark.parametrize("mean", [float("nan"), float("inf")])
def test_a_forecast_that_is_no_number_has_no_edge(mean: float) -> None:
    assert expected(around(50, 2), cents(51), no_mean=mean) is None
    assert expected(around(50, 2), cents(51), no_mean=mean, settles=True) is None


def test_an_unknown_fee_is_not_taken_for_free() -> None:
    flat = msgspec.structs.replace(market(), fees=FeeTerms(FeeType.FLAT))
    with pytest.raises(UnknownFee):
        expected(around(50, 2), cents(51), no_mean=60, where=flat)


@given(st.integers(2, 98), st.integers(0, 1), st.floats(0, 100), st.booleans())
def test_either_side_of_a_contract_is_worth_the_same(mid: int, half: int, mean: float, settles: bool) -> None:
    top, ask = around(mid, 2 * half), cents(mid + half)
    found = [expected(top, ask, no_mean=mean, settles=settles, side=side) for side in Side]
    assert found[0] == pytest.approx(found[1], abs=1e-9)
    assert found[0] is not None
    assert found[0] <= 100 - ask.cents


def test_the_horizon_ends_after_its_last_step() -> None:
    assert edge.horizon_end(signal()) == NOON + timedelta(hours=6)
    assert edge.horizon_end(signal(step=timedelta(minutes=1), horizon_steps=30)) == NOON + timedelta(minutes=30)
