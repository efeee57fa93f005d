"""Money, prices, counts and spans as the owner reads them on a phone. Pure."""

from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from mesh.types import CENT, CONTRACT, Hundredths, Micros, Side, cost
from trader.domain.entries import Differed, Started
from trader.domain.facts import EntryPlan, ExitPlan, Top, Trade
from trader.domain.state import Books, Exit, Order, Position
from trader.domain.words import ExitKind, Resolution

MOST_TITLE = 250
MOST_TEXT = 1000

_KINDS = {
    ExitKind.TAKE_PROFIT: "take profit",
    ExitKind.STOP_LOSS: "stop",
    ExitKind.TRAILING_STOP: "trailing stop",
    ExitKind.TIME_STOP: "time stop",
    ExitKind.SETTLEMENT: "settlement",
    ExitKind.MANUAL: "sold by hand",
    ExitKind.FLATTEN: "flatten",
    ExitKind.FOREIGN: "sold by others",
}


def money(amount: int) -> str:
    """Format an amount, exact: `$75`, `$3.42`, `-$0.0175`."""
    exact = f"{Decimal(abs(amount)).scaleb(-6):f}".rstrip("0").rstrip(".")
    whole, _, parts = exact.partition(".")
    return f"{'-' if amount < 0 else ''}${whole or '0'}{'.' + parts.ljust(2, '0') if parts else ''}"


def gain(amount: int) -> str:
    """Format a result with its sign: `+$3.42`."""
    return f"{'+' if amount > 0 else ''}{money(amount)}"


def price(micros: int) -> str:
    """Format a price, exact: `54c`, `54.5c`."""
    exact = f"{Decimal(micros) / CENT:f}"
    return f"{exact.rstrip('0').rstrip('.') if '.' in exact else exact}c"


def mean(amount: Micros, count: Hundredths) -> str:
    """Format the mean price of contracts, to a hundredth of a cent; `nothing` for none."""
    if count <= 0:
        return "nothing"
    return price(round(Decimal(amount) * CONTRACT / count / 100) * 100)


def contracts(count: Hundredths) -> str:
    """Format a count: `5`, `12.5`."""
    exact = f"{Decimal(count).scaleb(-2):f}"
    return exact.rstrip("0").rstrip(".") if "." in exact else exact


def number(count: int, noun: str) -> str:
    """Count things: `1 order`, `2 orders`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def span(seconds: float) -> str:
    """Format a time span in its two largest units: `2d 3h`, `1h 5m`, `12s`."""
    left = max(0, int(seconds))
    parts: list[str] = []
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count or (unit == "s" and not parts):
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2])


def held(side: Side, count: Hundredths, ticker: str) -> str:
    """Name contracts: `NO 5 x KXHIGHNY-26NOV23-T60`."""
    return f"{side.value.upper()} {contracts(count)} x {ticker}"


def exit_name(kind: ExitKind) -> str:
    """Name a kind of exit."""
    return _KINDS[kind]


def cut(text: str, most: int) -> str:
    """Shorten a text to so many characters."""
    return text if len(text) <= most else text[: most - 3] + "..."


def plan_line(plan: ExitPlan) -> str:
    """Say when a position is sold."""
    parts = [
        "TP none" if plan.take_profit is None else f"TP {price(plan.take_profit)}",
        "SL none" if plan.stop_loss is None else f"SL {price(plan.stop_loss)}",
    ]
    if plan.trailing_distance is not None and plan.trailing_from is not None:
        parts.append(f"trailing {price(plan.trailing_distance)} from {price(plan.trailing_from)}")
    if plan.time_stop is not None:
        parts.append(f"until {plan.time_stop:%Y-%m-%d %H:%M} UTC")
    return ", ".join(parts)


def depth_line(plan: EntryPlan) -> str:
    """Say what was offered: `depth ≤ 57c: 84 contracts, $75, 3 levels`."""
    levels = number(plan.depth_levels, "level")
    return f"depth ≤ {price(plan.limit)}: {contracts(plan.depth)} contracts, {money(plan.depth_cost)}, {levels}"


def entry_text(order: Order, position: Position | None, plan: EntryPlan | None) -> str:
    """Say what an entry bought, how it will be sold, and what it was decided on."""
    terms = order.terms
    lines = [
        f"limit {price(terms.limit)}, {contracts(order.seen)} of {contracts(terms.count)} contracts",
        f"cost {money(order.cost)} + {money(order.fees)} fees",
    ]
    if position is not None:
        lines.append(plan_line(position.plan))
    if plan is not None:
        lines += [] if plan.edge_cents is None else [f"edge {plan.edge_cents:.1f}c after spread and fees"]
        lines.append(depth_line(plan))
    return "\n".join(lines)


def trade_title(trade: Trade) -> str:
    """Say how a position ended: `stop: NO 5 x KXHIGHNY-26NOV23-T60 -$0.52`."""
    return f"{exit_name(trade.exit_kind)}: {held(trade.side, trade.count, trade.ticker)} {gain(trade.net)}"


def trade_text(trade: Trade, books: Books, day: str) -> str:
    """Say what a position cost and brought, and what the day has come to."""
    lines = [
        f"bought at {mean(trade.cost, trade.count)}, out at {mean(trade.proceeds, trade.count)}",
        f"net {gain(trade.net)} after {money(trade.fees)} fees",
        f"held {span((trade.close_time - trade.open_time) / timedelta(seconds=1))}",
    ]
    if len(trade.legs) > 1:
        lines.append(
            "out in steps: " + ", ".join(f"{contracts(leg.count)} by {exit_name(leg.kind)}" for leg in trade.legs)
        )
    today = books.days.get(day)
    if today is not None:
        lines.append(f"today {gain(today.net)} in {number(today.trades, 'trade')}")
    return "\n".join(lines)


def sold_below(trade: Trade) -> Micros:
    """Return how far below the prices at which its exits were decided a trade was sold, a contract, in micros."""
    legs = [leg for leg in trade.legs if leg.trigger is not None and leg.client_order_id is not None]
    count = sum(leg.count for leg in legs)
    if not count:
        return Micros(0)
    due = sum(cost(leg.trigger, leg.count) for leg in legs if leg.trigger is not None)
    return Micros((due - sum(leg.proceeds for leg in legs)) * CONTRACT // count)


def difference_title(entry: Differed) -> str:
    """Say about what trader and exchange differ, and where."""
    left_alone = entry.resolution is Resolution.LEFT_ALONE
    where = entry.ticker or entry.client_order_id or "the account"
    return f"{'not from the trader' if left_alone else 'difference'}: {_words(entry.subject)}, {where}"


def difference_text(entry: Differed) -> str:
    """Say what each of them has, and what was done about it."""
    lines = (
        f"ours: {entry.ours or 'nothing'}",
        f"the exchange's: {entry.theirs or 'nothing'}",
        entry.detail,
        _words(entry.resolution),
    )
    return "\n".join(line for line in lines if line)


def started(entry: Started, books: Books) -> tuple[str, str]:
    """Say with what a process begins, as title and text."""
    held_now = [position for position in books.positions.values() if position.count > 0]
    lines = [
        f"{held(position.side, position.count, position.market.ticker)} at {mean(position.cost, position.count)}, "
        f"{plan_line(position.plan) if position.exit is None else exit_name(position.exit.kind) + ' under way'}"
        for position in held_now
    ]
    lines += [f"no entries: {block.why}" for block in books.blocks.values()]
    guarded, working = number(len(held_now), "position"), number(len(books.working), "order")
    title = f"{entry.mode} trader started: {guarded} guarded, {working} working"
    return title, "\n".join(lines) or "nothing is held"


def stuck_text(leaving: Exit, top: Top | None, now: datetime) -> str:
    """Say why an exit may take so long."""
    bid = "no book is known" if top is None else "nobody bids" if top.bid is None else f"the bid is {price(top.bid)}"
    floor = "any bid is taken" if leaving.floor is None else f"the floor is {price(leaving.floor)}"
    taken = span((now - leaving.time).total_seconds())
    return f"{exit_name(leaving.kind)} for {taken}; {bid}, {floor}. It is tried again until it is sold."


def _words(word: StrEnum) -> str:
    return word.value.replace("_", " ")
