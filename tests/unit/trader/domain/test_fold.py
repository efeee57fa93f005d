"""From entries to books: money, positions and orders, and what cannot be."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from msgspec import structs

from mesh.kalshi.terms import Result
from mesh.types import DOLLAR, Hundredths, Micros, Price, Side, cost
from tests.fakes.account_reads import Till, decided, entry_terms, exit_terms, fact, view
from tests.fakes.trading import NOON, TICKER, cents, contracts, market, moment
from trader.domain.entries import (
    Adopted,
    AnyEntry,
    CancelIntended,
    CashSeen,
    Decided,
    ExitDecided,
    ExitWithdrawn,
    Filled,
    LeftByOthers,
    Notified,
    OrderEnded,
    OrderIntended,
    OrderResting,
    OrderSent,
    OrderUnknown,
    PositionClosed,
    PositionOpened,
    ScanStarted,
    Settled,
    ShadowFilled,
    ShadowPlaced,
    Started,
    SwitchesChanged,
)
from trader.domain.events import FillSeen, OrderSeen, Sending
from trader.domain.facts import TRADER, Block, Ending, ExitPlan, FillFacts, Finding, Top, Trade
from trader.domain.fold import DRAWDOWN, apply, entering, orders_of
from trader.domain.orders import IllegalTransition
from trader.domain.state import Books, Day, Position
from trader.domain.words import (
    BlockKind,
    ChangeKind,
    Delivery,
    EndReason,
    ExitKind,
    Mode,
    OrderState,
    Urgency,
    Verdict,
)

ENTRY = entry_terms()
OPENED = PositionOpened(
    position_id="p-1", market=market(), side=Side.NO, decision_id="d-1", ask=cents(57), plan=ExitPlan()
)


def filled(name: str, terms: object, price: Price, count: int, fee: int, *, seconds: float = 1.0) -> Filled:
    assert isinstance(terms, type(ENTRY))
    ours = FillFacts(
        fill_id=name,
        order_id=f"X-{terms.client_order_id}",
        ticker=terms.ticker,
        side=terms.side,
        action=terms.action,
        price=price,
        count=Hundredths(count),
        fee=Micros(fee),
        taker=True,
        time=NOON + timedelta(seconds=seconds),
    )
    return Filled(
        fill=ours, client_order_id=terms.client_order_id, position_id=terms.position_id, expected_fee=Micros(fee)
    )


def exit_decided(kind: ExitKind = ExitKind.STOP_LOSS, decision: str = "x-1", side: Side = Side.NO) -> ExitDecided:
    return ExitDecided(
        decision_id=decision,
        position_id="p-1",
        ticker=TICKER,
        side=side,
        exit_kind=kind,
        actor=TRADER,
        count=Hundredths(500),
        trigger=cents(49),
        floor=cents(1),
        top=None,
    )


def closed(position: Position, kind: ExitKind = ExitKind.STOP_LOSS) -> PositionClosed:
    trade = Trade(
        position_id=position.position_id,
        ticker=position.market.ticker,
        event_ticker=position.market.event_ticker,
        series_ticker=position.market.series_ticker,
        side=position.side,
        count=position.bought,
        cost=position.total_cost,
        proceeds=position.proceeds,
        fees=position.total_fees,
        exit_kind=kind,
        legs=tuple(position.legs),
        entry_slippage=None,
        decision_id=position.decision_id,
        open_time=NOON,
        close_time=NOON,
    )
    return PositionClosed(trade=trade)


def holding(count: float = 5) -> Till:
    till = Till()
    terms = entry_terms(count=count)
    till.place(terms, fact("f-1", terms, 57, count))
    return till


# Money.


@dataclass(frozen=True)
class Step:
    """Contracts that come or go."""

    price: int
    count: int
    fee: int
    buys: bool
    how: ExitKind


steps = st.lists(
    st.builds(
        Step,
        price=st.integers(1, 9_999).map(lambda tick: tick * 100),
        count=st.integers(1, 50_000),
        fee=st.integers(0, 50_000),
        buys=st.booleans(),
        how=st.sampled_from([ExitKind.STOP_LOSS, ExitKind.SETTLEMENT, ExitKind.FOREIGN]),
    ),
    min_size=1,
    max_size=12,
)


def play(steps: Sequence[Step], side: Side = Side.NO, *, close: bool = True) -> Till:
    """Write what buys and sells one position; nothing is sold that is not held, the rest settles in the end."""
    till = Till()
    till.write(CashSeen(cash=Micros(0)))
    held = 0
    entries: list[AnyEntry] = [structs.replace(OPENED, side=side)]
    for number, step in enumerate(steps):
        count = step.count if step.buys else min(step.count, held)
        if not count:
            continue
        held += count if step.buys else -count
        price, when = Price(step.price), NOON + timedelta(seconds=number)
        if step.buys or step.how is ExitKind.STOP_LOSS:
            make = entry_terms if step.buys else exit_terms
            terms = make(f"o-{number}", side=side)
            entries += [OrderIntended(order=terms), filled(f"f-{number}", terms, price, count, step.fee)]
        elif step.how is ExitKind.SETTLEMENT:
            entries.append(settled(count, cost(price, Hundredths(count)), side))
        else:
            proceeds = cost(price, Hundredths(count))
            entries.append(
                LeftByOthers(
                    position_id="p-1",
                    count=Hundredths(count),
                    proceeds=proceeds,
                    fees=Micros(step.fee),
                    time=when,
                )
            )
    if held and close:
        entries.append(settled(held, Micros(held * 10_000), side))
    till.write(*entries)
    return till


def settled(count: int, revenue: Micros, side: Side = Side.NO) -> Settled:
    return Settled(
        position_id="p-1",
        ticker=TICKER,
        side=side,
        count=Hundredths(count),
        result=Result.NO,
        yes_value=Micros(0),
        revenue=revenue,
        time=NOON,
    )


def flow(till: Till) -> int:
    """Reckon from the entries alone what came in and went out."""
    money = 0
    for _, entry in till.written:
        match entry:
            case Filled():
                paid = cost(entry.fill.price, entry.fill.count)
                money += (-paid if entry.fill.action.value == "buy" else paid) - entry.fill.fee
            case Settled():
                money += entry.revenue
            case LeftByOthers():
                money += entry.proceeds - entry.fees
            case _:
                pass
    return money


@given(steps)
@hypothesis_settings(max_examples=100, deadline=None)
def test_no_micro_is_made_or_lost(steps: list[Step]) -> None:
    books = play(steps).books
    position = books.positions["p-1"]
    assert books.cash_flow == flow(play(steps))
    assert (position.count, position.cost, position.entry_fees) == (0, 0, 0)
    assert position.realised == position.proceeds - position.total_cost - position.total_fees == books.cash_flow
    assert books.total.net == books.cash_flow == sum(day.net for day in books.days.values())
    assert sum(leg.count for leg in position.legs) == position.bought
    assert sum(leg.proceeds for leg in position.legs) == position.proceeds


@given(steps)
@hypothesis_settings(max_examples=100, deadline=None)
def test_a_trade_earns_what_it_brought_less_what_it_cost(steps: list[Step]) -> None:
    till = play(steps)
    position = deepcopy(till.books.positions["p-1"])
    if not position.bought:
        return
    till.write(closed(position))
    (trade,) = till.books.trades
    assert trade.net == trade.proceeds - trade.cost - trade.fees == position.realised == till.books.total.net
    assert (till.books.positions, till.books.by_ticker) == ({}, {})
    assert till.books.total.trades == 1


@given(steps)
@hypothesis_settings(max_examples=60, deadline=None)
def test_what_is_held_and_what_is_gone_make_up_the_cost_at_any_time(steps: list[Step]) -> None:
    position = play(steps, close=False).books.positions["p-1"]
    gone = position.proceeds - (position.total_fees - position.entry_fees) - position.realised
    assert position.cost + gone == position.total_cost
    assert position.count == position.bought - sum(leg.count for leg in position.legs)


@given(steps)
@hypothesis_settings(max_examples=60, deadline=None)
def test_yes_and_no_are_booked_alike(steps: list[Step]) -> None:
    no, yes = play(steps, Side.NO).books, play(steps, Side.YES).books
    for position in (*no.positions.values(), *yes.positions.values()):
        position.side = Side.NO
    assert no.positions == yes.positions
    assert (no.total, no.cash_flow, no.days) == (yes.total, yes.cash_flow, yes.days)


@given(steps)
@hypothesis_settings(max_examples=40, deadline=None)
def test_folding_everything_again_gives_the_same_books(steps: list[Step]) -> None:
    till = play(steps, close=False)
    assert till.refolded() == till.books


def test_adopting_moves_no_cash_and_its_sale_does() -> None:
    till = Till()
    till.write(
        structs.replace(OPENED, decision_id=None),
        Adopted(position_id="p-1", count=contracts(5), cost=Micros(2_850_000), actor=TRADER),
    )
    assert (till.books.cash_flow, till.books.positions["p-1"].cost) == (0, 2_850_000)
    till.write(settled(500, Micros(5 * DOLLAR)))
    assert (till.books.cash_flow, till.books.total.gross) == (5_000_000, 2_150_000)


def test_results_count_on_the_day_they_are_written() -> None:
    till = holding()
    fees = till.books.positions["p-1"].total_fees
    till.write(settled(500, Micros(5 * DOLLAR)), seconds=12 * 3600)
    assert till.books.days == {"2026-11-24": Day(gross=Micros(2_150_000), fees=fees)}


# What cannot be.


@pytest.mark.parametrize(
    "entry",
    [
        OrderIntended(order=ENTRY),
        OrderSent(client_order_id="entry"),
        OrderUnknown(client_order_id="entry", why=""),
        OrderResting(client_order_id="entry", order_id="X-2", filled=Hundredths(5)),
        CancelIntended(client_order_id="entry", why=""),
        OrderEnded(
            client_order_id="entry",
            state=OrderState.CANCELLED,
            order_id="X-2",
            filled=Hundredths(9),
            ending=Ending(reason=EndReason.TRADER),
        ),
        filled("f-1", ENTRY, cents(57), 500, 0),
        OPENED,
        settled(501, Micros(5 * DOLLAR)),
        LeftByOthers(position_id="p-1", count=Hundredths(501), proceeds=Micros(0), fees=Micros(0), time=NOON),
    ],
    ids=lambda entry: type(entry).__name__,
)
def test_what_cannot_follow_is_refused_and_changes_nothing(entry: AnyEntry) -> None:
    till = holding()
    before = deepcopy(till.books)
    with pytest.raises(IllegalTransition):
        apply(till.books, till.books.sequence + 1, NOON, entry)
    assert till.books == before


@pytest.mark.parametrize("state", [state for state in OrderState if not state.final])
def test_an_order_does_not_end_in_a_state_that_is_none(state: OrderState) -> None:
    till = Till(ENTRY)
    till.tell(Sending("entry"))
    before = deepcopy(till.books)
    ended = OrderEnded(
        client_order_id="entry", state=state, order_id="X", filled=Hundredths(0), ending=Ending(reason=None)
    )
    with pytest.raises(IllegalTransition):
        apply(till.books, till.books.sequence + 1, NOON, ended)
    assert till.books == before


@pytest.mark.parametrize(
    "entry",
    [
        OrderSent(client_order_id="nobody"),
        filled("f-9", entry_terms("nobody"), cents(57), 100, 0),
        filled("f-9", entry_terms(position="p-9"), cents(57), 100, 0),
        structs.replace(exit_decided(), position_id="p-9"),
        structs.replace(settled(1, Micros(0)), position_id="p-9"),
        closed(Position("p-9", market(), Side.NO, None, None, ExitPlan())),
        ShadowFilled(decision_id="d-9", filled=Hundredths(1)),
    ],
    ids=lambda entry: type(entry).__name__,
)
def test_what_was_never_there_is_refused_and_changes_nothing(entry: AnyEntry) -> None:
    till = holding()
    before = deepcopy(till.books)
    with pytest.raises(KeyError):
        apply(till.books, till.books.sequence + 1, NOON, entry)
    assert till.books == before


# Orders and positions.


def test_all_fills_of_one_order_are_one_step_out_even_when_another_order_sold_between() -> None:
    till = holding()
    target, stop = exit_terms("target", kind=ExitKind.TAKE_PROFIT, limit=77, decision="x-0"), exit_terms("stop")
    till.write(
        OrderIntended(order=target),
        filled("s-1", target, cents(77), 100, 10, seconds=2),
        exit_decided(),
        OrderIntended(order=stop),
        filled("s-2", stop, cents(48), 200, 20, seconds=3),
        filled("s-3", target, cents(77), 200, 30, seconds=4),
    )
    legs = till.books.positions["p-1"].legs
    assert [(leg.kind, leg.count, leg.proceeds, leg.fees) for leg in legs] == [
        (ExitKind.TAKE_PROFIT, 300, 2_310_000, 40),
        (ExitKind.STOP_LOSS, 200, 960_000, 20),
    ]
    assert [leg.trigger for leg in legs] == [cents(77), cents(49)]
    assert [leg.time for leg in legs] == [NOON + timedelta(seconds=4), NOON + timedelta(seconds=3)]


def test_a_position_is_as_old_as_its_earliest_fill() -> None:
    till = Till()
    till.place(ENTRY, fact("f-2", ENTRY, 57, 1, seconds=3), fact("f-1", ENTRY, 57, 1, seconds=2))
    assert till.books.positions["p-1"].open_time == NOON + timedelta(seconds=2)


def test_the_orders_of_a_position_work_until_their_fills_have_come() -> None:
    till = holding()
    position = till.books.positions["p-1"]
    more = entry_terms("more", count=1, decision="d-2")
    till.intend(more)
    till.tell(Sending("more"))
    till.tell(OrderSeen(view(more, filled=0)))
    assert entering(till.books, position)
    assert [order.terms.client_order_id for order in orders_of(till.books, position)] == ["more"]
    till.tell(FillSeen(fact("f-9", more, 57, 1)))
    assert not entering(till.books, position)
    assert till.books.working == set()


def test_legs_of_an_exit_are_counted_and_a_withdrawn_exit_is_gone() -> None:
    till = holding()
    till.write(
        exit_decided(), OrderIntended(order=exit_terms()), OrderIntended(order=exit_terms("other", decision="x-9"))
    )
    wanted = till.books.positions["p-1"].exit
    assert wanted is not None
    assert wanted.legs == 1
    till.write(ExitWithdrawn(position_id="p-1", decision_id="x-1", why=""))
    assert till.books.positions["p-1"].exit is None
    assert till.books.positions["p-1"].exits_decided == 1


def test_decisions_are_kept_as_long_as_they_may_matter_and_no_longer() -> None:
    refused, more = entry_terms("refused", decision="d-2", position="p-2"), entry_terms("more", decision="d-3")
    till = holding()
    till.intend(refused)
    till.intend(more)
    assert set(till.books.decisions) == {"d-1", "d-2", "d-3"}
    for name in ("refused", "more"):
        till.tell(Sending(name))
        ending = Ending(reason=EndReason.REFUSED)
        till.write(
            OrderEnded(
                client_order_id=name, state=OrderState.REJECTED, order_id=None, filled=Hundredths(0), ending=ending
            )
        )
    assert set(till.books.decisions) == {"d-1"}
    till.write(settled(500, Micros(0)), closed(till.books.positions["p-1"], ExitKind.SETTLEMENT))
    assert till.books.decisions == {}
    assert till.books.settled == set()


def test_a_decision_waits_for_fills_that_its_ended_order_still_expects() -> None:
    till = Till(ENTRY)
    till.tell(Sending("entry"))
    till.write(
        OrderEnded(
            client_order_id="entry",
            state=OrderState.FILLED,
            order_id="X-entry",
            filled=Hundredths(500),
            ending=Ending(reason=None),
        )
    )
    assert set(till.books.decisions) == {"d-1"}


def test_only_what_a_forecast_led_to_counts_for_its_calibration() -> None:
    for decision, kind, outcomes in (
        ("d-1", ExitKind.TAKE_PROFIT, [(True, 0.57)]),
        (None, ExitKind.TAKE_PROFIT, []),
        ("d-1", ExitKind.FOREIGN, []),
    ):
        till = Till()
        till.write(
            structs.replace(OPENED, decision_id=decision),
            OrderIntended(order=ENTRY),
            filled("f-1", ENTRY, cents(57), 500, 0),
            settled(500, Micros(5 * DOLLAR)),
        )
        till.write(closed(till.books.positions["p-1"], kind))
        assert list(till.books.outcomes) == outcomes


@pytest.mark.parametrize(
    ("stop", "target", "chance"),
    [(47, 77, 8 / 30), (54, 74, 1 / 20), (None, 75, 55 / 75), (50, None, 5 / 50), (None, None, 0.55), (56, 76, 0.0)],
)
def test_a_trade_is_remembered_with_the_chance_of_its_target_at_a_fair_price(
    stop: float | None, target: float | None, chance: float
) -> None:
    till = Till()
    top = Top(bid=cents(55), bid_size=contracts(1), age_seconds=0.0)
    levels = {name: cents(at) for name, at in (("stop_loss", stop), ("take_profit", target)) if at is not None}
    plan = structs.replace(ExitPlan(), **levels)
    till.write(structs.replace(decided(ENTRY), top=top), structs.replace(OPENED, plan=plan), OrderIntended(order=ENTRY))
    till.write(filled("f-1", ENTRY, cents(57), 500, 0), settled(500, Micros(0)))
    till.write(closed(till.books.positions["p-1"]))
    (outcome,) = till.books.outcomes
    assert not outcome.right
    assert outcome.chance == pytest.approx(chance)


def test_every_contract_is_held_against_the_ask_that_its_own_decision_saw() -> None:
    till, more = holding(), entry_terms("more", decision="d-2", limit=66, count=2)
    till.place(more, fact("f-2", more, 67, 2))
    position = till.books.positions["p-1"]
    assert position.asked == cost(ENTRY.limit, contracts(5)) + cost(cents(66), contracts(2))
    till.write(Adopted(position_id="p-1", count=contracts(1), cost=Micros(600_000), actor=TRADER))
    assert position.asked is None, "of what was adopted no ask is known"


def test_a_stop_whose_last_contract_went_another_way_is_remembered_as_well() -> None:
    till, out = holding(), exit_terms(count=4)
    till.write(exit_decided(), OrderIntended(order=out), filled("f-2", out, cents(45), 400, 0))
    till.write(settled(100, Micros(0)), closed(till.books.positions["p-1"], ExitKind.SETTLEMENT), seconds=9)
    assert till.books.stopped == {TICKER: moment(9).now}
    assert list(till.books.stops["KXHIGHNY"]) == [moment(9).now]


def test_a_stop_is_remembered_for_its_market_and_series() -> None:
    till = holding()
    till.write(settled(500, Micros(0)), closed(till.books.positions["p-1"]), seconds=9)
    assert till.books.stopped == {TICKER: moment(9).now}
    assert list(till.books.stops["KXHIGHNY"]) == [moment(9).now]


# The rest.


def test_a_start_ends_the_scan_that_a_crash_left_open() -> None:
    till = Till()
    till.write(ScanStarted(scan_id="s-1", series=("KXHIGHNY",), market_count=3))
    assert till.books.scan is not None
    till.write(Started(run_id="run-2", mode=Mode.PAPER, version="1", config_digest="0" * 64))
    assert till.books.scan is None


def test_entries_of_a_scan_are_counted_by_series_and_refusals_are_not() -> None:
    till = Till()
    till.write(ScanStarted(scan_id="s-1", series=("KXHIGHNY",), market_count=3))
    entered: Decided = structs.replace(decided(ENTRY), scan_id="s-1")
    till.write(entered, structs.replace(entered, decision_id="d-2", entered=False))
    assert till.books.scan_entries == {"KXHIGHNY": 1}
    assert set(till.books.decisions) == {"d-1"}


def test_lifting_a_drawdown_block_lets_the_fall_be_counted_anew() -> None:
    till = holding()
    finding = Finding(rule=DRAWDOWN, verdict=Verdict.REFUSED, unit="micros", figure=2_900_000)
    block = Block(
        block_id="b-1", kind=BlockKind.PROTECTION, actor=TRADER, why="", finding=finding, since=NOON, liftable=True
    )
    till.write(settled(500, Micros(0)))
    till.write(SwitchesChanged(change=ChangeKind.HALTED, actor=TRADER, why="", began=(block,)))
    assert (till.books.peak_net, set(till.books.blocks)) == (0, {"b-1"})
    till.write(SwitchesChanged(change=ChangeKind.RESUMED, actor=TRADER, why="", ended=("b-1",)))
    assert (till.books.peak_net, till.books.blocks) == (-2_900_000, {})


def test_a_message_is_queued_until_something_became_of_it() -> None:
    till = Till()
    queued = Notified(notification_id="n-1", urgency=Urgency.HIGH, delivery=Delivery.QUEUED, title="A", text="b")
    till.write(queued)
    assert till.books.notices == {"n-1": queued}
    till.write(structs.replace(queued, delivery=Delivery.ACCEPTED))
    assert till.books.notices == {}


def test_a_virtual_order_ends_when_it_is_full_or_its_time_is_over() -> None:
    till = Till()
    for decision in ("d-1", "d-2"):
        till.write(
            ShadowPlaced(
                decision_id=decision,
                position_id="p-1",
                ticker=TICKER,
                side=Side.NO,
                price=cents(54),
                count=Hundredths(500),
                ahead=Hundredths(0),
                until=moment(60).now,
            )
        )
    till.write(ShadowFilled(decision_id="d-1", filled=Hundredths(500)), seconds=10)
    till.write(ShadowFilled(decision_id="d-2", filled=Hundredths(100)), seconds=59)
    assert [shadow.filled for shadow in till.books.shadows.values()] == [100]
    till.write(ShadowFilled(decision_id="d-2", filled=Hundredths(100)), seconds=60)
    assert till.books.shadows == {}


def test_cash_is_reckoned_from_what_the_exchange_stated_last() -> None:
    till = Till()
    assert till.books.expected_cash is None
    till.write(CashSeen(cash=Micros(100_000_000)))
    till.place(ENTRY, fact("f-1", ENTRY, 57, 5, fee=70_000))
    assert till.books.expected_cash == 100_000_000 - 2_850_000 - 70_000
    till.write(CashSeen(cash=Micros(50_000_000)))
    assert till.books.expected_cash == 50_000_000


def test_an_empty_journal_folds_to_empty_books() -> None:
    assert Till().refolded() == Books("journal-1", mode=Mode.PAPER, run_id="run-1", sequence=1)
