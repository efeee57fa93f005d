"""The one place where buying and selling YES or NO meets the exchange's single book, which trades YES. Pure.

buy YES at p    bid p
sell YES at p   ask p
buy NO at q     ask 1 − q
sell NO at q    bid 1 − q
"""

from dataclasses import dataclass
from enum import Enum

from mesh.kalshi.terms import BookSide
from mesh.types import Hundredths, Micros, Price, Side, cost


class Action(Enum):
    """What is done with contracts of a side."""

    BUY = "buy"
    SELL = "sell"

    @property
    def other(self) -> "Action":
        """The opposite action."""
        return Action.SELL if self is Action.BUY else Action.BUY


@dataclass(frozen=True, slots=True)
class Intent:
    """What somebody wants, in the terms of the side they think in."""

    action: Action
    side: Side
    price: Price
    """Of one contract of `side`."""

    @property
    def mirrored(self) -> "Intent":
        """The same trade seen from the other side: buying NO at q is selling YES at 1 − q."""
        return Intent(self.action.other, self.side.other, self.price.complement)


@dataclass(frozen=True, slots=True)
class Quote:
    """The same in the terms of the book."""

    side: BookSide
    price: Price
    """Of YES."""


def to_book(intent: Intent) -> Quote:
    """Say an intent in the terms of the book."""
    seen = intent if intent.side is Side.YES else intent.mirrored
    return Quote(BookSide.BID if seen.action is Action.BUY else BookSide.ASK, seen.price)


def from_book(quote: Quote, side: Side) -> Intent:
    """Say what a bid or ask means for somebody who thinks in `side`. ValueError if the book side is not known."""
    if quote.side is BookSide.UNKNOWN:
        raise ValueError("neither a bid nor an ask")
    seen = Intent(Action.BUY if quote.side is BookSide.BID else Action.SELL, Side.YES, quote.price)
    return seen if side is Side.YES else seen.mirrored


def profit(bought: Price, sold: Price, count: Hundredths) -> Micros:
    """Return what contracts of one side earn, without fees.

    Args:
        bought: Price paid, of that side.
        sold: Price received, or what that side settles at.
        count: How many.

    Raises:
        ValueError: The profit is not a whole number of micros.
    """
    return cost(sold - bought, count)
