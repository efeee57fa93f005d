"""What became of a journal's decisions when they were made again, for people and for programs."""

from collections import Counter
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from trader.domain.differing import Difference
from trader.domain.remaking import Unmade
from trader.domain.rereading import ENTRY, EXIT, Differing, Remade

_SHOWN, _FIELDS_SHOWN = 20, 8
_PLURAL = MappingProxyType({ENTRY: ("entry", "entries"), EXIT: ("exit", "exits")})
_WHY: Mapping[Unmade, str] = MappingProxyType(
    {
        Unmade.NO_START: "no start stands before",
        Unmade.OTHER_VERSION: "another version of foremesh decided",
        Unmade.NO_SETTINGS: "the settings of that time are not in the journal, an older version wrote it",
        Unmade.UNREADABLE_SETTINGS: "the settings of that time are none of this version",
        Unmade.NO_SIGNAL: "the signal does not stand right before",
        Unmade.NO_SIGHT: "what was seen is not in the journal, an older version wrote it",
        Unmade.NO_CHECKS: "what the exit loop remembered is not in the journal, an older version wrote it",
        Unmade.BY_A_PERSON: "a person wanted it",
    }
)


def decisions_document(found: Remade) -> dict[str, Any]:
    """Return counts, and every difference; values as the journal writes them."""
    return {
        "same": {"entries": found.same[ENTRY], "exits": found.same[EXIT]},
        "not_made_again": [
            {"decision": what, "reason": why.value, "count": count} for (what, why), count in found.unmade.items()
        ],
        "different": [
            {
                "sequence": each.sequence,
                "decision": each.what,
                "decision_id": each.decision_id,
                "ticker": each.ticker,
                "fields": [difference._asdict() for difference in each.differences],
            }
            for each in found.differing
        ],
    }


def decision_lines(found: Remade) -> Iterator[str]:
    """Say it in lines: what is the same, what could not be made again and why, what differs and where."""
    same = " and ".join(_count(found.same[what], what) for what in (ENTRY, EXIT))
    yield f"{same} decided again as they were"
    for (what, why), count in found.unmade.items():
        yield f"{_count(count, what)} not decided again: {_WHY[why]}"
    if found.differing:
        counts = Counter(each.what for each in found.differing)
        yield f"DIFFERENT now: {' and '.join(_count(counts[what], what) for what in (ENTRY, EXIT))}"
    for each in found.differing[:_SHOWN]:
        yield _differing(each)
    if len(found.differing) > _SHOWN:
        yield f"and {len(found.differing) - _SHOWN} more; --json has all"


def _count(count: int, what: str) -> str:
    return f"{count:,} {_PLURAL[what][count != 1]}"


def _differing(each: Differing) -> str:
    fields = [_field(difference) for difference in each.differences[:_FIELDS_SHOWN]]
    more = len(each.differences) - len(fields)
    rest = f"; and {more} more" if more else ""
    return f"  entry {each.sequence}, {each.what}, {each.ticker}: {'; '.join(fields)}{rest}"


def _field(difference: Difference) -> str:
    return f"{difference.field} was {_value(difference.written)}, is {_value(difference.made)}"


def _value(value: Any) -> str:
    if value is None:
        return "nothing"
    return "there" if isinstance(value, dict | list) else str(value)
