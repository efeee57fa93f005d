import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.kalshi.fees import BROKER_PRECISION, Charge, FeeTerms, UnknownFee, charge, model_fee
from mesh.kalshi.terms import FeeType
from mesh.types import Hundredths, Micros, hundredths_from_count, micros_from_dollars

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "reference" / "samples"
PLAIN = FeeTerms(FeeType.QUADRATIC)
NOW = datetime(2026, 7, 10, tzinfo=UTC)
DIRECT = Micros(100)

prices = st.integers(1, 9_999).map(lambda step: step * 100)
counts = st.integers(1, 1_000_000).map(Hundredths)
fee_types = st.sampled_from(
    [FeeType.QUADRATIC, FeeType.QUADRATIC_WITH_MAKER_FEES, FeeType.QUADRATIC_WITH_COMBO_MAKER_FEES]
)
multipliers = st.sampled_from([Decimal(0), Decimal("0.5"), Decimal(1), Decimal("1.25")])
all_terms = st.builds(FeeTerms, fee_types, multipliers)


def first_fill(count: str, price: str, *, precision: Micros = DIRECT) -> Charge:
    return charge(
        PLAIN,
        price=micros_from_dollars(price),
        count=hundredths_from_count(count),
        buys_yes=True,
        maker=False,
        carried=Micros(0),
        precision=precision,
    )


@pytest.mark.parametrize(
    ("count", "price", "fee"),
    [
        ("1", "0.52", "0.0175"),
        ("1", "0.99", "0.0007"),
        ("227.27", "0.001", "0.01593"),
        ("90.90", "0.001", "0.0064"),
        ("10", "0.04", "0.0269"),
        ("10", "0.27", "0.1380"),
        ("20", "0.13", "0.1584"),
        ("20", "0.33", "0.3096"),
    ],
)
def test_fees_that_were_really_charged(count: str, price: str, fee: str) -> None:
    assert first_fill(count, price).net == micros_from_dollars(fee)


@pytest.mark.parametrize(("count", "price", "fee"), [("1", "0.50", "0.02"), ("100", "0.05", "0.34")])
def test_through_a_broker_fees_are_whole_cents(count: str, price: str, fee: str) -> None:
    assert first_fill(count, price, precision=BROKER_PRECISION).net == micros_from_dollars(fee)


@pytest.mark.parametrize(
    "name", ["demo-2026-06__orders__create_v2_taker_ioc.json", "prod-2026-08__portfolio_fills_redacted.json"]
)
def test_recorded_fills_cost_what_they_cost(name: str) -> None:
    path = SAMPLES / name
    if not path.exists():
        pytest.skip(f"no recording {path}")
    recorded = json.loads(path.read_text())
    if "fills" not in recorded:
        reply = recorded["response"]
        assert first_fill(reply["fill_count"], reply["average_fill_price"]).net == micros_from_dollars(
            reply["average_fee_paid"]
        )
        return
    assert recorded["fills"]
    for fill in recorded["fills"]:
        assert first_fill(fill["count_fp"], fill["yes_price_dollars"]).net == micros_from_dollars(fill["fee_cost"])


def test_makers_pay_by_fee_type() -> None:
    price, count = 500_000, Hundredths(10_000)
    of_taker = [model_fee(FeeTerms(kind), price=price, count=count) for kind in list(FeeType)[:3]]
    of_maker = [model_fee(FeeTerms(kind), price=price, count=count, maker=True) for kind in list(FeeType)[:3]]
    assert of_taker == [Fraction("1.75")] * 3
    assert of_maker == [0, Fraction("0.4375"), Fraction("0.875")]


def test_the_multiplier_scales_both_sides() -> None:
    half = FeeTerms(FeeType.QUADRATIC_WITH_MAKER_FEES, Decimal("0.5"))
    assert model_fee(half, price=500_000, count=Hundredths(100)) == Fraction("0.00875")
    assert model_fee(half, price=500_000, count=Hundredths(100), maker=True) == Fraction("0.0021875")


def test_a_waiver_holds_until_its_time() -> None:
    waived = FeeTerms(FeeType.QUADRATIC, waived_until=NOW)
    before = model_fee(waived, price=500_000, count=Hundredths(100), at=NOW - timedelta(microseconds=1))
    assert before == 0
    assert model_fee(waived, price=500_000, count=Hundredths(100), at=NOW) == Fraction("0.0175")
    with pytest.raises(ValueError, match="time of the fill"):
        model_fee(waived, price=500_000, count=Hundredths(100))


@pytest.mark.parametrize(
    "terms",
    [
        FeeTerms(FeeType.FLAT),
        FeeTerms(FeeType.UNKNOWN),
        FeeTerms(FeeType.QUADRATIC, Decimal(-1)),
        FeeTerms(FeeType.QUADRATIC, Decimal("NaN")),
    ],
)
def test_a_fee_without_a_formula_is_an_error(terms: FeeTerms) -> None:
    with pytest.raises(UnknownFee):
        charge(terms, price=500_000, count=Hundredths(100), buys_yes=True, maker=False, carried=Micros(0))


def test_a_price_finer_than_the_exchange_writes_is_an_error() -> None:
    with pytest.raises(ValueError, match="not a whole number of micros"):
        charge(PLAIN, price=500_001, count=Hundredths(1), buys_yes=True, maker=False, carried=Micros(0))


def test_rounding_comes_back_when_it_makes_a_whole_step() -> None:
    carried = Micros(0)
    charges = []
    for _ in range(4):  # each fill rounds 17472 up by 28
        charges.append(charge(PLAIN, price=520_000, count=Hundredths(100), buys_yes=True, maker=False, carried=carried))
        carried = charges[-1].carried
    assert [one.net for one in charges] == [17_500, 17_500, 17_500, 17_400]
    assert [one.carried for one in charges] == [28, 56, 84, 12]


def test_a_free_maker_fill_pays_rounding_only_where_that_is_the_choice() -> None:
    def maker_fill(*, rounded: bool, carried: int = 0) -> Charge:
        return charge(
            PLAIN,
            price=1_000,
            count=Hundredths(1),
            buys_yes=True,
            maker=True,
            carried=Micros(carried),
            round_free_maker_fills=rounded,
        )

    assert maker_fill(rounded=True) == Charge(Micros(0), Micros(90), Micros(0), Micros(90), Micros(90))
    assert maker_fill(rounded=False).net == 0
    # A rebate of a whole step would make the fee negative: it waits.
    assert maker_fill(rounded=True, carried=90) == Charge(Micros(0), Micros(90), Micros(0), Micros(90), Micros(180))


@given(
    all_terms,
    st.lists(st.tuples(prices, counts, st.booleans(), st.booleans()), max_size=12),
    st.sampled_from([100, 10_000]).map(Micros),
)
def test_balances_stay_on_their_steps_and_no_rounding_is_lost(
    terms: FeeTerms, fills: list[tuple[int, Hundredths, bool, bool]], precision: Micros
) -> None:
    carried = Micros(0)
    charged = kept = 0
    for price, count, buys_yes, maker in fills:
        exact = model_fee(terms, price=price, count=count, maker=maker) * 1_000_000
        one = charge(
            terms,
            price=price,
            count=count,
            buys_yes=buys_yes,
            maker=maker,
            carried=carried,
            precision=precision,
        )
        paid = (price if buys_yes else 1_000_000 - price) * count // 100
        assert 0 <= one.trade_fee - exact < 1
        assert 0 <= one.rounding_fee < precision
        assert one.net >= 0
        assert (paid + one.net) % precision == 0
        # Opening costs what closing brings in, less whole dollars: the fee is the same.
        assert (one.net - ((1_000_000 - (price if buys_yes else 1_000_000 - price)) * count // 100)) % precision == 0
        carried = one.carried
        charged += one.net
        kept += one.trade_fee
    assert charged == kept + carried


@given(all_terms, st.lists(st.tuples(prices, counts), min_size=1, max_size=12))
def test_a_rebate_to_the_last_micro_leaves_only_the_formula(
    terms: FeeTerms, fills: list[tuple[int, Hundredths]]
) -> None:
    carried = Micros(0)
    charged = by_formula = 0
    for price, count in fills:
        one = charge(
            terms,
            price=price,
            count=count,
            buys_yes=True,
            maker=False,
            carried=carried,
            rebate_in_whole_steps=False,
        )
        carried = one.carried
        charged += one.net
        by_formula += one.trade_fee
        # What is held back is held back only because the fee cannot fall below nothing.
        assert one.net == 0 or carried == 0
    assert charged == by_formula + carried
