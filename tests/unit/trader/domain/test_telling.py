"""What the owner is told: once for each thing, exact, nothing lost silently."""

import pytest
from msgspec import structs

from mesh.types import Hundredths, Side
from tests.fakes.phone import ANNA, Phone, account, block, closed, differed, ended, filled, held, opened, sent, switched
from tests.fakes.trading import TICKER, book, cents, contracts, moment
from trader.domain import telling, watching
from trader.domain.entries import (
    ExitDecided,
    OrderResting,
    OrderUnknown,
    Started,
)
from trader.domain.events import BookCame, Delivered, ScanEnded, Tick
from trader.domain.facts import (
    TRADER,
    Block,
)
from trader.domain.protections import EXIT_SILENCE, LINKS, NOT_COMPARED
from trader.domain.words import (
    BlockKind,
    ChangeKind,
    Delivery,
    ExitKind,
    LinkKind,
    Mode,
    OrderState,
    Purpose,
    Resolution,
    Subject,
    Urgency,
)


def test_an_entry_is_told_with_what_it_cost_how_it_is_sold_and_what_was_offered() -> None:
    phone = Phone()
    sent(phone)
    assert phone.hear(ended("one", OrderState.FILLED, 5)) == [], "its fills have not come"
    (notice,) = phone.hear(opened(), filled("one", 1))
    assert notice.title == f"NO 5 x {TICKER} at 54c"
    assert notice.text.splitlines() == [
        "limit 57c, 5 of 5 contracts",
        "cost $2.70 + $0.02 fees",
        "TP 74c, SL 46c",
        "edge 4.2c after spread and fees",
        "depth ≤ 57c: 84 contracts, $75, 3 levels",
    ]
    assert (notice.urgency, notice.delivery) == (Urgency.NORMAL, Delivery.QUEUED)
    assert (notice.ticker, notice.position_id) == (TICKER, "p-one")


def test_an_entry_in_several_fills_is_told_once_with_all_of_them() -> None:
    phone = Phone()
    sent(phone)
    phone.write(ended("one", OrderState.CANCELLED, 4, reason="no_liquidity"), opened())
    assert phone.hear(filled("one", 1, count=1.5)) == []
    (notice,) = phone.hear(filled("one", 2, at=56, count=2.5))
    assert notice.title == f"NO 4 x {TICKER} at 55.25c"


def test_a_resting_entry_is_told_at_its_first_fill_and_at_its_end() -> None:
    phone = Phone()
    sent(phone)
    phone.write(OrderResting(client_order_id="entry-one", order_id="x-one", filled=Hundredths(0)), opened())
    (first,) = phone.hear(filled("one", 1, count=1))
    (second,) = phone.hear(filled("one", 2, count=1), seconds=10)
    (last,) = phone.hear(ended("one", OrderState.EXPIRED, 2, reason="expiry"), seconds=20)
    assert [first.delivery, second.delivery, last.delivery] == [Delivery.QUEUED, Delivery.SUPPRESSED, Delivery.QUEUED]
    assert last.title == f"NO 2 x {TICKER} at 54c"


def test_an_entry_that_bought_nothing_is_not_told() -> None:
    phone = Phone()
    sent(phone)
    assert phone.hear(ended("one", OrderState.EXPIRED, 0, reason="expiry")) == []


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (ExitKind.STOP_LOSS, "stop"),
        (ExitKind.TAKE_PROFIT, "take profit"),
        (ExitKind.TRAILING_STOP, "trailing stop"),
        (ExitKind.TIME_STOP, "time stop"),
        (ExitKind.SETTLEMENT, "settlement"),
        (ExitKind.FLATTEN, "flatten"),
    ],
)
def test_a_closed_position_is_told_with_its_net_result_and_how_long_it_was_held(kind: ExitKind, word: str) -> None:
    phone = Phone()
    held(phone)
    (notice,) = phone.hear(closed(kind=kind))
    assert notice.title == f"{word}: NO 5 x {TICKER} -$0.49"
    assert notice.text.splitlines()[:3] == ["bought at 54c, out at 45c", "net -$0.49 after $0.04 fees", "held 1h 5m"]
    assert notice.urgency is Urgency.NORMAL


def test_a_stop_that_sold_far_below_its_price_is_urgent() -> None:
    phone = Phone()
    held(phone)
    (notice,) = phone.hear(closed(at=40, trigger=46))
    assert notice.urgency is Urgency.HIGH
    assert notice.text.startswith("sold 6c below where the exit was decided")


@pytest.mark.parametrize(("bid", "told"), [(43.0, True), (43.5, False)])
def test_a_price_gap_through_the_stop_is_told_when_the_stop_fires(bid: float, told: bool) -> None:
    phone = Phone()
    held(phone)
    entry = ExitDecided(
        decision_id="x-1",
        position_id="p-one",
        ticker=TICKER,
        side=Side.NO,
        exit_kind=ExitKind.STOP_LOSS,
        actor=TRADER,
        count=contracts(5),
        trigger=cents(bid),
        floor=cents(1),
        top=None,
    )
    found = phone.hear(entry)
    assert [notice.urgency for notice in found] == ([Urgency.HIGH] if told else [])
    assert not told or found[0].text == "the stop is 46c, the bid is 43c"


def test_an_exit_that_nobody_takes_is_told_after_a_minute_and_rarely_again() -> None:
    phone = Phone()
    held(phone)
    flatten = ExitDecided(
        decision_id="x-1",
        position_id="p-one",
        ticker=TICKER,
        side=Side.NO,
        exit_kind=ExitKind.FLATTEN,
        actor=ANNA,
        count=contracts(5),
        trigger=None,
        floor=cents(2),
        top=None,
    )
    assert phone.hear(flatten) == []
    watching.see(phone.desk.state.watch, BookCame(book(no_bids=())), moment(0))
    found = {second: phone.hear(event=Tick(), seconds=second) for second in range(0, 1300, 10)}
    assert [second for second, notices in found.items() if notices] == [60, 660, 1260]
    assert found[60][0].text.startswith("flatten for 1m; nobody bids, the floor is 2c")
    assert found[60][0].urgency is Urgency.HIGH


def test_series_that_are_not_scanned_for_long_are_told_once_and_when_they_are_again() -> None:
    phone = Phone()
    words = "NO_BUDGET: GET /markets waited 30 s"

    def scan(seconds: float, *unread: str) -> list[str]:
        event = ScanEnded(f"s-{seconds}", (), 0.1, tuple((series, words) for series in unread))
        watching.see(phone.desk.state.watch, event, moment(seconds))
        return [f"{notice.title}\n{notice.text}" for notice in phone.hear(event=event, seconds=seconds)]

    for begin in (0, 10_000):
        found = {seconds: scan(begin + seconds, "KXBTC", "KXHIGHNY") for seconds in range(0, 3000, 60)}
        assert {seconds: len(told) for seconds, told in found.items() if told} == {600: 1}
        assert found[600][0].startswith(f"not scanned for 10m: KXBTC, KXHIGHNY\nKXBTC: {words}\nKXHIGHNY: {words}")
        (told,) = scan(begin + 3000)
        assert told.startswith("over: all series are scanned again\nEntries are taken.")
        assert scan(begin + 3060) == []


def test_a_scan_that_fails_now_and_then_is_not_told() -> None:
    phone = Phone()
    for number in range(60):
        event = ScanEnded("s", (), 0.1, (("KXBTC", "away"),) if number % 5 else ())
        watching.see(phone.desk.state.watch, event, moment(60 * number))
        assert phone.hear(event=event, seconds=60 * number) == []


def test_a_part_of_an_exit_is_told_with_what_is_left() -> None:
    phone = Phone()
    held(phone)
    sent(phone, purpose=Purpose.EXIT)
    phone.write(ended("one", OrderState.CANCELLED, 3, purpose=Purpose.EXIT, reason="no_liquidity"))
    (notice,) = phone.hear(filled("one", 2, at=45, count=3))
    assert (notice.title, notice.text) == (f"stop, a part: NO 3 x {TICKER} at 45c", "2 contracts are left")


def test_an_unknown_outcome_is_urgent() -> None:
    phone = Phone()
    sent(phone)
    (notice,) = phone.hear(OrderUnknown(client_order_id="entry-one", why="no answer within 5 s"))
    assert (notice.urgency, notice.title) == (Urgency.HIGH, f"unknown outcome: entry of NO 5 x {TICKER}")


@pytest.mark.parametrize(
    ("began", "urgency"),
    [
        (block(BlockKind.LINK, EXIT_SILENCE), Urgency.EMERGENCY),
        (block(BlockKind.PROTECTION, "daily loss", rule="daily_loss"), Urgency.HIGH),
        (block(BlockKind.PROTECTION, "stop guard", rule="stop_guard"), Urgency.NORMAL),
        (block(BlockKind.LINK, LINKS[LinkKind.EXCHANGE]), Urgency.HIGH),
        (block(BlockKind.LINK, LINKS[LinkKind.FORECAST_SERVER]), Urgency.NORMAL),
        (block(BlockKind.EXCHANGE_PAUSE, "paused"), Urgency.NORMAL),
        (block(BlockKind.UNKNOWN_ORDER, "too many"), Urgency.HIGH),
        (block(BlockKind.UNKNOWN_ORDER, "one", ticker=TICKER), None),
        (block(BlockKind.RECONCILIATION, NOT_COMPARED), None),
    ],
)
def test_what_stops_entries_is_told_as_urgent_as_it_is(began: Block, urgency: Urgency | None) -> None:
    found = Phone().hear(switched(ChangeKind.HALTED, began))
    assert [notice.urgency for notice in found] == ([] if urgency is None else [urgency])
    assert all(
        notice.title == began.why and ("Exits go on." in notice.text) is (began.kind is not BlockKind.EXCHANGE_PAUSE)
        for notice in found
        if not began.market_ticker
    )


def test_what_stops_entries_in_one_place_says_where() -> None:
    phone = Phone()
    there = block(BlockKind.FLATTEN, "out", ticker=TICKER)
    (flattened,) = phone.hear(switched(ChangeKind.FLATTENED, there, why="out"))
    assert flattened.text == f"out\nNo entries in {TICKER}. Exits go on."
    gone = structs.replace(switched(ChangeKind.RESUMED), ended=(there.block_id,), request_id="r2")
    assert phone.hear(gone)[0].text == "why\nEntries are taken."


def test_a_link_that_comes_and_goes_is_told_once_each_way() -> None:
    phone, why = Phone(), LINKS[LinkKind.FORECAST_SERVER]
    told = []
    for second in range(0, 100, 10):
        told += phone.hear(switched(ChangeKind.HALTED, block(BlockKind.LINK, why)), seconds=second)
        told += phone.hear(switched(ChangeKind.RELEASED, why=why), seconds=second + 5)
    queued = [notice for notice in told if notice.delivery is Delivery.QUEUED]
    assert [notice.title for notice in queued] == [why, f"over: {why}"]
    assert len(told) == 20


def test_the_first_comparison_after_a_start_is_no_news() -> None:
    assert Phone().hear(switched(ChangeKind.RELEASED, why=NOT_COMPARED)) == []


def test_what_people_do_is_told_by_name() -> None:
    phone = Phone()
    (paused,) = phone.hear(switched(ChangeKind.PAUSED, block(BlockKind.PAUSE, "lunch"), why="lunch"))
    (resumed,) = phone.hear(switched(ChangeKind.RESUMED))
    (flattened,) = phone.hear(switched(ChangeKind.FLATTENED))
    assert [paused.title, resumed.title, flattened.title] == [
        "trading paused by anna",
        "trading resumed by anna",
        "positions are being sold by anna",
    ]
    assert paused.text == "lunch\nNo entries. Exits go on."
    assert phone.hear(switched(ChangeKind.PAUSED)) == [], "it was paused already"


@pytest.mark.parametrize(
    ("resolution", "urgency"),
    [
        (Resolution.OPEN, Urgency.HIGH),
        (Resolution.LEFT_ALONE, Urgency.NORMAL),
        (Resolution.TAKEN_OVER, Urgency.NORMAL),
    ],
)
def test_a_difference_is_told_once_a_day(resolution: Resolution, urgency: Urgency) -> None:
    phone, entry = Phone(), differed(Subject.POSITION, resolution)
    (notice,) = phone.hear(entry)
    assert notice.urgency is urgency
    assert "ours: 5\nthe exchange's: 4" in notice.text
    assert phone.hear(entry, seconds=3600) == []
    assert len(phone.hear(entry, seconds=86_400)) == 1


def test_a_fee_beside_the_schedule_is_told_once_and_rounding_never() -> None:
    phone = Phone()
    held(phone)
    (first,) = phone.hear(differed(Subject.FEE, Resolution.TAKEN_OVER))
    assert first.title.startswith("a fee differs from the schedule")
    assert phone.hear(differed(Subject.FEE, Resolution.TAKEN_OVER)) == []


def test_low_cash_is_told_once_a_day() -> None:
    phone = Phone()
    assert phone.hear(event=account("3")) == []
    (notice,) = phone.hear(event=account("2.99"))
    assert (notice.title, notice.text) == ("low cash", "$2.99 is available, an entry needs up to $3")
    sent(phone)
    refused = ended("one", OrderState.REJECTED, 0, reason="insufficient_balance")
    assert phone.hear(refused, seconds=60) == []
    assert len(phone.hear(event=account("2"), seconds=86_400)) == 1


def test_a_refused_order_is_told_with_the_exchange_s_code() -> None:
    phone = Phone()
    sent(phone)
    (notice,) = phone.hear(ended("one", OrderState.REJECTED, 0, reason="refused", code="market_inactive"))
    assert (notice.title, notice.text) == (f"entry refused: NO 5 x {TICKER}", "refused market_inactive")


def test_a_start_is_told_quietly_with_what_is_held() -> None:
    phone = Phone()
    held(phone)
    (notice,) = phone.hear(Started(run_id="run-1", mode=Mode.LIVE, version="1", config_digest=""))
    assert (notice.urgency, notice.title) == (
        Urgency.QUIET,
        "live trader started: 1 position guarded, 0 orders working",
    )
    assert notice.text == f"NO 5 x {TICKER} at 54c, TP 74c, SL 46c"


def test_what_is_not_real_money_says_so() -> None:
    phone = Phone(Mode.PAPER)
    held(phone)
    (notice,) = phone.hear(closed())
    assert notice.text.endswith("\n(paper trading)")


def test_a_delivery_is_written_with_the_same_words_and_only_for_what_waits() -> None:
    phone = Phone()
    held(phone)
    (notice,) = phone.hear(closed())
    state = phone.desk.state
    accepted = telling.delivered(state, Delivered(notice.notification_id, Delivery.ACCEPTED))
    assert accepted == [structs.replace(notice, delivery=Delivery.ACCEPTED)]
    assert telling.delivered(state, Delivered("n-none", Delivery.ACCEPTED)) == []
    assert telling.delivered(state, Delivered(notice.notification_id, Delivery.QUEUED)) == []
    phone.write(*accepted)
    assert telling.delivered(state, Delivered(notice.notification_id, Delivery.FAILED)) == []
