"""A short life of a trader: a journal in which every entry follows from those before."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from mesh.kalshi.sides import Action
from mesh.kalshi.terms import TimeInForce
from mesh.types import Hundredths, Micros, Price, Side
from tests.fakes.trading import NOON, TICKER, cents, contracts, market, signal
from trader.domain.entries import (
    AnyEntry,
    CashSeen,
    Decided,
    ExitDecided,
    Filled,
    Notified,
    OrderEnded,
    OrderIntended,
    OrderResting,
    OrderSent,
    PositionClosed,
    PositionOpened,
    ScanFinished,
    ScanStarted,
    SignalSeen,
    Started,
    Stopped,
    SwitchesChanged,
)
from trader.domain.facts import TRADER, Block, Ending, ExitPlan, FillFacts, Finding, Leg, OrderTerms, Trade
from trader.domain.words import (
    BlockKind,
    ChangeKind,
    Delivery,
    ExitKind,
    Mode,
    OrderState,
    Purpose,
    ScanOutcome,
    Urgency,
    Verdict,
)
from trader.journal.store import opened

JOURNAL = "journal-1"
REFUSED_TICKER = "KXHIGHNY-26NOV23-T70"
DONE = Ending(reason=None)


def started(mode: Mode = Mode.PAPER) -> Started:
    return Started(run_id="run-1", mode=mode, version="1", config_digest="0" * 64)


def decided(ticker: str = TICKER, *, entered: bool = True) -> Decided:
    verdict = Verdict.PASSED if entered else Verdict.REFUSED
    finding = Finding(rule="spread", verdict=verdict, unit="cents", figure=2.0 if entered else 14.0, at_most=10.0)
    return Decided(
        decision_id=f"d-{ticker}",
        scan_id="s-1",
        market=market(ticker),
        side=Side.NO,
        actor=TRADER,
        entered=entered,
        findings=(finding,),
        plan=None,
        top=None,
    )


def order(number: int, purpose: Purpose, *, price: float, count: float) -> OrderTerms:
    entry = purpose is Purpose.ENTRY
    return OrderTerms(
        client_order_id=f"c-{number}-{purpose}",
        decision_id=f"d-{TICKER}" if entry else f"x-{number}",
        leg=0,
        position_id=f"p-{number}",
        ticker=TICKER,
        event_ticker="KXHIGHNY-26NOV23",
        series_ticker="KXHIGHNY",
        side=Side.NO,
        action=Action.BUY if entry else Action.SELL,
        purpose=purpose,
        exit_kind=None if entry else ExitKind.TAKE_PROFIT,
        limit=cents(price),
        count=contracts(count),
        time_in_force=TimeInForce.GOOD_TILL_CANCELED if entry else TimeInForce.IMMEDIATE_OR_CANCEL,
        reduce_only=not entry,
    )


def filled(terms: OrderTerms, fee: int, time: datetime, *, count: Hundredths | None = None, part: int = 0) -> Filled:
    fill = FillFacts(
        fill_id=f"f-{terms.client_order_id}-{part}",
        order_id=f"o-{terms.client_order_id}",
        ticker=terms.ticker,
        side=terms.side,
        action=terms.action,
        price=terms.limit,
        count=count or terms.count,
        fee=Micros(fee),
        taker=True,
        time=time,
    )
    return Filled(
        fill=fill, client_order_id=terms.client_order_id, position_id=terms.position_id, expected_fee=Micros(fee)
    )


def ended(terms: OrderTerms) -> OrderEnded:
    return OrderEnded(
        client_order_id=terms.client_order_id,
        state=OrderState.FILLED,
        order_id=f"o-{terms.client_order_id}",
        filled=terms.count,
        ending=DONE,
    )


def round_trip(number: int, start: datetime = NOON) -> Iterator[tuple[datetime, list[AnyEntry]]]:
    """One trade: 5 NO bought at 56c in two fills, sold at 76c."""
    bought, sold = order(number, Purpose.ENTRY, price=56, count=5), order(number, Purpose.EXIT, price=76, count=5)
    name, half, later = bought.position_id, contracts(2.5), start + timedelta(minutes=9)
    plan = ExitPlan(take_profit=cents(76), stop_loss=cents(48))
    leg = Leg(
        kind=ExitKind.TAKE_PROFIT,
        client_order_id=sold.client_order_id,
        count=contracts(5),
        proceeds=Micros(3_800_000),
        fees=Micros(63_900),
        trigger=cents(76),
        time=later,
    )
    trade = Trade(
        position_id=name,
        ticker=TICKER,
        event_ticker="KXHIGHNY-26NOV23",
        series_ticker="KXHIGHNY",
        side=Side.NO,
        count=contracts(5),
        cost=Micros(2_800_000),
        proceeds=Micros(3_800_000),
        fees=Micros(150_200),
        exit_kind=ExitKind.TAKE_PROFIT,
        legs=(leg,),
        entry_slippage=Micros(0),
        decision_id=f"d-{TICKER}",
        open_time=start,
        close_time=later,
    )
    opening = PositionOpened(
        position_id=name, market=market(), side=Side.NO, decision_id=f"d-{TICKER}", ask=cents(56), plan=plan
    )
    going = ExitDecided(
        decision_id=sold.decision_id,
        position_id=name,
        ticker=TICKER,
        side=Side.NO,
        exit_kind=ExitKind.TAKE_PROFIT,
        actor=TRADER,
        count=contracts(5),
        trigger=cents(76),
        floor=Price(10_000),
        top=None,
    )
    yield start, [OrderIntended(order=bought)]
    yield start, [OrderSent(client_order_id=bought.client_order_id)]
    resting = OrderResting(client_order_id=bought.client_order_id, order_id=f"o-{bought.client_order_id}", filled=half)
    yield start, [resting, opening, filled(bought, 43_150, start, count=half)]
    yield start, [ended(bought), filled(bought, 43_150, start, count=half, part=1)]
    yield later, [going, OrderIntended(order=sold)]
    yield later, [OrderSent(client_order_id=sold.client_order_id)]
    yield later, [ended(sold), filled(sold, 63_900, later), PositionClosed(trade=trade)]


def story(trips: int = 1) -> Iterator[tuple[datetime, list[AnyEntry]]]:
    """Transactions of a journal, each with its time."""
    block = Block(block_id="b-1", kind=BlockKind.PAUSE, actor=TRADER, why="lunch", since=NOON)
    yield NOON, [started(), CashSeen(cash=Micros(100_000_000))]
    yield NOON, [ScanStarted(scan_id="s-1", series=("KXHIGHNY",), market_count=2)]
    seen = SignalSeen(scan_id="s-1", ticker=TICKER, series_ticker="KXHIGHNY", signal=signal(), wire=b"\x00\xff")
    yield NOON, [seen, decided(), decided(REFUSED_TICKER, entered=False)]
    counts = {ScanOutcome.SIGNAL: 2}
    yield NOON, [ScanFinished(scan_id="s-1", market_count=2, counts=counts, others=(), entered=1, seconds=0.25)]
    for number in range(trips):
        yield from round_trip(number, NOON + timedelta(hours=13 * number))
    told = Notified(
        notification_id="n-1", urgency=Urgency.NORMAL, delivery=Delivery.QUEUED, title="Take profit", text="\x1b[31mnet"
    )
    yield NOON, [told, SwitchesChanged(change=ChangeKind.PAUSED, actor=TRADER, why="lunch", began=(block,))]
    yield NOON, [Stopped(run_id="run-1")]


def write(path: Path, trips: int = 1) -> int:
    """Write the story; return how many entries it has."""
    with opened(path, JOURNAL) as journal:
        for time, entries in story(trips):
            journal.append(time, entries)
        return journal.last_sequence
