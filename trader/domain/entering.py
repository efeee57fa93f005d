"""From a signal to an entry, or to the reasons against it. Pure."""

from dataclasses import replace
from datetime import datetime, timedelta

from mesh.kalshi.fees import UnknownFee
from mesh.kalshi.sides import Action
from mesh.kalshi.terms import TimeInForce
from mesh.types import Hundredths, Micros, Side, cost
from trader.domain import edge, ids, plans, rules, sizing, watching
from trader.domain.entries import AnyEntry, Decided, OrderIntended, ShadowPlaced
from trader.domain.events import Moment, SignalCame
from trader.domain.facts import TRADER, EntryPlan, ExitPlan, OrderTerms, Sight, Top
from trader.domain.settings import Settings, hundredths, micros
from trader.domain.sighting import sight_of
from trader.domain.slippage import worst_price
from trader.domain.state import Books, Position, State
from trader.domain.words import EntryStyle, Purpose, Verdict


def enter(state: State, came: SignalCame, moment: Moment) -> list[AnyEntry]:
    """Decide about one signal, as `judged`, by what is seen now."""
    top = watching.top(state.watch, came.market.ticker, came.signal.side, moment)
    limit = None if top is None else worst_price(state.settings.entries, came.market, came.signal, top)
    sight = sight_of(state, came, limit, moment)
    return judged(state.books, state.settings, came, top=top, sight=sight, now=moment.now)


def judged(
    books: Books, settings: Settings, came: SignalCame, *, top: Top | None, sight: Sight, now: datetime
) -> list[AnyEntry]:
    """Decide about one signal: `Decided`, and where it enters also `OrderIntended` and its shadow.

    Everything that a decision depends on is an argument here, and is in the journal: live, a replay and research come
    to the same from the same. A market is decided on once in a scan: a signal that comes again gives nothing.

    Args:
        books: Not changed.
        settings: What the owner sets.
        came: The signal and its market.
        top: Best prices of the signal's side; None where no book is known.
        sight: The rest of what was seen.
        now: Time of the decision.
    """
    decision_id = ids.decision_id(books.journal_id, came.scan_id, came.market.ticker)
    if _decided(books, decision_id):
        return []
    case = _case(books, settings, came, top=top, sight=sight, now=now)
    findings, plan = rules.judge(case), _plan(case)
    entered = plan is not None and not any(finding.verdict is Verdict.REFUSED for finding in findings)
    decided = Decided(
        decision_id=decision_id,
        scan_id=came.scan_id,
        market=came.market,
        side=came.signal.side,
        actor=TRADER,
        entered=entered,
        findings=findings,
        plan=plan,
        top=top,
        sight=sight,
    )
    if plan is None or not entered:
        return [decided]
    order = _order(case, plan, decision_id)
    return [decided, OrderIntended(order=order), *_shadow(case, order)]


def _decided(books: Books, decision_id: str) -> bool:
    known = decision_id in books.decided or decision_id in books.decisions
    return known or ids.client_order_id(books.journal_id, decision_id, 0) in books.orders


def _case(
    books: Books, settings: Settings, came: SignalCame, *, top: Top | None, sight: Sight, now: datetime
) -> rules.Case:
    market, signal = came.market, came.signal
    limit = None if top is None else worst_price(settings.entries, market, signal, top)
    claimed = sizing.claims(books)
    adds_to, exits = _position(books, market.ticker, signal.side), None
    if limit is not None:
        planned = plans.exit_plan(limit, signal, market, settings, now)
        exits = planned if adds_to is None else adds_to.plan
    case = rules.Case(
        books=books,
        settings=settings,
        market=market,
        signal=signal,
        now=now,
        top=top,
        sight=sight,
        limit=limit,
        exits=exits,
        risk=sizing.risk(books, settings.sizes, market, claimed),
        free_cash=sizing.free_cash(books, sight, claimed),
        adds_to=adds_to,
    )
    try:
        return _priced(case)
    except UnknownFee as error:
        return replace(case, problem=str(error))


def _priced(case: rules.Case) -> rules.Case:
    """Add what follows from the price: how much it may be, what that costs, what it should earn."""
    top, limit, exits, market, settings = case.top, case.limit, case.exits, case.market, case.settings
    if top is None or limit is None or exits is None:
        return case
    at, sizes = _expiry(case), settings.sizes
    bill = sizing.Bill(market.fees, limit, at, sizing.step(sizes))
    budget = _budget(case, exits)
    rooms = [
        cap - case.risk.exposures[name] for name, cap in sizing.caps(sizes).items() if rules.enforced(settings, name)
    ]
    if case.free_cash is not None:
        rooms.append(case.free_cash - micros(sizes.min_cash_dollars))
    contracts = hundredths(sizes.max_contracts_per_market) - case.risk.contracts
    count = bill.largest(budget, *rooms, most=contracts)
    settles = edge.horizon_end(case.signal) >= market.close_time or plans.held(market, settings.exits)
    return replace(
        case,
        affordable=bill.largest(budget),
        count=count,
        cost=bill.most(count or bill.step),
        edge_cents=edge.expected_cents(
            case.signal, market, top, limit, settings=settings, settles=settles, at=at, target=exits.take_profit
        ),
    )


def _position(books: Books, ticker: str, side: Side) -> Position | None:
    """Find the position that a further entry adds to: there is one a market and side."""
    held = (books.positions[name] for name in sorted(books.by_ticker.get(ticker, ())))
    return next((position for position in held if position.side is side), None)


def _expiry(case: rules.Case) -> datetime:
    return case.now + timedelta(seconds=case.settings.entries.expire_seconds)


def _budget(case: rules.Case, exits: ExitPlan) -> Micros:
    """Return the money of one trade: less where the exchange will pause while a stop is meant to work."""
    sizes = case.settings.sizes
    usual = micros(sizes.dollars_per_trade)
    pause = plans.pause_before(case.sight.pauses, case.now, edge.horizon_end(case.signal))
    return usual if pause is None or not plans.stops(exits) else Micros(int(usual * sizes.pause_share))


def _plan(case: rules.Case) -> EntryPlan | None:
    if case.limit is None or case.exits is None or case.cost is None or not case.count:
        return None
    offers = case.sight.offers
    return EntryPlan(
        style=case.settings.entries.style,
        limit=case.limit,
        ask=None if case.top is None else case.top.ask,
        count=case.count,
        most_cost=case.cost,
        edge_cents=case.edge_cents,
        exit_plan=case.exits,
        depth=Hundredths(sum(size for _, size in offers)),
        depth_cost=Micros(sum(cost(price, size) for price, size in offers)),
        depth_levels=len(offers),
    )


def _order(case: rules.Case, plan: EntryPlan, decision_id: str) -> OrderTerms:
    books, market = case.books, case.market
    return OrderTerms(
        client_order_id=ids.client_order_id(books.journal_id, decision_id, 0),
        decision_id=decision_id,
        leg=0,
        position_id=case.adds_to.position_id if case.adds_to else ids.position_id(books.journal_id, decision_id),
        ticker=market.ticker,
        event_ticker=market.event_ticker,
        series_ticker=market.series_ticker,
        side=case.signal.side,
        action=Action.BUY,
        purpose=Purpose.ENTRY,
        limit=plan.limit,
        count=plan.count,
        time_in_force=TimeInForce.GOOD_TILL_CANCELED,
        expire_time=_expiry(case),
        post_only=plan.style is EntryStyle.REST,
        exchange_index=market.exchange_index,
    )


def _shadow(case: rules.Case, order: OrderTerms) -> list[ShadowPlaced]:
    """Place the virtual order that waits at the bid instead, behind everybody who waits there already."""
    entries, top = case.settings.entries, case.top
    if not entries.shadow or entries.style is not EntryStyle.TAKE or top is None or top.bid is None:
        return []
    return [
        ShadowPlaced(
            decision_id=order.decision_id,
            position_id=order.position_id,
            ticker=order.ticker,
            side=order.side,
            price=top.bid,
            count=order.count,
            ahead=top.bid_size,
            until=min(case.market.close_time, case.now + timedelta(seconds=entries.shadow_seconds)),
        )
    ]
