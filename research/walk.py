"""Walks recorded markets forward in time and lets a trader trade on them; gives what it closed, a row a trade.

At every moment the order is: what is paid out, what is quoted from now on (stops and targets look at it), what is
decided.
"""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, count, groupby, zip_longest
from operator import attrgetter

from msgspec.structs import replace

from mesh.kalshi.book import Book
from mesh.kalshi.sides import Action
from mesh.types import CONTRACT, Hundredths, Micros, Price, Side
from research.rows import TradeRow
from research.trading import PaperTrader
from research.types import ABSENT, CLOSE, Answers, Defects, EntryPolicy, Forecasted, RecordedEvent, RecordedMarket
from trader.domain.entries import AnyEntry, Decided, Filled, PositionClosed
from trader.domain.events import SignalCame
from trader.domain.facts import SignalFacts, Trade
from trader.domain.settings import ProtectionSettings, Settings
from trader.domain.words import ExitKind

_PAY, _LOST, _QUOTE, _DECIDE = range(4)
"""What happens at one moment, in this order."""
_FREE = ProtectionSettings(
    max_daily_loss_dollars=1_000_000,
    max_drawdown_dollars=1_000_000,
    stop_guard_count=1000,
    cooldown_seconds=0,
    calibration_min_share=0,
)
_CASH, _SIZE, _PRECISION = Micros(1_000_000_000_000), Hundredths(10 * CONTRACT), Micros(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkPlan:
    """How it is walked."""

    settings: Settings
    """Of the trader: rules, sizes, entries, exits."""
    entry_policy: EntryPolicy = EntryPolicy.LIVE
    protections: bool = False
    """Keep the settings' protections, which stop for good after a bad week; else every trade is taken."""
    latency: timedelta = timedelta(seconds=1)
    """Until an order meets the book."""
    cash: Micros = _CASH
    assumed_size: Hundredths = _SIZE
    """Contracts shown at a quote whose size was not recorded."""
    stale_seconds: int = 24 * 3600
    """A quote holds until the next candle, as on the exchange, but no longer than this: then nobody knows."""
    precision: Micros = _PRECISION
    """Steps of the account's balance."""


@dataclass(frozen=True, slots=True)
class _Step:
    kind: int
    market: RecordedMarket
    place: int
    """Of the candle in its strip."""


class _Kept:
    """What rows need to know: which decisions entered, on what forecasts, and what bought."""

    def __init__(self) -> None:
        self.said: dict[str, Forecasted] = {}
        """Of the moment, by market."""
        self.decided: dict[str, tuple[datetime, Decided, Forecasted]] = {}
        self.fills: Counter[str] = Counter()
        self.closed: list[Trade] = []

    def watch(self, now: datetime, entry: AnyEntry) -> None:
        match entry:
            case Decided(entered=True):
                self.decided[entry.decision_id] = (now, entry, self.said[entry.market.ticker])
            case Filled() if entry.fill.action is Action.BUY:
                self.fills[entry.position_id] += 1
            case PositionClosed():
                self.closed.append(entry.trade)
            case _:
                pass

    def row(self, trade: Trade, market: RecordedMarket, day: str) -> TradeRow:
        decided_at, decided, said = self.decided[trade.decision_id or ""]
        fills = self.fills.pop(trade.position_id)
        return _row(trade, decided, said, market=market, at=decided_at, day=day, fills=fills)


def walk(events: Iterable[RecordedEvent], answers: Answers, plan: WalkPlan, defects: Defects) -> Iterator[TradeRow]:
    """Trade on events, and give each trade when it has ended.

    Args:
        events: In any order; their markets' outcomes pay what is held to the end.
        answers: What was forecast of each market at each moment.
        plan: How.
        defects: Told of what could not be walked, such as positions in markets without a result.
    """
    listed = list(events)
    days = {market.terms.ticker: event.day for event in listed for market in event.markets}
    markets = {market.terms.ticker: market for event in listed for market in event.markets}
    moments = steps(listed, plan.stale_seconds)
    first = next(moments, None)
    if first is None:
        return
    walking = _Walking(answers, plan, defects, first[0])
    kept = walking.kept
    for now, moment in chain([first], moments):
        for kind, part in groupby(moment, key=attrgetter("kind")):
            walking.do(kind, list(part), now)
        yield from (kept.row(trade, markets[trade.ticker], days[trade.ticker]) for trade in kept.closed)
        kept.closed.clear()
    for position in walking.trader.state.books.positions.values():
        defects.note("position_without_end", position.market.ticker)


def steps(events: Iterable[RecordedEvent], stale_seconds: int) -> Iterator[tuple[datetime, list[_Step]]]:
    """Give everything that happens, moment by moment; what happens in an event is made when it begins."""
    waiting: list[tuple[int, int, int, _Step]] = []
    number = count()
    for event in sorted(events, key=_first):
        yield from _moments(waiting, _first(event))
        for market in event.markets:
            for at, step in _of_market(market, stale_seconds):
                heapq.heappush(waiting, (at, step.kind, next(number), step))
    yield from _moments(waiting, None)


class _Walking:
    """A trader on its way."""

    def __init__(self, answers: Answers, plan: WalkPlan, defects: Defects, begin: datetime) -> None:
        self.kept = _Kept()
        self._answers, self._plan, self._defects = answers, plan, defects
        self.trader = PaperTrader(
            "research",
            plan.settings if plan.protections else _unprotected(plan.settings),
            begin,
            self.kept.watch,
            latency=plan.latency,
            cash=plan.cash,
            precision=plan.precision,
        )

    def do(self, kind: int, part: list[_Step], now: datetime) -> None:
        """Do what happens at one moment, of one kind."""
        match kind:
            case 0:  # _PAY
                for step in part:
                    if (outcome := step.market.outcome) is not None:
                        self.trader.settle(step.market.terms.ticker, outcome.yes_value, now)
            case 1:  # _LOST
                self.trader.lose([step.market.terms.ticker for step in part], now)
            case 2:  # _QUOTE
                self.trader.books([_book(step, self._plan, self._defects) for step in part], now)
            case _:
                self._decide(part, now)

    def _decide(self, part: list[_Step], now: datetime) -> None:
        said = self.kept.said = _said(part, self._answers, now, self._plan)
        terms = {step.market.terms.ticker: step.market.terms for step in part}
        best = sorted(said, key=lambda ticker: (-said[ticker].signal.magnitude_cents, ticker))
        signals = [SignalCame("", terms[ticker], _fresh(said[ticker], now), b"") for ticker in best]
        series = tuple(sorted({terms[ticker].series_ticker for ticker in best}))
        if signals:
            self.trader.scan(f"scan-{int(now.timestamp())}", signals, series, now)


def _first(event: RecordedEvent) -> int:
    return min((int(market.path.ends[0]) for market in event.markets if len(market.path.ends)), default=0)


def _of_market(market: RecordedMarket, stale_seconds: int) -> Iterator[tuple[int, _Step]]:
    ends = market.path.ends.tolist()
    for place, (end, following) in enumerate(zip_longest(ends, ends[1:])):
        yield end, _Step(_QUOTE, market, place)
        if following is None or following > end + stale_seconds:
            yield end + stale_seconds, _Step(_LOST, market, place)
    for place, end in enumerate(market.decisions.ends.tolist()):
        yield end, _Step(_DECIDE, market, place)
    if market.outcome is not None:
        yield int(market.outcome.known_at.timestamp()), _Step(_PAY, market, 0)


def _moments(waiting: list[tuple[int, int, int, _Step]], until: int | None) -> Iterator[tuple[datetime, list[_Step]]]:
    while waiting and (until is None or waiting[0][0] < until):
        at = waiting[0][0]
        moment = []
        while waiting and waiting[0][0] == at:
            moment.append(heapq.heappop(waiting)[3])
        yield datetime.fromtimestamp(at, UTC), moment


def _book(step: _Step, plan: WalkPlan, defects: Defects) -> Book:
    strip, ticker = step.market.path, step.market.terms.ticker
    bid, ask = int(strip.bids[step.place, CLOSE]), int(strip.asks[step.place, CLOSE])
    if ABSENT not in (bid, ask) and bid >= ask:
        defects.note("crossed_quote", ticker)
        bid = ask = ABSENT
    size = plan.assumed_size
    return Book.from_levels(
        ticker, [] if bid == ABSENT else [(Price(bid), size)], [] if ask == ABSENT else [(Price(ask), size)]
    )


def _said(part: Iterable[_Step], answers: Answers, now: datetime, plan: WalkPlan) -> dict[str, Forecasted]:
    at = int(now.timestamp())
    found = {}
    for step in part:
        if plan.entry_policy is EntryPolicy.PREDECESSOR and step.place != len(step.market.decisions.ends) // 2:
            continue
        said = answers.get((step.market.terms.ticker, at))
        if isinstance(said, Forecasted):
            found[step.market.terms.ticker] = said
    return found


def _fresh(said: Forecasted, now: datetime) -> SignalFacts:
    return replace(said.signal, useful_until=now + timedelta(minutes=1))


def _unprotected(settings: Settings) -> Settings:
    kept = settings.protections
    free = _FREE.model_copy(update={"max_book_age_seconds": kept.max_book_age_seconds})
    return settings.model_copy(update={"protections": free})


def _row(
    trade: Trade, decided: Decided, said: Forecasted, *, market: RecordedMarket, at: datetime, day: str, fills: int
) -> TradeRow:
    signal, top, outcome = said.signal, decided.top, market.outcome
    exit_fees = sum(leg.fees for leg in trade.legs)
    settled = any(leg.kind is ExitKind.SETTLEMENT for leg in trade.legs)
    return TradeRow(
        series_ticker=trade.series_ticker,
        event_ticker=trade.event_ticker,
        market_ticker=trade.ticker,
        decision_time=at,
        entry_time=trade.open_time,
        entry_style=decided.plan.style.value if decided.plan is not None else "",
        entry_count=fills,
        contract_count=trade.count,
        yes_bid_micros=None if top is None or top.ask is None else Micros(top.ask.complement),
        yes_ask_micros=None if top is None or top.bid is None else Micros(top.bid.complement),
        entry_price_micros=Micros(trade.cost * CONTRACT // trade.count),
        entry_cost_micros=trade.cost,
        entry_fee_micros=Micros(trade.fees - exit_fees),
        exit_time=trade.close_time,
        exit_kind=trade.exit_kind.value,
        exit_price_micros=Micros(trade.proceeds * CONTRACT // trade.count),
        exit_proceeds_micros=trade.proceeds,
        exit_fee_micros=Micros(exit_fees),
        pnl_micros=trade.net,
        pnl_pessimistic_micros=trade.net,
        pnl_optimistic_micros=trade.net,
        direction="down" if signal.side is Side.NO else "up",
        magnitude_cents=signal.magnitude_cents,
        confidence=signal.confidence.value,
        current_price_cents=signal.current_cents,
        forecast_mean_cents=signal.forecast_mean_cents,
        tp_cents=signal.take_profit_cents,
        sl_cents=signal.stop_loss_cents,
        model=said.model,
        policy_version=signal.policy_version,
        input_digest=said.input_digest,
        close_time=market.terms.close_time,
        settlement_day=day,
        result_origin=outcome.origin.value if settled and outcome is not None else "",
        path_step_seconds=market.path.step_seconds,
        yes_value_micros=None if outcome is None else outcome.yes_value,
    )
