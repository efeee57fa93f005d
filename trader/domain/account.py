"""One read of the account beside the trader's books, and what is remembered from one read to the next. Pure.

Reads lag. A read proves something about a market only if it began after our last change there, and what takes anything
away, or blocks, is believed when two such reads in a row say the same.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from math import ceil

from mesh.kalshi.terms import OrderStatus
from trader.domain.entries import AnyEntry, Differed
from trader.domain.events import Moment
from trader.domain.ordering import mine
from trader.domain.state import Order, Position, State
from trader.domain.views import OrderView, Snapshot
from trader.domain.words import OrderState, Resolution, Subject

PROOF = 2
"""Reads in a row."""
CASH = ""
"""Stands for cash where markets are named."""
WAITS = frozenset({OrderState.RESTING, OrderState.CANCELLING})


def key(subject: Subject, ticker: str, what: str) -> str:
    """Name a difference, so that it is known again in the next read."""
    return f"{subject.value}:{ticker}:{what}"


class Look:
    """One account read held against the books; entries are gathered, the books stay as they are.

    Args:
        state: Its books are not changed, of its watch only `absences`. It remembers the last change of a market
            (`changed:`, milliseconds), of a difference `reads:`, `figure:`, `at:`, `told:` and `open:`, of a market in
            which others hold contracts `foreign:` and `exposure:`.
        snapshot: The account.
        moment: When it had been read to its end.

    Attributes:
        entries: What is to be written.
        moved: Markets where something was taken over just now.
        unproven: Markets about which this read proves nothing; `CASH` for cash.
        views: Of each order, the one that is furthest.
        ours: Those of our orders, by client order id.
        fills: Oldest first.
        others_fills: Those of them that are of no order of ours.
        held: What the account holds, by market.
    """

    def __init__(self, state: State, snapshot: Snapshot, moment: Moment) -> None:
        self.state, self.snapshot, self.moment = state, snapshot, moment
        self.books, self.notes = state.books, state.watch.absences
        self.entries: list[AnyEntry] = []
        self.moved: set[str] = set()
        self.unproven: set[str] = set()
        self._shown: set[str] = set()
        self.views = _latest(snapshot.orders)
        self.ours = {order.terms.client_order_id: view for view in self.views if (order := mine(state, view))}
        known = {view.order_id for view in self.ours.values()} | set(self.books.by_order_id)
        fills = {facts.fill_id: facts for facts in snapshot.fills}
        self.fills = sorted(fills.values(), key=lambda facts: (facts.time, facts.fill_id))
        self.others_fills = [facts for facts in self.fills if facts.order_id not in known]
        self.held = {view.ticker: view for view in snapshot.positions}

    def take(self, ticker: str, entries: Iterable[AnyEntry]) -> None:
        """Write entries about a market; whatever changes the books there ends this read's say about it."""
        for entry in entries:
            self.entries.append(entry)
            if not isinstance(entry, Differed):
                self.moved.add(ticker)

    def differ(
        self,
        subject: Subject,
        ticker: str,
        *,
        ours: str,
        theirs: str,
        resolution: Resolution,
        detail: str,
        name: str = "",
        client_order_id: str | None = None,
    ) -> None:
        """Report a difference; an open one is remembered by its name until it is gone."""
        if resolution is Resolution.OPEN:
            self.notes[f"open:{name}"] = 1
        self.entries.append(
            Differed(
                subject=subject,
                ticker=ticker or None,
                client_order_id=client_order_id,
                ours=ours,
                theirs=theirs,
                resolution=resolution,
                detail=detail,
            )
        )

    def reads(self, name: str, figure: int) -> int:
        """Count how many reads in a row show the same difference, since our last change in its market."""
        self._shown.add(name)
        notes, ticker = self.notes, name.split(":")[1]
        changed = max((when for market, when in self._changes() if ticker in (market, CASH)), default=-1)
        again = notes.get(f"figure:{name}") == figure and notes[f"at:{name}"] > changed
        count = notes[f"reads:{name}"] + 1 if again else 1
        notes[f"reads:{name}"], notes[f"figure:{name}"] = count, figure
        notes[f"at:{name}"] = ceil(self.snapshot.began * 1000)
        return count

    def news(self, name: str, figure: int) -> bool:
        """Tell whether a difference was not reported so before, and remember that it is now."""
        known = self.notes.get(f"told:{name}")
        self.notes[f"told:{name}"] = figure
        return known != figure

    def confirmed(self, name: str, figure: int) -> bool:
        """Count a read that shows a difference; tell whether it is proven now and was not reported so before."""
        return self.reads(name, figure) >= PROOF and self.news(name, figure)

    def keep(self, name: str) -> None:
        """Neither count nor forget a difference: this read says nothing about it."""
        self._shown.add(name)

    def forget(self) -> None:
        """Forget what this read does not show any more; about others it says nothing."""
        notes = self.notes
        names = {found.partition(":")[2] for found in notes if found.startswith(("reads:", "told:"))}
        for name in names - self._shown:
            if name.split(":")[1] not in self.unproven:
                for prefix in ("reads", "figure", "at", "told", "open"):
                    notes.pop(f"{prefix}:{name}", None)
        for ticker in [found.removeprefix("foreign:") for found in notes if found.startswith("foreign:")]:
            if key(Subject.POSITION, ticker, "beyond") not in self._shown and ticker not in self.unproven:
                del notes[f"foreign:{ticker}"], notes[f"exposure:{ticker}"]
        # What happened before a read that proves something is before every later one.
        for ticker, _ in self._changes():
            if self.proven(ticker) and ticker not in self.unproven:
                del notes[f"changed:{ticker}"]

    def wall(self, seconds: float) -> datetime:
        """Say a monotonic time in that of the wall."""
        return self.moment.now - timedelta(seconds=self.moment.seconds - seconds)

    def proven(self, ticker: str) -> bool:
        """Tell whether this read began, and tells what was, after our last change in a market."""
        changed = self.notes.get(f"changed:{ticker}")
        if changed is None:
            return True
        return self.snapshot.began * 1000 > changed and self.snapshot.as_of >= self.wall(changed / 1000)

    def all_proven(self) -> bool:
        """Tell the same of every market."""
        return all(self.proven(ticker) for ticker, _ in self._changes())

    def steady(self, ticker: str) -> bool:
        """Tell whether besides all orders of ours in a market are as this read has them."""
        for order in self.orders():
            view = self.ours.get(order.terms.client_order_id)
            same = view is not None and view.status is OrderStatus.RESTING and view.filled == order.filled
            if order.terms.ticker == ticker and not (same and order.state in WAITS and not order.awaited):
                return False
        return self.proven(ticker)

    def orders(self) -> list[Order]:
        """Return our orders that are not over, in the order of their names."""
        return [self.books.orders[name] for name in sorted(self.books.working)]

    def positions(self, ticker: str) -> list[Position]:
        """Return our positions in a market."""
        return [self.books.positions[name] for name in sorted(self.books.by_ticker.get(ticker, ()))]

    def _changes(self) -> list[tuple[str, int]]:
        prefix = "changed:"
        return [(name[len(prefix) :], when) for name, when in self.notes.items() if name.startswith(prefix)]


def _latest(views: Iterable[OrderView]) -> list[OrderView]:
    """Keep of each order the view that is furthest: lists that are read one after the other may have it twice."""
    found: dict[str, OrderView] = {}
    for view in sorted(views, key=lambda view: (view.status is not OrderStatus.RESTING, view.filled)):
        found[view.order_id] = view
    return [found[order_id] for order_id in sorted(found)]
