"""What trips by itself when things go wrong: losses, stops in a row, forecasts that miss, links, unknown orders. Pure.

Each function says what holds now; `trader.domain.switching` makes blocks of it. Nothing here touches exits.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Literal, NamedTuple

from mesh.errors import Unsupported
from mesh.kalshi.book import Book
from mesh.kalshi.fees import charge
from mesh.types import Hundredths, Micros, Side, cost
from trader.domain import exits
from trader.domain.events import Moment
from trader.domain.facts import TRADER, Actor, Block, Finding
from trader.domain.fold import CALIBRATION, DAILY_LOSS, DRAWDOWN, orders_of
from trader.domain.messages import money
from trader.domain.settings import micros
from trader.domain.state import NO_MONEY, Day, Guard, Position, Sale, State
from trader.domain.words import ActorKind, BlockKind, ExchangeState, ExitKind, LinkKind, OrderState, Purpose, Verdict

STOP_GUARD = "stop_guard"

NOT_COMPARED = "the books have not been compared with the exchange since the start"
EXIT_SILENCE = "the exit loop has not looked at every position for too long"
TOO_MANY_UNKNOWN = "too many orders of unknown outcome"
LINKS = {
    LinkKind.EXCHANGE: "the exchange does not answer",
    LinkKind.MARKET_DATA: "market data is away",
    LinkKind.FORECAST_SERVER: "the forecast server is away",
}
"""Links without which nothing is entered, and what is said while one is away."""

_EXCHANGE = Actor(kind=ActorKind.EXCHANGE)
_UNSEEN = Guard()
_STOP_KINDS = frozenset({ExitKind.STOP_LOSS, ExitKind.TRAILING_STOP})
_LEAST = 1
"""Bounds include their ends and these limits trip where they are reached: the bound lies one step before."""


class Cause(NamedTuple):
    """What a block is there for: two of the same are one block."""

    kind: BlockKind
    scope: str
    """Market or series; empty for everything."""
    name: str
    """Rule of a protection, words of anything else that comes in several sorts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A cause that holds now, with what its block says."""

    kind: BlockKind
    why: str
    actor: Actor = TRADER
    market_ticker: str | None = None
    series_ticker: str | None = None
    finding: Finding | None = None
    until: datetime | None = None
    liftable: bool = False

    def block(self, block_id: str, since: datetime) -> Block:
        """Make the block."""
        return Block(
            block_id=block_id,
            kind=self.kind,
            actor=self.actor,
            why=self.why,
            market_ticker=self.market_ticker,
            series_ticker=self.series_ticker,
            finding=self.finding,
            since=since,
            until=self.until,
            liftable=self.liftable,
        )


def cause(of: Block | Trouble) -> Cause:
    """Return what a block, or a trouble, is there for."""
    name = ""
    if of.finding is not None:
        name = of.finding.rule
    elif of.kind in {BlockKind.LINK, BlockKind.RECONCILIATION}:
        name = of.why
    return Cause(of.kind, of.market_ticker or of.series_ticker or "", name)


class Unrealised(NamedTuple):
    """What selling everything that is open would add."""

    net: Micros
    """Sum over the positions whose result is known."""
    unpriced: int
    """Positions that are missing in it: no book is known, or its bids do not take all and no stop sells them."""


def liquidation(state: State, position: Position, moment: Moment) -> Micros | None:
    """Return what selling a position now would pay after fees; None where no book is known, or its bids take not all.

    The bids of others in the book as last told are walked from the best one down, as one order that takes would do.
    """
    sale = _sale(state, position, moment)
    return None if sale is None or sale.left else sale.paid


def _sale(state: State, position: Position, moment: Moment) -> Sale | None:
    book, seen = exits.offered(state, position), state.watch.books.get(position.market.ticker)
    if book is None or seen is None:
        return None
    market, told = position.market, seen.sale
    if told is not None and book is seen.book and told.of == (position.side, position.count, market.fees):
        return told
    sale = _sold(position, book, moment)
    if book is seen.book and market.fees.waived_until is None:
        seen.sale = sale
    return sale


def _sold(position: Position, book: Book, moment: Moment) -> Sale | None:
    left, paid, carried = position.count, NO_MONEY, NO_MONEY
    for level in book.bids(position.side):
        if left <= 0:
            break
        count = min(left, level.size)
        yes_price = level.price if position.side is Side.YES else level.price.complement
        try:
            fee = charge(
                position.market.fees,
                price=yes_price,
                count=count,
                buys_yes=position.side is Side.NO,
                maker=False,
                carried=carried,
                at=moment.now,
            )
        except Unsupported:
            return None
        paid, carried = Micros(paid + cost(level.price, count) - fee.net), fee.carried
        left = Hundredths(left - count)
    return Sale((position.side, position.count, position.market.fees), paid, left)


def _waits_for_bids(state: State, position: Position, moment: Moment) -> bool:
    """Tell whether a stop is selling a position and nothing but bids is missing."""
    if position.exit is None or position.exit.kind not in _STOP_KINDS:
        return False
    selling = any(order.terms.purpose is Purpose.EXIT for order in orders_of(state.books, position))
    return not selling and not exits.paused(state, position) and not exits.closed(state, position, moment)


def unrealised(state: State, moment: Moment) -> Unrealised:
    """Return what selling all open positions into the books as last told would add, net of the fees of both ends.

    A book that may have changed since it was told prices nothing, and neither does what entries of ours bid in it. What
    a stop is selling is worth what the bids take.
    """
    net, unpriced = 0, 0
    for position in state.books.positions.values():
        if position.count <= 0:
            continue
        sale = _sale(state, position, moment)
        if sale is None or (sale.left and not _waits_for_bids(state, position, moment)):
            unpriced += 1
        else:
            net += sale.paid - position.cost - position.entry_fees
    return Unrealised(Micros(net), unpriced)


def tripped(state: State, moment: Moment) -> Iterator[Trouble]:
    """Name the protections that trip now."""
    yield from _losses(state, moment)
    yield from _stops(state, moment)
    yield from _calibration(state)


def _losses(state: State, moment: Moment) -> Iterator[Trouble]:
    books, limits = state.books, state.settings.protections
    open_net = unrealised(state, moment).net
    day = books.days.get(moment.now.date().isoformat(), Day())
    today = Micros(day.net + open_net)
    # A person who lifted the block has put up with the loss that had tripped it: the limit counts from there.
    most_loss = Micros(micros(limits.max_daily_loss_dollars) - day.forgiven)
    if today <= -most_loss:
        midnight = datetime.combine(moment.now.date() + timedelta(days=1), time(), UTC)
        why = f"daily loss: {money(today)} since midnight UTC, the limit is {money(Micros(-most_loss))}"
        finding = _refused(DAILY_LOSS, "micros", figure=today, at_least=_LEAST - most_loss)
        yield Trouble(kind=BlockKind.PROTECTION, why=why, finding=finding, until=midnight, liftable=True)
    fall = Micros(books.peak_net - books.total.net - open_net)
    most_fall = micros(limits.max_drawdown_dollars)
    if fall >= most_fall:
        why = f"drawdown: {money(fall)} below the peak of {money(books.peak_net)}, the limit is {money(most_fall)}"
        finding = _refused(DRAWDOWN, "micros", figure=fall, at_most=most_fall - _LEAST)
        yield Trouble(kind=BlockKind.PROTECTION, why=why, finding=finding, liftable=True)


def _stops(state: State, moment: Moment) -> Iterator[Trouble]:
    limits = state.settings.protections
    span = timedelta(seconds=limits.stop_guard_seconds)
    since = moment.now - span
    for series, times in sorted(state.books.stops.items()):
        count = sum(map(since.__lt__, times))  # over a thousand, after every order
        if count >= limits.stop_guard_count:
            why = f"stop guard: {count} stops sold in {series} within {span}"
            finding = _refused(STOP_GUARD, "count", figure=count, at_most=limits.stop_guard_count - _LEAST)
            # Measured from the stop that tripped it, so that a restart in between changes nothing.
            until = times[-1] + span
            yield Trouble(kind=BlockKind.PROTECTION, why=why, series_ticker=series, finding=finding, until=until)


class Calibration(NamedTuple):
    """The latest closed trades against what their prices alone promised."""

    right: int
    """Trades after which the price had moved the forecast way."""
    expected: float
    """How many would have, were prices fair and forecasts worth nothing."""


def calibration(state: State) -> Calibration | None:
    """Hold forecasts against outcomes; None before there are enough closed trades."""
    outcomes, wanted = state.books.outcomes, state.settings.protections.calibration_trades
    if len(outcomes) < wanted:
        return None
    latest = outcomes[: -wanted - 1 : -1]
    return Calibration(sum(each.right for each in latest), sum(each.chance for each in latest))


def _calibration(state: State) -> Iterator[Trouble]:
    found, limits = calibration(state), state.settings.protections
    if found is not None and found.right < limits.calibration_min_share * found.expected:
        why = (
            f"calibration: of the latest {limits.calibration_trades} closed trades {found.right} moved the forecast "
            f"way, prices alone promised {found.expected:.1f}, at least {limits.calibration_min_share:.0%} of it must"
        )
        finding = _refused(
            CALIBRATION,
            "ratio",
            figure=found.right / found.expected,
            at_least=limits.calibration_min_share,
            detail=f"{found.right}/{found.expected:.1f}",
        )
        yield Trouble(kind=BlockKind.PROTECTION, why=why, finding=finding, liftable=True)


def _refused(
    rule: str,
    unit: Literal["micros", "count", "ratio"],
    *,
    figure: float,
    at_least: float | None = None,
    at_most: float | None = None,
    detail: str = "",
) -> Finding:
    return Finding(
        rule=rule,
        verdict=Verdict.REFUSED,
        unit=unit,
        figure=figure,
        at_least=at_least,
        at_most=at_most,
        detail=detail,
    )


def unknown_orders(state: State) -> Iterator[Trouble]:
    """Name the markets with an order of which nobody knows what became, and everything where there are too many."""
    books = state.books
    unknown = [books.orders[name] for name in books.working if books.orders[name].state is OrderState.UNKNOWN]
    for ticker in sorted({order.terms.ticker for order in unknown}):
        why = f"the outcome of an order in {ticker} is unknown"
        yield Trouble(kind=BlockKind.UNKNOWN_ORDER, why=why, market_ticker=ticker)
    if len(unknown) >= state.settings.protections.max_unknown_orders:
        yield Trouble(kind=BlockKind.UNKNOWN_ORDER, why=TOO_MANY_UNKNOWN)


def outside(state: State) -> Iterator[Trouble]:
    """Name links that are away, a paused exchange, and a comparison that is still to come."""
    watch = state.watch
    for kind, why in LINKS.items():
        link = watch.links.get(kind)
        if link is not None and link.up is False:
            yield Trouble(kind=BlockKind.LINK, why=why)
    if watch.exchange not in (None, ExchangeState.OPEN):
        yield Trouble(kind=BlockKind.EXCHANGE_PAUSE, why="the exchange has paused trading", actor=_EXCHANGE)
    if watch.begun is not None and watch.compared is None:
        yield Trouble(kind=BlockKind.RECONCILIATION, why=NOT_COMPARED)


def exits_silent(state: State, moment: Moment, *, each: bool) -> bool:
    """Tell whether positions, or orders that may become some, have not been looked at for too long.

    Args:
        state: Everything known.
        moment: Now.
        each: Look at every position too: one whose price could not be relied on was not looked at. Where nothing can be
            sold, because of a pause or because trading has ended, there is nothing to look for.
    """
    books, watch = state.books, state.watch
    if watch.begun is None or not (books.positions or books.working):
        return False
    oldest = moment.seconds - state.settings.protections.max_exit_silence_seconds
    if max(watch.begun, watch.exit_pass or watch.begun) < oldest:
        return True
    for name, position in books.positions.items() if each else ():
        guard = watch.guards.get(name, _UNSEEN)
        looked = max(watch.begun, guard.opened or watch.begun, guard.checked or watch.begun)
        sellable = (
            position.count > 0 and not exits.paused(state, position) and not exits.closed(state, position, moment)
        )
        if looked < oldest and sellable:
            return True
    return False
