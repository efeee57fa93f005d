"""Follows one thing through the journal: signal, decision, orders, fills, exits, settlement, trade.

The books know every order and trade, and with them about where the journal speaks of them; only those places are
searched. A decision that led to no order is in no book: it is looked for among the last entries.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from foremesh.trader.v1 import events_pb2, trace_pb2

from mesh.errors import NotFound
from trader.domain.entries import Decided, ExitDecided, Notified, SignalSeen, SwitchesChanged
from trader.domain.ids import decision_id
from trader.engine.engine import Engine
from trader.ports import Recorded, Search
from trader.service.convert_events import KIND, event
from trader.service.market.case import Case, case_of
from trader.service.story import Story

BACK = 20_000
"""Entries at the end of the journal in which a decision without an order is looked for, about 50 MB."""
_SPAN = 20_000
"""Entries of one place that are searched."""
_NEAR = 200
"""Entries before a decision among which its signal is, or before a trade its settlement."""
_MOST_IDS = 100
_MOST, _BYTES = 500, 900_000
"""Of events, of a message's 1 MiB."""


class Tracing:
    """Makes traces of one engine's journal, one at a time."""

    def __init__(self, engine: Engine, search: Search) -> None:
        self._engine, self._search = engine, search
        self._turn = asyncio.Lock()

    async def trace(self, name: str, scanned: str | None, now: datetime) -> trace_pb2.Trace:
        """Follow an id.

        Args:
            name: Of a decision, an order or a position; of a scan where a market is given.
            scanned: The market.
            now: Ages of prices count up to then.

        Raises:
            NotFound: Nothing is found about it.
            JournalError: The journal cannot be read.
        """
        books = self._engine.state.books
        wanted = name if scanned is None else decision_id(books.journal_id, name, scanned)
        case = case_of(books, wanted)
        async with self._turn:
            return await asyncio.to_thread(self._make, case, wanted, name, books.sequence, now)

    def _make(self, case: Case | None, wanted: str, name: str, last: int, now: datetime) -> trace_pb2.Trace:
        whole = True
        if case is None:
            rows, ticker = self._decision(wanted, last), ""
        else:
            spans, whole = self._spans(case, last)
            texts = [f'"{each}"' for each in sorted(case.ids)[:_MOST_IDS]]
            whole = whole and len(case.ids) <= _MOST_IDS
            rows = [row for first, end in spans for row in self._search.found(first, end, texts)]
            ticker = case.ticker
        decisions = [row for row in rows if isinstance(row.entry, Decided)]
        rows = sorted([*rows, *self._signals(decisions)], key=lambda row: row.sequence)
        if not rows:
            raise NotFound(f"{name}: nothing of it is in the journal, or too far back", reason="NO_TRACE")
        if not ticker and isinstance(decisions[0].entry, Decided):
            ticker = decisions[0].entry.market.ticker
        events, cut = _events(rows, now)
        message = trace_pb2.Trace(
            market_ticker=ticker,
            decision_ids=[row.entry.decision_id for row in decisions if isinstance(row.entry, Decided)],
            exit_decision_ids=[row.entry.decision_id for row in rows if isinstance(row.entry, ExitDecided)],
            events=events,
            truncated=cut or not whole,
        )
        if case is not None:
            message.position_id = case.position_id or ""
            message.client_order_ids.extend(order.terms.client_order_id for order in case.orders[:1000])
            told = {*message.decision_ids, *message.exit_decision_ids}
            message.truncated |= any(order.terms.decision_id not in told for order in case.orders)
        return message

    def _decision(self, wanted: str, last: int) -> list[Recorded]:
        text = f'"decision_id":"{wanted}"'
        return self._search.found(max(1, last - BACK + 1), last, [text], ("decision",))

    def _spans(self, case: Case, last: int) -> tuple[list[tuple[int, int]], bool]:
        """Return ranges of the journal to be searched, and whether they are all that there would be."""
        spans = [(max(1, each - _NEAR), each) for each in case.entries]
        whole = True
        for start, end in case.places:
            first, until = self._search.reached(start) + 1, last if end is None else end
            if until - first >= _SPAN:
                whole = False
                spans += [(first, first + _SPAN // 2), (until - _SPAN // 2, until)]
            else:
                spans.append((first, until))
        return list(_merged(spans)), whole

    def _signals(self, decisions: Sequence[Recorded]) -> Iterator[Recorded]:
        for row in decisions:
            entry = row.entry
            if not isinstance(entry, Decided) or entry.scan_id is None:
                continue
            text = f'"ticker":"{entry.market.ticker}"'
            found = self._search.found(max(1, row.sequence - _NEAR), row.sequence, [text], ("signal",))
            for signal in reversed(found):
                if isinstance(signal.entry, SignalSeen) and signal.entry.scan_id == entry.scan_id:
                    yield signal
                    break


def _merged(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Join ranges that overlap, so that no entry comes twice."""
    first, last = 0, -1
    for begin, end in sorted(spans):
        if begin > last + 1:
            if last >= first:
                yield first, last
            first, last = begin, end
        else:
            last = max(last, end)
    if last >= first:
        yield first, last


def _events(rows: Iterable[Recorded], now: datetime) -> tuple[list[events_pb2.Event], bool]:
    """Write events; tells too whether some had to be left out."""
    found: list[events_pb2.Event] = []
    story, size, cut = Story.empty(), 0, False
    for row in rows:
        if type(row.entry) not in KIND or isinstance(row.entry, Notified | SwitchesChanged):
            continue
        try:
            told = story.told(row)
        except KeyError:  # an order whose beginning is in no place that was searched
            cut = True
            continue
        message = event(told, now)
        size += message.ByteSize()
        if len(found) == _MOST or size > _BYTES:
            return found, True
        found.append(message)
    return found, cut
