"""Every entry of the journal is an event of the contract, or deliberately none."""

from datetime import timedelta
from enum import Enum
from typing import Any, get_args

import pytest
from foremesh.forecast.v1 import signal_pb2
from foremesh.trader.v1 import events_pb2, status_pb2

from mesh.kalshi.sides import Action
from mesh.kalshi.terms import Result, TimeInForce
from mesh.rpc.validation import violations
from mesh.types import DOLLAR, Hundredths, Micros, Side
from tests.fakes.trading import NOON, TICKER, cents, contracts, market, signal
from tests.unit.trader.journal.story import decided, ended, filled, order, round_trip, started
from trader.domain.entries import (
    Adopted,
    AnyEntry,
    CancelIntended,
    CashSeen,
    Decided,
    Differed,
    ExitDecided,
    ExitWithdrawn,
    Filled,
    LeftByOthers,
    Notified,
    OrderIntended,
    OrderResting,
    OrderSent,
    OrderUnknown,
    PeakMoved,
    PositionClosed,
    PositionOpened,
    RequestAnswered,
    ScanFinished,
    ScanStarted,
    Settled,
    ShadowFilled,
    ShadowPlaced,
    SignalSeen,
    Stopped,
    SwitchesChanged,
)
from trader.domain.facts import TRADER, Actor, Block, EntryPlan, ExitPlan, Finding, Top
from trader.domain.words import (
    ActorKind,
    BlockKind,
    ChangeKind,
    Delivery,
    EntryStyle,
    ExitKind,
    Purpose,
    Resolution,
    ScanOutcome,
    Subject,
    Urgency,
    Verdict,
)
from trader.ports import Recorded
from trader.service import convert_words
from trader.service.convert_events import KIND, event, market_of
from trader.service.story import Story, Told

NO_EVENTS = {
    PositionOpened,  # its first fill comes right after it
    Adopted,
    PeakMoved,
    ExitWithdrawn,
    LeftByOthers,  # the difference before it says so
    RequestAnswered,
    CashSeen,
    ShadowPlaced,
    ShadowFilled,
}
BOUGHT, SOLD = order(1, Purpose.ENTRY, price=56, count=5), order(1, Purpose.EXIT, price=76, count=5)
TOP = Top(bid=cents(54), bid_size=contracts(3), ask=cents(56), ask_size=contracts(7), age_seconds=1.5)
PLAN = EntryPlan(
    style=EntryStyle.TAKE,
    limit=cents(58),
    ask=cents(56),
    count=contracts(5),
    most_cost=Micros(2_900_000),
    edge_cents=3.25,
    exit_plan=ExitPlan(take_profit=cents(76), stop_loss=cents(48), time_stop=NOON, policy_digest="0" * 64),
    depth=contracts(84),
    depth_cost=Micros(47_000_000),
    depth_levels=3,
)
KINDS: list[tuple[Verdict, Any, Any, Any]] = [
    (Verdict.PASSED, "micros", 560_000, 200_000),
    (Verdict.REFUSED, "cents", None, 5.0),
    (Verdict.NOT_APPLICABLE, "seconds", None, None),
    (Verdict.SWITCHED_OFF, "ratio", 0.5, 0.25),
    (Verdict.PASSED, "contracts", 500, 100),
    (Verdict.PASSED, "count", 1, 0),
    (Verdict.PASSED, "word", "medium", "low"),
    (Verdict.PASSED, "seconds", 1.25, 0.5),
]
FINDINGS = tuple(
    Finding(rule=f"rule_{number}", verdict=verdict, unit=unit, figure=figure, at_least=least, detail="x" * 400)
    for number, (verdict, unit, figure, least) in enumerate(KINDS)
)
BLOCK = Block(
    block_id="b-1",
    kind=BlockKind.PROTECTION,
    actor=TRADER,
    why="w" * 500,
    series_ticker="KXHIGHNY",
    finding=FINDINGS[0],
    since=NOON,
    until=NOON + timedelta(hours=1),
)
STORY: list[AnyEntry] = [
    started(),
    ScanStarted(scan_id="s-1", series=("KXHIGHNY",), market_count=3),
    SignalSeen(
        scan_id="s-1",
        ticker=TICKER,
        series_ticker="KXHIGHNY",
        signal=signal(),
        wire=signal_pb2.Signal(magnitude_cents=12.0).SerializeToString(),
    ),
    Decided(
        decision_id=f"d-{TICKER}",
        scan_id="s-1",
        market=market(),
        side=Side.NO,
        actor=TRADER,
        entered=True,
        findings=FINDINGS,
        plan=PLAN,
        top=TOP,
    ),
    decided("KXHIGHNY-26NOV23-T70", entered=False),
    ScanFinished(
        scan_id="s-1",
        market_count=6,
        counts={ScanOutcome.SIGNAL: 1, ScanOutcome.FAILED: 3, ScanOutcome.NOT_ASKED: 1, ScanOutcome.REJECTED: 1},
        others=(
            (f"{TICKER}1", ScanOutcome.FAILED, "server_away"),
            (f"{TICKER}2", ScanOutcome.NOT_ASKED, "stale_book"),
            (f"{TICKER}3", ScanOutcome.REJECTED, "histories[3].closes_cents: must hold at least 2 values"),
            (f"{TICKER}4", ScanOutcome.FAILED, "error 7f3a"),
            (f"{TICKER}5", ScanOutcome.FAILED, "7: " + "ü" * 100),
        ),
        entered=1,
        seconds=0.75,
        unread=(("KXBTC", "NO_BUDGET: " + "more urgent requests go first " * 50),),
    ),
    OrderIntended(order=BOUGHT),
    OrderSent(client_order_id=BOUGHT.client_order_id),
    OrderUnknown(client_order_id=BOUGHT.client_order_id, why="no answer"),
    OrderResting(client_order_id=BOUGHT.client_order_id, order_id="o-1", filled=contracts(2.5)),
    CancelIntended(client_order_id=BOUGHT.client_order_id, why="its time is over"),
    filled(BOUGHT, 10_000, NOON, count=contracts(2.5)),
    ended(BOUGHT),
    filled(BOUGHT, 10_000, NOON, count=contracts(2.5), part=1),
    ExitDecided(
        decision_id="x-1",
        position_id="p-1",
        ticker=TICKER,
        side=Side.NO,
        exit_kind=ExitKind.FLATTEN,
        actor=Actor(kind=ActorKind.CALLER, name="alice", role="operator"),
        count=contracts(5),
        trigger=None,
        floor=cents(1),
        top=TOP,
    ),
    SwitchesChanged(change=ChangeKind.HALTED, actor=TRADER, why="", began=(BLOCK,)),
    SwitchesChanged(
        change=ChangeKind.FLATTENED,
        actor=TRADER,
        why="enough",
        request_id="r-1",
        ended=("b-1", "b-never"),
        flattening=("p-1",),
    ),
    *(entry for _, entries in round_trip(1) for entry in entries if isinstance(entry, PositionClosed)),
    *(
        Settled(
            position_id="p-1",
            ticker=TICKER,
            side=Side.NO,
            count=contracts(5),
            result=result,
            yes_value=Micros(0),
            revenue=Micros(5 * DOLLAR),
            time=NOON,
        )
        for result in Result
    ),
    *(
        Differed(
            subject=subject,
            ticker=TICKER if number else None,
            client_order_id=None,
            ours=ours,
            theirs=theirs,
            resolution=Resolution.OPEN,
            detail="",
        )
        for number, (subject, ours, theirs) in enumerate(
            [
                (Subject.CASH, "12.3400", "-0.000001"),
                (Subject.POSITION, "2.00 NO", ""),
                (Subject.ORDER, "resting, 0.00 filled", "x" * 100),
            ]
        )
    ),
    *(
        Notified(notification_id="n-1", urgency=urgency, delivery=delivery, title="t" * 300, text="")
        for urgency, delivery in zip(Urgency, Delivery, strict=True)
    ),
    Stopped(run_id="run-1"),
]


def told() -> list[Told]:
    story = Story.empty()
    return [
        story.told(Recorded(sequence, NOON + timedelta(seconds=sequence), entry))
        for sequence, entry in enumerate(STORY, 1)
    ]


def events() -> list[events_pb2.Event]:
    return [event(each, each.time + timedelta(seconds=10)) for each in told()]


def test_every_kind_of_entry_is_an_event_or_deliberately_none() -> None:
    assert {*KIND, *NO_EVENTS} == set(get_args(AnyEntry))
    assert not NO_EVENTS & set(KIND)


def test_the_story_here_tells_of_every_kind_of_event() -> None:
    assert {type(entry) for entry in STORY} == set(KIND)
    assert {KIND[type(entry)] for entry in STORY} == {*range(1, 13)}


@pytest.mark.parametrize("number", range(len(STORY)))
def test_each_event_keeps_the_contracts_rules_and_is_of_its_kind(number: int) -> None:
    message = events()[number]
    assert violations(message) == []
    payload = message.WhichOneof("payload")
    assert payload is not None
    assert events_pb2.EventKind.Name(KIND[type(STORY[number])]) == f"EVENT_KIND_{payload.upper()}"


def test_an_entry_that_is_no_event_is_refused() -> None:
    with pytest.raises(ValueError, match="no event"):
        event(Told(1, NOON, CashSeen(cash=Micros(1))), NOON)


def test_prices_that_were_seen_grow_older_until_they_are_sent() -> None:
    found = {message.WhichOneof("payload"): message for message in reversed(events())}
    assert found["exit"].exit.mark.confirmed_age.ToTimedelta() == timedelta(seconds=11.5)
    quote = found["decision"].decision.quote
    assert quote.confirmed_age.ToTimedelta() == timedelta(seconds=11.5)
    assert (quote.yes_bid_micros, quote.yes_ask_micros) == (440_000, 460_000)
    assert (quote.yes_bid_size_hundredths, quote.yes_ask_size_hundredths) == (700, 300)


def test_blocks_that_end_are_told_as_they_were_and_the_state_after_it() -> None:
    began, ended_ = [message.state_change for message in events() if message.HasField("state_change")][1:3]
    assert list(began.begun) == list(ended_.ended)
    assert (began.state, ended_.state) == (status_pb2.TRADING_STATE_RUNNING, status_pb2.TRADING_STATE_RUNNING)
    assert len(began.begun[0].reason) == 400


def test_money_and_contracts_of_a_difference_are_figures_again() -> None:
    cash, held, orders = [
        message.reconciliation_difference for message in events() if message.HasField("reconciliation_difference")
    ]
    assert (cash.trader.micros, cash.exchange.micros) == (12_340_000, -1)
    assert held.trader.contracts_hundredths == -200
    assert not held.HasField("exchange")
    assert orders.trader.word == "resting, 0.00 filled"


def test_an_event_is_about_the_market_that_it_names() -> None:
    for each, message in zip(told(), events(), strict=True):
        payload: Any = getattr(message, message.WhichOneof("payload") or "")
        payload = payload.order if message.HasField("order") else payload
        named = payload.market_ticker if "market_ticker" in payload.DESCRIPTOR.fields_by_name else ""
        assert (market_of(each) or "") == named


def test_every_word_of_the_domain_has_its_number() -> None:
    tables = [table for table in vars(convert_words).values() if isinstance(table, dict) and table]
    for table in tables:
        word = next(iter(table))
        if isinstance(word, Enum):
            assert set(table) == set(type(word))
            assert len(set(table.values())) == len(table)


def test_an_order_counts_its_fills_also_those_that_come_after_its_end() -> None:
    story = Story.empty()
    seen: list[tuple[int, int]] = []
    entries: list[AnyEntry] = [
        OrderIntended(order=SOLD),
        OrderSent(client_order_id=SOLD.client_order_id),
        filled(SOLD, 5_000, NOON, count=contracts(2)),
        ended(SOLD),
        filled(SOLD, 5_000, NOON, count=contracts(3), part=1),
        filled(SOLD, 5_000, NOON, count=Hundredths(1), part=2),
    ]
    for sequence, entry in enumerate(entries, 1):
        each = story.told(Recorded(sequence, NOON, entry))
        if each.order is not None:
            seen.append((each.order.seen, each.order.filled))
    assert seen == [(0, 0), (0, 0), (200, 500)]
    assert isinstance(entries[-1], Filled)
    assert (SOLD.action, SOLD.time_in_force) == (Action.SELL, TimeInForce.IMMEDIATE_OR_CANCEL)
