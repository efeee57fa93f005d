"""What is worth telling the owner, and how urgent it is. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from mesh.types import CENT, Micros
from trader.domain import messages
from trader.domain.entries import (
    AnyEntry,
    Differed,
    ExitDecided,
    Filled,
    OrderEnded,
    OrderResting,
    OrderUnknown,
    PositionClosed,
    Started,
    SwitchesChanged,
)
from trader.domain.events import Compared, Event, Moment, ScanEnded, Tick
from trader.domain.facts import Block
from trader.domain.protections import EXIT_SILENCE, LINKS, NOT_COMPARED, STOP_GUARD, cause
from trader.domain.settings import micros
from trader.domain.state import Exit, Order, Position, State
from trader.domain.switching import TradingState, blocked_state
from trader.domain.watching import top
from trader.domain.words import (
    BlockKind,
    ChangeKind,
    EndReason,
    ExitKind,
    LinkKind,
    OrderState,
    Purpose,
    Resolution,
    Subject,
    Urgency,
)

WINDOW = 600.0
"""Seconds in which the same key is told once."""
_DAY = 86_400.0
_STUCK = timedelta(seconds=60)
_UNSCANNED_SECONDS = 600.0
"""What stops scans for less than that is told as what it is, or is not worth telling."""
_UNSCANNED = "unscanned/"
_GAP = Micros(3 * CENT)
"""From here on a sale lies far below its stop."""
_STOPS = frozenset({ExitKind.STOP_LOSS, ExitKind.TRAILING_STOP})
_BY_PEOPLE = {
    ChangeKind.PAUSED: "trading paused",
    ChangeKind.RESUMED: "trading resumed",
    ChangeKind.FLATTENED: "positions are being sold",
    ChangeKind.ADOPTED: "a position was adopted",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """Something worth telling."""

    key: str
    urgency: Urgency
    title: str
    text: str
    ticker: str | None = None
    position_id: str | None = None
    window: float = WINDOW
    same: bool = False
    """The key says all of it: within the window there is nothing new, and nothing is written."""
    standing: bool = False
    """It is found again while it holds: without room now it is told later."""


def of_entries(state: State, entries: Iterable[AnyEntry], moment: Moment) -> Iterator[News]:  # noqa: C901  # a case a kind
    """Read news off entries that have been folded in."""
    changed: dict[str, None] = {}
    for entry in entries:
        match entry:
            case Filled():
                changed[entry.client_order_id] = None
            case OrderResting():
                changed[entry.client_order_id] = None
            case OrderEnded():
                changed[entry.client_order_id] = None
                yield from _refused(state, entry, moment)
            case OrderUnknown():
                yield _unknown(state.books.orders[entry.client_order_id])
            case ExitDecided(exit_kind=kind) if kind in _STOPS:
                yield from _gap(state, entry)
            case PositionClosed():
                yield _closed(state, entry, moment)
            case SwitchesChanged():
                yield from _switched(state, entry)
            case Differed():
                yield _differed(entry)
            case Started():
                yield _started(state, entry)
            case _:
                pass
    for name in changed:
        yield from _progress(state, state.books.orders[name])


def _progress(state: State, order: Order) -> Iterator[News]:
    """Tell what an order has come to, once all of its fills so far are there."""
    terms = order.terms
    done = order.state.final
    if order.seen <= 0 or order.awaited or not (done or order.state in {OrderState.RESTING, OrderState.CANCELLING}):
        return
    position = state.books.positions.get(terms.position_id)
    if terms.purpose is Purpose.ENTRY:
        if not done and order.seen >= terms.count:
            return  # its end is about to be seen and says the same
        decided = state.books.decisions.get(terms.decision_id)
        yield News(
            key=f"entry/{terms.client_order_id}{'/done' if done else ''}",
            urgency=Urgency.NORMAL,
            title=f"{messages.held(terms.side, order.seen, terms.ticker)} at {messages.mean(order.cost, order.seen)}",
            text=messages.entry_text(order, position, decided.plan if decided else None),
            ticker=terms.ticker,
            position_id=terms.position_id,
        )
    elif done and position is not None and position.count > 0:
        kind = messages.exit_name(terms.exit_kind or ExitKind.MANUAL)
        yield News(
            key=f"leg/{terms.client_order_id}",
            urgency=Urgency.QUIET,
            title=f"{kind}, a part: {messages.held(terms.side, order.seen, terms.ticker)} "
            f"at {messages.mean(order.cost, order.seen)}",
            text=f"{messages.contracts(position.count)} contracts are left",
            ticker=terms.ticker,
            position_id=terms.position_id,
        )


def _other_fee(ticker: str, detail: str) -> News:
    return News(
        key=f"fee/{ticker}",
        urgency=Urgency.NORMAL,
        title=f"a fee differs from the schedule: {ticker}",
        text=detail,
        ticker=ticker,
        window=_DAY,
        same=True,
    )


def _refused(state: State, entry: OrderEnded, moment: Moment) -> Iterator[News]:
    if entry.state is not OrderState.REJECTED:
        return
    terms, ending = state.books.orders[entry.client_order_id].terms, entry.ending
    if ending.reason is EndReason.INSUFFICIENT_BALANCE:
        yield _low_cash(moment, f"the exchange refused {messages.held(terms.side, terms.count, terms.ticker)}")
        return
    yield News(
        key=f"refused/{terms.purpose}/{ending.reason}/{ending.code}",
        urgency=Urgency.HIGH if terms.purpose is Purpose.EXIT else Urgency.NORMAL,
        title=f"{terms.purpose} refused: {messages.held(terms.side, terms.count, terms.ticker)}",
        text=" ".join(part for part in (ending.reason or "", ending.code, ending.detail) if part),
        ticker=terms.ticker,
        position_id=terms.position_id,
    )


def _unknown(order: Order) -> News:
    terms = order.terms
    return News(
        key=f"unknown/{terms.client_order_id}",
        urgency=Urgency.HIGH,
        title=f"unknown outcome: {terms.purpose} of {messages.held(terms.side, terms.count, terms.ticker)}",
        text=f"{order.why}\nNothing is bought in this market until the exchange's own records settle it.",
        ticker=terms.ticker,
        position_id=terms.position_id,
    )


def _gap(state: State, entry: ExitDecided) -> Iterator[News]:
    position = state.books.positions.get(entry.position_id)
    bid = entry.trigger if entry.top is None else entry.top.bid
    stop = None if position is None else position.plan.stop_loss
    if stop is None or bid is None or entry.exit_kind is not ExitKind.STOP_LOSS or stop - bid < _GAP:
        return
    yield News(
        key=f"gap/{entry.position_id}",
        urgency=Urgency.HIGH,
        title=f"a gap through the stop: {messages.held(entry.side, entry.count, entry.ticker)}",
        text=f"the stop is {messages.price(stop)}, the bid is {messages.price(bid)}",
        ticker=entry.ticker,
        position_id=entry.position_id,
    )


def _closed(state: State, entry: PositionClosed, moment: Moment) -> News:
    trade = entry.trade
    text = messages.trade_text(trade, state.books, moment.now.date().isoformat())
    below = messages.sold_below(trade)
    far = trade.exit_kind in _STOPS and below >= _GAP
    return News(
        key=f"closed/{trade.position_id}",
        urgency=Urgency.HIGH if far else Urgency.NORMAL,
        title=messages.trade_title(trade),
        text=f"sold {messages.price(below)} below where the exit was decided\n{text}" if far else text,
        ticker=trade.ticker,
        position_id=trade.position_id,
    )


def _switched(state: State, entry: SwitchesChanged) -> Iterator[News]:
    after = _entries_now(state)
    match entry.change:
        case ChangeKind.HALTED:
            yield from (_halted(block, after) for block in entry.began if _worth(block))
        case ChangeKind.RELEASED:
            if entry.why != NOT_COMPARED:
                yield News(
                    key=f"over/{entry.why}",
                    urgency=Urgency.NORMAL,
                    title=f"over: {entry.why}",
                    text=after,
                )
        case _:
            if entry.began or entry.ended or entry.change in {ChangeKind.FLATTENED, ChangeKind.ADOPTED}:
                by = entry.actor.name or entry.actor.kind.value.replace("_", " ")
                yield News(
                    key=f"{entry.change}/{entry.request_id or entry.actor.kind}",
                    urgency=Urgency.NORMAL,
                    title=f"{_BY_PEOPLE[entry.change]} by {by}",
                    text="\n".join(part for part in (*_adopted(state, entry), entry.why, after) if part),
                )


def _adopted(state: State, entry: SwitchesChanged) -> Iterator[str]:
    for position in (state.books.positions[name] for name in entry.adopted):
        held = messages.held(position.side, position.count, position.market.ticker)
        yield f"{held} at {messages.mean(position.cost, position.count)}, {messages.plan_line(position.plan)}"


def _entries_now(state: State) -> str:
    blocks = state.books.blocks.values()
    if blocked_state(blocks) is not TradingState.RUNNING:
        paused = any(block.kind is BlockKind.EXCHANGE_PAUSE for block in blocks)
        return "No entries, and no exit before the exchange trades again." if paused else "No entries. Exits go on."
    scopes = sorted({block.market_ticker or block.event_ticker or block.series_ticker or "" for block in blocks})
    return f"No entries in {', '.join(scopes)}. Exits go on." if scopes else "Entries are taken."


def _worth(block: Block) -> bool:
    """Tell whether a block is news by itself: unknown orders and differences are told as what they are."""
    if block.kind is BlockKind.UNKNOWN_ORDER:
        return block.market_ticker is None
    return block.kind is not BlockKind.RECONCILIATION


def _halted(block: Block, after: str) -> News:
    urgency = Urgency.HIGH
    if block.why == EXIT_SILENCE:
        urgency = Urgency.EMERGENCY
    elif (
        block.kind is BlockKind.EXCHANGE_PAUSE
        or block.why == LINKS[LinkKind.FORECAST_SERVER]
        or (block.finding is not None and block.finding.rule == STOP_GUARD)
    ):
        urgency = Urgency.NORMAL
    until = "" if block.until is None else f"\nUntil {block.until:%Y-%m-%d %H:%M} UTC."
    return News(
        key="block/" + "/".join(cause(block)),
        urgency=urgency,
        title=block.why,
        text=after + until,
        ticker=block.market_ticker,
    )


def _differed(entry: Differed) -> News:
    if entry.subject is Subject.FEE and entry.ticker is not None:
        return _other_fee(entry.ticker, entry.detail or f"ours {entry.ours}, theirs {entry.theirs}")
    return News(
        key=f"difference/{entry.subject}/{entry.ticker}/{entry.client_order_id}/{entry.theirs}/{entry.resolution}",
        urgency=Urgency.HIGH if entry.resolution is Resolution.OPEN else Urgency.NORMAL,
        title=messages.difference_title(entry),
        text=messages.difference_text(entry),
        ticker=entry.ticker,
        window=_DAY,
        same=True,
    )


def _started(state: State, entry: Started) -> News:
    title, text = messages.started(entry, state.books)
    return News(key=f"started/{entry.run_id}", urgency=Urgency.QUIET, title=title, text=text)


def _low_cash(moment: Moment, text: str) -> News:
    return News(
        key=f"low_cash/{moment.now.date().isoformat()}",
        urgency=Urgency.NORMAL,
        title="low cash",
        text=text,
        window=_DAY,
        standing=True,
    )


def standing(state: State, event: Event, moment: Moment) -> Iterator[News]:
    """Find what no single entry says: exits that go on and on, scans that fail, and cash too low for an entry."""
    if isinstance(event, Tick):
        for position in state.books.positions.values():
            leaving = position.exit
            if leaving is not None and position.count > 0 and moment.now - leaving.time >= _STUCK:
                yield _stuck(state, position, leaving, moment)
    elif isinstance(event, ScanEnded):
        yield from _scanned(state, event, moment)
    elif isinstance(event, Compared):
        sizes, snapshot = state.settings.sizes, event.snapshot
        cash = snapshot.cash if snapshot.available is None else snapshot.available
        need = micros(sizes.dollars_per_trade + sizes.min_cash_dollars)
        if cash < need:
            yield _low_cash(moment, f"{messages.money(cash)} is available, an entry needs up to {messages.money(need)}")


def _scanned(state: State, event: ScanEnded, moment: Moment) -> Iterator[News]:
    """Tell that series are not scanned for long, however it comes, and when all are again."""
    since = state.watch.unread_since
    if since is None:
        title, after = "over: all series are scanned again", _entries_now(state)
        for key in state.watch.told:
            if key.startswith(_UNSCANNED):
                name = f"over/{key}"
                yield News(key=name, urgency=Urgency.NORMAL, title=title, text=after, window=_DAY, standing=True)
    elif moment.seconds - since >= _UNSCANNED_SECONDS:
        names = ", ".join(series for series, _ in event.unread)
        yield News(
            key=f"{_UNSCANNED}{since}",
            urgency=Urgency.NORMAL,
            title=f"not scanned for {messages.span(moment.seconds - since)}: {names}",
            text="\n".join(f"{series}: {problem}" for series, problem in event.unread),
            window=_DAY,
            standing=True,
        )


def _stuck(state: State, position: Position, leaving: Exit, moment: Moment) -> News:
    ticker = position.market.ticker
    seen = top(state.watch, ticker, position.side, moment)
    return News(
        key=f"stuck/{position.position_id}",
        urgency=Urgency.HIGH,
        title=f"not sold yet: {messages.held(position.side, position.count, ticker)}",
        text=messages.stuck_text(leaving, seen, moment.now),
        ticker=ticker,
        position_id=position.position_id,
        standing=True,
    )
