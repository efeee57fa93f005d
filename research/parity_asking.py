"""A trader's signals, asked for again as a backtest asks, and its decisions, made again of what is said then.

The history of a question is that of candles which were collected apart from the trader, loaded as for a backtest; only
the price is the one that the trader saw. What is decided on it rests on the books, and on what else the trader saw.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from foremesh.forecast.v1 import forecast_pb2, signal_pb2
from msgspec import structs

from mesh.forecasts import ForecastClient
from research.answering import Digests, answering
from research.answers_store import AnswersStore
from research.asking import NO_PRICE
from research.questions import QuestionPlan, questions
from research.scanning import Pending, Scanner, Tally
from research.types import Answers, Forecasted, Key, RecordedEvent, Unsaid
from trader.domain.differing import Difference, differences
from trader.domain.entries import AnyEntry, Decided, SignalSeen
from trader.domain.facts import MarketTerms
from trader.domain.rereading import Remade, Rereading
from trader.domain.state import Books

NOT_COLLECTED: Final = "not_collected"
"""Why nothing is asked again: the last candle of the signal is not in the data."""
_PATIENCE_SECONDS = 60.0
_TERMS = ("close_time", "bands", "fees")
"""What a decision rests on of its market."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of questions."""

    again: Mapping[int, tuple[MarketTerms, Forecasted | Unsaid] | str]
    """By signal: its market as it was collected and what is said now, or why it was not asked for."""
    ends: Answers
    """What is said at the ends of candles, from the first that a signal was made from."""


@dataclass(slots=True)
class Remaking:
    """What became of signals and decisions."""

    same: int = 0
    """Signals that were said again."""
    unasked: Counter[str] = field(default_factory=Counter)
    """Signals that were not asked for again, by why."""
    differing: dict[int, tuple[Difference, ...]] = field(default_factory=dict)
    """Signals that were not said again so, or of whose markets other terms were collected; by sequence."""
    decisions: Remade = field(default_factory=Remade)
    """On what was said now; exits too, which no signal makes."""


def candle(seen: SignalSeen) -> Key:
    """Return the market of a signal, and the end of the last candle that it was made from."""
    return seen.ticker, int(seen.signal.last_candle_time.timestamp())


async def ask(
    signals: Mapping[int, SignalSeen],
    events: Iterable[RecordedEvent],
    plan: QuestionPlan,
    client: ForecastClient,
    store: AnswersStore,
) -> Asked:
    """Ask for signals again, each of its candle and at its price, and at the ends of candles as a backtest does.

    Args:
        signals: By number.
        events: What was collected of their markets.
        plan: How is asked.
        client: Who is asked.
        store: What was answered before.

    Raises:
        MeshError: As `Scanner.answer`.
    """
    who = await answering(client)
    digests = Digests(who, plan)

    def pending(key: Key, history: bytes) -> Pending:
        return Pending(key, history, digests.of(history), {})

    first = min((at for _, at in map(candle, signals.values())), default=0)
    found = {
        question.key: (market.terms, question.history)
        for event in events
        for market in event.markets
        for question in questions(market, plan)
        if question.key[1] >= first
    }
    ends = [pending(key, history) for key, (_, history) in found.items() if history is not None]
    again: dict[int, tuple[MarketTerms, Pending] | str] = {}
    for number, seen in signals.items():
        market, history = found.get(candle(seen), (None, None))
        if market is None:
            again[number] = NOT_COLLECTED
        elif history is None:
            again[number] = NO_PRICE
        else:
            again[number] = market, pending(candle(seen), _at(history, seen.signal.current_cents))
    scanner = Scanner(client, store, plan, who, Tally(), on_progress=lambda: None, patience_seconds=_PATIENCE_SECONDS)
    await scanner.answer(ends + [each[1] for each in again.values() if not isinstance(each, str)])
    return Asked(
        {number: each if isinstance(each, str) else (each[0], _said(each[1])) for number, each in again.items()},
        {one.key: _said(one) for one in ends}
        | {key: Unsaid(NO_PRICE) for key, (_, history) in found.items() if history is None},
    )


def _said(one: Pending) -> Forecasted | Unsaid:
    return one.into[one.key]


def _at(history: bytes, cents: float) -> bytes:
    message = forecast_pb2.MarketHistory.FromString(history)
    message.current_price_cents = cents
    return message.SerializeToString()


class Again:
    """Takes the entries of a journal, and makes its decisions again of what is said now.

    Attributes:
        found: So far; complete once `end` was called.
    """

    def __init__(
        self,
        asked: Mapping[int, tuple[MarketTerms, Forecasted | Unsaid] | str],
        markets: Mapping[int, MarketTerms],
        version: str,
    ) -> None:
        """Take what was asked and the markets as they were traded, both by sequence, and this software's version."""
        self._asked, self._markets = asked, markets
        self._rereading = Rereading(version)
        self._without = False
        self.found = Remaking(decisions=self._rereading.found)

    def take(self, books: Books, sequence: int, time: datetime, entry: AnyEntry) -> None:
        """Take the next entry, with the books as they stand before it. As `Rereading.take`."""
        if isinstance(entry, SignalSeen) and sequence in self._asked:
            again = self._again(sequence, entry)
            self._without = again is None
            entry = again or entry
        if self._without and isinstance(entry, SignalSeen | Decided):
            return  # it is counted with its signal
        self._rereading.take(books, sequence, time, entry)

    def end(self) -> None:
        """Compare what is still open."""
        self._rereading.end()

    def _again(self, sequence: int, seen: SignalSeen) -> SignalSeen | None:
        """Return what is said now; None where nothing is asked, or no signal said."""
        asked = self._asked[sequence]
        if isinstance(asked, str):
            self.found.unasked[asked] += 1
            return None
        collected, said = asked
        if isinstance(said, Unsaid):
            self.found.differing[sequence] = (Difference("signal", "there", said.reason),)
            return None
        # Until when it is of use the scan says, not the forecast.
        signal = structs.replace(said.signal, useful_until=seen.signal.useful_until)
        again = structs.replace(seen, signal=signal)
        digest = signal_pb2.Signal.FromString(seen.wire).provenance.input_digest
        found = (
            *differences([seen], [again]),
            *_differ(self._markets[sequence], collected),
            *([] if digest == said.input_digest else [Difference("input_digest", digest, said.input_digest)]),
        )
        if found:
            self.found.differing[sequence] = found
        else:
            self.found.same += 1
        return again


def _differ(traded: MarketTerms, collected: MarketTerms) -> tuple[Difference, ...]:
    both = [(f"market.{name}", getattr(traded, name), getattr(collected, name)) for name in _TERMS]
    return tuple(Difference(name, str(before), str(after)) for name, before, after in both if before != after)
