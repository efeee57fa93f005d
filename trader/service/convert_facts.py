"""What is in many messages: actors, findings, blocks, plans, prices. Pure."""

from foremesh.market.v1 import market_pb2
from foremesh.trader.v1 import decisions_pb2, positions_pb2, rules_pb2, status_pb2

from mesh.types import DOLLAR, Side
from trader.domain.facts import Actor, Block, EntryPlan, ExitPlan, Finding, Top
from trader.service import convert_words as w

_WORD = 64


def actor(who: Actor) -> status_pb2.Actor:
    """Say who caused something."""
    return status_pb2.Actor(kind=w.ACTOR_KIND[who.kind], name=who.name[:200], role=w.ROLE.get(who.role))


def figure(value: float | str, unit: str) -> rules_pb2.Figure:
    """Give a figure its unit.

    Args:
        value: As findings have it: micros and hundredths of a contract are whole numbers.
        unit: As in `Finding`.
    """
    if isinstance(value, str):
        return rules_pb2.Figure(word=value[:_WORD])
    match unit:
        case "micros":
            return rules_pb2.Figure(micros=round(value))
        case "cents":
            return rules_pb2.Figure(cents=value)
        case "contracts":
            return rules_pb2.Figure(contracts_hundredths=round(value))
        case "count":
            return rules_pb2.Figure(count=round(value))
        case "seconds":
            return rules_pb2.Figure(duration=w.seconds(value))
        case _:
            return rules_pb2.Figure(ratio=value)


def bounds(finding: Finding) -> rules_pb2.Bounds | None:
    """Say what a finding was held against; None for nothing."""
    ends = (("at_least", finding.at_least), ("at_most", finding.at_most), ("equal_to", finding.equal_to))
    named = {name: figure(value, finding.unit) for name, value in ends if value is not None}
    return rules_pb2.Bounds(**named) if named else None


def verdict(finding: Finding) -> rules_pb2.RuleVerdict:
    """Say what a rule found."""
    return rules_pb2.RuleVerdict(
        rule=finding.rule,
        verdict=w.VERDICT[finding.verdict],
        figure=None if finding.figure in (None, "") else figure(finding.figure, finding.unit),
        bounds=bounds(finding),
        detail=w.text(finding.detail),
    )


def block(found: Block) -> status_pb2.EntryBlock:
    """Say why entries are not taken."""
    message = status_pb2.EntryBlock(
        block_id=found.block_id,
        kind=w.BLOCK_KIND[found.kind],
        actor=actor(found.actor),
        reason=w.text(found.why),
        verdict=None if found.finding is None else verdict(found.finding),
        start_time=w.instant(found.since),
        end_time=None if found.until is None else w.instant(found.until),
        liftable=found.liftable,
    )
    if found.market_ticker is not None:
        message.market_ticker = found.market_ticker
    elif found.event_ticker is not None:
        message.event_ticker = found.event_ticker
    elif found.series_ticker is not None:
        message.series_ticker = found.series_ticker
    return message


def exit_plan(plan: ExitPlan) -> positions_pb2.ExitPlan:
    """Say when a position is sold."""
    return positions_pb2.ExitPlan(
        take_profit_price_micros=w.price(plan.take_profit),
        stop_loss_price_micros=w.price(plan.stop_loss),
        trailing_arm_price_micros=w.price(plan.trailing_from),
        trailing_distance_micros=w.price(plan.trailing_distance),
        time_stop_time=None if plan.time_stop is None else w.instant(plan.time_stop),
        floor_price_micros=w.price(plan.floor),
        policy_version=plan.policy_version[:100],
        policy_digest=plan.policy_digest,
    )


def entry_plan(plan: EntryPlan) -> decisions_pb2.EntryPlan:
    """Say what entry a decision is about."""
    return decisions_pb2.EntryPlan(
        style=w.ENTRY_STYLE[plan.style],
        limit_price_micros=plan.limit,
        ask_price_micros=w.price(plan.ask),
        count_hundredths=plan.count,
        stake_micros=plan.most_cost,
        expected_edge_cents=plan.edge_cents,
        exit=exit_plan(plan.exit_plan),
        depth_hundredths=plan.depth,
        depth_micros=plan.depth_cost,
        depth_level_count=plan.depth_levels,
    )


def mark(top: Top, since: float) -> positions_pb2.Mark | None:
    """Say what a market offered when something was decided; None where nobody knew how old that was.

    Args:
        top: Best prices of the side.
        since: Seconds from then until the message is sent.
    """
    if top.age_seconds is None:
        return None
    return positions_pb2.Mark(
        bid_price_micros=w.price(top.bid),
        bid_size_hundredths=top.bid_size,
        ask_price_micros=w.price(top.ask),
        ask_size_hundredths=top.ask_size,
        confirmed_age=w.age(top.age_seconds + since),
    )


def quote(top: Top, ticker: str, side: Side, since: float) -> market_pb2.Quote:
    """Say the same in the terms of the book, which trades YES."""
    yes = side is Side.YES
    return market_pb2.Quote(
        market_ticker=ticker,
        yes_bid_micros=w.price(top.bid) if yes else _other(top.ask),
        yes_ask_micros=w.price(top.ask) if yes else _other(top.bid),
        yes_bid_size_hundredths=top.bid_size if yes else top.ask_size,
        yes_ask_size_hundredths=top.ask_size if yes else top.bid_size,
        confirmed_age=None if top.age_seconds is None else w.age(top.age_seconds + since),
    )


def _other(price: int | None) -> int | None:
    return None if price is None else w.price(DOLLAR - price)
