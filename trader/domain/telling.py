"""What the owner is told, at most once for each thing and never too much at a time. Pure.

Everything told is an entry first; what is held back is an entry too.
"""

from msgspec import structs

from trader.domain import ids, messages, news
from trader.domain.entries import AnyEntry, Notified
from trader.domain.events import Delivered, Event, Moment, Tick
from trader.domain.news import WINDOW, News
from trader.domain.state import State
from trader.domain.words import Delivery, Mode, Urgency

_MOST = {Urgency.QUIET: 30, Urgency.NORMAL: 30, Urgency.HIGH: 45, Urgency.EMERGENCY: 60}
"""Messages within `WINDOW` after which no more of an urgency go out: what is urgent has room left for it."""


def tell(state: State, entries: tuple[AnyEntry, ...], event: Event, moment: Moment) -> list[AnyEntry]:
    """Write the notifications that entries give reason for, suppressed ones as such."""
    found = [*news.of_entries(state, entries, moment), *news.standing(state, event, moment)]
    if isinstance(event, Tick) and _kept_back(state) and not _lately(state, moment):
        # The storm is over and nothing has come since that could carry the number.
        found.append(News(key="kept_back", urgency=Urgency.QUIET, title="notifications were not sent", text=""))
    if not found:
        return []
    told, lately, kept_back = state.watch.told, _lately(state, moment), _kept_back(state)
    written: list[AnyEntry] = []
    for each in found:
        last = told.get(each.key)
        repeated = each.key in lately or (last is not None and moment.seconds - last < each.window)
        full = len(lately) >= _MOST[each.urgency]
        if (repeated and (each.same or each.standing)) or (full and each.standing):
            continue
        notice = _notice(state, each, len(written), kept_back)
        if repeated or full:
            kept_back += 1
            notice = structs.replace(notice, delivery=Delivery.SUPPRESSED)
        else:
            kept_back = 0
            lately.add(each.key)
        written.append(notice)
    return written


def _notice(state: State, each: News, before: int, kept_back: int) -> Notified:
    """Make the notification of a piece of news, `before` others having been made after the same entry."""
    books = state.books
    after = [] if books.mode in (None, Mode.LIVE) else [f"({books.mode} trading)"]
    if kept_back:
        after.append(f"({kept_back} before it not sent: see the journal)")
    tail = "\n".join(after)
    text = messages.cut(each.text, messages.MOST_TEXT - len(tail) - 1)
    return Notified(
        notification_id=ids.notification_id(books.journal_id, books.sequence + before, each.key),
        urgency=each.urgency,
        delivery=Delivery.QUEUED,
        title=messages.cut(each.title, messages.MOST_TITLE),
        text="\n".join(part for part in (text, tail) if part),
        ticker=each.ticker,
        position_id=each.position_id,
        key=each.key,
    )


def _lately(state: State, moment: Moment) -> set[str]:
    """Return the keys that were told within the window."""
    return {key for key, at in state.watch.told.items() if moment.seconds - at < WINDOW}


def _kept_back(state: State) -> int:
    return state.books.suppressed


def delivered(state: State, event: Delivered) -> list[AnyEntry]:
    """Write what became of a notification; of one that is not waiting nothing is written."""
    notice = state.books.notices.get(event.notification_id)
    if notice is None or event.delivery is Delivery.QUEUED:
        return []
    return [structs.replace(notice, delivery=event.delivery)]
