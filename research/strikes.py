"""Which answers a market's strikes give to a number, and whether one number gives all answers of an event. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from mesh.kalshi.terms import StrikeType

Numbers = NDArray[np.float64]
Truths = NDArray[np.bool_]
_ENDING = re.compile(r"-([BT])(-?\d+(?:\.\d+)?)$")
_HALF = 0.5
_PROOF_ROWS = 30
_FLOORED = {StrikeType.GREATER, StrikeType.GREATER_OR_EQUAL, StrikeType.BETWEEN}
_CAPPED = {StrikeType.LESS, StrikeType.LESS_OR_EQUAL, StrikeType.BETWEEN}


@dataclass(frozen=True, slots=True)
class Strikes:
    """What YES says of the settling number."""

    kind: StrikeType
    floor: float | None
    cap: float | None

    def answers(self, values: Numbers) -> Truths:
        """Tell of each number whether YES is right."""
        floor, cap = self.floor or 0.0, self.cap or 0.0
        match self.kind:
            case StrikeType.GREATER:
                return values > floor
            case StrikeType.GREATER_OR_EQUAL:
                return values >= floor
            case StrikeType.LESS:
                return values < cap
            case StrikeType.LESS_OR_EQUAL:
                return values <= cap
            case _:
                return (values >= floor) & (values <= cap)

    def answer(self, value: float) -> bool:
        """Tell the same of one."""
        return bool(self.answers(np.array([value]))[0])


def strikes(kind: str | None, floor: float | None, cap: float | None) -> Strikes | None:
    """Read strikes as they are listed; None where they are not numbers, or incomplete."""
    read = StrikeType(kind or "unknown")
    needed = [value for kinds, value in ((_FLOORED, floor), (_CAPPED, cap)) if read in kinds]
    return Strikes(read, floor, cap) if needed and None not in needed else None


def told_by_ticker(ticker: str, neighbours: Iterable[str]) -> Strikes | None:
    """Read a bracket off a ticker such as `…-B40.5` (40 to 41) or `…-T61`, an end of the ladder.

    Whether the series names its markets so is for `named_so` to say.

    Args:
        ticker: The market's.
        neighbours: All markets of its event: an end above them all is `greater`, one below them all `less`.
    """
    ending = _ENDING.search(ticker)
    if ending is None:
        return None
    value = float(ending[2])
    if ending[1] == "B":
        return Strikes(StrikeType.BETWEEN, value - _HALF, value + _HALF)
    others = [float(other[2]) for name in neighbours if name != ticker and (other := _ENDING.search(name))]
    if others and value > max(others):
        return Strikes(StrikeType.GREATER, value, None)
    if others and value < min(others):
        return Strikes(StrikeType.LESS, None, value)
    return None


def named_so(events: Mapping[str, Mapping[str, Strikes | None]]) -> bool:
    """Tell whether the tickers of a series say its strikes: they do for every market whose strikes are known.

    Args:
        events: By event, the strikes of its markets by ticker.
    """
    known = 0
    for markets in events.values():
        for ticker, found in markets.items():
            if found is None:
                continue
            told = told_by_ticker(ticker, markets)
            if told is None or (told.kind, *_sides(told)) != (found.kind, *_sides(found)):
                return False
            known += 1
    return known >= _PROOF_ROWS


def agree(answers: Sequence[tuple[Strikes, bool]]) -> bool:
    """Tell whether some number gives all these answers.

    Numbers have as many decimals as the strikes: brackets of whole degrees leave nothing between 41 and 42, so that of
    a complete ladder exactly one market can be right.
    """
    if not answers:
        return True
    ends = [Decimal(repr(end)) for each, _ in answers for end in (each.floor, each.cap) if end is not None]
    places = max(max(0, -int(end.normalize().as_tuple().exponent)) for end in ends)
    whole = np.array([int(end.scaleb(places)) for end in ends], np.int64)
    numbers = np.unique(np.concatenate([whole - 1, whole, whole + 1])) / 10**places
    possible = np.ones(len(numbers), dtype=bool)
    for each, answer in answers:
        possible &= each.answers(numbers) == answer
    return bool(possible.any())


def _sides(found: Strikes) -> tuple[float | None, float | None]:
    return (found.floor if found.kind in _FLOORED else None, found.cap if found.kind in _CAPPED else None)
