"""How a trader's decisions stand to those of a backtest, for people and for programs."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from console.journal_decisions import decisions_document
from console.parity_run import Parity
from research.asking import NO_PRICE
from research.parity_asking import NOT_COLLECTED
from research.parity_walk import Beside
from trader.domain.rereading import ENTRY, EXIT

_UNASKED: Mapping[str, str] = MappingProxyType(
    {
        NOT_COLLECTED: "their last candle is not among those collected",
        NO_PRICE: "nothing was quoted and nothing had traded when their candle ended, so a backtest does not ask",
    }
)
_BESIDE: Mapping[Beside, str] = MappingProxyType(
    {
        Beside.MOVED: "price or quotes had moved since the candle ended",
        Beside.LATER: "it was later: too near to the close, or the book too old",
        Beside.ACCOUNT: "with another account: what was held, on its way or forbidden",
        Beside.UNASKED: "a backtest does not ask there",
    }
)

Row = tuple[str, int, int]
"""What, how many there are, and how many came out the same."""


def rows(found: Parity) -> Iterator[Row]:
    """Say what was made again: it must come out the same."""
    remade = found.remaking.decisions
    yield "signals", found.remaking.same + len(found.remaking.differing), found.remaking.same
    for what, name in ((ENTRY, "decisions to enter or not"), (EXIT, "decisions to sell")):
        differing = sum(each.what == what for each in remade.differing)
        yield name, remade.same[what] + differing, remade.same[what]


def lines(found: Parity) -> Iterator[str]:
    """Say what was not made again, and how decisions stand to those that a backtest makes, each with its reason."""
    for why, count in found.remaking.unasked.items():
        yield f"{count:,} signals not asked for again: {_UNASKED[why]}"
    yield (
        f"A backtest decides once a candle, at its end: so did the trader in {found.beside[Beside.SAME]:,} of "
        f"{found.beside.total():,} decisions, {found.entered[Beside.SAME]:,} of {found.entered.total():,} entries"
    )
    for beside, words in _BESIDE.items():
        if count := found.beside[beside]:
            entered = found.entered[beside]
            yield f"  {count:,} not{f', {entered:,} of them entries' if entered else ''}: {words}"


def document(found: Parity) -> dict[str, Any]:
    """Return all of it for programs."""
    remaking = found.remaking
    return {
        "signals": {
            "same": remaking.same,
            "not_asked": dict(remaking.unasked),
            "different": [
                {"sequence": sequence, "fields": [each._asdict() for each in fields]}
                for sequence, fields in remaking.differing.items()
            ],
        },
        "decisions": decisions_document(remaking.decisions),
        "beside": {
            beside.value: {"decisions": count, "entries": found.entered[beside]}
            for beside, count in found.beside.items()
        },
    }
