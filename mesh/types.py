"""Money, prices, counts and time, as every process means them. Pure.

Money and prices are integers of millionths of a dollar (micros), counts integers of hundredths of a contract: sums are
exact. Decimal is for the exchange's edge, float for statistics only. Instants are aware datetimes in UTC.
"""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import NewType, Self

Micros = NewType("Micros", int)
"""Money in millionths of a dollar; negative is a debt or a loss."""

DOLLAR = Micros(1_000_000)
CENT = Micros(10_000)

Hundredths = NewType("Hundredths", int)
"""Contracts in hundredths, the exchange's smallest count; negative is a NO position."""

CONTRACT = Hundredths(100)


class Side(Enum):
    """Side of a contract."""

    YES = "yes"
    NO = "no"

    @property
    def other(self) -> "Side":
        """The opposite side."""
        return Side.NO if self is Side.YES else Side.YES


class Price(int):
    """Price of a contract that pays one dollar, in micros, within 0 and one dollar.

    A price belongs to one side; `complement` is the same trade seen from the other: buying NO at q is selling YES at
    1 − q. Out of range raises ValueError.
    """

    __slots__ = ()

    def __new__(cls, micros: int) -> Self:
        """Check the range."""
        if not 0 <= micros <= DOLLAR:
            raise ValueError(f"a price lies within 0 and {DOLLAR} micros, not {micros}")
        return super().__new__(cls, micros)

    @classmethod
    def from_dollars(cls, text: str) -> Self:
        """Read the exchange's fixed-point dollar text, such as `0.4700`. ValueError if it is not one, or not exact."""
        return cls(micros_from_dollars(text))

    @property
    def complement(self) -> "Price":
        """The price of the other side of the same contract."""
        return Price(DOLLAR - self)

    @property
    def cents(self) -> float:
        """In cents, for statistics and for people."""
        return self / CENT

    def dollars(self) -> str:
        """Format as the exchange writes it, with four decimals or, where needed, six."""
        return dollars(Micros(self))


def micros_from_dollars(text: str) -> Micros:
    """Read an exact dollar amount. ValueError for anything that is not a finite number of whole micros."""
    try:
        scaled = Decimal(text).scaleb(6)
        micros = int(scaled)
    except (InvalidOperation, ValueError, OverflowError) as error:
        raise ValueError(f"not a dollar amount: {text!r}") from error
    if micros != scaled:
        raise ValueError(f"finer than a millionth of a dollar: {text!r}")
    return Micros(micros)


def dollars(amount: Micros) -> str:
    """Format an amount as dollars with four decimals or, where it is finer, six: `-1.2300`, `0.000001`."""
    places = 4 if amount % 100 == 0 else 6
    return f"{Decimal(amount).scaleb(-6):.{places}f}"


def hundredths_from_count(text: str) -> Hundredths:
    """Read the exchange's contract count, such as `12.50`. ValueError if it is not one, or finer than a hundredth."""
    try:
        scaled = Decimal(text).scaleb(2)
        count = int(scaled)
    except (InvalidOperation, ValueError, OverflowError) as error:
        raise ValueError(f"not a contract count: {text!r}") from error
    if count != scaled:
        raise ValueError(f"finer than a hundredth of a contract: {text!r}")
    return Hundredths(count)


def count_text(count: Hundredths) -> str:
    """Format a count as the exchange writes it, with two decimals: `-12.50`."""
    return f"{'-' if count < 0 else ''}{abs(count) // 100}.{abs(count) % 100:02d}"


def cost(price: int, count: Hundredths) -> Micros:
    """Return price times count. ValueError where it is not whole micros, which no price on a 0.0001 grid allows."""
    amount, rest = divmod(price * count, CONTRACT)
    if rest:
        raise ValueError(f"{price} micros times {count} hundredths is not a whole number of micros")
    return Micros(amount)


def utc(instant: datetime) -> datetime:
    """Return the instant in UTC. ValueError if it does not say its zone: a naive time is a guess."""
    if instant.tzinfo is None:
        raise ValueError(f"a time without a zone: {instant.isoformat()}")
    return instant.astimezone(UTC)
