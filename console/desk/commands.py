"""The command line of the desk: a code, a word, or some words of a market. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

CODES: Final[Mapping[str, tuple[str, str]]] = {
    "markets": ("panel('markets')", "the markets"),
    "chart": ("panel('chart')", "the forecast over the market"),
    "why": ("panel('why')", "every rule's verdict"),
    "positions": ("panel('positions')", "the positions"),
    "funnel": ("panel('funnel')", "where the last scan left markets behind"),
    "events": ("panel('events')", "orders and events"),
    "mesh": ("mesh", "every daemon"),
    "collection": ("collection", "shards, nodes, ETA"),
    "order": ("order", "the order of the markets"),
    "keys": ("keys", "the keys"),
    "pause": ("pause", "stop entries"),
    "resume": ("resume", "take entries again"),
    "flatten": ("flatten", "sell everything"),
    "quit": ("quit", "end"),
}
TRACE: Final = ("trc", "trace")


@dataclass(frozen=True, slots=True)
class Command:
    """What a line comes to: one of these, or nothing where it means nothing."""

    action: str = ""
    market: str = ""
    trace: str = ""


def matches(query: str, *texts: str) -> bool:
    """Tell whether every word of a query stands in one of the texts."""
    whole = " ".join(texts).lower()
    return all(word in whole for word in query.lower().split())


def read(line: str, markets: Iterable[tuple[str, str]]) -> Command:
    """Read a line: a code or its beginning, `trc ID`, or words of a market's ticker or title.

    Args:
        line: As typed.
        markets: Tickers and titles, in the order shown; of several that match it is the first.
    """
    words = line.split()
    if not words:
        return Command()
    first = words[0].lower()
    if first in TRACE and len(words) > 1:
        return Command(trace=words[1])
    if len(words) == 1:
        code = next((code for code in CODES if code.startswith(first)), None)
        if code is not None and len(first) > 1:
            return Command(action=CODES[code][0])
    return Command(market=next((ticker for ticker, title in markets if matches(line, ticker, title)), ""))
