"""Where the time of a scan goes: what was at work when, and each instant counted once. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain

Span = tuple[float, float]
Row = dict[str, float]

STAGES = ("exchange", "trader", "transport", "model", "decisions", "orders")
REST = "rest"
_FIRST = ("model", "decisions", "orders", "exchange")
"""What an instant counts for where several are at work: the first of these, else the trader, else transport."""


def shared_out(scan: Span, work: Mapping[str, Iterable[Span]], busy: Callable[[float, float], float]) -> Row:
    """Share out a scan's seconds; they sum to its length.

    Args:
        scan: Its beginning and end.
        work: By stage, when it was at work, overlapping or not: those of `_FIRST`, and `transport`.
        busy: How many seconds the trader was busy between two instants.
    """
    row, left = dict.fromkeys((*STAGES, REST), 0.0), [scan]
    for stage in _FIRST:
        spans = united(work[stage])
        row[stage], left = _length(_within(left, spans)), _without(left, spans)
    calls = united(work["transport"])
    for stage, spans in (("transport", _within(left, calls)), (REST, _without(left, calls))):
        mine = sum(min(end - start, busy(start, end)) for start, end in spans)
        row["trader"] += mine
        row[stage] += _length(spans) - mine
    return row


def at_work(scan: Span, work: Mapping[str, Iterable[Span]], busy: Callable[[float, float], float]) -> Row:
    """Give how long each stage was at work; what overlaps counts for each."""
    row = {stage: _length(_within([scan], united(spans))) for stage, spans in work.items()}
    return row | {"trader": busy(*scan) - row["decisions"]}


def pairs(times: Sequence[float]) -> list[Span]:
    """Read beginnings and ends, in turn."""
    return list(zip(times[::2], times[1::2], strict=True))


def united(spans: Iterable[Span]) -> list[Span]:
    """Put overlapping spans together, in order of time."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found


def _within(spans: Sequence[Span], chosen: Sequence[Span]) -> list[Span]:
    cut = ((max(a, c), min(b, d)) for a, b in spans for c, d in chosen)
    return [(start, end) for start, end in cut if start < end]


def _without(spans: Sequence[Span], taken: Sequence[Span]) -> list[Span]:
    borders = ([start, *chain.from_iterable(_within([(start, end)], taken)), end] for start, end in spans)
    return [(start, end) for each in borders for start, end in pairs(each) if start < end]


def _length(spans: Iterable[Span]) -> float:
    return sum(end - start for start, end in spans)
