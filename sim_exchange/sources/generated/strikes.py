"""The questions of an event: ranges side by side with open ends, as tickers, strikes and words. Pure."""

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from mesh.kalshi.terms import StrikeType
from sim_exchange.sources.generated.profiles import Ladder, Profile, Subject

_HALF = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class Strike:
    """One question."""

    suffix: str
    """Last part of the ticker, such as `B84.5`."""
    kind: StrikeType
    floor: Decimal | None
    cap: Decimal | None
    words: str
    """Such as `84° to 85°`."""

    def holds(self, value: Decimal) -> bool:
        """Say whether the answer is yes if this is the deciding number."""
        if self.kind is StrikeType.LESS:
            return self.cap is not None and value < self.cap
        if self.kind is StrikeType.GREATER:
            return self.floor is not None and value > self.floor
        return self.floor is not None and self.cap is not None and self.floor <= value <= self.cap


@dataclass(frozen=True, slots=True)
class Strikes:
    """All questions of an event, from the lowest up; exactly one is answered yes, whatever the number."""

    strikes: tuple[Strike, ...]
    edges: tuple[float, ...]
    """Where one question ends and the next begins, on the scale of a deciding number that is not yet rounded."""


def strikes(profile: Profile, expected: float) -> Strikes:
    """Lay the questions of an event around what is expected of it when it is listed."""
    ladder = profile.ladder
    ranges = ladder.markets - 2
    lowest = _lowest(ladder, ranges, Decimal(expected), free=profile.subject is Subject.WEATHER)
    floors = [lowest + ladder.width * number for number in range(ranges + 1)]
    top = floors[-1] - ladder.gap
    number = _NUMBERS[profile.subject]
    ends_below, starts_above = floors[0] - _STEPS[profile.subject], top + ladder.gap
    low = Strike(f"T{_plain(floors[0])}", StrikeType.LESS, None, floors[0], f"{number(ends_below)} or below")
    high = Strike(f"T{_plain(top)}", StrikeType.GREATER, top, None, f"{number(starts_above)} or above")
    between = [_range(profile, floor) for floor in floors[:-1]]
    rounding = _STEPS[profile.subject] if profile.subject is not Subject.INDEX else Decimal("0.01")
    edges = tuple(float(floor - rounding / 2) for floor in floors)
    return Strikes((low, *between, high), edges)


def _lowest(ladder: Ladder, ranges: int, expected: Decimal, *, free: bool) -> Decimal:
    below = expected - ladder.width * ranges / 2
    if free:
        return (below + (ladder.gap + 1) / 2).to_integral_value(ROUND_FLOOR)
    steps = ((below - ladder.anchor) / ladder.width + _HALF).to_integral_value(ROUND_FLOOR)
    return max(steps * ladder.width + ladder.anchor, ladder.width + ladder.anchor)


def _range(profile: Profile, floor: Decimal) -> Strike:
    ladder = profile.ladder
    cap = floor + ladder.width - ladder.gap
    centre = floor + (ladder.width - ladder.gap) / 2 if profile.subject is Subject.WEATHER else floor + ladder.width / 2
    if profile.subject is Subject.INDEX:
        centre = centre.to_integral_value(ROUND_FLOOR)
    number = _NUMBERS[profile.subject]
    return Strike(
        f"B{_plain(centre)}", StrikeType.BETWEEN, floor, cap, f"{number(floor)} to {number(cap).removeprefix('$')}"
    )


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _degrees(number: Decimal) -> str:
    return f"{number:.0f}°"


def _dollars(number: Decimal) -> str:
    return f"${number.normalize():,f}"


def _points(number: Decimal) -> str:
    return f"{number.normalize():,f}"


_NUMBERS = {Subject.WEATHER: _degrees, Subject.CRYPTO: _dollars, Subject.INDEX: _points}
_STEPS = {Subject.WEATHER: Decimal(1), Subject.CRYPTO: Decimal("0.01"), Subject.INDEX: Decimal("0.0001")}
"""The finest difference in an event's words."""
