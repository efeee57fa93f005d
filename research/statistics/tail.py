"""How bad it was, and could have been. Pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from mesh.types import Micros
from research.rows import TradeRow


@dataclass(frozen=True, slots=True)
class Worst:
    """What lost most, or gained least."""

    name: str
    net: Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """The bad end of what happened."""

    day: Worst
    """Of settlement."""
    event: Worst
    drawdown: Micros
    """The deepest fall of the realised result below its highest before, which begins at nothing; not negative."""
    drawdown_time: datetime | None
    """When it was deepest; None where it never fell."""
    at_risk: Micros
    """What all positions open together had cost, fees included, when that was most: lost if all go wrong."""
    at_risk_time: datetime


def tail(rows: Sequence[TradeRow]) -> Tail | None:
    """Look at the bad end; None without a row. A position counts as open from its first fill to its last exit."""
    if not rows:
        return None
    drawdown, fallen = _drawdown(rows)
    at_risk, at = _at_risk(rows)
    return Tail(
        day=_worst(rows, lambda row: row.settlement_day),
        event=_worst(rows, lambda row: row.event_ticker),
        drawdown=drawdown,
        drawdown_time=fallen,
        at_risk=at_risk,
        at_risk_time=at,
    )


def cost(row: TradeRow) -> int:
    """Return all that a trade can lose, in micros, but for the fee of leaving."""
    return row.entry_cost_micros + row.entry_fee_micros


def _worst(rows: Iterable[TradeRow], key: Callable[[TradeRow], str]) -> Worst:
    sums: dict[str, int] = {}
    for row in rows:
        sums[key(row)] = sums.get(key(row), 0) + row.pnl_micros
    name, net = min(sums.items(), key=lambda item: (item[1], item[0]))
    return Worst(name, Micros(net))


def _drawdown(rows: Iterable[TradeRow]) -> tuple[Micros, datetime | None]:
    net = highest = deepest = 0
    at = None
    moves = sorted((row.exit_time, row.pnl_micros) for row in rows)
    for time, together in groupby(moves, key=itemgetter(0)):
        net += sum(amount for _, amount in together)
        highest = max(highest, net)
        if highest - net > deepest:
            deepest, at = highest - net, time
    return Micros(deepest), at


def _at_risk(rows: Sequence[TradeRow]) -> tuple[Micros, datetime]:
    moves = [(row.entry_time, 1, cost(row)) for row in rows] + [(row.exit_time, 0, -cost(row)) for row in rows]
    open_cost = most = 0
    at = min(row.entry_time for row in rows)
    for time, _, amount in sorted(moves):  # what is left at a moment is not open with what is entered then
        open_cost += amount
        if open_cost > most:
            most, at = open_cost, time
    return Micros(most), at
