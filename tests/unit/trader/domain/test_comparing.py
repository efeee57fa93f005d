"""The trader's books held against reads of the account."""

from datetime import timedelta

import pytest

from mesh.kalshi.terms import OrderStatus, Result, TimeInForce
from mesh.types import Micros, Side
from tests.fakes.account_reads import Till, entry_terms, exit_terms, fact, held, settlement, view
from tests.fakes.trading import NOON, TICKER, cents, market
from trader.domain import comparing
from trader.domain.entries import (
    Adopted,
    AnyEntry,
    CashSeen,
    Differed,
    Filled,
    LeftByOthers,
    OrderEnded,
    OrderResting,
    PositionClosed,
    PositionOpened,
    Settled,
)
from trader.domain.events import Answered, NoOutcome, OrderSeen, Sending
from trader.domain.facts import TRADER, ExitPlan, Trade
from trader.domain.views import OrderView
from trader.domain.words import EndReason, ExitKind, OrderState, Resolution, Subject

ENTRY = entry_terms()
BOUGHT = fact("f-1", ENTRY, 57, 5)
DONE = view(ENTRY, OrderStatus.EXECUTED, 5)
HELD = held(-5, 2.85, fees=BOUGHT.fee)
OTHERS = entry_terms("theirs")


def others_order(remaining: float = 3) -> OrderView:
    return view(entry_terms("theirs", count=remaining), client_order_id="", order_id="Y-1")


def holding() -> Till:
    """Five NO contracts, bought at 57 cents a second after noon."""
    till = Till()
    till.place(ENTRY, BOUGHT)
    return till


def unknown(**changes: object) -> Till:
    """An order of which nobody knows whether it arrived."""
    terms = entry_terms(**changes)  # type: ignore[arg-type]  # what tests change they change rightly
    till = Till(terms)
    till.tell(Sending("entry"), 0)
    till.tell(Answered("entry", NoOutcome("read timed out")), 10)
    return till


def differences(entries: list[AnyEntry]) -> list[tuple[Subject, Resolution]]:
    return [(entry.subject, entry.resolution) for entry in entries if isinstance(entry, Differed)]


def state(till: Till, name: str = "entry") -> OrderState:
    return till.books.orders[name].state


# What agrees.


def test_books_that_agree_write_the_cash_once_and_then_nothing() -> None:
    till = holding()
    assert till.compare(60, orders=[DONE], fills=[BOUGHT], positions=[HELD]) == [CashSeen(cash=Micros(100_000_000))]
    for seconds in (120, 180, 240):
        assert till.compare(seconds, orders=[DONE], fills=[BOUGHT], positions=[HELD]) == []
    assert comparing.unexplained(till.state) == ()
    assert comparing.foreign(till.state) == ((), ())


def test_a_round_trip_agrees_with_the_exchange_in_contracts_result_fees_and_cash() -> None:
    till = holding()
    till.compare(60, orders=[DONE], positions=[HELD], cash=97.15)
    selling = exit_terms(count=2)
    sold = fact("s-1", selling, 50, 2, seconds=70)
    till.place(selling, sold, seconds=70)
    rest = held(-3, 1.71, realised=-0.14, fees=BOUGHT.fee + sold.fee)
    cash = 97.15 + 1.00 - sold.fee / 1e6
    for seconds in (120, 180, 240):
        assert till.compare(seconds, positions=[rest], cash=cash) == []


# What the exchange's records explain.


def test_an_order_and_its_fills_that_nobody_told_us_of_are_taken_over() -> None:
    till = unknown()
    entries = till.compare(12, orders=[view(ENTRY, filled=2)], fills=[fact("f-1", ENTRY, 57, 2)])
    assert [type(entry) for entry in entries] == [OrderResting]
    fills = [fact("f-1", ENTRY, 57, 2), fact("f-2", ENTRY, 56, 3)]
    entries = till.compare(14, orders=[DONE], fills=[*fills, fills[0]], positions=[held(-5, 2.82)])
    assert [type(entry) for entry in entries] == [OrderEnded, PositionOpened, Filled, Filled]
    assert till.books.positions["p-1"].cost == 2_820_000
    assert till.refolded() == till.books


def test_an_order_that_two_lists_show_is_taken_as_it_was_last() -> None:
    till = unknown()
    till.compare(12, orders=[view(ENTRY, OrderStatus.CANCELED, 1), view(ENTRY)])
    assert state(till) is OrderState.CANCELLED


def test_a_settlement_pays_a_position_out() -> None:
    till = holding()
    paid = settlement(no=5)
    entries = till.compare(4000, settlements=[paid])
    assert entries == [
        Settled(
            position_id="p-1",
            ticker=TICKER,
            side=Side.NO,
            count=BOUGHT.count,
            result=Result.NO,
            yes_value=Micros(0),
            revenue=Micros(5_000_000),
            time=paid.time,
        )
    ]
    assert till.books.positions["p-1"].count == 0
    assert till.compare(4060, settlements=[paid])[0] == CashSeen(cash=Micros(100_000_000))


@pytest.mark.parametrize(
    ("side", "value", "revenue"), [(Side.YES, 0.37, 1_850_000), (Side.NO, 0.37, 3_150_000), (Side.YES, 0.0, 0)]
)
def test_each_side_is_paid_its_part_of_the_dollar(side: Side, value: float, revenue: int) -> None:
    terms = entry_terms(side=side)
    till = Till()
    till.place(terms, fact("f-1", terms, 57, 5))
    paid = settlement(yes=5, value=value) if side is Side.YES else settlement(no=5, value=value)
    (settled,) = till.compare(4000, settlements=[paid])
    assert isinstance(settled, Settled)
    assert settled.revenue == revenue


def test_what_was_really_paid_counts_and_is_reported() -> None:
    till = holding()
    entries = till.compare(4000, settlements=[settlement(no=5, paid=4.5)])
    assert differences(entries) == [(Subject.SETTLEMENT, Resolution.TAKEN_OVER)]
    assert till.books.positions["p-1"].proceeds == 4_500_000


def test_a_settlement_waits_until_every_order_of_the_position_is_over() -> None:
    till = holding()
    selling = exit_terms()
    till.intend(selling, 3000)
    till.tell(Sending("exit"), 3000)
    assert till.compare(4000, settlements=[settlement(no=5)]) == []
    till.tell(OrderSeen(view(selling, OrderStatus.CANCELED)), 4010)
    assert [type(entry) for entry in till.compare(4060, settlements=[settlement(no=5)])] == [Settled]


def test_contracts_that_were_gone_before_the_settlement_are_not_paid_to_us() -> None:
    till = holding()
    entries = till.compare(4000, settlements=[settlement(no=2)])
    assert [type(entry) for entry in entries] == [Differed, LeftByOthers, Settled]
    assert till.books.positions["p-1"].proceeds == 2_000_000


# Unknown outcomes.


def test_an_entry_that_two_reads_after_its_expiry_do_not_have_was_never_sent() -> None:
    till = unknown()
    for seconds in (14, 16, 19.9):  # before expiry and five seconds
        assert till.compare(seconds) == []
    assert till.compare(20) == []
    (ended,) = till.compare(25)
    assert isinstance(ended, OrderEnded)
    assert (ended.state, ended.ending.reason) == (OrderState.NOT_SENT, EndReason.NEVER_LEFT)
    assert not till.books.working


def test_a_read_that_lags_behind_the_expiry_proves_no_absence() -> None:
    till = unknown()
    for seconds in (40, 50, 60):
        assert till.compare(seconds, began=19) == []
    assert state(till) is OrderState.UNKNOWN


def test_a_list_that_does_not_reach_back_proves_no_absence() -> None:
    till = unknown()
    for seconds in (40, 50, 60):
        assert till.compare(seconds, since=NOON + timedelta(seconds=1)) == []
    assert state(till) is OrderState.UNKNOWN


def test_an_exit_without_expiry_is_absent_twenty_seconds_after_it_left() -> None:
    till = holding()
    till.intend(exit_terms(), 100)
    till.tell(Sending("exit"), 100)
    till.tell(Answered("exit", NoOutcome("")), 105)
    for seconds in (110, 115, 119):
        till.compare(seconds, positions=[HELD])
    assert state(till, "exit") is OrderState.UNKNOWN
    till.compare(120, positions=[HELD])
    till.compare(121, positions=[HELD])
    assert state(till, "exit") is OrderState.NOT_SENT


def test_a_lagging_read_proves_no_absence_of_an_exit() -> None:
    till = holding()
    till.intend(exit_terms(), 100)
    till.tell(Sending("exit"), 100)
    till.tell(Answered("exit", NoOutcome("")), 105)
    for seconds in (130, 140, 150):
        till.compare(seconds, positions=[HELD], as_of=119)
    assert state(till, "exit") is OrderState.UNKNOWN


def test_after_a_restart_the_wait_begins_with_the_start() -> None:
    till = holding()
    till.intend(exit_terms(), 100)
    till.tell(Sending("exit"), 100)
    till.tell(Answered("exit", NoOutcome("")), 105)
    till.state.watch.sent.clear()
    till.state.watch.begun = 1000.0 + 200
    for seconds in (205, 210, 219):
        till.compare(seconds, positions=[HELD])
    assert state(till, "exit") is OrderState.UNKNOWN
    till.compare(220, positions=[HELD])
    till.compare(221, positions=[HELD])
    assert state(till, "exit") is OrderState.NOT_SENT


def test_a_fill_that_no_listed_order_explains_is_no_absence() -> None:
    till = unknown()
    for seconds in (20, 30, 40):
        till.compare(seconds, fills=[fact("f-1", ENTRY, 57, 5)])
    assert state(till) is OrderState.UNKNOWN
    till.compare(50, orders=[DONE], fills=[fact("f-1", ENTRY, 57, 5)])
    assert state(till) is OrderState.FILLED


def test_an_order_that_shows_up_between_two_reads_is_taken_over() -> None:
    till = unknown()
    till.compare(20)
    till.compare(25, orders=[view(ENTRY)])
    assert state(till) is OrderState.RESTING


def test_while_an_outcome_is_unknown_nothing_else_is_concluded_about_its_market() -> None:
    till = unknown()
    for seconds in (12, 14, 16):
        assert till.compare(seconds, positions=[held(-5, 2.85)]) == []


# What others do.


def test_orders_of_others_are_reported_once_and_again_when_they_change() -> None:
    till = Till()
    assert differences(till.compare(1, orders=[others_order()])) == [(Subject.ORDER, Resolution.LEFT_ALONE)]
    assert differences(till.compare(60, orders=[others_order()])) == []
    assert len(differences(till.compare(120, orders=[others_order(2)]))) == 1
    assert comparing.foreign(till.state) == ((others_order(2),), ())
    assert differences(till.compare(180)) == []
    assert len(differences(till.compare(240, orders=[others_order(2)]))) == 1


def test_our_own_trade_beside_it_does_not_report_anothers_order_again() -> None:
    till = Till()
    till.compare(1, orders=[others_order()])
    till.place(ENTRY, BOUGHT, seconds=30)
    for seconds in (60, 120, 180):
        entries = till.compare(seconds, orders=[others_order(), DONE], positions=[HELD], cash=97.0)
        assert (Subject.ORDER, Resolution.LEFT_ALONE) not in differences(entries)


def test_contracts_of_others_are_reported_once_and_left_alone() -> None:
    till = Till()
    there = held(-7, 3.5)
    assert differences(till.compare(1, positions=[there])) == [(Subject.POSITION, Resolution.LEFT_ALONE)]
    assert differences(till.compare(60, positions=[there])) == []
    assert comparing.foreign(till.state) == ((), (there,))
    assert len(differences(till.compare(120, positions=[held(-8, 4)]))) == 1
    assert not till.books.positions


def test_contracts_beyond_ours_are_believed_in_the_second_read_and_only_the_rest_is_called_foreign() -> None:
    till = holding()
    there = held(-7, 3.85, fees=1)
    assert differences(till.compare(60, positions=[there])) == []
    assert differences(till.compare(120, positions=[there])) == [(Subject.POSITION, Resolution.LEFT_ALONE)]
    assert differences(till.compare(180, positions=[there])) == []
    (others,) = comparing.foreign(till.state)[1]
    assert (others.net, others.exposure) == (-200, 1_000_000)
    assert till.books.positions["p-1"].count == 500


def test_an_adopted_position_is_foreign_no_more() -> None:
    till = Till()
    till.compare(1, positions=[held(-7, 3.5)])
    opened = PositionOpened(
        position_id="p-9", market=market(), side=Side.NO, decision_id=None, ask=None, plan=ExitPlan()
    )
    adopted = Adopted(position_id="p-9", count=held(7, 0).net, cost=Micros(3_500_000), actor=TRADER)
    till.write(opened, adopted, seconds=30)
    assert comparing.foreign(till.state) == ((), ())
    for seconds in (60, 120, 180):
        assert differences(till.compare(seconds, positions=[held(-7, 3.5, realised=2, fees=900)])) == []


def test_contracts_that_are_missing_in_two_reads_left_by_others() -> None:
    till = holding()
    assert till.compare(60, positions=[held(-3, 1.71)]) == []
    entries = till.compare(120, positions=[held(-3, 1.71)])
    left = next(entry for entry in entries if isinstance(entry, LeftByOthers))
    assert differences(entries) == [(Subject.POSITION, Resolution.TAKEN_OVER)]
    assert (left.count, left.proceeds) == (200, 0)
    assert till.books.positions["p-1"].count == 300
    for seconds in (180, 240, 300):
        assert differences(till.compare(seconds, positions=[held(-3, 1.71)])) == []


def test_what_others_got_for_our_contracts_is_booked_where_fills_show_it() -> None:
    till = holding()
    sale = fact("o-1", exit_terms("theirs", count=3), 60, 3, seconds=50)
    for seconds in (60, 120):
        entries = till.compare(seconds, positions=[held(-2, 1.14)], fills=[BOUGHT, sale])
    left = next(entry for entry in entries if isinstance(entry, LeftByOthers))
    assert (left.count, left.proceeds, left.fees) == (300, 1_800_000, sale.fee)
    assert till.books.positions["p-1"].legs[0].kind is ExitKind.FOREIGN


@pytest.mark.parametrize(("began", "as_of"), [(0.5, 90.0), (90.0, 0.5)])
def test_a_read_that_began_or_tells_what_was_before_our_last_change_proves_nothing(began: float, as_of: float) -> None:
    till = holding()
    stale = view(ENTRY, filled=3)
    for _ in range(3):
        entries = till.compare(100, orders=[stale], settlements=[], cash=0, began=began, as_of=as_of)
        entries += till.compare(100, settlements=[settlement(no=5)], began=began, as_of=as_of)
        assert entries == []
    assert till.books.positions["p-1"].count == 500


def test_contracts_whose_fills_are_still_to_come_are_not_called_foreign() -> None:
    till = Till(ENTRY)
    till.tell(Sending("entry"))
    till.tell(OrderSeen(view(ENTRY, filled=2)))
    for seconds in (60, 120, 180):
        assert differences(till.compare(seconds, orders=[view(ENTRY, filled=2)], positions=[held(-2, 1.14)])) == []


def test_one_sale_of_others_is_not_counted_twice() -> None:
    till = holding()
    sale = fact("o-1", exit_terms("theirs", count=3), 60, 3, seconds=50)
    for seconds in (60, 120, 180, 240):
        till.compare(seconds, positions=[held(-2 if seconds < 150 else -1, 1.14)], fills=[BOUGHT, sale])
    assert (till.books.positions["p-1"].count, till.books.positions["p-1"].proceeds) == (100, 1_800_000)


def test_what_a_read_has_proven_is_not_remembered_for_ever() -> None:
    till = holding()
    assert till.state.watch.absences
    till.compare(60, orders=[DONE], positions=[HELD])
    assert till.state.watch.absences == {}


def test_a_change_of_ours_between_two_reads_starts_the_proof_anew() -> None:
    till = holding()
    till.compare(60, positions=[held(-3, 1.71)])
    more = entry_terms("more", count=1, decision="d-2")
    till.place(more, fact("f-2", more, 57, 1, seconds=90), seconds=90)
    assert differences(till.compare(120, positions=[held(-4, 2.28)])) == []
    assert differences(till.compare(180, positions=[held(-4, 2.28)])) == [(Subject.POSITION, Resolution.TAKEN_OVER)]


def test_after_trading_has_ended_missing_contracts_wait_for_their_settlement() -> None:
    till = holding()
    closed = (market().close_time - NOON).total_seconds()
    reports = [differences(till.compare(closed + seconds)) for seconds in (60, 120, 180)]
    assert reports == [[], [(Subject.POSITION, Resolution.OPEN)], []]
    assert comparing.unexplained(till.state) == ((Subject.POSITION, TICKER),)
    till.compare(closed + 240, settlements=[settlement(no=5)])
    assert till.books.positions["p-1"].count == 0
    till.compare(closed + 300, settlements=[settlement(no=5)])
    assert comparing.unexplained(till.state) == ()


# Invariants.


@pytest.mark.parametrize(
    ("there", "subject"),
    [
        (held(-5, 2.86, fees=BOUGHT.fee), Subject.ENTRY_PRICE),
        (held(-5, 2.85, fees=BOUGHT.fee + 100), Subject.FEE),
        (held(-5, 2.85, fees=BOUGHT.fee, realised=0.5), Subject.POSITION),
    ],
)
def test_a_figure_that_differs_in_two_reads_is_open_until_it_agrees(there: object, subject: Subject) -> None:
    till = holding()
    reports = [differences(till.compare(seconds, positions=[there])) for seconds in (60, 120, 180)]  # type: ignore[list-item]  # parameters
    assert reports == [[], [(subject, Resolution.OPEN)], []]
    assert comparing.unexplained(till.state) == ((subject, TICKER),)
    till.compare(240, positions=[HELD])
    assert comparing.unexplained(till.state) == ()


def test_rounding_by_a_micro_a_contract_is_no_difference() -> None:
    till = holding()
    for seconds in (60, 120, 180):
        assert differences(till.compare(seconds, positions=[held(-5, 2.850004, fees=BOUGHT.fee)])) == []


def test_a_resting_order_that_no_list_shows_is_open_and_stays_ours() -> None:
    resting = exit_terms(limit=77, rests=True, kind=ExitKind.TAKE_PROFIT)
    till = holding()
    till.place(resting, seconds=2)
    reports = [differences(till.compare(seconds, positions=[HELD])) for seconds in (60, 120, 180)]
    assert reports == [[], [(Subject.ORDER, Resolution.OPEN)], []]
    assert state(till, "exit") is OrderState.RESTING
    till.compare(240, positions=[HELD], orders=[view(resting)])
    assert comparing.unexplained(till.state) == ()


def test_an_order_that_was_given_up_and_is_there_after_all_is_open() -> None:
    till = unknown()
    till.compare(20)
    till.compare(25)
    assert state(till) is OrderState.NOT_SENT
    reports = [differences(till.compare(seconds, orders=[view(ENTRY)])) for seconds in (60, 120, 180)]
    assert reports == [[], [(Subject.ORDER, Resolution.OPEN)], []]


def test_an_older_record_of_an_order_that_is_over_is_not_a_difference_at_first_sight() -> None:
    till = holding()
    assert differences(till.compare(60, orders=[view(ENTRY, filled=3)], positions=[HELD])) == []
    assert differences(till.compare(120, orders=[DONE], positions=[HELD])) == []
    assert comparing.unexplained(till.state) == ()


def test_a_resting_order_of_ours_does_not_stop_its_market_from_being_compared() -> None:
    resting = exit_terms(limit=77, rests=True, kind=ExitKind.TAKE_PROFIT)
    till = holding()
    till.place(resting, seconds=2)
    for seconds in (60, 120):
        entries = till.compare(seconds, orders=[view(resting)], positions=[held(-3, 1.71)])
    assert [type(entry) for entry in entries] == [Differed, LeftByOthers]


# Cash.


def test_cash_follows_fills_and_settlements_to_the_micro() -> None:
    till = Till()
    till.compare(0.5)
    till.place(ENTRY, BOUGHT)
    spent = 2.85 + BOUGHT.fee / 1e6
    assert till.compare(60, positions=[HELD], cash=100 - spent) == []
    till.compare(4000, settlements=[settlement(no=5)], cash=105 - spent)
    assert till.compare(4060, settlements=[settlement(no=5)], cash=105 - spent) == []
    assert till.books.expected_cash == 105_000_000 - 2_850_000 - BOUGHT.fee


@pytest.mark.parametrize(("stated", "resolution"), [(150.0, Resolution.LEFT_ALONE), (99.9999, Resolution.OPEN)])
def test_cash_that_nothing_of_ours_moved_is_reported_and_reckoned_from_anew(
    stated: float, resolution: Resolution
) -> None:
    till = Till()
    till.compare(1)
    assert till.compare(60, cash=stated) == []
    entries = till.compare(120, cash=stated)
    assert differences(entries) == [(Subject.CASH, resolution)]
    assert till.books.expected_cash == round(stated * 1_000_000)
    assert till.compare(180, cash=stated) == []


def test_cash_is_not_compared_while_something_is_on_its_way() -> None:
    till = Till()
    till.compare(0.5)
    till.intend(ENTRY)
    till.tell(Sending("entry"))
    for seconds in (60, 120, 180):
        assert till.compare(seconds, cash=97) == []
    till.tell(OrderSeen(view(ENTRY, OrderStatus.CANCELED)), 200)
    assert till.compare(201, cash=97, began=199) == []
    assert till.books.expected_cash == 100_000_000


def test_cash_of_a_read_before_the_last_sale_is_not_believed_though_nothing_is_held_any_more() -> None:
    till = holding()
    till.compare(2, positions=[HELD], cash=97)
    sold = fact("s-1", exit_terms(), 50, 5)
    till.place(exit_terms(), sold, seconds=60)
    till.write(PositionClosed(trade=_trade(till)), seconds=60)
    for _ in range(3):
        assert till.compare(61, cash=97, began=59) == []
    assert till.books.expected_cash == 97_000_000 + 2_500_000 - sold.fee


def test_cash_is_first_stated_by_a_read_that_knows_our_last_trade() -> None:
    till = holding()
    till.place(exit_terms(), fact("s-1", exit_terms(), 50, 5), seconds=60)
    till.write(PositionClosed(trade=_trade(till)), seconds=60)
    assert till.compare(61, cash=97, began=59) == []
    assert till.compare(120, cash=99) == [CashSeen(cash=Micros(99_000_000))]


def _trade(till: Till) -> Trade:
    position = till.books.positions["p-1"]
    return Trade(
        position_id="p-1",
        ticker=TICKER,
        event_ticker=position.market.event_ticker,
        series_ticker=position.market.series_ticker,
        side=Side.NO,
        count=position.bought,
        cost=position.total_cost,
        proceeds=position.proceeds,
        fees=position.total_fees,
        exit_kind=ExitKind.STOP_LOSS,
        legs=tuple(position.legs),
        entry_slippage=None,
        decision_id="d-1",
        open_time=NOON,
        close_time=NOON,
    )


def test_figures_of_closed_trades_are_held_against_the_accounts_as_well() -> None:
    till = holding()
    sold = fact("s-1", exit_terms(), 50, 5, seconds=60)
    till.place(exit_terms(), sold, seconds=60)
    till.write(PositionClosed(trade=_trade(till)), seconds=60)
    right = held(0, 0, realised=-0.35, fees=BOUGHT.fee + sold.fee)
    for seconds in (120, 180):
        assert differences(till.compare(seconds, positions=[right])) == []
    wrong = held(0, 0, realised=-0.45, fees=BOUGHT.fee + sold.fee)
    reports = [differences(till.compare(seconds, positions=[wrong])) for seconds in (240, 300, 360)]
    assert reports == [[], [(Subject.POSITION, Resolution.OPEN)], []]


def test_what_others_trade_explains_other_cash() -> None:
    till = Till()
    till.compare(1)
    bought = fact("o-1", OTHERS, 57, 5, seconds=30)
    for seconds in (60, 120):
        entries = till.compare(seconds, cash=97, fills=[bought], positions=[held(-5, 2.85)])
    assert (Subject.CASH, Resolution.LEFT_ALONE) in differences(entries)


def test_a_sweep_of_unknown_words_and_markets_is_survived() -> None:
    till = holding()
    odd = view(entry_terms("odd", ticker="KXODD-26NOV23-T1", time_in_force=TimeInForce.UNKNOWN), OrderStatus.UNKNOWN)
    flat = held(0, 0, ticker="KXODD-26NOV23-T1")
    paid = settlement(yes=3, ticker="KXODD-26NOV23-T2")
    for seconds in (60, 120):
        assert differences(till.compare(seconds, orders=[odd], positions=[HELD, flat], settlements=[paid])) == []
    assert till.books.positions["p-1"].plan.take_profit == cents(77)
    assert till.refolded() == till.books
