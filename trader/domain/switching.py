"""What stops entries: people, the kill switch file, protections, links. Pure.

A block is one reason against entries. It begins once for each cause and ends by a person, by its time, or with its
cause; `trader.domain.protections` knows the causes. Exits are never blocked.
"""

from collections.abc import Container, Iterable, Iterator
from enum import StrEnum

from trader.domain import comparing, exit_flatten, ids
from trader.domain.entries import AnyEntry, CancelIntended, RequestAnswered, SwitchesChanged
from trader.domain.events import (
    BookCame,
    BookListed,
    BooksConfirmed,
    BooksLost,
    Compared,
    Delivered,
    Ended,
    Event,
    ExchangeSeen,
    Flatten,
    KillSwitch,
    LinkSeen,
    MarketSeen,
    Moment,
    Pause,
    Remember,
    Resume,
    ScanBegan,
    ScanEnded,
    Sending,
    SignalCame,
    Traded,
)
from trader.domain.facts import TRADER, Actor, Block, OrderTerms
from trader.domain.protections import (
    EXIT_SILENCE,
    LINKS,
    NOT_COMPARED,
    Cause,
    Trouble,
    cause,
    exits_silent,
    outside,
    tripped,
    unknown_orders,
)
from trader.domain.state import State
from trader.domain.words import (
    ActorKind,
    BlockKind,
    ChangeKind,
    ExchangeState,
    OrderState,
    Purpose,
)

_KILL_SWITCH = Actor(kind=ActorKind.KILL_SWITCH_FILE)
_SEEN_OFTEN = (BookCame, BookListed, BooksConfirmed, BooksLost, Traded, MarketSeen, SignalCame, Sending)
"""Come by the hundred: only the silence of the exit loop is looked for."""
_WITHOUT_MONEY = (LinkSeen, ExchangeSeen, ScanBegan, ScanEnded, KillSwitch, Pause, Resume, Flatten, Remember, Delivered)
"""Move no money: positions are not priced for them."""
_CANCELLING = frozenset({BlockKind.PAUSE, BlockKind.FLATTEN, BlockKind.KILL_SWITCH_FILE, BlockKind.PROTECTION})
"""Blocks under which resting entries are cancelled; the others may pass before the order does."""
_BY_PEOPLE = frozenset({BlockKind.PAUSE, BlockKind.FLATTEN, BlockKind.KILL_SWITCH_FILE})


class TradingState(StrEnum):
    """Whether new positions are taken, as in the contract."""

    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    HALTED = "halted"
    STOPPING = "stopping"


class Lift(StrEnum):
    """What a resume does to one block."""

    LIFTED = "lifted"
    NOT_FOUND = "not_found"
    NOT_LIFTABLE = "not_liftable"


def trading_state(state: State) -> TradingState:
    """Return the state of the trader as a whole.

    It is starting until the first comparison with the exchange or the first pass of the exit loop, whichever comes
    first: from then on exits are sent.
    """
    watch = state.watch
    if watch.stopping:
        return TradingState.STOPPING
    if watch.begun is None or (watch.compared is None and watch.exit_pass is None):
        return TradingState.STARTING
    return blocked_state(state.books.blocks.values())


def blocked_state(blocks: Iterable[Block]) -> TradingState:
    """Return the state that blocks amount to: those of single markets, events and series leave the others running."""
    kinds = {block.kind for block in blocks if _everywhere(block)}
    if not kinds:
        return TradingState.RUNNING
    return TradingState.PAUSED if kinds <= _BY_PEOPLE else TradingState.HALTED


def resume_outcomes(state: State, event: Resume) -> tuple[tuple[str, Lift], ...]:
    """Return what a resume does to each block that it asks for, by name or by default, before it is carried out."""
    blocks = state.books.blocks
    names = dict.fromkeys(event.block_ids) or [name for name, block in blocks.items() if block.kind.by_people]

    def outcome(name: str) -> Lift:
        block = blocks.get(name)
        if block is None:
            return Lift.NOT_FOUND
        return Lift.LIFTED if block.liftable else Lift.NOT_LIFTABLE

    return tuple((name, outcome(name)) for name in names)


def switch(state: State, event: KillSwitch | Pause | Resume | Flatten | Remember, moment: Moment) -> list[AnyEntry]:
    """Carry out what a person, or the file, wants.

    A request that was answered before changes nothing. One that finds its block in place is written without another:
    it is the entry that its answer names. Resting entry orders are cancelled by `protect`, which comes after.
    """
    if isinstance(event, KillSwitch):
        return _kill_switch(state, event, moment)
    if event.request_id in state.books.replies:
        return []
    began: tuple[Block, ...] = ()
    ended: tuple[str, ...] = ()
    flattening: tuple[str, ...] = ()
    match event:
        case Remember():
            return [RequestAnswered(request_id=event.request_id, method=event.method, reply=event.reply)]
        case Pause():
            change, began = ChangeKind.PAUSED, _wished(state, event, BlockKind.PAUSE, (None,), moment)
        case Resume():
            change = ChangeKind.RESUMED
            ended = tuple(name for name, lift in resume_outcomes(state, event) if lift is Lift.LIFTED)
        case Flatten():
            change = ChangeKind.FLATTENED
            began = _wished(state, event, BlockKind.FLATTEN, event.tickers or (None,), moment)
            flattening = tuple(position.position_id for position in exit_flatten.flattening(state, event, moment))
    return [
        SwitchesChanged(
            change=change,
            actor=event.actor,
            why=event.why,
            request_id=event.request_id,
            began=began,
            ended=ended,
            flattening=flattening,
        )
    ]


def _wished(
    state: State, event: Pause | Flatten, kind: BlockKind, tickers: tuple[str | None, ...], moment: Moment
) -> tuple[Block, ...]:
    wanted = [
        Trouble(kind=kind, why=event.why, actor=event.actor, market_ticker=ticker, liftable=True) for ticker in tickers
    ]
    return _new(state, wanted, moment)


def _kill_switch(state: State, event: KillSwitch, moment: Moment) -> list[AnyEntry]:
    why = "the kill switch file is there" if event.present else "the kill switch file is gone"
    change = ChangeKind.PAUSED if event.present else ChangeKind.RESUMED
    present = [block for block in state.books.blocks.values() if block.kind is BlockKind.KILL_SWITCH_FILE]
    if event.present == bool(present):
        return []
    trouble = Trouble(kind=BlockKind.KILL_SWITCH_FILE, why=why, actor=_KILL_SWITCH)
    began = _new(state, [trouble], moment) if event.present else ()
    ended = tuple(block.block_id for block in present)
    return [SwitchesChanged(change=change, actor=_KILL_SWITCH, why=why, began=began, ended=ended)]


def protect(state: State, event: Event, moment: Moment) -> list[AnyEntry]:
    """Begin blocks whose cause is there, end those whose cause is gone, cancel what rests under them.

    Args:
        state: With everything folded in that the event has led to so far.
        event: What came. At prices, which come by the hundred, only the exit loop's silence is looked for.
        moment: When.
    """
    often = isinstance(event, _SEEN_OFTEN) or (isinstance(event, LinkSeen) and _as_before(state, event))
    silent = exits_silent(state, moment, each=not often)
    if isinstance(event, Ended) or (often and not silent):
        return []
    troubles = [Trouble(kind=BlockKind.LINK, why=EXIT_SILENCE)] if silent else []
    if not often:
        troubles += [*outside(state), *unknown_orders(state)]
        if not isinstance(event, _WITHOUT_MONEY):
            troubles += tripped(state, moment)
        if isinstance(event, Compared):
            troubles += _differences(state)
    wanted = {cause(trouble) for trouble in troubles}
    blocks = state.books.blocks
    over = [] if often else [block for block in blocks.values() if _over(state, block, wanted, event, moment)]
    gone = {block.block_id for block in over}
    began = _new(state, troubles, moment, gone)
    holding = [*(block for name, block in blocks.items() if name not in gone), *began]
    return [
        *(
            SwitchesChanged(change=ChangeKind.RELEASED, actor=TRADER, why=block.why, ended=(block.block_id,))
            for block in over
        ),
        *(SwitchesChanged(change=ChangeKind.HALTED, actor=TRADER, why=block.why, began=(block,)) for block in began),
        *(_cancels(state, holding) if not often else ()),
    ]


def _as_before(state: State, event: LinkSeen) -> bool:
    """Tell whether a link works as it did: nothing can begin or end by it."""
    return event.up and not any(block.kind is BlockKind.LINK for block in state.books.blocks.values())


def _differences(state: State) -> Iterator[Trouble]:
    for subject, ticker in comparing.unexplained(state):
        why = f"our books and the exchange's differ: {subject.value.replace('_', ' ')}"
        yield Trouble(kind=BlockKind.RECONCILIATION, why=why, market_ticker=ticker)


def _new(state: State, troubles: Iterable[Trouble], moment: Moment, gone: Container[str] = ()) -> tuple[Block, ...]:
    """Make blocks of troubles that have none yet, `gone` ones not counted."""
    books = state.books
    there = {cause(block) for name, block in books.blocks.items() if name not in gone}
    began: dict[Cause, Block] = {}
    for trouble in troubles:
        what = cause(trouble)
        if what not in there and what not in began:
            began[what] = trouble.block(ids.block_id(books.journal_id, books.sequence, "/".join(what)), moment.now)
    return tuple(began.values())


def _over(state: State, block: Block, wanted: set[Cause], event: Event, moment: Moment) -> bool:
    """Tell whether a block ends by itself: at its time, or because its cause is known to be gone."""
    if block.until is not None:
        return block.until <= moment.now
    if cause(block) in wanted:
        return False
    watch = state.watch
    match block.kind:
        case BlockKind.UNKNOWN_ORDER:
            return True
        case BlockKind.RECONCILIATION:
            # What differed in an earlier process is proven again by two reads: the first one ends nothing but itself.
            first = any(each.why == NOT_COMPARED for each in state.books.blocks.values())
            return isinstance(event, Compared) and (not first or block.why == NOT_COMPARED)
        case BlockKind.EXCHANGE_PAUSE:
            return watch.exchange is ExchangeState.OPEN
        case BlockKind.LINK:
            # After a restart a link is unknown until it is seen to work.
            links = [watch.links.get(kind) for kind, why in LINKS.items() if why == block.why]
            if links:
                return all(link is not None and link.up is True for link in links)
            return watch.exit_pass is not None or not (state.books.positions or state.books.working)
        case _:
            return False


def _cancels(state: State, blocks: Iterable[Block]) -> Iterator[CancelIntended]:
    """Cancel resting entries under blocks. What is on its way to the exchange is cancelled once it rests."""
    over = [block for block in blocks if block.kind in _CANCELLING]
    books = state.books
    if not over or state.watch.exchange is ExchangeState.EXCHANGE_PAUSED:
        return
    for name in sorted(books.working):
        order = books.orders[name]
        if order.terms.purpose is Purpose.ENTRY and order.state is OrderState.RESTING:
            block = next((block for block in over if _covers(block, order.terms)), None)
            if block is not None:
                yield CancelIntended(client_order_id=name, why=f"no entries: {block.why}")


def _covers(block: Block, terms: OrderTerms) -> bool:
    return (
        block.market_ticker in (None, terms.ticker)
        and block.event_ticker in (None, terms.event_ticker)
        and block.series_ticker in (None, terms.series_ticker)
    )


def _everywhere(block: Block) -> bool:
    return block.market_ticker is None and block.event_ticker is None and block.series_ticker is None
