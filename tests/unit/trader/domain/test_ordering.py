"""What answers, records, fills and time make of the trader's orders."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from msgspec import structs

from mesh.kalshi.terms import OrderStatus, TimeInForce, UpdateReason
from mesh.types import Hundredths, Micros, Side
from tests.fakes.account_reads import OrderEvent, Till, decided, entry_terms, exit_terms, fact, view
from tests.fakes.trading import NOON, cents, contracts, market, moment
from trader.domain import ordering
from trader.domain.entries import (
    CancelIntended,
    Differed,
    ExitDecided,
    Filled,
    Notified,
    OrderIntended,
    OrderSent,
    OrderUnknown,
    PositionOpened,
    SwitchesChanged,
)
from trader.domain.events import Accepted, Answered, CancelAnswered, FillSeen, NoOutcome, OrderSeen, Refused, Sending
from trader.domain.facts import Actor, Block, Ending
from trader.domain.orders import IllegalTransition
from trader.domain.words import (
    ActorKind,
    BlockKind,
    ChangeKind,
    Delivery,
    EndReason,
    ExitKind,
    OrderState,
    Resolution,
    Subject,
    Urgency,
)

IOC = TimeInForce.IMMEDIATE_OR_CANCEL
ENTRY = entry_terms()


def sent(terms: object = ENTRY) -> Till:
    assert isinstance(terms, type(ENTRY))
    till = Till(terms)
    till.tell(Sending(terms.client_order_id), 0)
    return till


def accepted(filled: float, remaining: float, name: str = "entry") -> Answered:
    return Answered(name, Accepted(f"X-{name}", contracts(filled), contracts(remaining)))


def state(till: Till, name: str = "entry") -> tuple[OrderState, EndReason | None]:
    order = till.books.orders[name]
    return order.state, None if order.ending is None else order.ending.reason


# A start.


def test_after_a_start_what_was_intended_never_left_and_what_was_sent_is_unknown() -> None:
    till = Till(ENTRY, entry_terms("other", decision="d-2", position="p-2"))
    till.tell(Sending("other"), 0)
    till.write(*ordering.recover(till.state, moment(1)), seconds=1)
    assert state(till) == (OrderState.NOT_SENT, EndReason.NEVER_LEFT)
    assert state(till, "other")[0] is OrderState.UNKNOWN
    assert ordering.recover(till.state, moment(2)) == []


def test_after_a_start_what_rests_stays_and_a_message_that_nobody_got_is_told_again() -> None:
    till = sent()
    till.tell(accepted(0, 5))
    notice = Notified(notification_id="n-1", urgency=Urgency.HIGH, delivery=Delivery.QUEUED, title="A", text="b")
    till.write(notice)
    assert ordering.recover(till.state, moment(2)) == [notice]


# Answers.


def test_a_request_that_leaves_is_written_once() -> None:
    till = Till(ENTRY)
    assert till.tell(Sending("entry")) == [OrderSent(client_order_id="entry")]
    assert till.tell(Sending("entry")) == []


@pytest.mark.parametrize(
    ("time_in_force", "filled", "remaining", "after", "reason"),
    [
        (TimeInForce.GOOD_TILL_CANCELED, 0, 5, OrderState.RESTING, None),
        (TimeInForce.GOOD_TILL_CANCELED, 2, 3, OrderState.RESTING, None),
        (TimeInForce.GOOD_TILL_CANCELED, 5, 0, OrderState.FILLED, None),
        (TimeInForce.GOOD_TILL_CANCELED, 2, 0, OrderState.CANCELLED, EndReason.SELF_TRADE),
        (IOC, 5, 0, OrderState.FILLED, None),
        (IOC, 2, 0, OrderState.CANCELLED, EndReason.NO_LIQUIDITY),
        (IOC, 0, 0, OrderState.CANCELLED, EndReason.NO_LIQUIDITY),
        (TimeInForce.FILL_OR_KILL, 0, 0, OrderState.CANCELLED, EndReason.NO_LIQUIDITY),
    ],
)
def test_an_accepted_order_rests_or_is_over(
    time_in_force: TimeInForce, filled: float, remaining: float, after: OrderState, reason: EndReason | None
) -> None:
    till = sent(entry_terms(time_in_force=time_in_force, expires=None))
    till.tell(accepted(filled, remaining))
    order = till.books.orders["entry"]
    assert state(till) == (after, reason)
    assert order.filled == contracts(filled)
    assert order.awaited is (filled > 0)
    assert till.tell(accepted(filled, remaining)) == []


def test_a_refused_order_ends_with_the_exchanges_code() -> None:
    till = sent()
    till.tell(Answered("entry", Refused(Ending(reason=EndReason.INSUFFICIENT_BALANCE, code="insufficient_balance"))))
    assert state(till) == (OrderState.REJECTED, EndReason.INSUFFICIENT_BALANCE)
    ending = till.books.orders["entry"].ending
    assert ending is not None
    assert ending.code == "insufficient_balance"
    assert not till.books.working


def test_a_request_that_never_left_ends_as_not_sent() -> None:
    till = sent()
    till.tell(Answered("entry", Refused(Ending(reason=None, detail="no link"), never_left=True)))
    assert state(till) == (OrderState.NOT_SENT, EndReason.NEVER_LEFT)


def test_a_second_use_of_an_id_means_that_an_earlier_request_arrived() -> None:
    till = sent()
    refused = Refused(Ending(reason=EndReason.REFUSED, code="order_already_exists"))
    assert [type(entry) for entry in till.tell(Answered("entry", refused))] == [OrderUnknown]
    till.tell(OrderSeen(view(ENTRY, filled=1)))
    assert state(till)[0] is OrderState.RESTING


def test_no_outcome_makes_it_unknown_unless_the_exchange_has_shown_it() -> None:
    till = sent()
    till.tell(Answered("entry", NoOutcome("read timed out")))
    assert till.books.orders["entry"].why == "read timed out"
    assert state(till)[0] is OrderState.UNKNOWN
    shown = sent()
    shown.tell(OrderSeen(view(ENTRY)))
    assert shown.tell(Answered("entry", NoOutcome("read timed out"))) == []
    assert shown.tell(Answered("entry", Refused(Ending(reason=EndReason.REFUSED)))) == []


def test_an_answer_to_what_never_left_is_our_mistake_and_changes_nothing() -> None:
    till = Till(ENTRY)
    with pytest.raises(IllegalTransition):
        till.write(OrderUnknown(client_order_id="entry", why=""))
    assert till.tell(accepted(0, 5)) == []
    assert state(till)[0] is OrderState.INTENDED


def test_the_answer_to_a_cancellation_waits_for_the_record() -> None:
    till = sent()
    till.tell(accepted(0, 5))
    till.tick(17)
    assert till.tell(CancelAnswered("entry", contracts(5)), 17.5) == []
    assert till.tell(CancelAnswered("entry", None, "no answer"), 17.5) == []
    assert state(till)[0] is OrderState.CANCELLING


# Records.


def test_a_record_is_found_by_either_id_and_anothers_is_not_ours() -> None:
    till = sent()
    assert till.tell(OrderSeen(view(ENTRY, client_order_id="", order_id="X-other"))) == []
    till.tell(OrderSeen(view(ENTRY)))
    till.tell(OrderSeen(view(ENTRY, OrderStatus.EXECUTED, 5, client_order_id="")))
    assert state(till)[0] is OrderState.FILLED


def test_the_same_record_twice_writes_nothing_the_second_time() -> None:
    till = sent()
    for seen in (view(ENTRY), view(ENTRY, filled=2), view(ENTRY, OrderStatus.CANCELED, 2)):
        assert till.tell(OrderSeen(seen))
        assert till.tell(OrderSeen(seen)) == []


def test_an_older_record_changes_nothing() -> None:
    till = sent()
    till.tell(OrderSeen(view(ENTRY, filled=3)))
    assert till.tell(OrderSeen(view(ENTRY, filled=1))) == []
    till.tell(OrderSeen(view(ENTRY, OrderStatus.EXECUTED, 5)))
    for old in (view(ENTRY), view(ENTRY, filled=3), view(ENTRY, OrderStatus.CANCELED, 3)):
        assert till.tell(OrderSeen(old)) == []
    assert state(till)[0] is OrderState.FILLED


def test_a_resting_record_does_not_take_a_cancellation_back() -> None:
    till = sent()
    till.tell(OrderSeen(view(ENTRY)))
    till.tick(17)
    till.tell(OrderSeen(view(ENTRY, filled=1)), 17.2)
    assert (state(till)[0], till.books.orders["entry"].filled) == (OrderState.CANCELLING, 100)


def test_a_word_that_is_not_known_changes_nothing() -> None:
    till = sent()
    assert till.tell(OrderSeen(view(ENTRY, OrderStatus.UNKNOWN))) == []


def test_an_order_that_ends_after_its_time_has_expired() -> None:
    till = sent()
    till.tell(OrderSeen(view(ENTRY)))
    till.tell(OrderSeen(view(ENTRY, OrderStatus.CANCELED, 2)), 15)
    assert state(till) == (OrderState.EXPIRED, EndReason.EXPIRY)


@pytest.mark.parametrize(
    ("word", "ended"),
    [
        (UpdateReason.EXPIRY_CANCEL, (OrderState.EXPIRED, EndReason.EXPIRY)),
        (UpdateReason.SELF_TRADE_CANCEL, (OrderState.CANCELLED, EndReason.SELF_TRADE)),
        (UpdateReason.HALT_CANCEL, (OrderState.CANCELLED, EndReason.PAUSE)),
        (UpdateReason.DECREASE, (OrderState.CANCELLED, EndReason.EXCHANGE)),
        (UpdateReason.UNKNOWN, (OrderState.CANCELLED, EndReason.EXCHANGE)),
    ],
)
def test_where_the_exchange_says_why_an_order_ended_its_word_counts(
    word: UpdateReason, ended: tuple[OrderState, EndReason]
) -> None:
    till = sent()
    till.tell(OrderSeen(replace(view(ENTRY, OrderStatus.CANCELED), reason=word)), 1)
    assert state(till) == ended


def test_an_order_that_ends_before_its_time_was_cancelled_by_who_asked() -> None:
    by_others, by_us, by_a_person = sent(), sent(), sent()
    for till in (by_others, by_us, by_a_person):
        till.tell(OrderSeen(view(ENTRY)))
    by_us.write(CancelIntended(client_order_id="entry", why="the position is sold: stop_loss"), seconds=5)
    caller = Actor(kind=ActorKind.CALLER, name="anna")
    block = Block(block_id="b-1", kind=BlockKind.PAUSE, actor=caller, why="lunch", since=NOON)
    by_a_person.write(SwitchesChanged(change=ChangeKind.PAUSED, actor=caller, why="lunch", began=(block,)), seconds=5)
    by_a_person.write(CancelIntended(client_order_id="entry", why="no entries: lunch"), seconds=5)
    for till in (by_others, by_us, by_a_person):
        till.tell(OrderSeen(view(ENTRY, OrderStatus.CANCELED)), 6)
    assert state(by_others) == (OrderState.CANCELLED, EndReason.EXCHANGE)
    assert state(by_us) == (OrderState.CANCELLED, EndReason.TRADER)
    assert state(by_a_person) == (OrderState.CANCELLED, EndReason.CALLER)


def test_a_cancellation_before_the_expiry_is_not_called_expiry_because_we_hear_of_it_late() -> None:
    till = sent()
    till.tell(OrderSeen(view(ENTRY)))
    till.write(CancelIntended(client_order_id="entry", why="the position is sold"), seconds=5)
    till.tell(OrderSeen(view(ENTRY, OrderStatus.CANCELED)), 60)
    assert state(till) == (OrderState.CANCELLED, EndReason.TRADER)


def test_what_rests_when_the_market_closes_ended_with_it() -> None:
    resting = exit_terms(limit=77, rests=True, kind=ExitKind.TAKE_PROFIT)
    till = Till()
    till.place(ENTRY, fact("f-1", ENTRY, 57, 5))
    till.place(resting)
    after = market().close_time - NOON + timedelta(seconds=1)
    till.tell(OrderSeen(view(resting, OrderStatus.CANCELED)), after.total_seconds())
    assert state(till, "exit") == (OrderState.CANCELLED, EndReason.MARKET_CLOSED)


@pytest.mark.parametrize(("count", "reason"), [(5, EndReason.NO_LIQUIDITY), (3, EndReason.REDUCE_ONLY)])
def test_an_order_at_once_ends_for_want_of_bids_or_of_contracts(count: float, reason: EndReason) -> None:
    selling = exit_terms()
    till = Till()
    till.place(ENTRY, fact("f-1", ENTRY, 57, 5))
    till.intend(selling)
    till.tell(Sending("exit"))
    status = OrderStatus.CANCELED if count == 5 else OrderStatus.EXECUTED
    till.tell(OrderSeen(view(selling, status, 3, count=count)))
    assert state(till, "exit") == (OrderState.CANCELLED, reason)


# Fills.


def test_a_first_fill_opens_the_position_before_it_counts_and_moves_the_plan_to_its_price() -> None:
    till = sent()
    till.tell(OrderSeen(view(ENTRY, filled=2)))
    opened, filled = till.tell(FillSeen(fact("f-1", ENTRY, 55, 2)))
    assert isinstance(opened, PositionOpened)
    assert isinstance(filled, Filled)
    assert (opened.position_id, opened.decision_id, opened.ask) == ("p-1", "d-1", cents(57))
    assert (opened.plan.take_profit, opened.plan.stop_loss) == (cents(75), cents(47))
    assert (filled.fill.side, filled.fill.price) == (Side.NO, cents(55))
    position = till.books.positions["p-1"]
    assert (position.count, position.cost) == (200, 1_100_000)
    assert [type(entry) for entry in till.tell(FillSeen(fact("f-2", ENTRY, 56, 1)))] == [Filled]


@pytest.mark.parametrize(("filled", "waited"), [(7200.0, 7200.0), (-5.0, 0.0), (90_000.0, 86_400.0)])
def test_a_time_stop_counts_from_the_fill_whatever_the_exchanges_clock_says(filled: float, waited: float) -> None:
    rests, till = entry_terms(expires=86_400.0), Till()
    made = decided(rests)
    assert made.plan is not None
    plan = structs.replace(made.plan.exit_plan, time_stop=moment(3600).now)
    till.write(structs.replace(made, plan=structs.replace(made.plan, exit_plan=plan)), OrderIntended(order=rests))
    till.tell(Sending("entry"))
    till.tell(OrderSeen(view(rests, filled=2)))
    opened, _ = till.tell(FillSeen(fact("f-1", rests, 57, 2, seconds=filled)), max(filled, 1.0))
    assert isinstance(opened, PositionOpened)
    assert opened.plan.time_stop == moment(3600 + waited).now


def test_a_fill_counts_once_and_one_of_an_order_that_is_not_known_yet_waits() -> None:
    till = sent()
    assert till.tell(FillSeen(fact("f-1", ENTRY, 57, 2))) == []
    till.tell(OrderSeen(view(ENTRY, filled=2)))
    assert till.tell(FillSeen(fact("f-1", ENTRY, 57, 2)))
    assert till.tell(FillSeen(fact("f-1", ENTRY, 57, 2))) == []
    assert till.books.positions["p-1"].count == 200


def test_fills_to_the_last_contract_end_the_order_without_its_record() -> None:
    till = sent()
    till.tell(OrderSeen(view(ENTRY)))
    till.tell(FillSeen(fact("f-1", ENTRY, 57, 3)))
    assert state(till)[0] is OrderState.RESTING
    till.tell(FillSeen(fact("f-2", ENTRY, 57, 2)))
    assert state(till)[0] is OrderState.FILLED
    assert till.tell(OrderSeen(view(ENTRY, OrderStatus.EXECUTED, 5))) == []


@pytest.mark.parametrize("side", Side)
def test_the_same_trade_is_the_same_whichever_side_it_is_told_from(side: Side) -> None:
    terms = entry_terms(side=side)
    told = fact("f-1", terms, 57, 2)
    for facts in (told, structs.replace(told, side=side, action=terms.action, price=cents(57))):
        till = sent(terms)
        till.tell(OrderSeen(view(terms, filled=2)))
        till.tell(FillSeen(facts))
        position = till.books.positions["p-1"]
        assert (position.side, position.count, position.cost) == (side, 200, 1_140_000)


def test_a_fee_beyond_our_schedule_is_taken_over_and_reported() -> None:
    due = fact("f-1", ENTRY, 57, 2).fee
    for fee, reported in ((due, False), (due + 100, False), (due + 101, True), (due - 101, True)):
        till = sent()
        till.tell(OrderSeen(view(ENTRY, filled=2)))
        entries = till.tell(FillSeen(fact("f-1", ENTRY, 57, 2, fee=fee)))
        found = [entry for entry in entries if isinstance(entry, Differed)]
        assert bool(found) is reported
        assert till.books.positions["p-1"].total_fees == fee
        if found:
            assert (found[0].subject, found[0].resolution) == (Subject.FEE, Resolution.TAKEN_OVER)


def test_a_fill_in_the_wrong_direction_is_reported_once_and_not_counted() -> None:
    till = sent()
    till.tell(OrderSeen(view(ENTRY, filled=2)))
    wrong = fact("f-1", exit_terms("entry"), 57, 2)
    entries = till.tell(FillSeen(wrong))
    assert [entry.resolution for entry in entries if isinstance(entry, Differed)] == [Resolution.OPEN]
    assert till.tell(FillSeen(wrong)) == []
    assert not till.books.positions


def test_a_sale_beyond_what_is_held_counts_and_is_reported() -> None:
    till = Till()
    till.place(ENTRY, fact("f-1", ENTRY, 57, 5))
    first, second = exit_terms("exit", rests=True), exit_terms("exit-2")
    till.place(first, fact("f-2", first, 77, 5, taker=False))
    till.intend(second)
    till.tell(Sending("exit-2"))
    till.tell(OrderSeen(view(second, OrderStatus.EXECUTED, 5)))
    found = [entry for entry in till.tell(FillSeen(fact("f-3", second, 50, 5))) if isinstance(entry, Differed)]
    assert [(entry.subject, entry.resolution) for entry in found] == [(Subject.FILL, Resolution.OPEN)]
    assert till.books.positions["p-1"].count == 0


# Time.


def test_an_entry_that_outlives_its_expiry_is_cancelled_and_again_until_the_exchange_shows_its_end() -> None:
    till = sent()
    till.tell(OrderSeen(view(ENTRY)))
    assert till.tick(16.9) == []
    assert [type(entry) for entry in till.tick(17)] == [CancelIntended]
    assert till.tick(21.9) == []
    assert [type(entry) for entry in till.tick(22)] == [CancelIntended]
    till.tell(OrderSeen(view(ENTRY, OrderStatus.CANCELED, 1)), 22.5)
    assert state(till) == (OrderState.EXPIRED, EndReason.EXPIRY)
    assert till.tick(60) == []


def test_a_cancellation_that_somebody_asked_for_is_said_again_with_its_reason() -> None:
    resting = exit_terms(limit=77, rests=True)
    till = Till()
    till.place(ENTRY, fact("f-1", ENTRY, 57, 5))
    till.place(resting)
    assert till.tick(1000) == []
    till.write(CancelIntended(client_order_id="exit", why="the position is sold"), seconds=1000)
    assert till.tick(1004) == []
    assert till.tick(1005) == [CancelIntended(client_order_id="exit", why="the position is sold")]


def test_an_order_of_unknown_outcome_is_not_cancelled_by_time() -> None:
    till = sent()
    till.tell(Answered("entry", NoOutcome("")))
    assert till.tick(60) == []


# Any order.

FACTS = tuple(fact(f"f-{number}", ENTRY, 57, 1, seconds=number) for number in range(5))


def _essence(till: Till) -> object:
    """What must not depend on the order in which the same things are told; places in the journal do."""
    books = till.books
    orders = [
        (name, order.state, order.order_id, order.filled, order.seen, order.cost, order.fees)
        for name, order in sorted(books.orders.items())
    ]
    positions = [
        structs.asdict(position.market) | {name: getattr(position, name) for name in _SAME}
        for _, position in sorted(books.positions.items())
    ]
    return orders, positions, books.fills, books.cash_flow, books.total, books.working


_SAME = (
    "count",
    "cost",
    "entry_fees",
    "bought",
    "total_cost",
    "proceeds",
    "total_fees",
    "realised",
    "open_time",
    "plan",
)


def _told(end: OrderStatus) -> list[OrderEvent]:
    """Everything that is told of an entry that is filled in part or in full, the answer included."""
    filled = 5 if end is OrderStatus.EXECUTED else 3
    return [
        Answered("entry", Accepted("X-entry", contracts(1), contracts(4))),
        OrderSeen(view(ENTRY)),
        OrderSeen(view(ENTRY, filled=2)),
        OrderSeen(view(ENTRY, end, filled)),
        *(FillSeen(facts) for facts in FACTS[:filled]),
    ]


@given(st.data(), st.sampled_from([OrderStatus.EXECUTED, OrderStatus.CANCELED]))
@hypothesis_settings(max_examples=60, deadline=None)
def test_any_order_and_repetition_of_the_same_news_gives_the_same_books(data: st.DataObject, end: OrderStatus) -> None:
    news = _told(end)
    straight = sent()
    for event in news:
        straight.tell(event)
    shuffled = sent()
    repeated = news + data.draw(st.lists(st.sampled_from(news), max_size=6))
    for event in data.draw(st.permutations(repeated)):
        shuffled.tell(event)
    for event in news:  # what was ignored because its order was not known is read again
        shuffled.tell(event)
    assert _essence(shuffled) == _essence(straight)
    assert shuffled.refolded() == shuffled.books


@given(st.data())
@hypothesis_settings(max_examples=40, deadline=None)
def test_fills_of_entry_and_exit_in_any_order_give_the_same_money(data: st.DataObject) -> None:
    selling = exit_terms(count=4)
    sold = [fact("s-1", selling, 50, 1), fact("s-2", selling, 49, 2), fact("s-3", selling, 48, 1)]

    def play(facts: list[object]) -> Till:
        till = Till()
        till.place(ENTRY, *FACTS)
        caller = Actor(kind=ActorKind.TRADER)
        till.write(
            ExitDecided(
                decision_id="x-1",
                position_id="p-1",
                ticker=ENTRY.ticker,
                side=Side.NO,
                exit_kind=ExitKind.STOP_LOSS,
                actor=caller,
                count=Hundredths(500),
                trigger=cents(50),
                floor=cents(1),
                top=None,
            )
        )
        till.place(selling, *facts)  # type: ignore[arg-type]  # drawn from fills
        return till

    straight, shuffled = play(list(sold)), play(data.draw(st.permutations(sold)))
    assert _essence(shuffled) == _essence(straight)
    legs = straight.books.positions["p-1"].legs
    assert shuffled.books.positions["p-1"].legs == legs
    assert [(leg.count, leg.trigger, leg.proceeds) for leg in legs] == [(400, cents(50), Micros(1_960_000))]
