"""The status: everything at a glance. Pure."""

from dataclasses import dataclass

from foremesh.trader.v1 import status_pb2

from trader.domain import protections, sizing, switching
from trader.domain.events import Moment
from trader.domain.protections import Unrealised
from trader.domain.state import NO_MONEY, Day, State
from trader.domain.state import Link as Seen
from trader.domain.switching import TradingState
from trader.domain.words import LinkKind, Mode, OrderState
from trader.service import convert_facts as f
from trader.service import convert_words as w
from trader.service.limits import limits

_TWICE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the service knows of the process, beside its engine."""

    instance_id: str
    """New at each start."""
    mode: Mode
    code_version: str
    config_digest: str
    """SHA-256 of the configuration in force, in hexadecimal."""
    scan_seconds: float
    """Longest time from the beginning of a scan to the next one's."""
    reconcile_seconds: float
    """Between two comparisons with the exchange, at most."""


def status(state: State, facts: Facts, moment: Moment, started: float) -> status_pb2.Status:
    """Show the status.

    Args:
        state: Everything known.
        facts: Of the process.
        moment: Now.
        started: When the process started, monotonic.
    """
    books, watch, settings = state.books, state.watch, state.settings
    unrealised = protections.unrealised(state, moment)
    positions = [each for each in books.positions.values() if each.count > 0]
    unknown = sum(books.orders[name].state is OrderState.UNKNOWN for name in books.working)
    today = books.days.get(moment.now.date().isoformat(), Day())
    return status_pb2.Status(
        mode=w.MODE[facts.mode],
        state=w.STATE[switching.trading_state(state)],
        blocks=[f.block(block) for block in books.blocks.values()],
        exchange_state=None if watch.exchange is None else w.EXCHANGE_STATE[watch.exchange],
        exchange_resume_time=None if watch.resume_time is None else w.instant(watch.resume_time),
        links=links(state, facts, moment),
        limits=limits(state, unrealised, moment),
        staleness=status_pb2.StalenessThresholds(
            quote_fresh_within=w.seconds(settings.protections.max_book_age_seconds),
            quote_stale_after=w.seconds(settings.protections.max_exit_silence_seconds),
            forecast_stale_after=w.seconds(settings.protections.max_forecast_age_seconds),
        ),
        balance=_balance(state, facts, moment),
        pnl_today=_pnl(today, unrealised, len(positions)),
        pnl_total=_pnl(books.total, unrealised, len(positions)),
        position_count=len(positions),
        working_order_count=len(books.working),
        unknown_order_count=unknown,
        last_scan=_last_scan(state, moment),
        code_version=facts.code_version,
        config_digest=facts.config_digest,
        uptime=w.age(moment.seconds - started),
    )


def links(state: State, facts: Facts, moment: Moment) -> list[status_pb2.Link]:
    """Show every link once, with its age up to now."""
    watch, guards = state.watch, state.settings.protections
    scanning = switching.blocked_state(state.books.blocks.values()) is TradingState.RUNNING
    late: dict[LinkKind, float | None] = {
        LinkKind.EXCHANGE: _TWICE * facts.reconcile_seconds,
        LinkKind.MARKET_DATA: guards.max_book_age_seconds,
        LinkKind.FORECAST_SERVER: _TWICE * facts.scan_seconds if scanning else None,  # nobody asks it under a block
        LinkKind.EXIT_LOOP: guards.max_exit_silence_seconds,
        LinkKind.RECONCILIATION: _TWICE * facts.reconcile_seconds,
        LinkKind.NOTIFIER: None,  # it works when there is something to tell
    }
    # Of these two the watch knows when they came to their end, whoever told of the link.
    ends = {LinkKind.EXIT_LOOP: watch.exit_pass, LinkKind.RECONCILIATION: watch.compared}
    found = []
    for kind, limit in late.items():
        seen = watch.links.get(kind, Seen())
        last = ends.get(kind, seen.succeeded)
        age = None if last is None else max(0.0, moment.seconds - last)
        found.append(
            status_pb2.Link(
                kind=w.LINK_KIND[kind],
                health=_health(seen, age, limit),
                age=None if age is None else w.seconds(age),
                detail="" if seen.up else w.text(seen.problem),
                late_after=None if limit is None else w.seconds(limit),
            )
        )
    return found


def _health(seen: Seen, age: float | None, late_after: float | None) -> status_pb2.LinkHealth:
    if seen.up is False:
        return status_pb2.LINK_HEALTH_DOWN
    if age is None:
        return status_pb2.LINK_HEALTH_UNSPECIFIED
    return status_pb2.LINK_HEALTH_LATE if late_after is not None and age > late_after else status_pb2.LINK_HEALTH_UP


def _balance(state: State, facts: Facts, moment: Moment) -> status_pb2.Balance | None:
    """Show the account's money; None before the account was read.

    What is available is the less of what our books expect and what the exchange said last, as for a new entry.
    """
    snapshot, books = state.watch.snapshot, state.books
    if snapshot is None:
        return None
    orders = sizing.entries_on_their_way(books)
    listed = {view.client_order_id for view in snapshot.orders}
    unlisted = sum(sizing.claim(books, order) for order in orders if order.terms.client_order_id not in listed)
    stated = snapshot.available if snapshot.available is not None else snapshot.cash
    cash = books.expected_cash if books.expected_cash is not None else snapshot.cash
    available = min(stated - unlisted, cash - sum(sizing.claim(books, order) for order in orders))
    stake, liquidation = 0, 0
    for position in books.positions.values():
        stake += position.cost + position.entry_fees
        liquidation += protections.liquidation(state, position, moment) or NO_MONEY
    return status_pb2.Balance(
        available_micros=available,
        reserved_micros=max(0, cash - available),
        stake_micros=stake,
        liquidation_micros=liquidation,
        shards=[status_pb2.ShardCash(exchange_index=index, cash_micros=money) for index, money in snapshot.shards],
        confirmed_age=None if facts.mode is Mode.PAPER else w.age((moment.now - snapshot.as_of).total_seconds()),
    )


def _pnl(day: Day, unrealised: Unrealised, positions: int) -> status_pb2.Pnl:
    return status_pb2.Pnl(
        gross_realised_micros=day.gross,
        fees_micros=day.fees,
        net_realised_micros=day.net,
        unrealised_micros=None if positions and unrealised.unpriced == positions else unrealised.net,
        unpriced_position_count=unrealised.unpriced,
    )


def _last_scan(state: State, moment: Moment) -> status_pb2.ScanSummary | None:
    scan, ended = state.books.last_scan, state.books.last_scan_time
    if scan is None or ended is None:
        return None
    return status_pb2.ScanSummary(
        scan_id=scan.scan_id,
        age=w.age((moment.now - ended).total_seconds()),
        market_count=scan.market_count,
        signal_count=scan.market_count - len(scan.others),
        entry_count=scan.entered,
    )
