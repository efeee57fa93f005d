"""Contracts, their price and result, and cash: the trader's books against one read of the account. Pure."""

from mesh.kalshi.sides import Action
from mesh.types import CENT, CONTRACT, DOLLAR, Hundredths, Micros, Side, count_text, dollars
from trader.domain.account import CASH, PROOF, Look, key
from trader.domain.entries import CashSeen, LeftByOthers, Settled
from trader.domain.filling import of_side
from trader.domain.fold import orders_of
from trader.domain.state import NO_CONTRACTS, NO_MONEY, Position
from trader.domain.views import HeldView, SettlementView
from trader.domain.words import ExitKind, Resolution, Subject

_PAYOUT_STEP = 100
"""Micros: what is paid for a settlement is a multiple of it, unless the account says so itself."""


def settle(look: Look) -> None:
    """Book settlements of our positions whose orders are all over."""
    for view in sorted(look.snapshot.settlements, key=lambda view: (view.time, view.ticker)):
        for position in look.positions(view.ticker):
            busy = position.position_id in look.books.settled or orders_of(look.books, position)
            if position.count and not busy and view.ticker not in look.moved and look.proven(view.ticker):
                _settle(look, position, view)


def compare_market(look: Look, ticker: str) -> None:
    """Hold one market's contracts, their price, result and fees against the books."""
    if ticker in look.moved or not look.steady(ticker):
        look.unproven.add(ticker)
        return
    if any(view.ticker == ticker for view in look.snapshot.settlements):
        return
    positions = look.positions(ticker)
    ours = sum(_signed(position) for position in positions)
    theirs = look.held[ticker].net if ticker in look.held else 0
    if ours * theirs < 0 or abs(theirs) < abs(ours):
        _missing(look, ticker, positions, ours, theirs)
    elif theirs != ours:
        _beyond(look, ticker, positions, ours, theirs)
    elif ticker in look.held:
        _figures(look, look.held[ticker], positions)


def compare_cash(look: Look) -> None:
    """Hold cash against what fills and settlements moved, where nothing is on its way; state it at the first look."""
    if look.moved or look.unproven or not look.all_proven():
        look.unproven.add(CASH)
        return
    expected, stated = look.books.expected_cash, look.snapshot.cash
    if expected is None:
        look.entries.append(CashSeen(cash=stated))
        return
    name = key(Subject.CASH, CASH, "")
    if stated == expected or look.reads(name, stated - expected) < PROOF:
        return
    others = bool(look.others_fills) or any(found.startswith("foreign:") for found in look.notes)
    look.differ(
        Subject.CASH,
        CASH,
        ours=dollars(expected),
        theirs=dollars(stated),
        resolution=Resolution.LEFT_ALONE if others or stated > expected else Resolution.OPEN,
        detail="others trade on the account" if others else "no fill or settlement of ours moved it",
        name=name,
    )
    look.entries.append(CashSeen(cash=stated))


def _settle(look: Look, position: Position, view: SettlementView) -> None:
    paid = view.yes_count if position.side is Side.YES else view.no_count
    value = view.yes_value if position.side is Side.YES else Micros(DOLLAR - view.yes_value)
    count = min(position.count, paid)
    revenue = Micros(value * count // CONTRACT // _PAYOUT_STEP * _PAYOUT_STEP)
    if count < position.count:
        _left_by_others(look, position, Hundredths(position.count - count), "were gone before the settlement")
    if not count:
        return
    if paid == position.count and abs(view.revenue - revenue) >= CENT:
        look.differ(
            Subject.SETTLEMENT,
            view.ticker,
            ours=dollars(revenue),
            theirs=dollars(view.revenue),
            resolution=Resolution.TAKEN_OVER,
            detail=f"{count_text(count)} contracts at {dollars(value)}: what was paid counts",
        )
        revenue = view.revenue
    elif paid == position.count and view.exact:
        revenue = view.revenue  # the account's balance may move in greater steps
    settled = Settled(
        position_id=position.position_id,
        ticker=view.ticker,
        side=position.side,
        count=count,
        result=view.result,
        yes_value=view.yes_value,
        revenue=revenue,
        time=view.time,
    )
    look.take(view.ticker, [settled])


def _missing(look: Look, ticker: str, positions: list[Position], ours: int, theirs: int) -> None:
    name = key(Subject.POSITION, ticker, "missing")
    reads = look.reads(name, theirs - ours)
    look.unproven.add(CASH)  # until it is known where they went
    if reads < PROOF:
        return
    missing = Hundredths(min(abs(theirs - ours), abs(ours)))
    position = next((held for held in positions if held.count >= missing), None)
    # Once trading has ended they are most likely paid for, and the settlement is still to be listed.
    waits = _over(look, ticker) and (position is None or _sold_by_others(look, position, missing) is None)
    if position is not None and not waits:
        _left_by_others(look, position, missing, "are missing at the exchange")
    elif look.news(name, theirs - ours):
        look.differ(
            Subject.POSITION,
            ticker,
            ours=_contracts(ours),
            theirs=_contracts(theirs),
            resolution=Resolution.OPEN,
            detail="trading has ended and no settlement shows what became of them" if waits else "nothing shows why",
            name=name,
        )


def _left_by_others(look: Look, position: Position, missing: Hundredths, what: str) -> None:
    ticker = position.market.ticker
    sold = _sold_by_others(look, position, missing)
    proceeds, fees = sold or (NO_MONEY, NO_MONEY)
    how = f"others sold them for {dollars(proceeds)}" if sold else "no fill or settlement shows how: booked at nothing"
    look.differ(
        Subject.POSITION,
        ticker,
        ours=_contracts(_signed(position)),
        theirs=_contracts(look.held[ticker].net if ticker in look.held else NO_CONTRACTS),
        resolution=Resolution.TAKEN_OVER,
        detail=f"{count_text(missing)} contracts {what}; {how}",
    )
    left = LeftByOthers(
        position_id=position.position_id, count=missing, proceeds=proceeds, fees=fees, time=look.snapshot.as_of
    )
    look.take(ticker, [left])


def _sold_by_others(look: Look, position: Position, missing: Hundredths) -> tuple[Micros, Micros] | None:
    """Find what others got for contracts of a position, and paid as fees; None where fills do not show all of it."""
    before = max((leg.time for leg in position.legs if leg.kind is ExitKind.FOREIGN), default=position.open_time)
    proceeds, fees, left = 0, 0, int(missing)
    for facts in reversed(look.others_fills):
        seen = of_side(facts, position.side)
        fits = (seen.ticker, seen.action) == (position.market.ticker, Action.SELL)
        if left and fits and (before is None or seen.time > before):
            part = min(left, seen.count)
            proceeds, fees = proceeds + seen.price * part // CONTRACT, fees + seen.fee * part // seen.count
            left -= part
    return None if left else (Micros(proceeds), Micros(fees))


def _beyond(look: Look, ticker: str, positions: list[Position], ours: int, theirs: int) -> None:
    notes, net = look.notes, theirs - ours
    # Where nothing of ours happened lately there is nothing that a read may lag behind.
    proof = PROOF if f"changed:{ticker}" in notes else 1
    name = key(Subject.POSITION, ticker, "beyond")
    if look.reads(name, net) < proof:
        return
    notes[f"foreign:{ticker}"] = net
    notes[f"exposure:{ticker}"] = look.held[ticker].exposure - sum(position.cost for position in positions)
    if look.news(name, net):
        look.differ(
            Subject.POSITION,
            ticker,
            ours=_contracts(ours) if ours else "",
            theirs=_contracts(theirs),
            resolution=Resolution.LEFT_ALONE,
            detail=f"{_contracts(net)} are not the trader's",
        )


def _figures(look: Look, held: HeldView, positions: list[Position]) -> None:
    trades = [trade for trade in look.books.trades if trade.ticker == held.ticker]
    legs = [leg for position in positions for leg in position.legs] + [leg for trade in trades for leg in trade.legs]
    owners = [position.decision_id for position in positions] + [trade.decision_id for trade in trades]
    # Each step out rounds the cost of what is left by less than a micro, at the exchange as here.
    rounding = 1 + len(legs) + abs(held.net) // CONTRACT
    if any(leg.kind is ExitKind.FOREIGN for leg in legs):
        rounding += CENT  # what others sold of it is booked when it is seen, and in another order
    spent = sum(position.cost for position in positions)
    figures: list[tuple[Subject, str, int, int]] = [(Subject.ENTRY_PRICE, "cost of what is held", spent, held.exposure)]
    # The exchange's sums of a market begin with its first contract, whoever bought it.
    if owners and None not in owners and all(leg.kind is not ExitKind.FOREIGN for leg in legs):
        gross = sum(trade.proceeds - trade.cost for trade in trades)
        gross += sum(position.proceeds - position.total_cost + position.cost for position in positions)
        fees = sum(trade.fees for trade in trades) + sum(position.total_fees for position in positions)
        figures.append((Subject.POSITION, "result before fees", gross, held.realised))
        figures.append((Subject.FEE, "fees", fees, held.fees))
    for subject, what, ours, theirs in figures:
        name = key(subject, held.ticker, what)
        if abs(ours - theirs) > rounding and look.confirmed(name, theirs - ours):
            look.differ(
                subject,
                held.ticker,
                ours=dollars(Micros(ours)),
                theirs=dollars(Micros(theirs)),
                resolution=Resolution.OPEN,
                detail=what,
                name=name,
            )


def _over(look: Look, ticker: str) -> bool:
    """Tell whether trading has ended in a market, or is halted."""
    watch = look.state.watch
    known = [position.market for position in look.positions(ticker)]
    market = watch.terms.get(ticker, known[0] if known else None)
    return ticker in watch.halted or (market is not None and look.moment.now >= market.close_time)


def _signed(position: Position) -> int:
    return position.count if position.side is Side.YES else -position.count


def _contracts(net: int) -> str:
    return f"{count_text(Hundredths(abs(net)))} {'NO' if net < 0 else 'YES'}"
