"""The paper account against the simulated exchange: the same orders at the same quotes, the same books."""

from typing import NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mesh.kalshi.sides import Action
from mesh.kalshi.terms import BookSide, Result
from mesh.types import DOLLAR, Micros
from sim_exchange.domain.exchange import Exchange
from sim_exchange.domain.results import Placed
from sim_exchange.domain.types import NewOrder
from sim_exchange.domain.types import Refused as SimRefused
from tests.fakes.exchange_engine import CLOSE, NOW, RAIN, TIMER, engine, ladder, order
from tests.unit.trader.paper.bench import KINDS, Bench, order_terms, said
from trader.domain.events import Accepted
from trader.domain.facts import MarketTerms

PRICES = st.integers(35, 65)
SIZES = st.one_of(st.integers(1, 60), st.sampled_from([0.01, 0.37, 2.5]))
Ladder = tuple[float, ...]


class Order(NamedTuple):
    side: BookSide
    price: int
    size: float
    kind: int


class Quotes(NamedTuple):
    middle: int
    bids: Ladder
    asks: Ladder


class Cancel(NamedTuple):
    which: int


ladders = st.lists(SIZES, max_size=4).map(tuple)
steps = st.lists(
    st.one_of(
        st.builds(Order, st.sampled_from([BookSide.BID, BookSide.ASK]), PRICES, SIZES, st.integers(0, 4)),
        st.builds(Quotes, PRICES, ladders, ladders),
        st.builds(Cancel, st.integers(0, 20)),
    ),
    min_size=5,
    max_size=40,
)


class Both:
    def __init__(self) -> None:
        self.sim: Exchange = engine()
        self.paper = Bench(dollars=100)
        self.paper.now = NOW
        event = RAIN.rpartition("-")[0]
        known = self.paper.market
        self.paper.market = MarketTerms(
            ticker=RAIN,
            event_ticker=event,
            series_ticker=event.partition("-")[0],
            title=RAIN,
            close_time=CLOSE,
            bands=known.bands,
            fees=known.fees,
        )
        self.ids: list[tuple[str, str]] = []
        self.quote((), ())

    def quote(self, bids: list[tuple[float, float]] | tuple[()], asks: list[tuple[float, float]] | tuple[()]) -> None:
        # A level that both of them saw empty is new to both.
        for levels in (((), ()), (bids, asks)):
            self.sim.set_book(RAIN, ladder(*levels[0]), ladder(*levels[1]), NOW)
            self.paper.shows(*levels)

    def order(self, one: Order, number: int) -> None:
        changes = KINDS[one.kind]
        name = f"c-{number}"
        action = Action.BUY if one.side is BookSide.BID else Action.SELL
        asked = order_terms(name, action, one.price, one.size, ticker=RAIN, **changes)  # type: ignore[arg-type]  # as written above
        answer = self.paper.send(asked)
        new: NewOrder = order(one.side, one.price, one.size, client_order_id=name, **changes)  # type: ignore[arg-type]  # as written above
        placed = self.placed(new)
        if isinstance(placed, str):
            assert said(answer) == placed, one
        else:
            assert isinstance(answer, Accepted), (one, answer)
            assert answer.filled == placed.filling.count
            self.ids.append((answer.order_id, placed.order.order_id))

    def placed(self, new: NewOrder) -> Placed | str:
        try:
            return self.sim.place("ann", new, NOW)
        except SimRefused as refused:
            return refused.code

    def cancel(self, which: int) -> None:
        if not self.ids:
            return
        ours, theirs = self.ids[which % len(self.ids)]
        reduced = self.paper.matching.cancel(ours, NOW)
        try:
            assert reduced == self.sim.cancel("ann", theirs, NOW).reduced_by
        except SimRefused:
            assert reduced is None

    def settle(self, value: int) -> None:
        result = {0: Result.NO, DOLLAR: Result.YES}.get(value, Result.SCALAR)
        self.sim.determine(RAIN, result, Micros(value), "", NOW)
        self.sim.advance(NOW + TIMER)
        self.paper.account.settle(RAIN, Micros(value), NOW)

    def check(self) -> None:
        account = self.paper.account
        assert account.purse.cash == self.sim.cash("ann", 0)
        assert account.available == self.sim.available("ann", 0)
        held = account.held(RAIN)
        for position in self.sim.positions_of("ann"):
            assert (held.net, held.cost, held.realised, held.fees) == (
                position.count,
                position.open_cost,
                position.realized_pnl,
                position.fees_paid,
            )
        for ours, theirs in self.ids:
            mine, its = account.orders[ours], self.sim.orders[theirs]
            assert (mine.filled, mine.remaining, mine.status) == (its.fill_count, its.remaining_count, its.status)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps, st.integers(0, 10_000).map(lambda tenths: tenths * 100))
def test_the_paper_account_keeps_the_books_of_the_simulated_exchange(
    todo: list[Order | Quotes | Cancel], value: int
) -> None:
    both = Both()
    for number, one in enumerate(todo):
        match one:
            case Order():
                both.order(one, number)
            case Quotes():
                both.quote(
                    [(one.middle - 1 - n, size) for n, size in enumerate(one.bids)],
                    [(one.middle + 1 + n, size) for n, size in enumerate(one.asks)],
                )
            case Cancel():
                both.cancel(one.which)
        both.check()
    both.settle(value)
    both.check()
