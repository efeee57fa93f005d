"""The log of a screen: the last events, and what is known of those from before its beginning."""

from tests.fakes.trading import NOON
from trader.domain.entries import AnyEntry, Notified, OrderSent, ScanStarted, SwitchesChanged
from trader.domain.facts import TRADER, Block
from trader.domain.switching import TradingState
from trader.domain.words import BlockKind, ChangeKind, Delivery, Urgency
from trader.ports import Recorded
from trader.service.screen.log import LAST_EVENTS, MOST_EVENTS, Log, past
from trader.service.story import Told

ALL: frozenset[str] = frozenset()


def note(number: int, ticker: str | None = None) -> Notified:
    return Notified(
        notification_id=f"n-{number}",
        urgency=Urgency.QUIET,
        delivery=Delivery.QUEUED,
        title="x",
        text="y",
        ticker=ticker,
    )


def rows(*entries: AnyEntry, after: int = 0) -> list[Recorded]:
    return [Recorded(number, NOON, entry) for number, entry in enumerate(entries, after + 1)]


def filled(count: int) -> Log:
    log = Log(0)
    for number in range(1, count + 1):
        log.add(Told(number, NOON, note(number)))
    return log


def block(name: str) -> Block:
    return Block(block_id=name, kind=BlockKind.PAUSE, actor=TRADER, why="lunch", since=NOON)


def change(began: tuple[Block, ...] = (), ended: tuple[str, ...] = ()) -> SwitchesChanged:
    return SwitchesChanged(change=ChangeKind.PAUSED, actor=TRADER, why="x", began=began, ended=ended)


def test_a_screen_begins_with_the_last_events() -> None:
    part = filled(120).last(ALL, 100)
    assert [told.sequence for told in part.told] == list(range(101 - LAST_EVENTS, 101))
    assert not part.more


def test_too_many_events_are_counted_and_the_last_are_given() -> None:
    part = filled(500).after(10, ALL, 500)
    assert [told.sequence for told in part.told] == list(range(501 - MOST_EVENTS, 501))
    assert (part.skipped, part.more) == (500 - 10 - MOST_EVENTS, False)


def test_what_was_let_go_is_owned_to() -> None:
    log = filled(3000)
    assert log.after(10, ALL, 3000).more
    assert not log.after(2500, ALL, 3000).more


def test_only_the_events_of_some_markets_and_of_none() -> None:
    log = Log(0)
    for number, ticker in enumerate(("A-1", "B-1", None), 1):
        log.add(Told(number, NOON, note(number, ticker)))
    log.add(Told(4, NOON, ScanStarted(scan_id="s", series=(), market_count=0)))
    assert [told.sequence for told in log.after(0, frozenset({"A-1"}), 9).told] == [1, 3]


def test_an_order_from_before_the_log_is_not_made_up() -> None:
    log = past(rows(note(1), OrderSent(client_order_id="old"), note(2), after=70), 70, {})
    part = log.last(ALL, 99)
    assert [told.sequence for told in part.told] == [71, 73]
    assert part.more
    assert not log.after(72, ALL, 99).more


def test_the_state_after_a_change_is_told_only_where_every_block_is_known() -> None:
    old, new = block("old"), block("new")
    log = past(rows(change((new,)), change(ended=("new",)), after=70), 70, {"old": old})
    told = log.last(ALL, 99).told
    assert [each.state for each in told] == [TradingState.PAUSED, TradingState.PAUSED]
    assert told[1].ended == (new,)

    unsure = past(rows(change((new,)), change(ended=("gone",)), change(ended=("new",)), after=70), 70, {})
    part = unsure.last(ALL, 99)
    assert [(each.sequence, each.state) for each in part.told] == [(73, TradingState.RUNNING)]
