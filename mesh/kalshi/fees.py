"""What the exchange charges for a fill, to the millionth of a dollar. Pure.

The fee of the formula is rounded up to a micro; a rounding fee then brings the account's balance onto a whole step of
its precision. What an order has paid for rounding is remembered and given back in whole steps as soon as it holds one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from math import lcm
from types import MappingProxyType
from typing import NamedTuple

from mesh.errors import Unsupported
from mesh.kalshi.terms import FeeType
from mesh.types import CONTRACT, DOLLAR, Hundredths, Micros, cost

_TAKER_RATE = Fraction(7, 100)
_MAKER_SHARE: Mapping[FeeType, Fraction] = MappingProxyType(
    {
        FeeType.QUADRATIC: Fraction(0),
        FeeType.QUADRATIC_WITH_MAKER_FEES: Fraction(1, 4),
        FeeType.QUADRATIC_WITH_COMBO_MAKER_FEES: Fraction(1, 2),
    }
)
"""Part of the taker's formula that a maker pays."""

DIRECT_PRECISION = Micros(100)
"""Balances of direct members are multiples of this."""
BROKER_PRECISION = Micros(10_000)
"""Balances held through a broker are whole cents."""


class UnknownFee(Unsupported):
    """No formula is known for this fee type: whoever trades there would not know what it costs."""

    default_reason = "FEE_TYPE_UNKNOWN"


class _Rates(NamedTuple):
    """Dollars of fee per contract and per price times one minus price: numerators, over one denominator."""

    taker: int
    maker: int
    denominator: int


@dataclass(frozen=True)
class FeeTerms:
    """What decides a market's fees: its event's terms where they override, else its series'."""

    fee_type: FeeType
    multiplier: Decimal = Decimal(1)
    waived_until: datetime | None = None
    """Fills before this cost nothing."""

    @cached_property
    def rates(self) -> _Rates:
        """The formula's rates, exact. UnknownFee where there is no formula."""
        share = _MAKER_SHARE.get(self.fee_type)
        if share is None or not self.multiplier.is_finite() or self.multiplier < 0:
            what = f"{self.fee_type.value!r} with multiplier {self.multiplier}"
            raise UnknownFee(f"no fee formula is known for {what}", metadata={"fee_type": self.fee_type.value})
        taker = Fraction(self.multiplier) * _TAKER_RATE
        maker = taker * share
        denominator = lcm(taker.denominator, maker.denominator)
        return _Rates(int(taker * denominator), int(maker * denominator), denominator)


class Charge(NamedTuple):
    """What one fill costs, in micros."""

    trade_fee: Micros
    """By the formula, rounded up to a micro."""
    rounding_fee: Micros
    """What brings the balance onto a whole step."""
    rebate: Micros
    """Rounding given back."""
    net: Micros
    """What is taken from the balance beside the price; never negative."""
    carried: Micros
    """Rounding that the order has paid and not got back, after this fill."""


def _waived(terms: FeeTerms, at: datetime | None) -> bool:
    if terms.waived_until is None:
        return False
    if at is None:
        raise ValueError("a market with a fee waiver needs the time of the fill")
    return at < terms.waived_until


def model_fee(
    terms: FeeTerms, *, price: int, count: Hundredths, maker: bool = False, at: datetime | None = None
) -> Fraction:
    """Return the exact fee of the formula, in dollars, before any rounding.

    Args:
        terms: The market's.
        price: YES price, micros.
        count: Contracts filled, hundredths.
        maker: Whether the order rested.
        at: Time of the fill; needed where a waiver is set.

    Raises:
        UnknownFee: The fee type has no known formula.
        ValueError: A waiver is set and `at` is missing.
    """
    rates = terms.rates
    if _waived(terms, at):
        return Fraction(0)
    part = Fraction(count * price * (DOLLAR - price), CONTRACT * DOLLAR * DOLLAR)
    return part * Fraction(rates.maker if maker else rates.taker, rates.denominator)


def trade_fee(
    terms: FeeTerms, *, price: int, count: Hundredths, maker: bool = False, at: datetime | None = None
) -> Micros:
    """Return the fee of the formula rounded up to a micro. Arguments and errors as `model_fee`."""
    rates = terms.rates
    if _waived(terms, at):
        return Micros(0)
    # In whole numbers, because this runs twice for every fill.
    rate = rates.maker if maker else rates.taker
    return Micros(-(-rate * count * price * (DOLLAR - price) // (rates.denominator * CONTRACT * DOLLAR)))


def charge(
    terms: FeeTerms,
    *,
    price: int,
    count: Hundredths,
    buys_yes: bool,
    maker: bool,
    carried: Micros,
    precision: Micros = DIRECT_PRECISION,
    at: datetime | None = None,
    rebate_in_whole_steps: bool = True,
    round_free_maker_fills: bool = True,
) -> Charge:
    """Return what a fill costs beside its price.

    Opening or closing makes no difference: both change the balance by amounts that are a whole cent apart.

    Args:
        terms: The market's.
        price: YES price, micros.
        count: Contracts filled, hundredths.
        buys_yes: Direction: a bid. An ask buys NO at one dollar minus the price.
        maker: Whether the order rested.
        carried: `Charge.carried` of the order's fill before, 0 for its first.
        precision: Step of the account's balance, micros.
        at: Time of the fill; needed where a waiver is set.
        rebate_in_whole_steps: False gives back any amount down to a net fee of 0.
        round_free_maker_fills: False leaves out the rounding where a maker's fee is 0.

    Raises:
        UnknownFee: The fee type has no known formula.
        ValueError: A waiver is set and `at` is missing, or the price is finer than 0.0001.
    """
    fee = trade_fee(terms, price=price, count=count, maker=maker, at=at)
    paid = cost(price if buys_yes else DOLLAR - price, count)
    rounding_fee = -(paid + fee) % precision
    if maker and not fee and not round_free_maker_fills:
        rounding_fee = 0
    held = carried + rounding_fee
    if rebate_in_whole_steps:
        rebate = min(held, fee + rounding_fee) // precision * precision
    else:
        rebate = min(held, fee + rounding_fee)
    return Charge(
        Micros(fee),
        Micros(rounding_fee),
        Micros(rebate),
        Micros(fee + rounding_fee - rebate),
        Micros(held - rebate),
    )
