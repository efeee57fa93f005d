"""Markets as lines of a screen: what has changed, and what was only confirmed."""

from datetime import datetime

from foremesh.forecast.v1 import signal_pb2
from foremesh.trader.v1 import decisions_pb2, positions_pb2, screen_pb2
from google.protobuf.duration_pb2 import Duration

from mesh.kalshi.book import Book
from mesh.types import Side
from trader.domain.events import Moment
from trader.domain.facts import MarketTerms
from trader.domain.state import Seen, State
from trader.domain.words import Confidence, ScanOutcome
from trader.service import convert_facts as f
from trader.service import convert_words as w
from trader.service.named import event_of, series_of
from trader.service.screen.scanned import Decision, Line
from trader.service.screen.strikes import place

_Top = tuple[int | None, int, int | None, int]
_SAME = 0.02
"""Seconds for which ages in a message are as good as new: several streams send it in one turn."""
_DIRECTION = {Side.YES: signal_pb2.DIRECTION_UP, Side.NO: signal_pb2.DIRECTION_DOWN}
_CONFIDENCE = {
    Confidence.LOW: signal_pb2.CONFIDENCE_LOW,
    Confidence.MEDIUM: signal_pb2.CONFIDENCE_MEDIUM,
    Confidence.MEDIUM_HIGH: signal_pb2.CONFIDENCE_MEDIUM_HIGH,
    Confidence.HIGH: signal_pb2.CONFIDENCE_HIGH,
}


class Row:
    """One market.

    Attributes:
        ticker: Of the market.
        number: By which streams name it.
        version: Turn in which it changed last, in more than ages.
        place: What rows are sorted by.
    """

    __slots__ = (
        "_book",
        "_exact",
        "_halted",
        "_line",
        "_message",
        "_seen",
        "_terms",
        "_top",
        "_written",
        "number",
        "place",
        "ticker",
        "version",
    )

    def __init__(self, ticker: str, number: int) -> None:
        self.ticker, self.number, self.version = ticker, number, -1
        self.place = place(event_of(ticker), ticker)
        self._seen: Seen | None = None
        self._book: Book | None = None
        self._top: _Top | None = None
        self._exact = self._halted = False
        self._line: Line | None = None
        self._terms: MarketTerms | None = None
        self._message: screen_pb2.MarketRow | None = None
        self._written = 0.0

    @property
    def confirmed(self) -> float | None:
        """When its prices were last known to be so, monotonic; None without prices."""
        return None if self._seen is None else self._seen.confirmed

    def look(self, state: State, line: Line | None, version: int) -> bool:
        """Take in what is known now, in a turn; tells whether its place may be another one."""
        watch = state.watch
        seen, terms = watch.books.get(self.ticker), watch.terms.get(self.ticker)
        if terms is None:
            terms = _held(state, self.ticker) or (None if line is None else line.market)
        book = None if seen is None else seen.book
        top = self._top
        if book is not self._book:
            top = None if book is None else _top(book)
        exact, halted = seen is not None and seen.exact, self.ticker in watch.halted
        self._seen, self._book = seen, book
        if (
            self._message is not None
            and top == self._top
            and exact is self._exact
            and halted is self._halted
            and line is self._line
            and (terms is self._terms or terms == self._terms)
        ):
            self._terms = terms
            return False
        moved = terms is not self._terms and terms is not None
        self._top, self._exact, self._halted, self._line, self._terms = top, exact, halted, line, terms
        self._message = None
        self.version = version
        if moved and terms is not None:
            self.place = place(terms.event_ticker, self.ticker)
        return moved

    def message(self, moment: Moment) -> screen_pb2.MarketRow:
        """Write it, with its ages at a moment; to be copied before the next turn."""
        if self._message is None:
            self._message = self._make(moment)
        elif moment.seconds - self._written > _SAME:
            self._age(self._message, moment)
        else:
            return self._message
        self._written = moment.seconds
        return self._message

    def _make(self, moment: Moment) -> screen_pb2.MarketRow:
        line, terms, top = self._line, self._terms, self._top
        message = screen_pb2.MarketRow(
            number=self.number,
            market_ticker=self.ticker,
            event_ticker=event_of(self.ticker) if terms is None else terms.event_ticker,
            series_ticker=_series(self.ticker, line) if terms is None else terms.series_ticker,
            title="" if terms is None else w.text(terms.title),
            close_time=None if terms is None else w.instant(terms.close_time),
            takes_orders=not self._halted,
            may_have_changed=top is not None and not self._exact,
        )
        if top is not None:
            message.no_mark.CopyFrom(
                positions_pb2.Mark(
                    bid_price_micros=w.price(top[0]),
                    bid_size_hundredths=top[1],
                    ask_price_micros=w.price(top[2]),
                    ask_size_hundredths=top[3],
                )
            )
        if line is not None:
            _scan(message, line)
        self._age(message, moment)
        return message

    def _age(self, message: screen_pb2.MarketRow, moment: Moment) -> None:
        line = self._line
        if self._seen is not None:
            message.no_mark.confirmed_age.CopyFrom(w.age(moment.seconds - self._seen.confirmed))
        if line is not None and line.signal is not None and line.signal_time is not None:
            message.signal.age.CopyFrom(_since(line.signal_time, moment))
            message.signal.useful_for.CopyFrom(w.age((line.signal.useful_until - moment.now).total_seconds()))
        if line is not None and line.decision is not None:
            message.decision.age.CopyFrom(_since(line.decision.time, moment))


def _since(time: datetime, moment: Moment) -> Duration:
    return w.age((moment.now - time).total_seconds())


def _scan(message: screen_pb2.MarketRow, line: Line) -> None:
    if line.scan_id is not None:
        message.scan_id = line.scan_id
    if line.outcome is not None:
        message.scan_outcome = w.SCAN_OUTCOME[line.outcome]
        message.scan_reason = "" if line.outcome is ScanOutcome.SIGNAL else w.name(line.reason)
    if (signal := line.signal) is not None:
        message.signal.CopyFrom(
            screen_pb2.SignalLine(
                direction=_DIRECTION[signal.side],
                magnitude_cents=signal.magnitude_cents,
                confidence=_CONFIDENCE[signal.confidence],
                side=w.SIDE[signal.side],
                current_cents=signal.current_cents,
                forecast_mean_cents=signal.forecast_mean_cents,
                horizon=w.seconds((signal.step * signal.horizon_steps).total_seconds()),
            )
        )
    if line.decision is not None:
        message.decision.CopyFrom(_decision(line.decision))


def _decision(found: Decision) -> screen_pb2.DecisionLine:
    return screen_pb2.DecisionLine(
        decision_id=found.decision_id,
        outcome=decisions_pb2.DECISION_OUTCOME_ENTER if found.entered else decisions_pb2.DECISION_OUTCOME_REFUSED,
        refusal=None if found.refusal is None else f.verdict(found.refusal),
        refusal_count=found.refusals,
        expected_edge_cents=found.edge_cents,
    )


def _top(book: Book) -> _Top:
    bid, ask = book.best_bid(Side.NO), book.best_ask(Side.NO)
    return (
        None if bid is None else bid.price,
        0 if bid is None else bid.size,
        None if ask is None else ask.price,
        0 if ask is None else ask.size,
    )


def _held(state: State, ticker: str) -> MarketTerms | None:
    for name in state.books.by_ticker.get(ticker, ()):
        return state.books.positions[name].market
    return None


def _series(ticker: str, line: Line | None) -> str:
    return series_of(ticker) if line is None else line.series
