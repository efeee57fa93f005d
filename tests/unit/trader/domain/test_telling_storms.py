"""Many things to tell at once: never a storm, and nothing lost silently."""

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tests.fakes.phone import Phone, account, block, closed, differed, ended, filled, held, opened, sent, switched
from trader.domain import news, telling
from trader.domain.entries import (
    Notified,
)
from trader.domain.events import Delivered, Tick
from trader.domain.protections import EXIT_SILENCE, LINKS
from trader.domain.words import (
    BlockKind,
    ChangeKind,
    Delivery,
    LinkKind,
    Mode,
    OrderState,
    Resolution,
    Subject,
)


def storm(phone: Phone, count: int) -> list[Notified]:
    told = []
    for number in range(count):
        name = f"n{number}"
        sent(phone, name)
        phone.write(ended(name, OrderState.FILLED, 5), opened(name))
        told += phone.hear(filled(name, 1), seconds=number * 60 / count)
    return told


def test_hundreds_of_fills_in_a_minute_are_bounded_and_every_one_is_written() -> None:
    phone = Phone()
    told = storm(phone, 300)
    assert phone.desk.state.books.suppressed == 270
    assert len(told) == 300
    assert sum(notice.delivery is Delivery.QUEUED for notice in told) == 30
    assert len({notice.notification_id for notice in told}) == 300
    assert len(phone.desk.state.books.notices) == 30


def test_what_was_kept_back_is_counted_in_the_next_one_or_told_when_it_is_quiet() -> None:
    phone = Phone()
    held(phone)
    storm(phone, 40)
    (notice,) = phone.hear(switched(ChangeKind.HALTED, block(BlockKind.LINK, EXIT_SILENCE)), seconds=61)
    assert notice.text.endswith("\n(10 before it not sent: see the journal)")
    assert phone.hear(closed(), seconds=62)[0].delivery is Delivery.SUPPRESSED
    assert [phone.hear(event=Tick(), seconds=second) for second in range(63, 661, 60)] == [[]] * 10
    (summary,) = phone.hear(event=Tick(), seconds=661)
    assert (summary.title, summary.text) == (
        "notifications were not sent",
        "(1 before it not sent: see the journal)",
    )
    assert phone.hear(event=Tick(), seconds=2000) == []


def test_a_message_that_no_service_took_is_counted_in_the_next_one() -> None:
    phone = Phone()
    held(phone)
    (notice,) = phone.hear(closed())
    phone.write(*telling.delivered(phone.desk.state, Delivered(notice.notification_id, Delivery.FAILED)))
    assert phone.hear(event=Tick(), seconds=599) == []
    (summary,) = phone.hear(event=Tick(), seconds=600)
    assert (summary.title, summary.text) == (
        "notifications were not sent",
        "(1 before it not sent: see the journal)",
    )


def test_what_is_urgent_gets_through_a_storm() -> None:
    phone = Phone()
    storm(phone, 40)
    (high,) = phone.hear(switched(ChangeKind.HALTED, block(BlockKind.LINK, LINKS[LinkKind.EXCHANGE])), seconds=61)
    (emergency,) = phone.hear(switched(ChangeKind.HALTED, block(BlockKind.LINK, EXIT_SILENCE)), seconds=62)
    assert high.delivery is emergency.delivery is Delivery.QUEUED


def test_a_standing_trouble_without_room_waits_and_fills_no_journal() -> None:
    phone = Phone()
    storm(phone, 30)
    found = {second: phone.hear(event=account("1"), seconds=second) for second in range(61, 700, 60)}
    assert [(second, notice.title) for second, notices in found.items() for notice in notices] == [(601, "low cash")]


@given(st.text(max_size=2000), st.text(max_size=6000))
@settings(max_examples=40, deadline=None)
def test_no_text_is_too_long(why: str, detail: str) -> None:
    phone = Phone(Mode.PAPER)
    entries = (
        switched(ChangeKind.PAUSED, block(BlockKind.PAUSE, why), why=why),
        structs.replace(differed(Subject.CASH, Resolution.OPEN), detail=detail),
        switched(ChangeKind.HALTED, block(BlockKind.LINK, why)),
    )
    for notice in phone.hear(*entries):
        assert 1 <= len(notice.title) <= 250 or not why
        assert len(notice.text) <= 1000
        assert notice.text.endswith("(paper trading)")


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(list(LinkKind)[:3]), st.booleans(), st.integers(0, 300)), max_size=30))
def test_the_same_entries_are_told_alike_and_no_key_twice_in_its_window(
    steps: list[tuple[LinkKind, bool, int]],
) -> None:
    one, two = Phone(), Phone()
    second, last = 0, dict[str, int]()
    for kind, away, wait in steps:
        second += wait
        why = LINKS[kind]
        began = block(BlockKind.LINK, why)
        entry = switched(ChangeKind.HALTED, began) if away else switched(ChangeKind.RELEASED, why=why)
        told = one.hear(entry, seconds=second)
        assert told == two.hear(entry, seconds=second)
        for notice in told:
            if notice.delivery is Delivery.QUEUED:
                assert second - last.get(notice.key, -10_000) >= news.WINDOW
                last[notice.key] = second
