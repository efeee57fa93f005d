"""What people make of positions: they flatten them, and give the trader those that it did not open."""

from collections.abc import Iterable
from datetime import timedelta
from typing import TypeVar

from mesh.kalshi.sides import Action
from mesh.kalshi.terms import OrderStatus
from mesh.types import Hundredths, Micros, Side
from tests.fakes.trading import TICKER, Desk, book, cents, contracts, market, moment
from trader.domain import guarding
from trader.domain.entries import AnyEntry, ExitDecided, OrderIntended, PositionClosed, PositionOpened
from trader.domain.events import (
    Accepted,
    Adopt,
    Answered,
    BookCame,
    Compared,
    ExchangeSeen,
    FillSeen,
    Flatten,
    MarketSeen,
    NoOutcome,
    OrderSeen,
    Remember,
    Sending,
)
from trader.domain.exit_flatten import (
    FlattenBegun,
    FlattenRefused,
    FlattenResult,
    FlattenUnbid,
    WhyNot,
    flatten_outcomes,
)
from trader.domain.facts import Actor, ExitPlan, FillFacts, OrderTerms
from trader.domain.settings import ExitSettings, Settings
from trader.domain.views import (
    HeldView,
    OrderView,
    Snapshot,
)
from trader.domain.words import ActorKind, ExchangeState, ExitKind

OWNER = Actor(kind=ActorKind.CALLER, name="owner", role="operator")
PLAN = ExitPlan(take_profit=cents(75), stop_loss=cents(47), floor=cents(1))
OTHER = "KXHIGHCHI-26NOV23-T60"
E = TypeVar("E")
T = TypeVar("T")


class Given(Desk):
    """A desk that was given NO positions of 10 contracts in these markets."""

    def __init__(self, *tickers: str, **changes: object) -> None:
        super().__init__(Settings(exits=ExitSettings.model_validate(changes)))
        for ticker in tickers or (TICKER,):
            self.tell(Adopt(f"a-{ticker}", OWNER, market(ticker), Side.NO, contracts(10), Micros(5_500_000), PLAN))

    def see(self, bid: float, seconds: float, ticker: str = TICKER) -> list[AnyEntry]:
        """Let a book with this bid come."""
        return list(self.tell(BookCame(book(ticker, no_bids=[(bid, 100.0)], no_asks=[(95.0, 100.0)])), seconds))

    def flatten(self, seconds: float, *tickers: str, floor: float | None = None) -> list[FlattenResult]:
        """Flatten, give the outcomes."""
        event = Flatten(f"r-{seconds}", OWNER, "enough", tickers, None if floor is None else cents(floor))
        self.tell(event, seconds)
        return [outcome for _, _, outcome in flatten_outcomes(self.state, event, moment(seconds))]

    def answer(self, order: OrderTerms, filled: float, seconds: float) -> list[AnyEntry]:
        """Let an immediate order fill so far at its limit, and its fill come."""
        name = order.client_order_id
        self.tell(Sending(name), seconds)
        written = list(self.tell(Answered(name, Accepted(f"x-{name}", contracts(filled), Hundredths(0))), seconds))
        if filled:
            fill = FillFacts(
                fill_id=f"f-{name}",
                order_id=f"x-{name}",
                ticker=order.ticker,
                side=Side.YES,
                action=Action.BUY,
                price=order.limit.complement,
                count=contracts(filled),
                fee=Micros(0),
                taker=True,
                time=moment(seconds).now,
            )
            written += self.tell(FillSeen(fill), seconds)
        return written

    def since(self, seconds: float) -> list[AnyEntry]:
        """Give what was written at this moment and later."""
        return [entry for time, entry in self.written if time >= moment(seconds).now]

    def said(self, seconds: float) -> str:
        """Say the state of the only position."""
        return guarding.position_state(self.state, only([*self.state.books.positions.values()]), moment(seconds))


def of(kind: type[E], entries: Iterable[AnyEntry]) -> list[E]:
    return [found for found in entries if isinstance(found, kind)]


def sales(entries: Iterable[AnyEntry]) -> list[OrderTerms]:
    return [found.order for found in of(OrderIntended, entries)]


def only(found: list[T]) -> T:
    (one,) = found
    return one


def why(outcomes: list[FlattenResult]) -> list[WhyNot]:
    return [outcome.reason for outcome in outcomes if isinstance(outcome, FlattenRefused)]


def test_flatten_sells_at_once_at_the_floor_of_the_settings() -> None:
    desk = Given(floor_cents=2.0)
    desk.see(60, 4)
    begun = only(desk.flatten(5))
    assert isinstance(begun, FlattenBegun)
    order = only(sales(desk.since(5)))
    assert (order.limit, order.exit_kind, order.count) == (cents(2), ExitKind.FLATTEN, contracts(10))
    assert (begun.client_order_id, begun.count, begun.floor) == (order.client_order_id, contracts(10), cents(2))
    decided = only(of(ExitDecided, desk.since(5)))
    assert (decided.actor, decided.decision_id) == (OWNER, begun.decision_id)


def test_flatten_sells_the_markets_it_names_and_all_without_a_name() -> None:
    desk = Given(TICKER, OTHER)
    assert [type(found) for found in desk.flatten(5, OTHER)] == [FlattenBegun]
    assert [order.ticker for order in sales(desk.since(5))] == [OTHER]
    assert [type(found) for found in desk.flatten(6)] == [FlattenBegun, FlattenBegun]
    assert [order.ticker for order in sales(desk.since(6))] == [TICKER]


def test_flatten_sells_without_any_book() -> None:
    desk = Given()
    begun = only(desk.flatten(5))
    assert isinstance(begun, FlattenBegun)
    assert begun.top is None
    assert begun.client_order_id is not None


def test_a_second_flatten_at_the_same_floor_changes_nothing_and_one_at_a_lower_floor_does() -> None:
    desk = Given()
    desk.see(60, 4)
    first, second = only(desk.flatten(5, floor=70)), only(desk.flatten(6, TICKER, floor=70))
    assert isinstance(first, FlattenUnbid)
    assert isinstance(second, FlattenUnbid)
    assert first.decision_id == second.decision_id
    assert len(of(ExitDecided, desk.since(5))) == 1
    assert isinstance(only(desk.flatten(7, floor=50)), FlattenBegun)
    assert only(sales(desk.since(7))).limit == cents(50)


def test_a_flatten_persists_with_its_floor() -> None:
    desk = Given()
    desk.see(60, 4)
    desk.flatten(5, floor=58)
    desk.answer(only(sales(desk.since(5))), 4, 5.1)
    assert not sales(desk.see(57, 8))
    assert desk.said(8) == "NO_BID"
    order = only(sales(desk.see(58, 9)))
    assert (order.count, order.limit, order.leg) == (contracts(6), cents(58), 1)
    assert of(PositionClosed, desk.answer(order, 6, 9.1))


def test_a_flatten_whose_floor_nobody_pays_leaves_the_stop_in_force() -> None:
    desk = Given()
    desk.see(60, 14)
    assert isinstance(only(desk.flatten(15, floor=70)), FlattenUnbid)
    assert not sales(desk.see(48, 20))
    assert not sales(desk.see(47, 25))
    assert only(sales(desk.see(40, 30))).exit_kind is ExitKind.STOP_LOSS


def test_a_stop_that_could_sell_no_lower_or_no_sooner_leaves_a_flatten_alone() -> None:
    low, high = Given(), Given(grace_seconds=0)
    low.flatten(5)
    book_ = BookCame(book(no_bids=[], no_asks=[(95.0, 9.0)]))
    assert not of(ExitDecided, [*low.tell(book_, 20), *low.tell(book_, 25)])
    high.see(60, 4)
    high.flatten(5, floor=40)
    assert not of(ExitDecided, [*high.see(45, 6), *high.see(45, 11)])


def test_flatten_replaces_a_stop_that_is_carried_out_and_waits_for_its_order() -> None:
    desk = Given()
    desk.see(47, 20)
    stop = only(sales(desk.see(46, 25)))
    begun = only(desk.flatten(25.5, floor=30))
    assert isinstance(begun, FlattenBegun)
    assert begun.client_order_id is None
    order = only(sales(desk.answer(stop, 4, 26)))
    assert (order.count, order.limit, order.exit_kind) == (contracts(6), cents(30), ExitKind.FLATTEN)


def test_in_a_pause_and_after_the_close_flatten_says_so_and_begins_nothing() -> None:
    desk = Given()
    desk.tell(ExchangeSeen(ExchangeState.TRADING_PAUSED), 5)
    assert why(desk.flatten(6)) == [WhyNot.PAUSED]
    desk.tell(ExchangeSeen(ExchangeState.OPEN), 7)
    desk.tell(MarketSeen(market(closes=timedelta(seconds=9)), trading=False), 8)
    assert why(desk.flatten(8.5)) == [WhyNot.PAUSED]
    assert why(desk.flatten(9)) == [WhyNot.MARKET_CLOSED]
    assert not of(ExitDecided, desk.since(0))


def test_an_exit_of_unknown_outcome_refuses_a_flatten_because_it_might_sell_twice() -> None:
    desk = Given()
    desk.see(47, 20)
    order = only(sales(desk.see(46, 25)))
    desk.tell(Sending(order.client_order_id), 25)
    desk.tell(Answered(order.client_order_id, NoOutcome("timed out")), 26)
    assert why(desk.flatten(27)) == [WhyNot.UNKNOWN_ORDER]
    assert not of(ExitDecided, desk.since(27))
    view = OrderView(
        order_id="x-1",
        client_order_id=order.client_order_id,
        ticker=TICKER,
        book_buys_yes=True,
        yes_price=order.limit.complement,
        status=OrderStatus.CANCELED,
        count=order.count,
        filled=Hundredths(0),
        remaining=Hundredths(0),
    )
    desk.tell(OrderSeen(view), 28)
    assert isinstance(only(desk.flatten(29)), FlattenBegun)


def test_flatten_names_markets_without_a_position_and_positions_of_others() -> None:
    desk = Given()
    theirs = HeldView(OTHER, Hundredths(-300), Micros(1_500_000), Micros(0), Micros(0))
    mine = HeldView(TICKER, Hundredths(-1000), Micros(5_500_000), Micros(0), Micros(0))
    when = moment(1)
    desk.tell(Compared(Snapshot(when.now, when.seconds, (), when.now, (), (mine, theirs), (), Micros(0))), 2)
    assert why(desk.flatten(5, "KXINX-26NOV23-T1", OTHER)) == [WhyNot.NO_POSITION, WhyNot.FOREIGN]
    assert not of(ExitDecided, desk.since(5))


def test_a_request_that_was_answered_is_not_carried_out_again() -> None:
    desk = Given()
    desk.tell(Remember("r-5", "FlattenPositions", b""), 4)
    desk.tell(Flatten("r-5", OWNER, "again", (), None), 5)
    desk.tell(Remember("a-2", "Adopt", b""), 6)
    desk.tell(Adopt("a-2", OWNER, market(OTHER), Side.NO, contracts(1), Micros(1), PLAN), 7)
    assert not of(ExitDecided, desk.since(4))
    assert not of(PositionOpened, desk.since(4))


def test_an_adopted_position_is_guarded_and_its_trade_has_no_decision() -> None:
    desk = Given()
    assert not of(PositionOpened, desk.tell(Adopt("a", OWNER, market(), Side.NO, contracts(1), Micros(1), PLAN), 2))
    desk.see(47, 20)
    order = only(sales(desk.see(47, 25)))
    trade = only(of(PositionClosed, desk.answer(order, 10, 25.1))).trade
    assert (trade.decision_id, trade.entry_slippage) == (None, None)
    assert (trade.cost, trade.proceeds, trade.exit_kind) == (5_500_000, 100_000, ExitKind.STOP_LOSS)
