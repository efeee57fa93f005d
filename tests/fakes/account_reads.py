"""Orders, fills and account reads to hold the trader's books against, without the rest of the trader."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from mesh.kalshi.fees import charge
from mesh.kalshi.sides import Action, Intent
from mesh.kalshi.terms import OrderStatus, Result, TimeInForce
from mesh.types import DOLLAR, Hundredths, Micros, Side, cost
from tests.fakes.trading import NOON, TICKER, cents, contracts, market, moment
from trader.domain import comparing, ordering, watching
from trader.domain.entries import AnyEntry, Decided, OrderIntended, Started
from trader.domain.events import (
    Answered,
    Begun,
    CancelAnswered,
    Compared,
    FillSeen,
    OrderSeen,
    Sending,
)
from trader.domain.facts import TRADER, EntryPlan, ExitPlan, FillFacts, MarketTerms, OrderTerms
from trader.domain.fold import apply
from trader.domain.settings import Settings
from trader.domain.state import Books, State
from trader.domain.views import (
    HeldView,
    OrderView,
    SettlementView,
    Snapshot,
)
from trader.domain.words import EntryStyle, ExitKind, Mode, Purpose

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
OrderEvent = Sending | Answered | CancelAnswered | OrderSeen | FillSeen


def entry_terms(
    name: str = "entry",
    *,
    count: float = 5,
    limit: float = 57,
    ticker: str = TICKER,
    side: Side = Side.NO,
    time_in_force: TimeInForce = TimeInForce.GOOD_TILL_CANCELED,
    expires: float | None = 15.0,
    decision: str = "d-1",
    position: str = "p-1",
) -> OrderTerms:
    """Make an order that buys."""
    event, _, _ = ticker.rpartition("-")
    return OrderTerms(
        client_order_id=name,
        decision_id=decision,
        leg=0,
        position_id=position,
        ticker=ticker,
        event_ticker=event,
        series_ticker=ticker.partition("-")[0],
        side=side,
        action=Action.BUY,
        purpose=Purpose.ENTRY,
        limit=cents(limit),
        count=contracts(count),
        time_in_force=time_in_force,
        expire_time=None if expires is None else NOON + timedelta(seconds=expires),
    )


def exit_terms(
    name: str = "exit",
    *,
    count: float = 5,
    limit: float = 1,
    ticker: str = TICKER,
    side: Side = Side.NO,
    kind: ExitKind = ExitKind.STOP_LOSS,
    rests: bool = False,
    decision: str = "x-1",
    position: str = "p-1",
) -> OrderTerms:
    """Make an order that sells: at once, or resting."""
    event, _, _ = ticker.rpartition("-")
    return OrderTerms(
        client_order_id=name,
        decision_id=decision,
        leg=0,
        position_id=position,
        ticker=ticker,
        event_ticker=event,
        series_ticker=ticker.partition("-")[0],
        side=side,
        action=Action.SELL,
        purpose=Purpose.EXIT,
        exit_kind=kind,
        limit=cents(limit),
        count=contracts(count),
        time_in_force=TimeInForce.GOOD_TILL_CANCELED if rests else TimeInForce.IMMEDIATE_OR_CANCEL,
        post_only=rests,
        reduce_only=not rests,
    )


def decided(terms: OrderTerms) -> Decided:
    """Make the decision behind an entry; target 20 cents above the limit, stop 8 below."""
    plan = EntryPlan(
        style=EntryStyle.TAKE,
        limit=terms.limit,
        ask=terms.limit,
        count=terms.count,
        most_cost=Micros(cost(terms.limit, terms.count) + DOLLAR),
        edge_cents=None,
        exit_plan=ExitPlan(
            take_profit=cents(terms.limit.cents + 20), stop_loss=cents(terms.limit.cents - 8), floor=cents(1)
        ),
        depth=terms.count,
        depth_cost=cost(terms.limit, terms.count),
        depth_levels=1,
    )
    return Decided(
        decision_id=terms.decision_id,
        scan_id=None,
        market=market(terms.ticker),
        side=terms.side,
        actor=TRADER,
        entered=True,
        findings=(),
        plan=plan,
        top=None,
    )


def view(
    terms: OrderTerms,
    status: OrderStatus = OrderStatus.RESTING,
    filled: float = 0,
    *,
    order_id: str = "",
    client_order_id: str | None = None,
    count: float | None = None,
) -> OrderView:
    """Make the exchange's record of an order; its id there is `X-` and ours."""
    buys = (terms.action is Action.BUY) == (terms.side is Side.YES)
    whole = terms.count if count is None else contracts(count)
    return OrderView(
        order_id=order_id or f"X-{terms.client_order_id}",
        client_order_id=terms.client_order_id if client_order_id is None else client_order_id,
        ticker=terms.ticker,
        book_buys_yes=buys,
        yes_price=terms.limit if terms.side is Side.YES else terms.limit.complement,
        status=status,
        count=whole,
        filled=contracts(filled),
        remaining=Hundredths(whole - contracts(filled)) if status is OrderStatus.RESTING else Hundredths(0),
        expire_time=terms.expire_time,
    )


def fact(
    name: str,
    terms: OrderTerms,
    price: float,
    count: float,
    *,
    seconds: float = 1.0,
    fee: int | None = None,
    taker: bool = True,
    order_id: str = "",
    terms_of: MarketTerms | None = None,
) -> FillFacts:
    """Make a fill as the exchange tells it, of YES bought or sold, with the fee of an order's first fill."""
    ours = Intent(terms.action, terms.side, cents(price))
    book = ours if ours.side is Side.YES else ours.mirrored
    when = NOON + timedelta(seconds=seconds)
    charged = charge(
        (terms_of or market(terms.ticker)).fees,
        price=book.price,
        count=contracts(count),
        buys_yes=book.action is Action.BUY,
        maker=not taker,
        carried=Micros(0),
        at=when,
    )
    return FillFacts(
        fill_id=name,
        order_id=order_id or f"X-{terms.client_order_id}",
        ticker=terms.ticker,
        side=book.side,
        action=book.action,
        price=book.price,
        count=contracts(count),
        fee=Micros(charged.net if fee is None else fee),
        taker=taker,
        time=when,
    )


def held(net: float, exposure: float, *, ticker: str = TICKER, realised: float = 0, fees: int = 0) -> HeldView:
    """Make a position of the account: contracts (NO negative), dollars, dollars, micros."""
    return HeldView(
        ticker=ticker,
        net=contracts(net),
        exposure=Micros(round(exposure * DOLLAR)),
        realised=Micros(round(realised * DOLLAR)),
        fees=Micros(fees),
    )


def settlement(
    no: float = 0, yes: float = 0, *, value: float = 0, ticker: str = TICKER, paid: float | None = None
) -> SettlementView:
    """Make a settlement at a YES value in dollars."""
    revenue = no * (1 - value) + yes * value if paid is None else paid
    return SettlementView(
        ticker=ticker,
        result=Result.NO if value == 0 else Result.YES if value == 1 else Result.SCALAR,
        yes_count=contracts(yes),
        no_count=contracts(no),
        yes_value=Micros(round(value * DOLLAR)),
        revenue=Micros(round(revenue * DOLLAR)),
        fees=Micros(0),
        time=NOON + timedelta(hours=1),
    )


class Till:
    """Books, and what orders and account reads do to them."""

    def __init__(self, *terms: OrderTerms) -> None:
        self.state = State(Books("journal-1"), Settings())
        self.written: list[tuple[datetime, AnyEntry]] = []
        begun = Begun("run-1", Mode.PAPER, "1", "0" * 64)
        watching.see(self.state.watch, begun, moment(-60))
        self.write(Started(run_id="run-1", mode=Mode.PAPER, version="1", config_digest="0" * 64), seconds=-60)
        for order in terms:
            self.intend(order)

    @property
    def books(self) -> Books:
        return self.state.books

    def write(self, *entries: AnyEntry, seconds: float = 0.0) -> list[AnyEntry]:
        """Fold entries in."""
        for entry in entries:
            apply(self.books, self.books.sequence + 1, moment(seconds).now, entry)
            self.written.append((moment(seconds).now, entry))
        watching.forget(self.state, entries, moment(seconds))
        return list(entries)

    def intend(self, terms: OrderTerms, seconds: float = 0.0) -> None:
        """Intend an order, with its decision where it is an entry."""
        if terms.purpose is Purpose.ENTRY:
            self.write(decided(terms), seconds=seconds)
        self.write(OrderIntended(order=terms), seconds=seconds)

    def tell(self, event: OrderEvent, seconds: float = 1.0) -> list[AnyEntry]:
        """Tell what became of an order."""
        watching.see(self.state.watch, event, moment(seconds))
        return self.write(*ordering.happened(self.state, event, moment(seconds)), seconds=seconds)

    def tick(self, seconds: float) -> list[AnyEntry]:
        """Let time go on."""
        return self.write(*ordering.timed(self.state, moment(seconds)), seconds=seconds)

    def place(self, terms: OrderTerms, *facts: FillFacts, seconds: float = 1.0) -> None:
        """Intend and send an order, and take its fills; what is left rests, or ends if it may not."""
        self.intend(terms, seconds)
        self.tell(Sending(terms.client_order_id), seconds)
        filled = sum(fact.count for fact in facts) / 100
        full = contracts(filled) == terms.count
        at_once = terms.time_in_force is not TimeInForce.GOOD_TILL_CANCELED
        status = OrderStatus.EXECUTED if full else OrderStatus.CANCELED if at_once else OrderStatus.RESTING
        self.tell(OrderSeen(view(terms, status, filled)), seconds)
        for told in facts:
            self.tell(FillSeen(told), seconds)

    def compare(
        self,
        seconds: float,
        *,
        orders: Iterable[OrderView] = (),
        fills: Iterable[FillFacts] = (),
        positions: Iterable[HeldView] = (),
        settlements: Iterable[SettlementView] = (),
        cash: float = 100.0,
        began: float | None = None,
        as_of: float | None = None,
        since: datetime = LONG_AGO,
    ) -> list[AnyEntry]:
        """Hold the books against an account read that took a quarter second; it tells what was when it began."""
        start = seconds if began is None else began
        snapshot = Snapshot(
            as_of=moment(start if as_of is None else as_of).now,
            began=moment(start).seconds,
            orders=tuple(orders),
            orders_since=since,
            fills=tuple(fills),
            positions=tuple(positions),
            settlements=tuple(settlements),
            cash=Micros(round(cash * DOLLAR)),
        )
        when = seconds + 0.25
        watching.see(self.state.watch, Compared(snapshot), moment(when))
        return self.write(*comparing.compare(self.state, snapshot, moment(when)), seconds=when)

    def refolded(self) -> Books:
        """Fold everything that was written once more."""
        books = Books("journal-1")
        for sequence, (time, entry) in enumerate(self.written, 1):
            apply(books, sequence, time, entry)
        return books
