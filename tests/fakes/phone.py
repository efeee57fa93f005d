"""Entries that the owner is told of, made by hand, and a phone that hears them."""

from datetime import timedelta

from mesh.kalshi.sides import Action
from mesh.kalshi.terms import TimeInForce
from mesh.types import Micros, Side, micros_from_dollars
from tests.fakes.trading import NOON, TICKER, Desk, book, cents, contracts, market, moment
from trader.domain import telling, watching
from trader.domain.entries import (
    AnyEntry,
    Decided,
    Differed,
    Filled,
    Notified,
    OrderEnded,
    OrderIntended,
    OrderSent,
    PositionClosed,
    PositionOpened,
    Started,
    SwitchesChanged,
)
from trader.domain.events import BookCame, Compared, Event
from trader.domain.facts import (
    TRADER,
    Actor,
    Block,
    Ending,
    EntryPlan,
    ExitPlan,
    FillFacts,
    Finding,
    Leg,
    OrderTerms,
    Trade,
)
from trader.domain.fold import apply
from trader.domain.views import Snapshot
from trader.domain.words import (
    ActorKind,
    BlockKind,
    ChangeKind,
    EndReason,
    EntryStyle,
    ExitKind,
    Mode,
    OrderState,
    Purpose,
    Resolution,
    Subject,
    Verdict,
)

ANNA = Actor(kind=ActorKind.CALLER, name="anna", role="operator")
PLAN = ExitPlan(take_profit=cents(74), stop_loss=cents(46), floor=cents(1))


class Phone:
    """Books that entries are written into, and what is told of them."""

    def __init__(self, mode: Mode = Mode.LIVE) -> None:
        self.desk = Desk(begun=False)
        self.write(Started(run_id="run-0", mode=mode, version="1", config_digest=""))

    def write(self, *entries: AnyEntry, seconds: float = 0.0) -> None:
        for entry in entries:
            apply(self.desk.state.books, self.desk.state.books.sequence + 1, moment(seconds).now, entry)

    def hear(self, *entries: AnyEntry, event: Event | None = None, seconds: float = 0.0) -> list[Notified]:
        """Write entries and return what is told of them."""
        self.write(*entries, seconds=seconds)
        found = telling.tell(self.desk.state, entries, event or BookCame(book()), moment(seconds))
        self.write(*found, seconds=seconds)
        watching.forget(self.desk.state, found, moment(seconds))
        return [entry for entry in found if isinstance(entry, Notified)]


def terms(name: str = "one", *, purpose: Purpose = Purpose.ENTRY, count: float = 5) -> OrderTerms:
    entry, where = purpose is Purpose.ENTRY, market()
    return OrderTerms(
        client_order_id=f"{purpose}-{name}",
        decision_id=f"d-{name}",
        leg=0,
        position_id=f"p-{name}",
        ticker=TICKER,
        event_ticker=where.event_ticker,
        series_ticker=where.series_ticker,
        side=Side.NO,
        action=Action.BUY if entry else Action.SELL,
        purpose=purpose,
        exit_kind=None if entry else ExitKind.STOP_LOSS,
        limit=cents(57 if entry else 1),
        count=contracts(count),
        time_in_force=TimeInForce.GOOD_TILL_CANCELED,
    )


def decided(name: str = "one") -> Decided:
    plan = EntryPlan(
        style=EntryStyle.TAKE,
        limit=cents(57),
        ask=cents(54),
        count=contracts(5),
        most_cost=Micros(3_000_000),
        edge_cents=4.25,
        exit_plan=PLAN,
        depth=contracts(84),
        depth_cost=Micros(75_000_000),
        depth_levels=3,
    )
    return Decided(
        decision_id=f"d-{name}",
        scan_id="scan",
        market=market(),
        side=Side.NO,
        actor=TRADER,
        entered=True,
        findings=(),
        plan=plan,
        top=None,
    )


def filled(name: str, number: int, *, at: float = 54, count: float = 5, fee: int = 20_000, **changes: Micros) -> Filled:
    purpose = Purpose.ENTRY if at > 50 else Purpose.EXIT
    return Filled(
        fill=FillFacts(
            fill_id=f"f-{name}-{number}",
            order_id=f"x-{name}",
            ticker=TICKER,
            side=Side.NO,
            action=Action.BUY if purpose is Purpose.ENTRY else Action.SELL,
            price=cents(at),
            count=contracts(count),
            fee=Micros(fee),
            taker=True,
            time=NOON,
        ),
        client_order_id=f"{purpose}-{name}",
        position_id=f"p-{name}",
        expected_fee=changes.get("expected_fee"),
    )


def opened(name: str = "one") -> PositionOpened:
    return PositionOpened(
        position_id=f"p-{name}", market=market(), side=Side.NO, decision_id=f"d-{name}", ask=cents(54), plan=PLAN
    )


def ended(name: str, state: OrderState, count: float, *, purpose: Purpose = Purpose.ENTRY, **ending: str) -> OrderEnded:
    reason = EndReason(ending["reason"]) if "reason" in ending else None
    return OrderEnded(
        client_order_id=f"{purpose}-{name}",
        state=state,
        order_id=f"x-{name}",
        filled=contracts(count),
        ending=Ending(reason=reason, code=ending.get("code", "")),
    )


def sent(phone: Phone, name: str = "one", *, purpose: Purpose = Purpose.ENTRY, count: float = 5) -> None:
    if purpose is Purpose.ENTRY:
        phone.write(decided(name))
    order = terms(name, purpose=purpose, count=count)
    phone.write(OrderIntended(order=order), OrderSent(client_order_id=order.client_order_id))


def held(phone: Phone, name: str = "one") -> None:
    sent(phone, name)
    phone.write(ended(name, OrderState.FILLED, 5), opened(name), filled(name, 1))


def switched(change: ChangeKind, *began: Block, why: str = "why") -> SwitchesChanged:
    gone = ("b-gone",) if change in {ChangeKind.RELEASED, ChangeKind.RESUMED} else ()
    actor = TRADER if change in {ChangeKind.HALTED, ChangeKind.RELEASED} else ANNA
    return SwitchesChanged(change=change, actor=actor, why=why, request_id="r1", began=began, ended=gone)


def block(kind: BlockKind, why: str, *, ticker: str | None = None, rule: str | None = None) -> Block:
    finding = None if rule is None else Finding(rule=rule, verdict=Verdict.REFUSED, unit="micros")
    return Block(
        block_id=f"b-{why[:20]}", kind=kind, actor=TRADER, why=why, market_ticker=ticker, finding=finding, since=NOON
    )


def closed(*, at: float = 45, trigger: float = 46, kind: ExitKind = ExitKind.STOP_LOSS) -> PositionClosed:
    where = market()
    proceeds = Micros(cents(at) * 5)
    leg = Leg(
        kind=kind,
        client_order_id="exit-one",
        count=contracts(5),
        proceeds=proceeds,
        fees=Micros(0),
        trigger=cents(trigger),
        time=NOON,
    )
    return PositionClosed(
        trade=Trade(
            position_id="p-one",
            ticker=TICKER,
            event_ticker=where.event_ticker,
            series_ticker=where.series_ticker,
            side=Side.NO,
            count=contracts(5),
            cost=Micros(2_700_000),
            proceeds=proceeds,
            fees=Micros(40_000),
            exit_kind=kind,
            legs=(leg,),
            entry_slippage=None,
            decision_id="d-one",
            open_time=NOON,
            close_time=NOON + timedelta(hours=1, minutes=5, seconds=7),
        )
    )


def differed(subject: Subject, resolution: Resolution) -> Differed:
    return Differed(
        subject=subject,
        ticker=TICKER,
        client_order_id=None,
        ours="5",
        theirs="4",
        resolution=resolution,
        detail="",
    )


def account(dollars: str) -> Compared:
    when = moment()
    return Compared(Snapshot(when.now, when.seconds, (), NOON, (), (), (), micros_from_dollars(dollars)))
