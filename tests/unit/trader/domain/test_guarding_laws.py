"""Whatever books, answers, fills, pauses and crashes come, in whatever order: never sold twice, and sold in the end."""

from dataclasses import dataclass, field

from hypothesis import event, given, settings
from hypothesis import strategies as st

from mesh.kalshi.sides import Action
from mesh.kalshi.terms import OrderStatus, TimeInForce
from mesh.types import Hundredths, Micros, Price, Side
from tests.fakes.trading import TICKER, Desk, book, cents, contracts, market, moment
from trader.domain.entries import AnyEntry, CancelIntended, OrderEnded, OrderIntended, OrderResting, OrderSent
from trader.domain.events import (
    Accepted,
    Adopt,
    Answered,
    Begun,
    BookCame,
    BooksLost,
    CancelAnswered,
    Event,
    ExchangeSeen,
    FillSeen,
    Flatten,
    NoOutcome,
    OrderSeen,
    Refused,
    Sending,
    Tick,
)
from trader.domain.facts import Actor, Ending, ExitPlan, FillFacts, OrderTerms
from trader.domain.fold import apply
from trader.domain.settings import ExitSettings, Settings
from trader.domain.state import State
from trader.domain.views import (
    OrderView,
)
from trader.domain.words import ActorKind, EndReason, ExchangeState, Mode, OrderState, Purpose

OWNER = Actor(kind=ActorKind.CALLER, name="owner", role="operator")
PLAN = ExitPlan(
    take_profit=cents(60),
    stop_loss=cents(45),
    trailing_from=cents(55),
    trailing_distance=Micros(30_000),
    floor=cents(2),
)


@dataclass
class Real:
    """An order as the exchange has it."""

    terms: OrderTerms
    filled: int = 0
    rests: bool = False


@dataclass
class World:
    """A trader with one position, and an exchange that fills as much as chance says, within what is held."""

    desk: Desk
    now: float = 0.0
    bid: Price | None = None
    orders: dict[str, Real] = field(default_factory=dict)
    held: int = 1000
    """Hundredths, by the exchange's own count."""
    requests: list[AnyEntry] = field(default_factory=list)
    """Placements and cancellations that have not left."""
    news: list[Event] = field(default_factory=list)
    """What the exchange did and has not told."""
    fills: list[FillSeen] = field(default_factory=list)
    entries: int = 0

    def tell(self, told: Event) -> None:
        """Tell the trader, keep what it wants done, and look whether it stayed within what it holds."""
        written = self.desk.tell(told, self.now)
        self.requests += [found for found in written if isinstance(found, OrderIntended | CancelIntended)]
        self.check()

    def check(self) -> None:
        books = self.desk.state.books
        for position in books.positions.values():
            selling = [
                order for order in books.orders.values() if order.working and order.terms.purpose is Purpose.EXIT
            ]
            assert len(selling) <= 1
            assert sum(order.open_count for order in selling) <= position.count
        assert self.held >= 0

    def look(self, bid: int | None) -> None:
        self.bid = None if bid is None else cents(bid)
        bids = [] if bid is None else [(float(bid), 50.0)]
        self.tell(BookCame(book(no_bids=bids, no_asks=[(95.0, 50.0)])))

    def fill(self, real: Real, wanted: int) -> None:
        count = min(wanted, real.terms.count - real.filled)
        if real.terms.action is Action.SELL:
            count = min(count, self.held) if real.terms.reduce_only else count
        if count <= 0:
            return
        real.filled += count
        self.held += count if real.terms.action is Action.BUY else -count
        buys_yes = real.terms.action is Action.SELL  # selling NO
        fill = FillFacts(
            fill_id=f"f-{len(self.fills)}",
            order_id=f"x-{real.terms.client_order_id}",
            ticker=TICKER,
            side=Side.YES,
            action=Action.BUY if buys_yes else Action.SELL,
            price=real.terms.limit.complement,
            count=Hundredths(count),
            fee=Micros(0),
            taker=True,
            time=moment(self.now).now,
        )
        self.fills.append(FillSeen(fill))
        self.news.append(self.fills[-1])

    def serve(self, luck: int) -> None:
        """Let the oldest request leave, arrive or not, and be answered or not."""
        if not self.requests:
            return
        request = self.requests.pop(0)
        if isinstance(request, CancelIntended):
            real = self.orders.get(request.client_order_id)
            if real is not None:
                real.rests = False
                self.news += [CancelAnswered(request.client_order_id, None), OrderSeen(self.view(real))]
            return
        assert isinstance(request, OrderIntended)
        terms, name = request.order, request.order.client_order_id
        self.tell(Sending(name))
        if luck % 5 == 0:
            ending = Ending(reason=EndReason.REFUSED, code="bad_request")
            self.tell(Answered(name, Refused(ending, never_left=luck % 2 == 0)))
            return
        if luck % 7 == 0:  # lost on its way, and nobody knows
            self.tell(Answered(name, NoOutcome("reset")))
            return
        real = self.orders[name] = Real(terms)
        if terms.time_in_force is TimeInForce.IMMEDIATE_OR_CANCEL:
            if self.bid is not None and self.bid >= terms.limit:
                self.fill(real, (luck * 37) % 1200)
        else:
            real.rests = True
        answer = Accepted(f"x-{name}", Hundredths(real.filled), Hundredths(terms.count if real.rests else 0))
        self.tell(Answered(name, NoOutcome("timed out") if luck % 3 == 0 else answer))

    def hear(self, place: int) -> None:
        """Let some piece of news arrive, perhaps once more later."""
        if self.news:
            told = self.news[place % len(self.news)] if place % 2 else self.news.pop(place % len(self.news))
            self.tell(told)

    def view(self, real: Real) -> OrderView:
        done = real.filled >= real.terms.count
        status = OrderStatus.RESTING if real.rests and not done else OrderStatus.CANCELED
        return OrderView(
            order_id=f"x-{real.terms.client_order_id}",
            client_order_id=real.terms.client_order_id,
            ticker=TICKER,
            book_buys_yes=real.terms.action is Action.SELL,
            yes_price=real.terms.limit.complement,
            status=OrderStatus.EXECUTED if done else status,
            count=real.terms.count,
            filled=Hundredths(real.filled),
            remaining=Hundredths(real.terms.count - real.filled if real.rests else 0),
        )

    def records(self) -> None:
        """Show all orders and fills; what the exchange provably never had is settled as an account read would."""
        for order in tuple(self.desk.state.books.orders.values()):
            name = order.terms.client_order_id
            if name in self.orders:
                self.tell(OrderSeen(self.view(self.orders[name])))
            elif order.state is OrderState.UNKNOWN:
                ending = Ending(reason=EndReason.NEVER_LEFT)
                none = Hundredths(0)
                self.write(
                    OrderEnded(
                        client_order_id=name, state=OrderState.NOT_SENT, order_id=None, filled=none, ending=ending
                    )
                )

        for fill in self.fills:
            self.tell(fill)

    def write(self, *entries: AnyEntry) -> None:
        when, books = moment(self.now).now, self.desk.state.books
        for entry in entries:
            apply(books, books.sequence + 1, when, entry)
            self.desk.written.append((when, entry))

    def enter(self) -> None:
        """Let a further entry rest."""
        position = next(iter(self.desk.state.books.positions.values()), None)
        if position is None or position.exit is not None:
            return
        self.entries += 1
        name = f"entry-{self.entries}"
        terms = OrderTerms(
            client_order_id=name,
            decision_id=f"d-{self.entries}",
            leg=0,
            position_id=position.position_id,
            ticker=TICKER,
            event_ticker=market().event_ticker,
            series_ticker=market().series_ticker,
            side=Side.NO,
            action=Action.BUY,
            purpose=Purpose.ENTRY,
            limit=cents(50),
            count=contracts(3),
            time_in_force=TimeInForce.GOOD_TILL_CANCELED,
        )
        self.orders[name] = Real(terms, rests=True)
        resting = OrderResting(client_order_id=name, order_id=f"x-{name}", filled=Hundredths(0))
        self.write(OrderIntended(order=terms), OrderSent(client_order_id=name), resting)

    def crash(self) -> None:
        """Lose everything that is not on disk, with the requests that had not left."""
        self.desk.state = State(self.desk.refolded(), self.desk.state.settings)
        self.requests.clear()
        self.tell(Begun("run-2", Mode.PAPER, "1", "0" * 64))

    def rested(self, place: int, count: int) -> None:
        """Let a resting order be filled in part."""
        resting = [real for real in self.orders.values() if real.rests]
        if resting:
            self.fill(resting[place % len(resting)], count)


def act(world: World, kind: int, luck: int) -> None:  # noqa: C901  # a case an action
    match kind:
        case 0 | 1:
            world.look(30 + luck % 35)
        case 2:
            world.look(None)
        case 3:
            world.now += 0.1 + luck % 8
            world.tell(Tick())
        case 4 | 5:
            world.serve(luck)
        case 6 | 7:
            world.hear(luck)
        case 8:
            world.rested(luck, luck * 13 % 600)
        case 9:
            world.tell(BooksLost(None))
        case 10:
            world.tell(ExchangeSeen(ExchangeState.OPEN if luck % 2 else ExchangeState.TRADING_PAUSED))
        case 11:
            world.enter()
        case 12:
            world.records()
        case 13:
            world.crash()
        case _:
            world.tell(Flatten(f"r-{world.now}-{luck}", OWNER, "law", (), cents(30 + luck % 30)))


@settings(max_examples=120, deadline=None)
@given(
    actions=st.lists(st.tuples(st.integers(0, 14), st.integers(1, 1000)), max_size=60),
    rests=st.booleans(),
    checks=st.integers(1, 3),
)
def test_never_two_sellers_never_more_than_held_and_sold_in_the_end(
    actions: list[tuple[int, int]], rests: bool, checks: int
) -> None:
    limits = Settings(exits=ExitSettings(rest_take_profit=rests, stop_checks=checks))
    world = World(Desk(limits))
    world.tell(Adopt("a-1", OWNER, market(), Side.NO, contracts(10), Micros(5_000_000), PLAN))
    for kind, luck in actions:
        act(world, kind, luck)
    event(f"orders {len(world.orders) // 4 * 4}+, fills {len(world.fills)}")

    # Healed: requests arrive and are answered, and somebody bids at the stop from now on.
    world.tell(ExchangeSeen(ExchangeState.OPEN))
    for _ in range(60):
        if not world.desk.state.books.positions:
            break
        world.now += 5
        world.look(45)
        world.tell(Tick())
        while world.requests:
            world.serve(26)  # fills up to 962 hundredths
        world.records()
        while world.news:
            world.hear(0)
    assert not world.desk.state.books.positions
    assert world.held == 0
    assert not world.desk.state.books.working
