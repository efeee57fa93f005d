"""Positions are guarded until they are gone: stops, targets, persistent sellers, partial fills, pauses, closing."""

from collections.abc import Iterable
from datetime import timedelta
from typing import TypeVar

import pytest

from mesh.kalshi.grid import GRIDS
from mesh.kalshi.sides import Action
from mesh.kalshi.terms import OrderStatus, TimeInForce
from mesh.types import Hundredths, Micros, Side
from tests.fakes.trading import NOON, TICKER, Desk, book, cents, contracts, market, moment
from trader.domain import guarding, watching
from trader.domain.entries import (
    AnyEntry,
    CancelIntended,
    ExitDecided,
    ExitWithdrawn,
    Filled,
    LeftByOthers,
    OrderEnded,
    OrderIntended,
    OrderResting,
    OrderSent,
    OrderUnknown,
    PeakMoved,
    PositionClosed,
    PositionOpened,
)
from trader.domain.events import (
    Accepted,
    Answered,
    Begun,
    BookCame,
    BooksLost,
    ExchangeSeen,
    FillSeen,
    Flatten,
    MarketSeen,
    NoOutcome,
    OrderSeen,
    Refused,
    Sending,
    Tick,
)
from trader.domain.exit_orders import lowest
from trader.domain.facts import Actor, Ending, ExitPlan, FillFacts, OrderTerms
from trader.domain.fold import apply
from trader.domain.ids import client_order_id
from trader.domain.settings import ExitSettings, Settings
from trader.domain.state import Position, Seen, State
from trader.domain.views import (
    OrderView,
)
from trader.domain.words import ActorKind, EndReason, ExchangeState, ExitKind, Mode, OrderState, Purpose

PLAN = ExitPlan(take_profit=cents(75), stop_loss=cents(47), floor=cents(1))
OWNER = Actor(kind=ActorKind.CALLER, name="owner", role="operator")
E = TypeVar("E")
T = TypeVar("T")


class Held(Desk):
    """A desk with a NO position of 10 contracts bought at 55c at noon."""

    def __init__(self, plan: ExitPlan = PLAN, **changes: object) -> None:
        super().__init__(Settings(exits=ExitSettings.model_validate(changes)))
        self.write(
            PositionOpened(
                position_id="p-1", market=market(), side=Side.NO, decision_id="d-1", ask=cents(54), plan=plan
            )
        )
        self.bought(10)

    def write(self, *entries: AnyEntry, seconds: float = 0.0) -> None:
        """Fold entries in as if a step had written them."""
        when = moment(seconds)
        for entry in entries:
            apply(self.state.books, self.state.books.sequence + 1, when.now, entry)
            self.written.append((when.now, entry))
        watching.forget(self.state, entries, when)

    def entry_order(self, count: float, seconds: float = 0.0, *, known: bool = True) -> OrderTerms:
        """Let an entry rest at 55c, or be of unknown outcome."""
        name = f"entry-{len(self.state.books.orders)}"
        terms = OrderTerms(
            client_order_id=name,
            decision_id="d-1",
            leg=0,
            position_id="p-1",
            ticker=TICKER,
            event_ticker=market().event_ticker,
            series_ticker=market().series_ticker,
            side=Side.NO,
            action=Action.BUY,
            purpose=Purpose.ENTRY,
            limit=cents(55),
            count=contracts(count),
            time_in_force=TimeInForce.GOOD_TILL_CANCELED,
        )
        resting = OrderResting(client_order_id=name, order_id=f"x-{name}", filled=Hundredths(0))
        outcome = resting if known else OrderUnknown(client_order_id=name, why="timed out")
        self.write(OrderIntended(order=terms), OrderSent(client_order_id=name), outcome, seconds=seconds)
        return terms

    def bought(self, count: float, seconds: float = 0.0) -> None:
        """Let an entry be filled."""
        terms = self.entry_order(count, seconds)
        name = terms.client_order_id
        fill = self.fill(terms, count, 55, seconds)
        filled = Filled(fill=fill, client_order_id=name, position_id="p-1", expected_fee=Micros(0))
        self.write(ended(terms, count), filled, seconds=seconds)

    @staticmethod
    def fill(terms: OrderTerms, count: float, price: float, seconds: float) -> FillFacts:
        """Make a fill in the terms of its order's side."""
        return FillFacts(
            fill_id=f"f-{terms.client_order_id}-{count}-{seconds}",
            order_id=f"x-{terms.client_order_id}",
            ticker=TICKER,
            side=terms.side,
            action=terms.action,
            price=cents(price),
            count=contracts(count),
            fee=Micros(0),
            taker=not terms.post_only,
            time=moment(seconds).now,
        )

    def see(self, bid: float | None, seconds: float) -> tuple[AnyEntry, ...]:
        """Let a book with this bid come."""
        bids = [] if bid is None else [(bid, 100.0)]
        return self.tell(BookCame(book(no_bids=bids, no_asks=[(95.0, 100.0)])), seconds)

    def sold(self, order: OrderTerms, count: float, price: float, seconds: float) -> tuple[AnyEntry, ...]:
        """Let an immediate order fill so far, its fill come, and its rest be cancelled."""
        self.accepted(order, count, 0, seconds)
        return self.tell(FillSeen(self.fill(order, count, price, seconds)), seconds) if count else ()

    def accepted(self, order: OrderTerms, filled: float, remaining: float, seconds: float) -> tuple[AnyEntry, ...]:
        """Let the exchange take an order; its fills do not come."""
        name = order.client_order_id
        self.tell(Sending(name), seconds)
        taken = Accepted(f"x-{name}", contracts(filled), contracts(remaining))
        return self.tell(Answered(name, taken), seconds)

    def record(self, order: OrderTerms, status: OrderStatus, filled: float, seconds: float) -> tuple[AnyEntry, ...]:
        """Show the exchange's record of an order."""
        left = Hundredths(order.count - contracts(filled) if status is OrderStatus.RESTING else 0)
        view = OrderView(
            order_id=f"x-{order.client_order_id}",
            client_order_id=order.client_order_id,
            ticker=TICKER,
            book_buys_yes=True,
            yes_price=order.limit.complement,
            status=status,
            count=order.count,
            filled=contracts(filled),
            remaining=left,
        )
        return self.tell(OrderSeen(view), seconds)

    def stop(self, seconds: float = 20.0) -> OrderTerms:
        """Let the stop fire and give its first order, of 5 seconds later."""
        self.see(47, seconds)
        return only(sales(self.see(46, seconds + 5)))

    def written_since(self, seconds: float) -> list[AnyEntry]:
        """Give what was written at this moment and later."""
        return [entry for time, entry in self.written if time >= moment(seconds).now]

    @property
    def position(self) -> Position:
        return self.state.books.positions["p-1"]

    def said(self, seconds: float) -> str:
        """Say the state of the position."""
        return guarding.position_state(self.state, self.position, moment(seconds))


def ended(order: OrderTerms, filled: float) -> OrderEnded:
    whole = contracts(filled) == order.count
    return OrderEnded(
        client_order_id=order.client_order_id,
        state=OrderState.FILLED if whole else OrderState.EXPIRED,
        order_id=f"x-{order.client_order_id}",
        filled=contracts(filled),
        ending=Ending(reason=None if whole else EndReason.EXPIRY),
    )


def sales(entries: Iterable[AnyEntry]) -> list[OrderTerms]:
    return [found.order for found in entries if isinstance(found, OrderIntended)]


def of(kind: type[E], entries: Iterable[AnyEntry]) -> list[E]:
    return [found for found in entries if isinstance(found, kind)]


def only(found: list[T]) -> T:
    (one,) = found
    return one


def test_a_stop_sells_all_that_is_held_at_the_floor_with_an_order_that_can_only_reduce() -> None:
    desk = Held()
    assert not sales(desk.see(47, 20))
    written = desk.see(46, 25)
    decided, order = only(of(ExitDecided, written)), only(sales(written))
    assert (decided.exit_kind, decided.trigger, decided.floor) == (ExitKind.STOP_LOSS, cents(47), cents(1))
    assert (order.action, order.side, order.purpose) == (Action.SELL, Side.NO, Purpose.EXIT)
    assert (order.limit, order.count, order.exit_kind) == (cents(1), contracts(10), ExitKind.STOP_LOSS)
    assert (order.time_in_force, order.reduce_only) == (TimeInForce.IMMEDIATE_OR_CANCEL, True)
    assert order.client_order_id == client_order_id("journal-1", decided.decision_id, 0)
    assert desk.said(25) == "EXITING"


def test_a_price_gap_through_the_stop_is_sold_into_with_the_floor_until_the_contracts_are_gone() -> None:
    desk = Held()
    desk.see(60, 20)
    assert not sales(desk.see(3, 21))  # far below, and still it must be seen twice
    first = only(sales(desk.see(3, 26)))
    assert first.limit == cents(1)
    desk.sold(first, 0, 3, 26.1)  # the bid was gone when the order came
    assert not sales(desk.see(2, 27))
    second = only(sales(desk.see(2, 28)))
    assert (second.leg, second.count, second.limit) == (1, contracts(10), cents(1))
    closed = only(of(PositionClosed, desk.sold(second, 10, 2, 28.1)))
    assert closed.trade.proceeds == 200_000


def test_monitoring_goes_on_after_failed_sells_of_every_kind() -> None:
    desk = Held()
    order, now = desk.stop(), 25.0
    refused = Ending(reason=EndReason.REFUSED, code="bad_request")
    for answer in (Refused(refused), Refused(refused, never_left=True), Accepted("x-1", Hundredths(0), Hundredths(0))):
        desk.tell(Sending(order.client_order_id), now)
        desk.tell(Answered(order.client_order_id, answer), now)
        assert desk.position.count == contracts(10)
        now += 2
        order = only(sales(desk.tell(Tick(), now)))
    assert order.leg == 3


def test_a_position_is_never_gone_before_the_exchange_says_so() -> None:
    desk = Held()
    order = desk.stop()
    assert not of(PositionClosed, desk.accepted(order, 10, 0, 25.1))  # filled, and its fills have not come
    assert desk.position.count == contracts(10)
    assert not sales(desk.tell(Tick(), 60))
    assert of(PositionClosed, desk.tell(FillSeen(desk.fill(order, 10, 46, 25.1)), 61))


def test_an_entry_at_the_ask_is_not_stopped_out_by_its_own_spread() -> None:
    desk = Held()
    for second in range(10):  # bought at 55, bid at 46: in the time of grace nothing is even counted
        assert not of(ExitDecided, desk.see(46, second))
    assert not of(ExitDecided, desk.see(48, 10))
    assert not of(ExitDecided, desk.see(48, 30))


def test_a_part_that_was_sold_leaves_the_rest_to_the_next_leg() -> None:
    desk = Held()
    order = desk.stop()
    desk.sold(order, 3.25, 46, 25.1)
    rest = only(sales(desk.tell(Tick(), 27)))
    assert (rest.count, rest.leg, rest.decision_id) == (contracts(6.75), 1, order.decision_id)
    desk.tell(Sending(rest.client_order_id), 27)
    trade = only(of(PositionClosed, desk.sold(rest, 6.75, 40, 27.1))).trade
    assert [leg.count for leg in trade.legs] == [contracts(3.25), contracts(6.75)]
    assert (trade.proceeds, trade.cost) == (46 * 32_500 + 40 * 67_500, 5_500_000)


def test_a_closed_trade_says_what_the_entry_paid_above_the_ask_and_the_kind_of_its_last_leg() -> None:
    desk = Held()
    trade = only(of(PositionClosed, desk.sold(desk.stop(), 10, 46, 25.1))).trade
    assert (trade.entry_slippage, trade.exit_kind, trade.decision_id) == (100_000, ExitKind.STOP_LOSS, "d-1")
    assert (trade.count, trade.open_time, trade.close_time) == (contracts(10), NOON, moment(25.1).now)
    assert not desk.state.books.positions
    assert not desk.state.watch.guards


def test_an_exit_of_unknown_outcome_is_not_sold_again_until_the_exchange_has_spoken() -> None:
    desk = Held()
    order = desk.stop()
    desk.tell(Sending(order.client_order_id), 25)
    desk.tell(Answered(order.client_order_id, NoOutcome("timed out")), 26)
    assert desk.said(26) == "UNCERTAIN"
    assert not [sale for second in range(27, 60) for sale in sales(desk.see(40, second))]
    written = desk.record(order, OrderStatus.CANCELED, 4, 60)
    assert not sales(written)  # four were sold, their fills are still to come
    assert only(sales(desk.tell(FillSeen(desk.fill(order, 4, 46, 25)), 61))).count == contracts(6)


def test_nobody_bids_waits_and_sells_as_soon_as_somebody_does() -> None:
    desk = Held(ExitPlan(stop_loss=cents(47), floor=cents(5)))
    desk.see(None, 20)
    written = desk.see(None, 25)
    assert only(of(ExitDecided, written)).exit_kind is ExitKind.STOP_LOSS
    assert not sales(written)
    assert desk.said(25) == "NO_BID"
    assert not sales(desk.see(4, 26))
    assert only(sales(desk.see(5, 26.5))).limit == cents(5)


def test_a_book_that_cannot_be_relied_on_fires_nothing_and_its_age_shows() -> None:
    desk = Held()
    desk.see(46, 20)
    assert desk.state.watch.guards["p-1"].checked == moment(20).seconds
    desk.tell(BooksLost(None), 21)
    assert not of(ExitDecided, desk.tell(Tick(), 26))
    assert desk.state.watch.guards["p-1"].checked == moment(20).seconds
    assert desk.state.watch.exit_pass == moment(26).seconds
    desk.see(60, 27)
    desk.see(46, 28)
    assert not of(ExitDecided, desk.tell(Tick(), 38.5))  # exact, and too old
    assert of(ExitDecided, desk.see(46, 39))


def test_an_exit_that_is_decided_is_tried_without_a_book() -> None:
    desk = Held()
    desk.sold(desk.stop(), 2, 46, 25.1)
    desk.tell(BooksLost(None), 26)
    assert only(sales(desk.tell(Tick(), 27))).count == contracts(8)


def test_the_pass_over_all_positions_is_marked_without_any() -> None:
    desk = Desk()
    desk.tell(Tick(), 7)
    assert desk.state.watch.exit_pass == moment(7).seconds


@pytest.mark.parametrize("market_only", [True, False])
def test_in_a_pause_nothing_fires_and_its_checks_start_again_after_it(market_only: bool) -> None:
    desk = Held()
    desk.see(46, 20)

    def pause(on: bool, seconds: float) -> None:
        state = ExchangeState.TRADING_PAUSED if on else ExchangeState.OPEN
        desk.tell(MarketSeen(market(), trading=not on) if market_only else ExchangeSeen(state), seconds)

    pause(True, 21)
    assert not of(ExitDecided, desk.see(46, 26))
    assert desk.said(26) == "PAUSED"
    pause(False, 27)
    assert not of(ExitDecided, desk.see(46, 28))
    assert only(sales(desk.see(46, 33))).exit_kind is ExitKind.STOP_LOSS


def test_a_pause_holds_up_an_exit_that_goes_on_after_it() -> None:
    desk = Held()
    desk.sold(desk.stop(), 2, 46, 25.1)
    desk.tell(ExchangeSeen(ExchangeState.EXCHANGE_PAUSED), 26)
    assert not sales(desk.see(46, 30))
    assert desk.said(30) == "PAUSED"
    desk.tell(ExchangeSeen(ExchangeState.OPEN), 3600)
    assert only(sales(desk.tell(Tick(), 3600))).count == contracts(8)


def test_a_market_that_closed_is_left_to_its_settlement() -> None:
    desk = Held()
    desk.sold(desk.stop(), 2, 46, 25.1)
    soon = market(closes=timedelta(seconds=26))
    desk.tell(MarketSeen(soon, trading=True), 25.5)
    assert not sales(desk.see(46, 30))
    assert desk.said(30) == "AWAITING_SETTLEMENT"
    guarded = Held()
    guarded.tell(MarketSeen(soon, trading=True), 1)
    assert not [found for second in range(27, 60) for found in of(ExitDecided, guarded.see(46, second))]


def test_an_entry_that_still_works_ends_before_the_exit_sells() -> None:
    desk = Held()
    entry = desk.entry_order(5, seconds=19)
    desk.see(47, 20)
    written = desk.see(46, 25)
    assert only(of(CancelIntended, written)).client_order_id == entry.client_order_id
    assert not sales(written)
    desk.tell(FillSeen(desk.fill(entry, 2, 55, 25.1)), 25.1)  # it was quicker than the cancellation
    assert only(sales(desk.record(entry, OrderStatus.CANCELED, 2, 25.2))).count == contracts(12)


def test_an_entry_of_unknown_outcome_does_not_hold_up_a_stop_and_what_it_bought_is_sold_later() -> None:
    desk = Held()
    entry = desk.entry_order(5, seconds=19, known=False)
    order = desk.stop()
    assert order.count == contracts(10)
    desk.sold(order, 10, 46, 25.1)
    assert desk.said(26) == "UNCERTAIN"
    desk.record(entry, OrderStatus.EXECUTED, 5, 30)
    rest = only(sales(desk.tell(FillSeen(desk.fill(entry, 5, 55, 30)), 30)))
    assert rest.count == contracts(5)
    assert of(PositionClosed, desk.sold(rest, 5, 44, 30.1))


def test_a_target_sells_at_the_target_or_better_and_gives_up_when_the_bid_has_gone() -> None:
    desk = Held()
    order = only(sales(desk.see(76, 5)))
    assert (order.limit, order.exit_kind) == (cents(75), ExitKind.TAKE_PROFIT)
    desk.see(70, 5.1)
    assert desk.position.exit is not None  # the order may still fill
    desk.sold(order, 4, 75, 5.2)
    assert of(ExitWithdrawn, desk.written_since(5.2))
    assert desk.said(6) == "GUARDED"
    again = only(sales(desk.see(75, 8)))
    assert (again.count, again.leg) == (contracts(6), 0)
    assert again.decision_id != order.decision_id
    assert again.client_order_id != order.client_order_id


def test_a_target_that_failed_just_now_is_not_tried_at_every_quote() -> None:
    desk = Held()
    desk.sold(only(sales(desk.see(76, 5))), 0, 75, 5.1)
    desk.see(70, 5.2)
    assert not of(ExitDecided, desk.see(76, 5.3))
    assert sales(desk.see(76, 7))


def test_a_stop_takes_over_from_a_target_that_cannot_fill_and_does_not_wait_for_its_retry() -> None:
    desk = Held(stop_checks=1)
    target = only(sales(desk.see(76, 20)))
    written = desk.see(40, 20.5)
    assert only(of(ExitDecided, written)).exit_kind is ExitKind.STOP_LOSS
    assert not sales(written)  # never two orders that sell
    stop = only(sales(desk.accepted(target, 0, 0, 21)))
    assert (stop.exit_kind, stop.limit) == (ExitKind.STOP_LOSS, cents(1))


def test_a_stop_goes_on_when_the_price_recovers() -> None:
    desk = Held()
    desk.sold(desk.stop(), 2, 46, 25.1)
    assert only(sales(desk.see(80, 30))).exit_kind is ExitKind.STOP_LOSS


def test_peaks_are_written_while_a_trailing_stop_is_set_and_survive_a_restart() -> None:
    plan = ExitPlan(trailing_from=cents(60), trailing_distance=Micros(50_000), floor=cents(1))
    desk = Held(plan)
    bids = (58.0, 64.0, 62.0, 66.0)
    peaks = [peak.bid for second, bid in enumerate(bids) for peak in of(PeakMoved, desk.see(bid, second))]
    assert peaks == [cents(58), cents(64), cents(66)]
    state = State(desk.refolded(), desk.state.settings)
    desk.state = state
    desk.see(61, 20)
    assert only(sales(desk.see(61, 25))).exit_kind is ExitKind.TRAILING_STOP
    assert not of(PeakMoved, Held().see(70, 1))


def test_an_exit_goes_on_after_a_restart_without_any_price() -> None:
    desk = Held()
    desk.sold(desk.stop(), 2, 46, 25.1)
    desk.state = State(desk.refolded(), desk.state.settings)
    desk.tell(Begun("run-2", Mode.PAPER, "1", "0" * 64), 40)
    order = only(sales(desk.tell(Tick(), 40.5)))
    assert (order.count, order.leg) == (contracts(8), 1)


def test_an_order_that_never_left_before_a_crash_is_followed_by_another_leg() -> None:
    desk = Held()
    order = desk.stop()
    desk.state = State(desk.refolded(), desk.state.settings)
    desk.tell(Begun("run-2", Mode.PAPER, "1", "0" * 64), 40)
    again = only(sales(desk.tell(Tick(), 40.5)))
    assert (again.leg, again.decision_id) == (1, order.decision_id)
    assert again.client_order_id != order.client_order_id


def test_the_lowest_price_to_sell_at_lies_on_the_grid_of_its_side() -> None:
    terms = market()
    assert lowest(terms, Side.NO, None) == lowest(terms, Side.YES, None) == cents(1)
    assert lowest(terms, Side.NO, cents(1.5)) == lowest(terms, Side.YES, cents(1.5)) == cents(2)
    assert lowest(terms, Side.NO, cents(99.5)) is None
    assert terms.bands == GRIDS["linear_cent"]


def resting(desk: Held, seconds: float = 1.0) -> OrderTerms:
    """Let the target rest."""
    order = only(sales(desk.tell(Tick(), seconds)))
    desk.accepted(order, 0, 10, seconds)
    return order


def test_a_target_rests_on_the_book_once_entries_are_done() -> None:
    desk = Held(rest_take_profit=True)
    entry = desk.entry_order(5)
    assert not sales(desk.tell(Tick(), 1))
    desk.record(entry, OrderStatus.CANCELED, 0, 2)
    order = only(sales(desk.tell(Tick(), 2)) or sales(desk.written_since(2)))
    assert (order.limit, order.count, order.exit_kind) == (cents(75), contracts(10), ExitKind.TAKE_PROFIT)
    assert (order.time_in_force, order.post_only, order.reduce_only) == (TimeInForce.GOOD_TILL_CANCELED, True, False)
    desk.accepted(order, 0, 10, 2.1)
    assert not [sale for second in range(3, 20) for sale in sales(desk.see(60, second))]
    assert desk.said(20) == "GUARDED"
    desk.record(order, OrderStatus.EXECUTED, 10, 21)
    closed = desk.tell(FillSeen(desk.fill(order, 10, 75, 21)), 21)
    trade = only(of(PositionClosed, closed)).trade
    assert (trade.exit_kind, trade.legs[0].trigger) == (ExitKind.TAKE_PROFIT, cents(75))


def test_a_resting_target_is_cancelled_before_a_stop_sells_what_it_left() -> None:
    desk = Held(rest_take_profit=True)
    order = resting(desk)
    desk.see(47, 20)
    written = desk.see(46, 25)
    assert only(of(CancelIntended, written)).client_order_id == order.client_order_id
    assert not sales(written)
    assert not sales(desk.record(order, OrderStatus.CANCELED, 3, 25.5))  # three were sold before; fills to come
    stop = only(sales(desk.tell(FillSeen(desk.fill(order, 3, 75, 25.4)), 26)))
    assert (stop.count, stop.exit_kind) == (contracts(7), ExitKind.STOP_LOSS)
    trade = only(of(PositionClosed, desk.sold(stop, 7, 46, 26.1))).trade
    assert [leg.kind for leg in trade.legs] == [ExitKind.TAKE_PROFIT, ExitKind.STOP_LOSS]
    assert trade.exit_kind is ExitKind.STOP_LOSS


def test_a_resting_target_is_replaced_when_the_position_grew() -> None:
    desk = Held(rest_take_profit=True)
    order = resting(desk)
    entry = desk.entry_order(5, seconds=9)
    desk.tell(FillSeen(desk.fill(entry, 2, 55, 9)), 9)
    assert not of(CancelIntended, desk.tell(Tick(), 10))  # it covers fewer for a while
    desk.write(ended(entry, 2), seconds=10)
    assert only(of(CancelIntended, desk.tell(Tick(), 11))).client_order_id == order.client_order_id
    larger = only(sales(desk.record(order, OrderStatus.CANCELED, 0, 12)))
    assert (larger.count, larger.post_only) == (contracts(12), True)
    assert larger.decision_id != order.decision_id


def left(count: float) -> LeftByOthers:
    gone = contracts(count)
    return LeftByOthers(position_id="p-1", count=gone, proceeds=Micros(0), fees=Micros(0), time=NOON)


def test_a_resting_target_never_offers_more_than_is_held_when_others_sold() -> None:
    desk = Held(rest_take_profit=True)
    order = resting(desk)
    desk.entry_order(5, seconds=9)
    desk.write(left(4), seconds=10)
    assert only(of(CancelIntended, desk.tell(Tick(), 10))).client_order_id == order.client_order_id


def test_a_position_without_contracts_whose_entry_goes_on_waits_for_it_and_asks_for_nothing() -> None:
    desk = Held()
    entry = desk.entry_order(5, seconds=9)
    desk.write(left(10), seconds=10)
    everything = [*desk.see(46, 20), *desk.see(46, 25), *desk.see(76, 30)]
    everything += desk.tell(Flatten("r-1", OWNER, "", (), None), 31)
    assert not of(ExitDecided, everything)
    assert not of(PositionClosed, everything)
    closed = desk.record(entry, OrderStatus.CANCELED, 0, 32)
    assert only(of(PositionClosed, closed)).trade.exit_kind is ExitKind.FOREIGN


def test_an_entry_of_unknown_outcome_refuses_no_flatten() -> None:
    desk = Held()
    desk.entry_order(5, known=False)
    assert only(sales(desk.tell(Flatten("r-1", OWNER, "", (), None), 5))).exit_kind is ExitKind.FLATTEN


def test_a_resting_target_that_fills_in_part_stays() -> None:
    desk = Held(rest_take_profit=True)
    order = resting(desk)
    assert not of(CancelIntended, desk.record(order, OrderStatus.RESTING, 4, 5))
    assert not of(CancelIntended, desk.tell(FillSeen(desk.fill(order, 4, 75, 5)), 6))
    assert desk.position.count == contracts(6)
    assert not of(CancelIntended, desk.tell(Tick(), 10))


def test_a_resting_target_that_another_rest_replaces_never_takes_an_id_of_an_exit() -> None:
    desk = Held(rest_take_profit=True)
    order, seen = resting(desk), set[str]()
    for round_ in range(1, 4):
        desk.see(76, 10 * round_)  # the target is there: the resting order goes first
        sale = only(sales(desk.record(order, OrderStatus.CANCELED, 0, 10 * round_ + 1)))
        assert not sale.post_only
        desk.see(70, 10 * round_ + 2)
        desk.accepted(sale, 0, 0, 10 * round_ + 3)
        seen |= {order.client_order_id, sale.client_order_id}
        order = only([found for found in sales(desk.tell(Tick(), 10 * round_ + 6)) if found.post_only])
        desk.accepted(order, 0, 10, 10 * round_ + 6)
    assert len(seen) == 6


def test_a_resting_target_that_would_cross_leaves_it_to_the_immediate_order() -> None:
    desk = Held(rest_take_profit=True)
    desk.state.watch.books[TICKER] = Seen(book(no_bids=[(76.0, 9.0)], no_asks=[]), moment(1).seconds)
    entry = desk.entry_order(5)
    assert not sales(desk.record(entry, OrderStatus.CANCELED, 0, 1))  # no look at prices in it
    assert not only(sales(desk.tell(Tick(), 1.1))).post_only
