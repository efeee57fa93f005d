"""What each entry of a trader's journal says, in a line for people."""

from collections import Counter

from mesh.types import CENT, CONTRACT, DOLLAR, Hundredths, Micros
from trader.domain.entries import (
    Adopted,
    AnyEntry,
    CancelIntended,
    CashSeen,
    Decided,
    Differed,
    ExitDecided,
    ExitWithdrawn,
    Filled,
    LeftByOthers,
    Notified,
    OrderEnded,
    OrderIntended,
    OrderResting,
    OrderSent,
    OrderUnknown,
    PeakMoved,
    PositionClosed,
    PositionOpened,
    RequestAnswered,
    ScanFinished,
    ScanStarted,
    Settled,
    ShadowFilled,
    ShadowPlaced,
    SignalSeen,
    Started,
    Stopped,
    SwitchesChanged,
)
from trader.domain.facts import Actor, Block, Finding, OrderTerms, Trade
from trader.domain.words import ActorKind, OrderState, Verdict


def money(amount: Micros) -> str:
    """Say an amount to the cent, or finer where it is: `-$1.23`, `$0.0175`."""
    whole, rest = divmod(abs(amount), DOLLAR)
    digits = f"{rest:06d}".rstrip("0").ljust(2, "0")
    return f"{'-' if amount < 0 else ''}${whole:,}.{digits}"


def price(micros: int | None) -> str:
    """Say a price in cents."""
    return "none" if micros is None else f"{micros / CENT:g}c"


def contracts(count: Hundredths) -> str:
    """Say a count."""
    return f"{count / CONTRACT:g}"


def words(entry: AnyEntry) -> str:  # noqa: C901, PLR0912  # a case a kind
    """Say what happened."""
    match entry:
        case Started():
            return f"started: run {entry.run_id}, {entry.mode}, foremesh {entry.version}"
        case Stopped():
            return f"stopped in order: run {entry.run_id}"
        case ScanStarted():
            return f"scan {entry.scan_id} of {entry.market_count} markets: {', '.join(entry.series)}"
        case SignalSeen(signal=signal):
            return (
                f"{entry.ticker}: forecast {signal.current_cents:g}c → {signal.forecast_mean_cents:g}c, for "
                f"{signal.side.value.upper()}, {signal.magnitude_cents:g}c, confidence {signal.confidence}"
            )
        case ScanFinished():
            counts = ", ".join(f"{count} {outcome}" for outcome, count in entry.counts.items())
            found = f"{entry.market_count} markets ({counts})" if counts else f"{entry.market_count} markets"
            return f"scan {entry.scan_id} done in {entry.seconds:.3f} s: {found}, {entry.entered} entered"
        case Decided():
            return _decided(entry)
        case OrderIntended(order=order):
            return f"{order.ticker}: is to be sent: {_order(order)}"
        case OrderSent():
            return f"order {entry.client_order_id}: leaves"
        case OrderResting():
            return f"order {entry.client_order_id}: rests as {entry.order_id}, {contracts(entry.filled)} filled"
        case OrderUnknown():
            return f"order {entry.client_order_id}: NOBODY KNOWS whether it arrived: {entry.why}"
        case CancelIntended():
            return f"order {entry.client_order_id}: is to be cancelled: {entry.why}"
        case OrderEnded():
            return _ended(entry)
        case Filled(fill=fill):
            return (
                f"{fill.ticker}: {fill.action.value} {contracts(fill.count)} {fill.side.value.upper()} at "
                f"{price(fill.price)}, fee {money(fill.fee)}, {'taker' if fill.taker else 'maker'}"
            )
        case PositionOpened(market=market):
            return (
                f"{market.ticker}: position {entry.position_id} {entry.side.value.upper()}, take profit "
                f"{price(entry.plan.take_profit)}, stop {price(entry.plan.stop_loss)}"
            )
        case Adopted():
            held = f"{contracts(entry.count)} contracts that cost {money(entry.cost)}"
            return f"position {entry.position_id}: adopted by {_actor(entry.actor)}: {held}"
        case PeakMoved():
            return f"position {entry.position_id}: highest bid {price(entry.bid)}"
        case ExitDecided():
            return (
                f"{entry.ticker}: EXIT {entry.exit_kind} of {contracts(entry.count)} {entry.side.value.upper()} by "
                f"{_actor(entry.actor)}, trigger {price(entry.trigger)}, floor {price(entry.floor)}"
            )
        case ExitWithdrawn():
            return f"position {entry.position_id}: exit withdrawn: {entry.why}"
        case Settled():
            paid = f"pays {money(entry.revenue)} for {contracts(entry.count)} {entry.side.value.upper()}"
            return f"{entry.ticker}: settled {entry.result.value.upper() or 'without a result'}, {paid}"
        case LeftByOthers():
            left = f"{contracts(entry.count)} contracts for {money(entry.proceeds)}"
            return f"position {entry.position_id}: {left} left by something that the trader did not do"
        case PositionClosed(trade=trade):
            return _trade(trade)
        case SwitchesChanged():
            return _switched(entry)
        case RequestAnswered():
            return f"request {entry.request_id} ({entry.method}) was carried out"
        case Differed():
            about = f"{entry.ticker or entry.client_order_id or 'account'}: {entry.subject}"
            sides = f"ours {entry.ours or 'nothing'}, the exchange's {entry.theirs or 'nothing'}"
            return f"{about} DIFFERS: {sides}; {entry.resolution}{_more(entry.detail)}"
        case CashSeen():
            return f"cash {money(entry.cash)}"
        case Notified():
            return f"told ({entry.urgency}, {entry.delivery}): {entry.title}{_more(entry.text)}"
        case ShadowPlaced():
            return (
                f"{entry.ticker}: virtual order for {contracts(entry.count)} {entry.side.value.upper()} at "
                f"{price(entry.price)}, {contracts(entry.ahead)} ahead"
            )
        case ShadowFilled():
            return f"virtual order of {entry.decision_id}: {contracts(entry.filled)} would be filled"


def _decided(entry: Decided) -> str:
    head = f"{entry.market.ticker} {entry.side.value.upper()}"
    plan = entry.plan
    if entry.entered and plan is not None:
        offered = f"depth ≤ {price(plan.limit)}: {contracts(plan.depth)} contracts, {money(plan.depth_cost)}"
        return f"{head}: ENTER {contracts(plan.count)} at {price(plan.limit)} or better, {plan.style}; {offered}"
    refused = [finding for finding in entry.findings if finding.verdict is Verdict.REFUSED]
    return f"{head}: refused by {', '.join(map(_finding, refused)) or 'nothing that was written down'}"


def _finding(finding: Finding) -> str:
    bounds = (("at least", finding.at_least), ("at most", finding.at_most), ("must be", finding.equal_to))
    wanted = ", ".join(f"{word} {_figure(bound, finding.unit)}" for word, bound in bounds if bound is not None)
    shown = "not known" if finding.figure is None else _figure(finding.figure, finding.unit)
    return f"{finding.rule} ({shown}{'; ' if wanted else ''}{wanted})"


def _figure(figure: float | str, unit: str) -> str:
    if isinstance(figure, str):
        return figure
    match unit:
        case "micros":
            return money(Micros(round(figure)))
        case "contracts":
            return contracts(Hundredths(round(figure)))
        case "cents":
            return f"{figure:g}c"
        case "seconds":
            return f"{figure:g} s"
        case _:
            return f"{figure:g}"


def _order(order: OrderTerms) -> str:
    kinds = [order.time_in_force.value.replace("_", " ")]
    kinds += [word for word, said in (("post only", order.post_only), ("reduce only", order.reduce_only)) if said]
    what = f"{order.action.value} {contracts(order.count)} {order.side.value.upper()} at {price(order.limit)}"
    return f"{order.exit_kind or order.purpose}, {what}, {', '.join(kinds)}, order {order.client_order_id}"


def _ended(entry: OrderEnded) -> str:
    why = [] if entry.ending.reason is None else [str(entry.ending.reason)]
    why += [text for text in (entry.ending.code, entry.ending.detail) if text]
    filled = "" if entry.state in {OrderState.REJECTED, OrderState.NOT_SENT} else f", {contracts(entry.filled)} filled"
    return f"order {entry.client_order_id}: {entry.state}{filled}{_more(', '.join(why))}"


def _trade(trade: Trade) -> str:
    return (
        f"{trade.ticker}: closed by {trade.exit_kind}: {contracts(trade.count)} {trade.side.value.upper()}, cost "
        f"{money(trade.cost)}, came to {money(trade.proceeds)}, fees {money(trade.fees)}, net {money(trade.net)}"
    )


def _switched(entry: SwitchesChanged) -> str:
    parts = [f"{entry.change} by {_actor(entry.actor)}{_more(entry.why)}"]
    parts += [f"blocked: {_block(block)}" for block in entry.began]
    if entry.ended:
        parts.append(f"no longer blocked: {', '.join(entry.ended)}")
    if entry.flattening:
        parts.append(f"selling {len(entry.flattening)} positions")
    if entry.adopted:
        parts.append(f"adopting position {', '.join(entry.adopted)}")
    return "; ".join(parts)


def _block(block: Block) -> str:
    where = block.market_ticker or block.event_ticker or block.series_ticker or "all markets"
    return f"{where} ({block.kind}{_more(block.why)})"


def block_words(blocks: list[Block]) -> str:
    """Say how many blocks of each kind there are."""
    return ", ".join(f"{count} {kind}" for kind, count in sorted(Counter(block.kind for block in blocks).items()))


def _actor(actor: Actor) -> str:
    if actor.kind is ActorKind.TRADER:
        return "the trader"
    return f"{actor.name} ({actor.role})" if actor.name else actor.kind.value.replace("_", " ")


def _more(text: str) -> str:
    return f": {text}" if text else ""
