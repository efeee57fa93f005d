"""What must hold whatever comes: money, fees, and never more than was shown or traded."""

from collections import Counter
from typing import NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mesh.kalshi.fees import charge
from mesh.kalshi.sides import Action
from mesh.kalshi.terms import OrderStatus
from mesh.types import DOLLAR, Micros
from tests.unit.trader.paper.bench import KINDS, Bench
from trader.paper.records import Fill, Order

PRICES = st.integers(30, 70)
SIZES = st.one_of(st.integers(1, 30), st.sampled_from([0.01, 0.37, 2.5]))
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Place(NamedTuple):
    action: Action
    price: int
    size: float
    kind: int


class Shows(NamedTuple):
    middle: int
    bids: tuple[float, ...]
    asks: tuple[float, ...]


class Trades(NamedTuple):
    price: int
    size: float
    taker_buys_yes: bool


class Cancels(NamedTuple):
    which: int


class Passes(NamedTuple):
    seconds: int


ladders = st.lists(st.one_of(st.just(0), SIZES), max_size=4).map(tuple)
steps = st.lists(
    st.one_of(
        st.builds(Place, st.sampled_from(Action), PRICES, SIZES, st.integers(0, 4)),
        st.builds(Shows, PRICES, ladders, ladders),
        st.builds(Trades, PRICES, SIZES, st.booleans()),
        st.builds(Cancels, st.integers(0, 20)),
        st.builds(Passes, st.integers(1, 10)),
    ),
    min_size=10,
    max_size=40,
)


class Crowd:
    """Carries steps out and looks at the laws after each."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.offered: Counter[tuple[bool, int]] = Counter()
        """What a level ever gave to be had: its first size and everything that came to it since it was empty."""
        self.last: Counter[tuple[bool, int]] = Counter()
        self.had: Counter[tuple[bool, int]] = Counter()

    def do(self, step: Place | Shows | Trades | Cancels | Passes) -> None:
        bench = self.bench
        before = len(self.fills())
        match step:
            case Place():
                bench.ask_for(step.action, step.price, step.size, **KINDS[step.kind])
            case Shows():
                self.shows(step)
            case Trades():
                bench.trade(step.price, step.size, taker_buys_yes=step.taker_buys_yes)
                assert sum(fill.count for fill in self.fills()[before:]) <= step.size * 100
            case Cancels():
                orders = list(bench.account.orders)
                if orders:
                    bench.matching.cancel(orders[step.which % len(orders)], bench.now)
            case Passes():
                bench.passes(step.seconds)
        if not isinstance(step, Trades):
            for fill in self.fills()[before:]:
                assert fill.taker is isinstance(step, Place)

    def shows(self, step: Shows) -> None:
        bids = [(step.middle - 1 - n, size) for n, size in enumerate(step.bids) if size]
        asks = [(step.middle + 1 + n, size) for n, size in enumerate(step.asks) if size]
        now = Counter({(True, price): round(size * 100) for price, size in bids})
        now.update({(False, price): round(size * 100) for price, size in asks})
        for level in {*now, *self.last}:
            self.offered[level] = self.offered[level] + max(0, now[level] - self.last[level]) if now[level] else 0
            self.had[level] = min(self.had[level], now[level])
        self.last = now
        self.bench.shows(bids, asks)

    def fills(self) -> list[Fill]:
        found = [fill for fills in self.bench.account.fills.values() for fill in fills]
        return sorted(found, key=lambda fill: fill.number)

    def check(self) -> None:
        account = self.bench.account
        held = account.held(self.bench.market.ticker)
        assert account.purse.cash + held.cost + held.fees - held.realised == account.purse.start
        assert account.missing == 0
        assert 0 <= account.available <= account.purse.cash
        assert account.purse.cash % account.purse.step == 0
        bought = sum(fill.count if fill.buys_yes else -fill.count for fill in self.fills())
        assert bought == held.net
        assert sum(fill.fee for fill in self.fills()) == held.fees
        for order in account.orders.values():
            self.check_order(order)

    def check_order(self, order: Order) -> None:
        account = self.bench.account
        carried, filled = Micros(0), 0
        for fill in account.fills.get(order.order_id, ()):
            exact = charge(
                self.bench.market.fees,
                price=fill.price,
                count=fill.count,
                buys_yes=fill.buys_yes,
                maker=not fill.taker,
                carried=carried,
                precision=account.purse.step,
            )
            assert fill.fee == exact.net
            assert fill.price <= order.price if order.buys_yes else fill.price >= order.price
            assert fill.taker or fill.price == order.price
            carried, filled = exact.carried, filled + fill.count
        assert filled == order.filled
        waits = any(order is other for other in account.resting.get(order.ticker, ()))
        assert waits is (order.status is OrderStatus.RESTING) is (order.remaining > 0)
        if waits:
            assert order.filled + order.remaining == order.count


@quick
@given(steps, st.sampled_from([5.0, 40.0, 1000.0]), st.sampled_from([100, 10_000]))
def test_money_is_conserved_and_every_fee_is_exact(
    todo: list[Place | Shows | Trades | Cancels | Passes], dollars: float, step: int
) -> None:
    crowd = Crowd(Bench(dollars=dollars, step=step))
    crowd.check()
    for one in todo:
        crowd.do(one)
        crowd.check()


@quick
@given(
    st.lists(
        st.one_of(
            st.builds(Place, st.sampled_from(Action), PRICES, SIZES, st.just(1)),
            st.builds(Shows, PRICES, ladders, ladders),
        ),
        min_size=10,
        max_size=40,
    )
)
def test_no_level_ever_gives_more_than_it_shows(todo: list[Place | Shows]) -> None:
    bench = Bench(dollars=1_000_000)
    crowd = Crowd(bench)
    for one in todo:
        before = len(crowd.fills())
        crowd.do(one)
        for fill in crowd.fills()[before:]:
            crowd.had[not fill.buys_yes, fill.price // 10_000] += fill.count
        for level, count in crowd.had.items():
            assert count <= crowd.last[level]


@quick
@given(st.lists(st.builds(Place, st.sampled_from(Action), PRICES, SIZES, st.just(1)), max_size=20), st.integers(0, 100))
def test_after_settlement_only_cash_is_left(todo: list[Place], value: int) -> None:
    bench = Bench()
    bench.shows(bids=((45, 100),), asks=((47, 100),))
    for one in todo:
        bench.ask_for(one.action, one.price, one.size, **KINDS[1])
    net, cash = bench.account.held(bench.market.ticker).net, bench.account.purse.cash
    bench.account.settle(bench.market.ticker, Micros(value * 10_000), bench.now)
    held = bench.account.held(bench.market.ticker)
    worth = net * value * 10_000 // 100 if net > 0 else -net * (DOLLAR - value * 10_000) // 100
    assert bench.account.purse.cash == cash + worth
    assert (held.net, held.cost, bench.account.missing) == (0, 0, 0)
