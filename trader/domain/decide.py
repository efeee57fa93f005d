"""The trader's decisions: from what is known and what comes to what is written. Pure.

    entries = decide(state, event, moment)

`state` afterwards is the state with these entries folded in and the event seen; what is to be done is read off the
entries (`intents`). The caller writes the entries to the journal before it does anything of it. The same state, event
and moment give the same entries, byte by byte, whatever the order in which Python keeps its sets.
"""

from collections.abc import Callable

from trader.domain import adopting, comparing, entering, guarding, ordering, shadowing, switching, telling, watching
from trader.domain.entries import AnyEntry, ScanFinished, ScanStarted, SignalSeen, Started, Stopped
from trader.domain.events import (
    Adopt,
    Answered,
    Begun,
    BookCame,
    CancelAnswered,
    Compared,
    Delivered,
    Ended,
    Event,
    FillSeen,
    Flatten,
    KillSwitch,
    Moment,
    OrderSeen,
    Pause,
    Remember,
    Resume,
    ScanBegan,
    ScanEnded,
    Sending,
    SignalCame,
    Stopping,
    Tick,
    Traded,
)
from trader.domain.fold import apply
from trader.domain.state import State
from trader.domain.words import ScanOutcome

Step = Callable[[], list[AnyEntry]]


def decide(state: State, event: Event, moment: Moment) -> tuple[AnyEntry, ...]:
    """Decide on one event, changing `state` to what it is afterwards.

    Args:
        state: Everything known; its books get the entries that are returned, its watch what was seen.
        event: What came.
        moment: When.

    Returns:
        Entries in their order, whose sequences follow the one of `state.books`.
    """
    written: list[AnyEntry] = []

    def take(entries: list[AnyEntry]) -> None:
        for entry in entries:
            apply(state.books, state.books.sequence + 1, moment.now, entry)
            written.append(entry)

    watching.see(state.watch, event, moment)
    for step in _steps(state, event, moment):
        take(step())
    # What one thing leads to: a fill opens a position, a stop that sold blocks its market, both are told.
    watching.forget(state, tuple(written), moment)
    before = len(written)
    take(switching.protect(state, event, moment))
    take(telling.tell(state, tuple(written), event, moment))
    watching.forget(state, tuple(written[before:]), moment)
    return tuple(written)


def _steps(state: State, event: Event, moment: Moment) -> tuple[Step, ...]:  # noqa: C901, PLR0912  # a case a kind
    """Name what an event sets off, in order; each step sees what the one before it wrote."""
    match event:
        case Begun():
            started = Started(
                run_id=event.run_id,
                mode=event.mode,
                version=event.version,
                config_digest=event.config_digest,
                settings=state.settings.model_dump(mode="json"),
            )
            return (lambda: [started], lambda: ordering.recover(state, moment))
        case Stopping(cancel_entries):
            return (lambda: ordering.stop(state),) if cancel_entries else ()
        case Ended():
            return (lambda: [Stopped(run_id=state.books.run_id)],)
        case ScanBegan():
            begun = ScanStarted(scan_id=event.scan_id, series=event.series, market_count=event.market_count)
            return (lambda: [begun],)
        case SignalCame():
            seen = SignalSeen(
                scan_id=event.scan_id,
                ticker=event.market.ticker,
                series_ticker=event.market.series_ticker,
                signal=event.signal,
                wire=event.wire,
            )
            return (lambda: [seen], lambda: entering.enter(state, event, moment))
        case ScanEnded():
            return (lambda: [_finished(state, event)],)
        case Sending() | Answered() | CancelAnswered() | OrderSeen() | FillSeen():
            return (lambda: ordering.happened(state, event, moment), lambda: guarding.carry_out(state, moment))
        case Compared():
            return (lambda: comparing.compare(state, event.snapshot, moment), lambda: guarding.carry_out(state, moment))
        case BookCame():
            ticker = event.book.ticker
            return (
                lambda: guarding.look(state, ticker, moment),
                lambda: guarding.carry_out(state, moment),
                lambda: shadowing.book_came(state, event.book, moment),
            )
        case Traded():
            return (lambda: shadowing.traded(state, event, moment),)
        case Tick():
            return (
                lambda: ordering.timed(state, moment),
                lambda: guarding.look_at_all(state, moment),
                lambda: guarding.carry_out(state, moment),
                lambda: shadowing.timed(state, moment),
            )
        case KillSwitch() | Pause() | Resume() | Remember():
            return (lambda: switching.switch(state, event, moment),)
        case Flatten():
            return (
                lambda: switching.switch(state, event, moment),
                lambda: guarding.flatten(state, event, moment),
                lambda: guarding.carry_out(state, moment),
            )
        case Adopt():
            return (lambda: adopting.adopt(state, event),)
        case Delivered():
            return (lambda: telling.delivered(state, event),)
        case _:
            return ()


def _finished(state: State, event: ScanEnded) -> ScanFinished:
    started = state.books.scan
    others = event.others
    counts = {outcome: sum(found is outcome for _, found, _ in others) for outcome in ScanOutcome}
    total = started.market_count if started else len(others)
    counts[ScanOutcome.SIGNAL] = total - len(others)
    return ScanFinished(
        scan_id=event.scan_id,
        market_count=total,
        counts={outcome: count for outcome, count in counts.items() if count},
        others=others,
        entered=sum(state.books.scan_entries.values()),
        seconds=event.seconds,
        unread=event.unread,
    )
