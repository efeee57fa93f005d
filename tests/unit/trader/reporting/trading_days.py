"""Days of a trader, made by its own decisions: signals that are entered or refused, filled or not, sold or settled."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from mesh.kalshi.sides import Action
from mesh.kalshi.terms import OrderStatus, Result
from mesh.types import CONTRACT, Hundredths, Micros, Price, Side
from tests.fakes.trading import NOON, Desk, book, cents, market, moment, signal
from trader.domain.entries import AnyEntry, OrderIntended, Settled, ShadowFilled
from trader.domain.events import (
    Accepted,
    Answered,
    BookCame,
    Compared,
    ExchangeSeen,
    FillSeen,
    NoOutcome,
    OrderSeen,
    Refused,
    ScanBegan,
    ScanEnded,
    Sending,
    SignalCame,
    Tick,
)
from trader.domain.facts import Ending, FillFacts, OrderTerms
from trader.domain.fold import apply
from trader.domain.settings import EntrySettings, ProtectionSettings, RuleSettings, Settings, SizeSettings
from trader.domain.views import (
    OrderView,
    Snapshot,
)
from trader.domain.words import Confidence, EndReason, ExchangeState, ScanOutcome
from trader.ports import Recorded

EASY = Settings(
    rules=RuleSettings(min_edge_cents=-100.0, max_trades_per_series_per_scan=1000),
    entries=EntrySettings(shadow_seconds=3600.0),
    sizes=SizeSettings(
        max_contracts_per_market=100_000.0,
        max_series_dollars=100_000.0,
        max_event_dollars=100_000.0,
        max_total_dollars=100_000.0,
        max_settlement_dollars=100_000.0,
    ),
    protections=ProtectionSettings(
        max_daily_loss_dollars=100_000.0,
        max_drawdown_dollars=100_000.0,
        cooldown_seconds=0.0,
        stop_guard_count=1000,
        calibration_trades=10_000,
        max_unknown_orders=1000,
        max_exit_silence_seconds=31_536_000.0,
    ),
)


@dataclass(frozen=True, kw_only=True)
class Try:
    """One signal, and what comes of it."""

    ticker: str
    at: float
    """Seconds after noon."""
    magnitude: float = 12.0
    side: Side = Side.NO
    ask: int = 56
    filled: int = 100
    """Part of the order that is filled, in percent; 0 ends it without a fill."""
    answer: str = "accepted"
    """Or `refused`, or `unknown`: then what was filled is found out a little later."""
    ends: str = "target"
    """Or `stop`, `won`, `lost`, `open`."""
    below: int = 0
    """Cents below the trigger at which it is sold."""
    held_seconds: float = 600.0
    fee: int = 10_000
    """Of every fill, micros."""
    shadow: int = 0
    """Part of the shadow that would have been filled before the end, in percent."""
    confidence: Confidence = Confidence.MEDIUM_HIGH


class Days(Desk):
    """A trader that has seen its account, and may trade."""

    def __init__(self, settings: Settings = EASY) -> None:
        super().__init__(settings)
        self._fills = self._scans = 0
        self.tell(ExchangeSeen(ExchangeState.OPEN))
        none = Snapshot(NOON, moment().seconds, (), NOON, (), (), (), Micros(10**12))
        self.tell(Compared(none))

    def rows(self) -> Iterator[Recorded]:
        """Give everything that was written, as a journal does."""
        return (Recorded(number, time, entry) for number, (time, entry) in enumerate(self.written, 1))

    def write(self, entry: AnyEntry, seconds: float) -> None:
        """Write an entry that no event here sets off."""
        when = moment(seconds).now
        apply(self.state.books, self.state.books.sequence + 1, when, entry)
        self.written.append((when, entry))

    def look(self, ticker: str, bid: float, ask: float, at: float) -> list[OrderTerms]:
        """Let a book come; return the orders that it leads to."""
        came = BookCame(book(ticker, no_bids=[(bid, 1000.0)], no_asks=[(ask, 1000.0)]))
        return _orders(self.tell(came, at))

    def live(self, tried: Try) -> None:
        """Let a signal come, and everything that follows."""
        at, where = tried.at, market(tried.ticker, closes=timedelta(seconds=tried.at) + timedelta(hours=12))
        self._scans += 1
        scan = f"scan-{self._scans}"
        self.look(tried.ticker, tried.ask - 2, tried.ask, at)
        self.tell(Tick(), at)
        self.tell(ScanBegan(scan, (where.series_ticker, "KXOTHER"), 3), at)
        facts = signal(
            tried.magnitude,
            side=tried.side,
            current=float(100 - tried.ask),
            confidence=tried.confidence,
            last_candle_time=moment(at - 60).now,
            useful_until=moment(at + 60).now,
        )
        orders = _orders(self.tell(SignalCame(scan, where, facts, b""), at))
        others = (("KXOTHER-1-A", ScanOutcome.NO_SIGNAL, "CONSTANT"), ("KXOTHER-1-B", ScanOutcome.NOT_ASKED, ""))
        self.tell(ScanEnded(scan, others, 0.5), at)
        for order in orders:
            self._enter(order, tried)
            if tried.ends != "open":
                self._leave(order, tried)

    def _enter(self, order: OrderTerms, tried: Try) -> None:
        at, count = tried.at + 1, Hundredths(order.count * tried.filled // 100)
        if tried.shadow:
            part = Hundredths(order.count * tried.shadow // 100)
            self.write(ShadowFilled(decision_id=order.decision_id, filled=part), at + 0.5)
        self.tell(Sending(order.client_order_id), at)
        if tried.answer == "refused":
            refused = Refused(Ending(reason=EndReason.REFUSED, code="no"))
            self.tell(Answered(order.client_order_id, refused), at)
            return
        if tried.answer == "unknown":
            self.tell(Answered(order.client_order_id, NoOutcome("reset")), at)
        else:
            rest = Hundredths(order.count - count)
            self.tell(Answered(order.client_order_id, Accepted(_exchange_id(order), count, rest)), at)
        self.tell(OrderSeen(_over(order, count)), at + 1)
        self._fill(order, cents(tried.ask), count, tried.fee, at + 1)

    def _leave(self, order: OrderTerms, tried: Try) -> None:
        position, at = self.state.books.positions.get(order.position_id), tried.at + tried.held_seconds
        if position is None:
            return
        if tried.ends in {"won", "lost"}:
            value = 100 * CONTRACT if tried.ends == "won" else 0
            settled = Settled(
                position_id=position.position_id,
                ticker=tried.ticker,
                side=position.side,
                count=position.count,
                result=Result.NO if tried.ends == "won" else Result.YES,
                yes_value=Micros(0 if tried.ends == "won" else 1_000_000),
                revenue=Micros(position.count * value),
                time=moment(at).now,
            )
            self.write(settled, at)
            self.tell(Tick(), at)
            return
        plan = position.plan
        if tried.ends == "target" and plan.take_profit is not None:
            found = self.look(tried.ticker, plan.take_profit.cents, 99, at)
        else:
            bid = ((plan.stop_loss or Price(20_000)).cents) - tried.below
            found = [one for wait in (0, 6, 12) for one in self.look(tried.ticker, bid, 99, at + wait)]
        for leg in found:
            self._sell(leg, tried, at + 20)

    def _sell(self, leg: OrderTerms, tried: Try, at: float) -> None:
        price = Price(max(leg.limit, cents(1)))
        if tried.ends == "stop":
            stop = self.state.books.positions[leg.position_id].plan.stop_loss or Price(20_000)
            price = Price(max(stop - tried.below * 10_000, leg.limit))
        self.tell(Sending(leg.client_order_id), at)
        accepted = Accepted(_exchange_id(leg), leg.count, Hundredths(0))
        self.tell(Answered(leg.client_order_id, accepted), at)
        self._fill(leg, price, leg.count, tried.fee, at)

    def _fill(self, order: OrderTerms, price: Price, count: Hundredths, fee: int, at: float) -> None:
        if not count:
            return
        self._fills += 1
        facts = FillFacts(
            fill_id=f"fill-{self._fills}",
            order_id=_exchange_id(order),
            ticker=order.ticker,
            side=order.side,
            action=order.action,
            price=price,
            count=count,
            fee=Micros(fee),
            taker=True,
            time=moment(at).now,
        )
        self.tell(FillSeen(facts), at)


def _orders(entries: tuple[AnyEntry, ...]) -> list[OrderTerms]:
    return [entry.order for entry in entries if isinstance(entry, OrderIntended)]


def _exchange_id(order: OrderTerms) -> str:
    return f"x-{order.client_order_id}"


def _over(order: OrderTerms, filled: Hundredths) -> OrderView:
    buys_yes = (order.side is Side.YES) is (order.action is Action.BUY)
    done = filled >= order.count
    return OrderView(
        order_id=_exchange_id(order),
        client_order_id=order.client_order_id,
        ticker=order.ticker,
        book_buys_yes=buys_yes,
        yes_price=order.limit if order.side is Side.YES else order.limit.complement,
        count=order.count,
        filled=filled,
        remaining=Hundredths(0),
        status=OrderStatus.EXECUTED if done else OrderStatus.CANCELED,
    )
