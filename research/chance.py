"""Random entries: as many in each event as were made, at moments drawn from those that could be traded at.

Each is held for as long as one of the trades that it stands for. What is left of a strategy's result beside this is not
the price filter, not the number of trades and not the time in the market.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from research.arms import blind, say_no, without_exits
from research.plan import WalkPlan
from research.rows import TradeRow
from research.timeline import in_order
from research.types import Answers, Defects, EntryPolicy, Key, RecordedEvent, RecordedMarket
from research.walk import walk
from trader.domain.words import ExitKind

_SHORTEST = 1.0


def random_entries(
    events: Iterable[RecordedEvent],
    answers: Answers,
    plan: WalkPlan,
    defects: Defects,
    *,
    made: Iterable[TradeRow],
    seed: int,
) -> Iterator[TradeRow]:
    """Trade at random moments.

    Args:
        events: As in `research.walk.walk`.
        answers: Moments that were asked about.
        plan: How the trades were walked.
        defects: Told, of every event in which fewer moments could be traded at than trades were made.
        made: The trades.
        seed: Equal seeds draw the same of the same.
    """
    of_event: Mapping[str, list[TradeRow]] = defaultdict(list)
    for row in made:
        of_event[row.event_ticker].append(row)
    said = say_no(answers)
    every = replace(blind(plan), entry_policy=EntryPolicy.INDEPENDENT)
    for event in in_order(events):
        trades = of_event.get(event.event_ticker, [])
        rng = np.random.default_rng([seed, *event.event_ticker.encode()])
        spans = rng.permutation(len(trades)).tolist()
        asked = [key for market in event.markets for key in _asked(market, said)] if trades else []
        for place in rng.permutation(len(asked)).tolist():
            if not spans:
                break
            key = asked[place]
            alone, told = _only(event, key[0]), {key: said[key]}
            if not any(True for _ in walk([alone], told, every, Defects())):
                continue  # the filter of prices and spreads refuses it
            held = without_exits(every, _held(trades[spans.pop()], plan))
            for row in walk([alone], told, held, defects):
                yield replace(row, settlement_day=event.day)
        if spans:
            defects.note("event_with_fewer_moments_than_trades", event.event_ticker)


def _asked(market: RecordedMarket, said: Answers) -> list[Key]:
    keys = ((market.terms.ticker, end) for end in market.decisions.ends.tolist())
    return [key for key in keys if key in said]


def _held(row: TradeRow, plan: WalkPlan) -> float | None:
    """Return after which time a trade was to be sold; None where it was held to the settlement."""
    if row.exit_kind == ExitKind.SETTLEMENT:
        return None
    span = row.exit_time - row.entry_time - plan.latency
    return max(_SHORTEST, span.total_seconds())


def _only(event: RecordedEvent, ticker: str) -> RecordedEvent:
    return replace(event, markets=tuple(market for market in event.markets if market.terms.ticker == ticker))
