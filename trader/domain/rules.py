"""The rules of an entry, by name and in their order; each says what it found. Pure.

All of them are asked, also after the first refusal. A figure that is not known refuses where the rule needs it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from math import isfinite
from types import MappingProxyType
from typing import Literal, NamedTuple

from mesh.types import Hundredths, Micros, Price, Side, count_text
from trader.domain import exits, plans, sizing
from trader.domain.facts import ExitPlan, Finding, MarketTerms, Sight, SignalFacts, Top
from trader.domain.settings import Settings, hundredths, micros, price
from trader.domain.state import NO_CONTRACTS, Books, Position
from trader.domain.words import Confidence, EntryStyle, ExchangeState, OrderState, Purpose, Verdict

_FINEST = Micros(100)
"""No market's prices lie closer together: more than another is at least so much more."""
_DETAIL = 400
"""Longest text of a finding."""
_RANK = {confidence: confidence.rank for confidence in Confidence}

Unit = Literal["micros", "cents", "contracts", "count", "seconds", "ratio", "word"]
Number = float | int | None


@dataclass(frozen=True, slots=True)
class Case:
    """A possible entry, with everything that rules look at. What is not known is None."""

    books: Books
    settings: Settings
    market: MarketTerms
    signal: SignalFacts
    """Its side is the one that would be bought."""
    now: datetime
    top: Top | None
    """Of that side."""
    sight: Sight
    limit: Price | None
    exits: ExitPlan | None
    """Under which the contracts come: planned for a fill at the limit, or that of the position they are added to."""
    risk: sizing.Risk
    free_cash: Micros | None
    adds_to: Position | None = None
    # What follows is known only with a price and a formula for fees.
    edge_cents: float | None = None
    affordable: Hundredths | None = None
    """What one trade's money pays for."""
    count: Hundredths = NO_CONTRACTS
    """What is left of it under every limit in force."""
    cost: Micros | None = None
    """Most that `count` costs; where it is none, the smallest count."""
    problem: str = ""
    """Why fees are not known."""


class _Said(NamedTuple):
    verdict: Verdict
    unit: Unit
    figure: float | int | str | None = None
    at_least: float | int | str | None = None
    at_most: float | int | str | None = None
    equal_to: float | int | str | None = None
    detail: str = ""


def judge(case: Case) -> tuple[Finding, ...]:
    """Ask every rule, in order."""
    off = frozenset(case.settings.rules.off) - ALWAYS
    findings = []
    for name, rule in _RULES.items():
        said = rule(case)
        findings.append(
            Finding(
                rule=name,
                verdict=Verdict.SWITCHED_OFF if name in off else said.verdict,
                unit=said.unit,
                figure=said.figure,
                at_least=said.at_least,
                at_most=said.at_most,
                equal_to=said.equal_to,
                detail=said.detail,
            )
        )
    return tuple(findings)


def enforced(settings: Settings, name: str) -> bool:
    """Tell whether a rule may refuse."""
    return name in ALWAYS or name not in settings.rules.off


def known_rules() -> tuple[str, ...]:
    """Return the names of all rules, in their order."""
    return tuple(_RULES)


def check_off(names: Iterable[str]) -> None:
    """Check the names of rules that are to be switched off.

    Raises:
        ValueError: There is no such rule, it comes twice, or it can not be switched off.
    """
    seen: set[str] = set()
    for name in names:
        if name not in _RULES:
            raise ValueError(f"there is no rule {name!r}; there are {', '.join(_RULES)}")
        if name in ALWAYS:
            raise ValueError(f"rule {name!r} can not be switched off")
        if name in seen:
            raise ValueError(f"rule {name!r} is switched off twice")
        seen.add(name)


def _within(unit: Unit, figure: Number, *, at_least: Number = None, at_most: Number = None, detail: str = "") -> _Said:
    """Compare a number with its bounds, both included. One that is not known, or no number, refuses."""
    if figure is None or not isfinite(figure):
        return _Said(Verdict.REFUSED, unit, None, at_least, at_most, None, detail or "not known")
    passed = (at_least is None or figure >= at_least) and (at_most is None or figure <= at_most)
    return _Said(Verdict.PASSED if passed else Verdict.REFUSED, unit, figure, at_least, at_most, None, detail)


def _none_of(found: list[str]) -> _Said:
    """Pass where nothing was found."""
    return _within("count", len(found), at_most=0, detail="; ".join(found)[:_DETAIL])


def _silent(unit: Unit, detail: str) -> _Said:
    return _Said(Verdict.NOT_APPLICABLE, unit, detail=detail)


def _spread_of(top: Top | None) -> int | None:
    return None if top is None or top.ask is None or top.bid is None else top.ask - top.bid


# What the signal must be, and what the market must offer.


def _side(case: Case) -> _Said:
    side = case.signal.side
    verdict = Verdict.PASSED if side is Side.NO else Verdict.REFUSED
    return _Said(verdict, "word", side.value, equal_to=Side.NO.value)


def _confidence(case: Case) -> _Said:
    found, least = case.signal.confidence, case.settings.rules.min_confidence
    verdict = Verdict.PASSED if _RANK[found] >= _RANK[least] else Verdict.REFUSED
    return _Said(verdict, "word", found.value, at_least=least.value)


def _magnitude(case: Case) -> _Said:
    return _within("cents", case.signal.magnitude_cents, at_least=case.settings.rules.min_magnitude_cents)


def _price(case: Case) -> _Said:
    rules = case.settings.rules
    takes = case.settings.entries.style is EntryStyle.TAKE
    paid = (case.top.ask if case.top is not None else None) if takes else case.limit
    return _within(
        "micros",
        paid,
        at_least=price(rules.min_price_cents),
        at_most=price(rules.max_price_cents),
        detail="" if paid is not None else "nobody sells" if takes else "no bid to rest at",
    )


def _spread(case: Case) -> _Said:
    widest = price(case.settings.rules.max_spread_cents)
    # A book whose bid meets its ask is not as it was told: the exchange would have traded it away.
    return _within("micros", _spread_of(case.top), at_least=_FINEST, at_most=widest)


def _close_time(case: Case) -> _Said:
    left = (case.market.close_time - case.now).total_seconds()
    return _within("seconds", left, at_least=case.settings.rules.min_seconds_to_close)


def _stop_distance(case: Case) -> _Said:
    if case.exits is None or case.limit is None:
        return _within("micros", None)
    paid, stop = case.limit, case.exits.stop_loss
    if case.adds_to is not None and case.top is not None and case.top.ask is not None:
        # Its stop stays where it is, whatever is paid: the bid must be above it.
        levels = (level for level in (stop, exits.trailing_stop(case.adds_to)) if level is not None)
        paid, stop = min(paid, case.top.ask), max(levels, default=None)
    if stop is None:
        return _silent("micros", "no stop")
    spread = _spread_of(case.top)
    if spread is None:
        return _within("micros", None, detail="the spread is not known")
    return _within("micros", paid - stop, at_least=spread + _FINEST)


def _edge(case: Case) -> _Said:
    return _within("cents", case.edge_cents, at_least=case.settings.rules.min_edge_cents, detail=case.problem[:_DETAIL])


# How much there may be.


def _trades_per_series_per_scan(case: Case) -> _Said:
    so_far = case.books.scan_entries.get(case.market.series_ticker, 0)
    return _within("count", so_far + 1, at_most=case.settings.rules.max_trades_per_series_per_scan)


def _contracts_per_market(case: Case) -> _Said:
    sizes = case.settings.sizes
    with_this = case.risk.contracts + (case.count or sizing.step(sizes))
    return _within("contracts", with_this, at_most=hundredths(sizes.max_contracts_per_market))


def _size(case: Case) -> _Said:
    least = sizing.step(case.settings.sizes)
    return _within("contracts", case.count or case.affordable, at_least=least, detail=case.problem[:_DETAIL])


def _exposure(name: str) -> Callable[[Case], _Said]:
    def rule(case: Case) -> _Said:
        with_this = None if case.cost is None else case.risk.exposures[name] + case.cost
        return _within("micros", with_this, at_most=sizing.cap(case.settings.sizes, name))

    return rule


def _cash(case: Case) -> _Said:
    left = None if case.cost is None or case.free_cash is None else case.free_cash - case.cost
    detail = "" if case.free_cash is not None else "how much cash there is is not known"
    return _within("micros", left, at_least=micros(case.settings.sizes.min_cash_dollars), detail=detail)


# What must be fresh and alive.


def _forecast_age(case: Case) -> _Said:
    age, most = case.sight.signal_age, case.settings.protections.max_forecast_age_seconds
    # How old the candles may be is the scan's question: where nothing happens there are none, and none are missing.
    if case.now >= case.signal.useful_until:
        return _Said(Verdict.REFUSED, "seconds", age, at_most=most, detail="no longer useful, by its own time")
    return _within("seconds", age, at_most=most)


def _book_age(case: Case) -> _Said:
    age = None if case.top is None else case.top.age_seconds
    detail = "no book" if case.top is None else "it may have changed unseen" if age is None else ""
    return _within("seconds", age, at_most=case.settings.protections.max_book_age_seconds, detail=detail)


def _pause(case: Case) -> _Said:
    sight, now, word = case.sight, case.now, ExchangeState.OPEN.value
    if sight.exchange is not ExchangeState.OPEN:
        found = None if sight.exchange is None else sight.exchange.value
        return _Said(Verdict.REFUSED, "word", found, equal_to=word, detail="not known" if found is None else "")
    if sight.halted:
        return _Said(Verdict.REFUSED, "word", "market_halted", equal_to=word)
    if case.exits is not None and not plans.stops(case.exits):
        return _Said(Verdict.PASSED, "word", word, equal_to=word, detail="no stop that a pause could keep from working")
    coming = plans.pause_before(sight.pauses, now, case.market.close_time)
    if coming is None:
        return _Said(Verdict.PASSED, "word", word, equal_to=word)
    left = max(0.0, (coming[0] - now).total_seconds())
    return _within("seconds", left, at_least=case.settings.rules.pause_margin_seconds)


def _cooldown(case: Case) -> _Said:
    stopped = case.books.stopped.get(case.market.ticker)
    if stopped is None:
        return _silent("seconds", "no stop sold here")
    since = (case.now - stopped).total_seconds()
    return _within("seconds", since, at_least=case.settings.protections.cooldown_seconds)


def _stop_guard(case: Case) -> _Said:
    protections, now = case.settings.protections, case.now
    span = protections.stop_guard_seconds

    def lately(start: datetime, end: datetime) -> bool:
        return (end - start).total_seconds() < span

    # Every stop that still counts is held against those in the span before it: the block outlasts the first of them.
    times = list(takewhile(lambda time: (now - time).total_seconds() < 2 * span, reversed(_stops(case))))
    runs = [
        sum(lately(earlier, last) for earlier in times[number:])
        for number, last in enumerate(times)
        if lately(last, now)
    ]
    return _within("count", max(runs, default=0), at_most=protections.stop_guard_count - 1)


def _stops(case: Case) -> tuple[datetime, ...]:
    return tuple(case.books.stops.get(case.market.series_ticker, ()))


def _exit_liveness(case: Case) -> _Said:
    if not any(position.count > 0 for position in case.books.positions.values()):
        return _silent("seconds", "nothing to guard")
    longest = case.settings.protections.max_exit_silence_seconds
    return _within("seconds", case.sight.exit_silence, at_most=longest)


def _open_order(case: Case) -> _Said:
    books, ticker = case.books, case.market.ticker
    working = [books.orders[name] for name in sorted(books.working) if books.orders[name].terms.ticker == ticker]
    found = [
        f"order {order.terms.client_order_id} ({order.state})"
        for order in working
        if order.state is OrderState.UNKNOWN or order.terms.purpose is Purpose.ENTRY
    ]
    positions = [books.positions[name] for name in sorted(books.by_ticker.get(ticker, ()))]
    # What is being sold is not added to.
    found += [f"position {held.position_id} is being sold" for held in positions if held.exit]
    # The exchange sets a purchase off against contracts of the other side, whoever bought them.
    opposed = case.sight.other_side
    return _none_of(found + ([f"the account holds {count_text(opposed)} of the other side"] if opposed else []))


def _block(case: Case) -> _Said:
    blocks = [block for block in case.books.blocks.values() if block.covers(case.market)]
    found = [f"{block.block_id} ({block.kind}): {block.why}" for block in blocks]
    return _none_of(found + (["the trader is stopping"] if case.sight.stopping else []))


_RULES: Mapping[str, Callable[[Case], _Said]] = MappingProxyType(
    {
        "side": _side,
        "confidence": _confidence,
        "magnitude": _magnitude,
        "price": _price,
        "spread": _spread,
        "close_time": _close_time,
        "stop_distance": _stop_distance,
        "edge": _edge,
        "trades_per_series_per_scan": _trades_per_series_per_scan,
        "contracts_per_market": _contracts_per_market,
        "size": _size,
        "series_exposure": _exposure("series_exposure"),
        "event_exposure": _exposure("event_exposure"),
        "total_exposure": _exposure("total_exposure"),
        "settlement_exposure": _exposure("settlement_exposure"),
        "cash": _cash,
        "forecast_age": _forecast_age,
        "book_age": _book_age,
        "pause": _pause,
        "cooldown": _cooldown,
        "stop_guard": _stop_guard,
        "exit_liveness": _exit_liveness,
        "open_order": _open_order,
        "block": _block,
    }
)

ALWAYS = frozenset({"side", "contracts_per_market", "size", "cash", "exit_liveness", "open_order", "block"})
"""Rules that can not be switched off: without them an order could not be made, counted, paid for or guarded."""
