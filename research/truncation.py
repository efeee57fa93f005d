"""Does anything look ahead? What was decided, and closed, by a moment must be the same on data that end there.

Data are cut behind the moment, and results that were not known by then are turned round: whatever depends on either is
found, whoever asks and however it is walked.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime

import numpy as np

from mesh.types import DOLLAR, Micros
from research.plan import WalkPlan
from research.rows import HINDSIGHT, TradeRow
from research.types import Answers, Defects, Outcome, Prints, RecordedEvent, RecordedMarket
from research.walk import walk
from trader.domain.entries import AnyEntry, Decided, ExitDecided

Ask = Callable[[Sequence[RecordedEvent]], Answers]
"""Answers every question about events."""


def cut(events: Iterable[RecordedEvent], moment: int) -> list[RecordedEvent]:
    """Return events as they were known at a moment, Unix seconds; events that had not begun are left out."""
    known = (replace(event, markets=tuple(_cut(market, moment) for market in event.markets)) for event in events)
    return [event for event in known if any(len(market.path.ends) for market in event.markets)]


def look_ahead(events: Sequence[RecordedEvent], ask: Ask, plan: WalkPlan, moments: Iterable[int]) -> list[str]:
    """Compare what came of the data as a whole with what came of them cut at each moment.

    Args:
        events: Recorded.
        ask: Asks about all of them. It is given data that were cut as well.
        plan: How they are walked. The predecessor's entry policy counts a market's candles to the end, and is caught.
        moments: Unix seconds, best those of decisions and, for who knows a candle while it lasts, of sales in between.

    Returns:
        Every difference in words; none where nothing looks ahead.
    """
    whole = _come(events, ask, plan)
    return [
        f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S}: {words}"
        for moment in moments
        for words in _differences(whole, _come(cut(events, moment), ask, plan), moment)
    ]


@dataclass(frozen=True, slots=True)
class _Come:
    """What came of some data."""

    said: Answers
    rows: list[TradeRow]
    decisions: list[tuple[datetime, AnyEntry]]


def _come(events: Sequence[RecordedEvent], ask: Ask, plan: WalkPlan) -> _Come:
    decisions: list[tuple[datetime, AnyEntry]] = []

    def watch(now: datetime, entry: AnyEntry) -> None:
        if isinstance(entry, Decided | ExitDecided):
            decisions.append((now, entry))

    said = ask(events)
    return _Come(said, list(walk(events, said, plan, Defects(), watch)), decisions)


def _differences(whole: _Come, known: _Come, moment: int) -> Iterator[str]:
    now = datetime.fromtimestamp(moment, UTC)
    for key in sorted(key for key in {*whole.said, *known.said} if key[1] <= moment):
        if repr(whole.said.get(key)) != repr(known.said.get(key)):
            yield f"what was said of {key[0]} at {key[1]} differs"
    pairs: dict[str, list[list[object]]] = {
        "decisions differ": [[each for each in come.decisions if each[0] <= now] for come in (whole, known)],
        "trades differ": [[_by(row) for row in come.rows if row.exit_time <= now] for come in (whole, known)],
        "rows differ that could be known": [[row for row in come.rows if _known(row, now)] for come in (whole, known)],
    }
    yield from (words for words, (one, other) in pairs.items() if one != other)


def _by(row: TradeRow) -> tuple[object, ...]:
    """Return what was known of a trade at its exit."""
    return tuple(getattr(row, each.name) for each in fields(row) if each.name not in HINDSIGHT)


def _known(row: TradeRow, now: datetime) -> bool:
    return row.known_time is not None and row.known_time <= now


def _cut(market: RecordedMarket, moment: int) -> RecordedMarket:
    return replace(
        market,
        decisions=market.decisions.until(moment),
        path=market.path.until(moment),
        outcome=None if market.outcome is None else _turned(market.outcome, moment),
        prints=None if market.prints is None else _printed(market.prints, moment),
    )


def _turned(outcome: Outcome, moment: int) -> Outcome:
    if outcome.known_at.timestamp() <= moment:
        return outcome
    return replace(outcome, yes_value=Micros(DOLLAR - outcome.yes_value))


def _printed(prints: Prints, moment: int) -> Prints:
    known = int(np.searchsorted(prints.times, moment * 1_000_000, side="right"))
    return Prints(
        times=prints.times[:known],
        prices=prints.prices[:known],
        counts=prints.counts[:known],
        taker_buys_yes=prints.taker_buys_yes[:known],
    )
