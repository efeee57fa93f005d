"""Which foreign positions become the trader's, and with which plan; why others do not."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import pytest

from mesh.kalshi.terms import OrderStatus
from mesh.types import Hundredths, Micros, Side
from tests.fakes.trading import NOON, TICKER, Desk, book, cents, contracts, market, moment, signal
from trader.domain.adopting import AdoptRefused, CannotAdopt, Wish, adoption
from trader.domain.entries import Adopted, PositionOpened, SwitchesChanged
from trader.domain.events import (
    Adopt,
    BookCame,
    BooksConfirmed,
    Compared,
    MarketSeen,
    ScanBegan,
    SignalCame,
)
from trader.domain.facts import Actor, ExitPlan
from trader.domain.settings import ExitSettings, RuleSettings, Settings
from trader.domain.sizing import risk
from trader.domain.views import HeldView, OrderView, Snapshot
from trader.domain.words import ActorKind, ChangeKind, Confidence

OWNER = Actor(kind=ActorKind.CALLER, name="owner", role="operator")
SIBLING = "KXHIGHNY-26NOV24-T58"
NOTHING_IS_BOUGHT = RuleSettings(min_confidence=Confidence.HIGH)


def held(net: float = -10, exposure: int = 5_500_000, fees: int = 70_000) -> HeldView:
    return HeldView(TICKER, Hundredths(round(net * 100)), Micros(exposure), Micros(0), Micros(fees))


def bids(ticker: str = TICKER) -> OrderView:
    return OrderView(
        order_id="o-7",
        client_order_id="",
        ticker=ticker,
        book_buys_yes=False,
        yes_price=cents(40),
        status=OrderStatus.RESTING,
        count=contracts(2),
        filled=Hundredths(0),
        remaining=contracts(2),
    )


class Owned(Desk):
    """A desk whose account holds NO contracts that it did not buy: 10 at 55 cents, and 7 cents of fees."""

    def __init__(self, *views: HeldView, orders: Iterable[OrderView] = (), known: bool = True, **exits: object) -> None:
        super().__init__(Settings(rules=NOTHING_IS_BOUGHT, exits=ExitSettings.model_validate(exits)))
        if known:
            self.tell(MarketSeen(market(), trading=True))
        self.tell(Compared(Snapshot(NOON, 0.0, tuple(orders), NOON, (), views or (held(),), (), Micros(10**9))))

    def signalled(self, ticker: str = TICKER, seconds: float = 1.0, **changes: object) -> None:
        """Let a signal come that nothing is bought on."""
        self.tell(ScanBegan(f"s-{seconds}", ("KXHIGHNY",), 1), seconds)
        self.tell(MarketSeen(market(ticker), trading=True), seconds)
        self.tell(SignalCame(f"s-{seconds}", market(ticker), signal(**changes), b""), seconds)  # type: ignore[arg-type]

    def found(self, **levels: object) -> Adopt | AdoptRefused:
        """What a wish comes to, 10 seconds after noon."""
        return adoption(self.state, Wish("r-1", OWNER, "mine", TICKER, **levels), moment(10))  # type: ignore[arg-type]

    def plan(self, **levels: object) -> ExitPlan:
        """The exit plan that a wish comes to."""
        found = self.found(**levels)
        assert isinstance(found, Adopt), found
        return found.plan


LEVELS = {"take_profit": cents(70), "stop_loss": cents(40)}


def test_what_is_adopted_is_held_counted_and_guarded_as_if_it_had_been_bought() -> None:
    desk = Owned()
    event = desk.found(**LEVELS)
    assert isinstance(event, Adopt)
    written = desk.tell(event, 10)
    assert [type(entry) for entry in written[:3]] == [SwitchesChanged, PositionOpened, Adopted]
    change = written[0]
    (position,) = desk.state.books.positions.values()
    assert isinstance(change, SwitchesChanged)
    assert (change.change, change.actor, change.why, change.request_id) == (ChangeKind.ADOPTED, OWNER, "mine", "r-1")
    assert change.adopted == (position.position_id,)
    assert (position.side, position.count, position.cost, position.entry_fees) == (Side.NO, 1000, 5_500_000, 70_000)
    assert (position.plan.take_profit, position.plan.stop_loss, position.plan.floor) == (cents(70), cents(40), cents(1))
    exposed = risk(desk.state.books, desk.state.settings.sizes, market())
    assert exposed.contracts == 1000
    assert set(exposed.exposures.values()) == {5_570_000}
    assert desk.refolded() == desk.state.books
    assert not desk.state.books.blocks


@pytest.mark.parametrize(
    ("desk", "reason"),
    [
        (lambda: Owned(held(net=0, exposure=0)), CannotAdopt.NO_POSITION),
        (lambda: Owned(held(net=10)), CannotAdopt.YES_SIDE),
        (lambda: Owned(known=False), CannotAdopt.UNKNOWN_MARKET),
        (lambda: Owned(orders=[bids()]), CannotAdopt.WORKING_ORDERS),
        (lambda: Owned(held(exposure=0)), CannotAdopt.UNKNOWN_COST),
        (lambda: Owned(held(exposure=-5_500_000)), CannotAdopt.UNKNOWN_COST),
        (lambda: Owned(held(exposure=10_000_000)), CannotAdopt.UNKNOWN_COST),
        (lambda: Owned(held(fees=-1)), CannotAdopt.UNKNOWN_COST),
    ],
)
def test_what_cannot_be_adopted_is_refused_by_name(desk: Callable[[], Owned], reason: CannotAdopt) -> None:
    found = desk().found(**LEVELS)
    assert isinstance(found, AdoptRefused)
    assert found.reason is reason
    assert found.detail


def test_orders_in_other_markets_are_in_nobodys_way() -> None:
    assert isinstance(Owned(orders=[bids(SIBLING)]).found(**LEVELS), Adopt)


def test_nothing_is_adopted_twice() -> None:
    desk = Owned()
    event = desk.found(**LEVELS)
    assert isinstance(event, Adopt)
    desk.tell(event, 10)
    found = desk.found(**LEVELS)
    assert isinstance(found, AdoptRefused)
    assert found.reason is CannotAdopt.OURS


def test_levels_come_from_the_latest_signal_of_the_market_counted_from_the_mean_price() -> None:
    desk = Owned(held(net=-3, exposure=1_660_000))  # 55 1/3 cents
    desk.signalled(SIBLING, 3, take_profit_cents=30.0)
    desk.signalled(TICKER, 1)
    plan = desk.plan()
    assert (plan.take_profit, plan.stop_loss) == (cents(76), cents(47)), "a target is rounded up, a stop down"
    assert (plan.policy_version, plan.policy_digest) == ("1", "0" * 64)


def test_without_a_signal_of_the_market_the_latest_of_its_series_gives_the_levels() -> None:
    desk = Owned()
    desk.signalled("KXHIGHCHI-26NOV23-T60", 4, take_profit_cents=30.0)
    desk.signalled(SIBLING, 2, side=Side.YES, take_profit_cents=5.0)
    desk.signalled(SIBLING + "A", 1)
    assert (desk.plan().take_profit, desk.plan().stop_loss) == (cents(75), cents(47))


def test_a_named_level_stands_beside_that_of_the_series_and_no_policy_behind_it() -> None:
    desk = Owned()
    desk.signalled()
    plan = desk.plan(stop_loss=cents(30))
    assert (plan.take_profit, plan.stop_loss, plan.policy_version, plan.policy_digest) == (cents(75), cents(30), "", "")


@pytest.mark.parametrize("levels", [{}, {"take_profit": cents(70)}, {"stop_loss": cents(40)}])
def test_without_any_signal_levels_have_to_be_named(levels: dict[str, object]) -> None:
    found = Owned().found(**levels)
    assert isinstance(found, AdoptRefused)
    assert found.reason is CannotAdopt.NO_PLAN


def test_what_is_held_to_settlement_by_wish_or_by_its_series_needs_no_levels() -> None:
    clocked: dict[str, Any] = {"time_stop_seconds": 60.0}
    assert Owned(**clocked).plan(hold=True) == ExitPlan(floor=cents(1))
    assert Owned(hold_to_settlement=("KXHIGHNY",), **clocked).plan() == ExitPlan(floor=cents(1))
    assert Owned(take_profit=False, stop_loss=False).plan() == ExitPlan(floor=cents(1))


def test_a_time_stop_counts_from_the_adoption() -> None:
    assert Owned(time_stop_seconds=60.0).plan(**LEVELS).time_stop == NOON + timedelta(seconds=70)


@pytest.mark.parametrize(("bid", "adopted"), [(40.0, False), (41.0, True), (69.0, True), (70.0, False)])
def test_nothing_is_adopted_that_would_be_sold_at_once(bid: float, adopted: bool) -> None:
    desk = Owned()
    desk.tell(BookCame(book(no_bids=[(bid, 5.0)], no_asks=[(95.0, 5.0)])), 9)
    desk.tell(BooksConfirmed((TICKER,)), 9)
    found = desk.found(**LEVELS)
    assert isinstance(found, Adopt) is adopted
    assert adopted or found.reason is CannotAdopt.PLAN_REACHED  # type: ignore[union-attr]  # a refusal
    assert isinstance(desk.found(hold=True), Adopt)
