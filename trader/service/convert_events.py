"""Entries of the journal as events of the contract. Pure."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from foremesh.forecast.v1 import signal_pb2
from foremesh.trader.v1 import decisions_pb2, events_pb2, rules_pb2

from trader.domain.entries import (
    AnyEntry,
    CancelIntended,
    Decided,
    Differed,
    ExitDecided,
    Filled,
    Notified,
    OrderEnded,
    OrderIntended,
    OrderResting,
    OrderSent,
    OrderUnknown,
    PositionClosed,
    ScanFinished,
    ScanStarted,
    Settled,
    SignalSeen,
    Started,
    Stopped,
    SwitchesChanged,
)
from trader.domain.facts import TRADER
from trader.domain.words import ScanOutcome
from trader.service import convert_facts as f
from trader.service import convert_orders as o
from trader.service import convert_words as w
from trader.service.differences import figure_of
from trader.service.story import Told

_MOST_MARKETS = 10_000
_MOST_TITLE, _MOST_WORDS = 250, 4000

KIND: Mapping[type[AnyEntry], events_pb2.EventKind] = MappingProxyType(
    {
        ScanStarted: events_pb2.EVENT_KIND_SCAN_STARTED,
        ScanFinished: events_pb2.EVENT_KIND_SCAN_FINISHED,
        SignalSeen: events_pb2.EVENT_KIND_SIGNAL,
        Decided: events_pb2.EVENT_KIND_DECISION,
        OrderIntended: events_pb2.EVENT_KIND_ORDER,
        OrderSent: events_pb2.EVENT_KIND_ORDER,
        OrderResting: events_pb2.EVENT_KIND_ORDER,
        OrderUnknown: events_pb2.EVENT_KIND_ORDER,
        CancelIntended: events_pb2.EVENT_KIND_ORDER,
        OrderEnded: events_pb2.EVENT_KIND_ORDER,
        Filled: events_pb2.EVENT_KIND_FILL,
        ExitDecided: events_pb2.EVENT_KIND_EXIT,
        Settled: events_pb2.EVENT_KIND_SETTLEMENT,
        PositionClosed: events_pb2.EVENT_KIND_TRADE,
        SwitchesChanged: events_pb2.EVENT_KIND_STATE_CHANGE,
        Started: events_pb2.EVENT_KIND_STATE_CHANGE,
        Stopped: events_pb2.EVENT_KIND_STATE_CHANGE,
        Differed: events_pb2.EVENT_KIND_RECONCILIATION_DIFFERENCE,
        Notified: events_pb2.EVENT_KIND_NOTIFICATION,
    }
)
"""Kind of the event that an entry is; the others are the journal's own business."""


def market_of(told: Told) -> str | None:
    """Return the one market that an event is about; None for none, or for more than one."""
    if told.order is not None:
        return told.order.terms.ticker
    match told.entry:
        case SignalSeen(ticker=ticker) | ExitDecided(ticker=ticker) | Settled(ticker=ticker):
            return ticker
        case Differed(ticker=about) | Notified(ticker=about):
            return about
        case Decided(market=market):
            return market.ticker
        case Filled(fill=fill):
            return fill.ticker
        case PositionClosed(trade=trade):
            return trade.ticker
        case _:
            return None


def event(told: Told, now: datetime) -> events_pb2.Event:  # noqa: C901, PLR0912  # a case a kind
    """Say what happened.

    Args:
        told: An entry whose type is in `KIND`.
        now: When the message is sent, by the clock that the journal's times are of: ages count up to then.

    Raises:
        ValueError: The entry is no event.
        google.protobuf.message.DecodeError: A signal's own message cannot be read.
    """
    entry, sequence = told.entry, told.sequence
    since = (now - told.time).total_seconds()
    message = events_pb2.Event(sequence=sequence, record_time=w.instant(told.time))
    match entry:
        case ScanStarted():
            started = decisions_pb2.ScanStarted(
                scan_id=entry.scan_id, series_tickers=entry.series, market_count=entry.market_count
            )
            message.scan_started.CopyFrom(started)
        case ScanFinished():
            message.scan_finished.CopyFrom(_scan_finished(entry))
        case SignalSeen():
            message.signal.CopyFrom(_signal(entry))
        case Decided():
            message.decision.CopyFrom(_decision(entry, since))
        case Filled():
            message.fill.CopyFrom(o.fill(entry))
        case ExitDecided():
            message.exit.CopyFrom(_exit(entry, since))
        case Settled():
            message.settlement.CopyFrom(o.settlement(entry))
        case PositionClosed():
            message.trade.CopyFrom(o.trade(entry.trade, sequence))
        case SwitchesChanged() | Started() | Stopped():
            message.state_change.CopyFrom(_state_change(told, entry))
        case Differed():
            message.reconciliation_difference.CopyFrom(_difference(entry))
        case Notified():
            message.notification.CopyFrom(_notification(entry))
        case _ if told.order is not None:
            before = None if told.before is None else w.ORDER_STATE[told.before]
            message.order.CopyFrom(events_pb2.OrderChange(order=o.order(told.order), previous_state=before))
        case _:
            raise ValueError(f"entry {sequence} is no event")
    return message


def _scan_finished(entry: ScanFinished) -> decisions_pb2.ScanFinished:
    count = entry.counts.get
    return decisions_pb2.ScanFinished(
        scan_id=entry.scan_id,
        market_count=entry.market_count,
        signal_count=count(ScanOutcome.SIGNAL, 0),
        no_signal_count=count(ScanOutcome.NO_SIGNAL, 0),
        rejected_count=count(ScanOutcome.REJECTED, 0),
        expired_count=count(ScanOutcome.EXPIRED, 0),
        not_asked_count=count(ScanOutcome.NOT_ASKED, 0),
        failed_count=count(ScanOutcome.FAILED, 0),
        entry_count=entry.entered,
        unsignalled=[
            decisions_pb2.ScannedMarket(market_ticker=ticker, outcome=w.SCAN_OUTCOME[outcome], reason=w.name(reason))
            for ticker, outcome, reason in entry.others[:_MOST_MARKETS]
        ],
        duration=w.age(entry.seconds),
        unread=[
            decisions_pb2.UnreadSeries(series_ticker=series, problem=w.text(problem))
            for series, problem in entry.unread
        ],
    )


def _signal(entry: SignalSeen) -> decisions_pb2.ScanSignal:
    facts = entry.signal
    return decisions_pb2.ScanSignal(
        scan_id=entry.scan_id,
        market_ticker=entry.ticker,
        series_ticker=entry.series_ticker,
        side=w.SIDE[facts.side],
        signal=signal_pb2.Signal.FromString(entry.wire),
        last_candle_time=w.instant(facts.last_candle_time),
        step=w.seconds(facts.step.total_seconds()),
        useful_until_time=w.instant(facts.useful_until),
        weights_digest=facts.weights_digest[:128],
    )


def _decision(entry: Decided, since: float) -> decisions_pb2.Decision:
    market = entry.market
    return decisions_pb2.Decision(
        decision_id=entry.decision_id,
        scan_id=entry.scan_id,
        market_ticker=market.ticker,
        series_ticker=market.series_ticker,
        side=w.SIDE[entry.side],
        actor=f.actor(entry.actor),
        outcome=(decisions_pb2.DECISION_OUTCOME_ENTER if entry.entered else decisions_pb2.DECISION_OUTCOME_REFUSED),
        verdicts=[f.verdict(finding) for finding in entry.findings],
        plan=None if entry.plan is None else f.entry_plan(entry.plan),
        quote=None if entry.top is None else f.quote(entry.top, market.ticker, entry.side, since),
    )


def _exit(entry: ExitDecided, since: float) -> decisions_pb2.ExitDecision:
    return decisions_pb2.ExitDecision(
        decision_id=entry.decision_id,
        position_id=entry.position_id,
        market_ticker=entry.ticker,
        side=w.SIDE[entry.side],
        kind=w.EXIT_KIND[entry.exit_kind],
        actor=f.actor(entry.actor),
        count_hundredths=entry.count,
        level_price_micros=w.price(entry.trigger),
        floor_price_micros=w.price(entry.floor),
        mark=None if entry.top is None else f.mark(entry.top, since),
    )


def _state_change(told: Told, entry: SwitchesChanged | Started | Stopped) -> events_pb2.StateChange:
    state = None if told.state is None else w.STATE[told.state]
    if isinstance(entry, SwitchesChanged):
        return events_pb2.StateChange(
            kind=w.CHANGE[entry.change],
            state=state,
            actor=f.actor(entry.actor),
            reason=w.text(entry.why),
            request_id=entry.request_id,
            begun=[f.block(block) for block in entry.began],
            ended=[f.block(block) for block in told.ended],
            position_ids=(*entry.flattening, *entry.adopted),
        )
    began = isinstance(entry, Started)
    return events_pb2.StateChange(
        kind=events_pb2.STATE_CHANGE_KIND_STARTED if began else events_pb2.STATE_CHANGE_KIND_STOPPED,
        state=state,
        actor=f.actor(TRADER),
        reason=f"run {entry.run_id}, foremesh {entry.version}" if isinstance(entry, Started) else f"run {entry.run_id}",
    )


def _difference(entry: Differed) -> events_pb2.ReconciliationDifference:
    def side(words: str) -> rules_pb2.Figure | None:
        return figure_of(words) if words else None

    return events_pb2.ReconciliationDifference(
        subject=w.SUBJECT[entry.subject],
        market_ticker=entry.ticker,
        client_order_id=entry.client_order_id,
        trader=side(entry.ours),
        exchange=side(entry.theirs),
        resolution=w.RESOLUTION[entry.resolution],
        detail=w.text(entry.detail),
    )


def _notification(entry: Notified) -> events_pb2.Notification:
    return events_pb2.Notification(
        notification_id=entry.notification_id,
        priority=w.PRIORITY[entry.urgency],
        delivery=w.DELIVERY[entry.delivery],
        title=w.text(entry.title, _MOST_TITLE) or "foremesh",
        text=w.text(entry.text, _MOST_WORDS),
        market_ticker=entry.ticker,
        position_id=entry.position_id,
    )
