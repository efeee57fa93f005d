"""Walks recorded markets forward in time and lets a trader trade on them; gives what it closed, a row a trade.

At every moment the order is: what is due from before, what is paid out, what is quoted from now on (stops and targets
look at it), what is decided. The whole of the rules is in docs/backtest.md.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter

from msgspec import structs

from mesh.types import Side
from research.altered import altered
from research.board import Quote
from research.keeping import Keeper
from research.plan import WalkPlan
from research.rows import TradeRow
from research.timeline import Kind, Line, Step, Timeline, in_order, line, steps
from research.trading import PaperTrader, Watcher
from research.types import (
    CLOSE,
    Answers,
    Defects,
    EntryPolicy,
    Forecasted,
    Prints,
    RecordedEvent,
    RecordedMarket,
)
from trader.domain.entries import AnyEntry
from trader.domain.events import SignalCame
from trader.domain.facts import SignalFacts
from trader.domain.rules import enforced
from trader.domain.words import ExitKind

__all__ = ["WalkPlan", "walk"]

_NAME = "research"


def walk(
    events: Iterable[RecordedEvent],
    answers: Answers,
    plan: WalkPlan,
    defects: Defects,
    watcher: Watcher | None = None,
) -> Iterator[TradeRow]:
    """Trade on events, and give each trade when it has ended.

    Args:
        events: A sequence in any order, or anything else in the order of their first candles: then no more of them are
            in memory than run at the same time. Their markets' outcomes pay what is held to the end.
        answers: What was forecast of each market at each moment.
        plan: How.
        defects: Told of what could not be walked, such as positions in markets without a result.
        watcher: Shown every entry of the trader's journal, with its time.

    Raises:
        ValueError: Events come in another order.
    """
    asking = _Asking(answers, plan, defects, watcher)
    known = _Known(altered(event, plan.fee_factor, plan.worse_ticks) for event in in_order(events))
    if plan.entry_policy is EntryPolicy.INDEPENDENT:
        for event in known:
            yield from _apart(event, known, asking)
            known.forget(market.terms.ticker for market in event.markets)
        return
    walking: _Walking | None = None
    for at, moment in Timeline(known, plan.stale_seconds, defects, every=plan.everything).moments():
        now = datetime.fromtimestamp(at, UTC)
        if walking is None:
            walking = _Walking(asking, known, now)
        walking.do(moment, now)
        yield from walking.rows()
        known.forget(walking.over())


@dataclass(frozen=True, slots=True)
class _Asking:
    """What a walk was asked for."""

    answers: Answers
    plan: WalkPlan
    defects: Defects
    watcher: Watcher | None

    def said(self, ticker: str, at: int) -> Forecasted | None:
        """Return what was forecast, where it is worth telling: the rules that look at nothing else do not refuse it."""
        said, settings = self.answers.get((ticker, at)), self.plan.settings
        if not isinstance(said, Forecasted) or not self.plan.attentive:
            return said if isinstance(said, Forecasted) else None
        signal, limits = said.signal, settings.rules
        refused = (
            signal.side is not Side.NO
            or (signal.magnitude_cents < limits.min_magnitude_cents and enforced(settings, "magnitude"))
            or (signal.confidence.rank < limits.min_confidence.rank and enforced(settings, "confidence"))
        )
        return None if refused else said


class _Known:
    """Events as they come, and their markets by ticker."""

    def __init__(self, events: Iterable[RecordedEvent]) -> None:
        self._events = events
        self.markets: dict[str, tuple[RecordedMarket, str]] = {}
        """With the day on which the event settles."""
        self.prints: dict[str, Prints] = {}

    def __iter__(self) -> Iterator[RecordedEvent]:
        for event in self._events:
            for market in event.markets:
                self.markets[market.terms.ticker] = market, event.day
                if market.prints is not None:
                    self.prints[market.terms.ticker] = market.prints
            yield event

    def forget(self, tickers: Iterable[str]) -> None:
        for ticker in tickers:
            self.markets.pop(ticker, None)
            self.prints.pop(ticker, None)


class _Walking:
    """A trader on its way."""

    def __init__(self, asking: _Asking, known: _Known, begin: datetime) -> None:
        self._asking, self._known = asking, known
        self._keeper = Keeper(asking.plan, asking.defects)
        self._over: list[str] = []
        self.trader = PaperTrader(_NAME, asking.plan, begin, self._watch, known.prints)

    def do(self, moment: Iterable[Step], now: datetime) -> None:
        """Do what happens at one moment."""
        for kind, part in groupby(moment, key=lambda step: step.kind):
            match kind:
                case Kind.PAY:
                    for step in part:
                        self._pay(step.market, now)
                case Kind.LOSE:
                    self.trader.lose([step.market.terms.ticker for step in part], now)
                case Kind.QUOTE:
                    self.trader.quotes(map(_quoted, part), now)
                case Kind.DECIDE:
                    self._decide(part, now)

    def decide(self, said: Mapping[str, Forecasted], now: datetime) -> None:
        """Let the trader decide on what was said of markets, the boldest first."""
        self._keeper.said = said
        terms = {ticker: self._known.markets[ticker][0].terms for ticker in said}
        best = sorted(said, key=lambda ticker: (-said[ticker].signal.magnitude_cents, ticker))
        scan = f"scan-{int(now.timestamp())}"
        signals = [SignalCame(scan, terms[ticker], _fresh(said[ticker], now), b"") for ticker in best]
        series = tuple(sorted({terms[ticker].series_ticker for ticker in best}))
        if signals:
            self.trader.scan(scan, signals, series, now)

    def rows(self) -> Iterator[TradeRow]:
        """Give the trades that have ended."""
        closed, self._keeper.closed = self._keeper.closed, []
        for trade in closed:
            market, day = self._known.markets[trade.ticker]
            if market.outcome is None and trade.exit_kind is ExitKind.SETTLEMENT:
                self._keeper.drop(trade)
                self._asking.defects.note("position_without_result", trade.ticker)
            else:
                yield self._keeper.row(trade, market, day)

    def over(self) -> list[str]:
        """Return the markets that have come to their end, with all that was held there."""
        if not self._over:
            return []
        left = [ticker for ticker in self._over if self.trader.holds(ticker)]
        over, self._over = [ticker for ticker in self._over if ticker not in left], left
        return over

    def _pay(self, market: RecordedMarket, now: datetime) -> None:
        ticker, outcome = market.terms.ticker, market.outcome
        self.trader.settle(ticker, None if outcome is None else outcome.yes_value, now)
        self._over.append(ticker)

    def _decide(self, part: Iterable[Step], now: datetime) -> None:
        at, halfway = int(now.timestamp()), self._asking.plan.entry_policy is EntryPolicy.PREDECESSOR
        found: dict[str, Forecasted] = {}
        for step in part:
            if halfway and step.place != len(step.market.decisions.ends) // 2:
                continue
            said = self._asking.said(step.market.terms.ticker, at)
            if said is not None:
                found[step.market.terms.ticker] = said
        self.decide(found, now)

    def _watch(self, now: datetime, entry: AnyEntry) -> None:
        self._keeper.watch(now, entry)
        if self._asking.watcher is not None:
            self._asking.watcher(now, entry)


def _apart(event: RecordedEvent, known: _Known, asking: _Asking) -> Iterator[TradeRow]:
    """Walk each decision of an event with a trader of its own, in the order of time and the markets' tickers."""
    plan = asking.plan
    lines = [line(market, plan.stale_seconds, asking.defects, every=plan.everything) for market in event.markets]
    asked = [
        (int(each.ends[place]), each.market.terms.ticker, each, place)
        for each in lines
        for place in each.of(Kind.DECIDE)
    ]
    walking: _Walking | None = None
    for at, ticker, each, place in sorted(asked, key=itemgetter(0, 1)):
        said = asking.said(ticker, at)
        if said is None:
            continue
        now = datetime.fromtimestamp(at, UTC)
        if walking is None:
            walking = _Walking(asking, known, now)
        walking.do(each.holding(place), now)
        walking.decide({ticker: said}, now)
        # A trader who did not enter has nothing still, and decides again.
        if not walking.trader.idle:
            yield from _followed(walking, each.after(place))
            walking = None


def _followed(walking: _Walking, rest: Line) -> Iterator[TradeRow]:
    for at, moment in steps([rest]):
        walking.do(moment, datetime.fromtimestamp(at, UTC))
        yield from walking.rows()
        if walking.trader.idle:
            return


def _quoted(step: Step) -> tuple[str, Quote]:
    path = step.market.path
    return step.market.terms.ticker, Quote(int(path.bids[step.place, CLOSE]), int(path.asks[step.place, CLOSE]))


def _fresh(said: Forecasted, now: datetime) -> SignalFacts:
    return structs.replace(said.signal, useful_until=now + timedelta(minutes=1))
