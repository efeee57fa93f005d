"""Limits in force, with how much of each is used. Pure.

A rule whose bound depends on the market, such as `stop_distance`, has no limit to show.
"""

from collections.abc import Iterator, Mapping

from foremesh.trader.v1 import rules_pb2

from mesh.types import Side
from trader.domain import rules, sizing
from trader.domain.events import Moment
from trader.domain.fold import CALIBRATION, DAILY_LOSS, DRAWDOWN
from trader.domain.protections import Unrealised, calibration
from trader.domain.settings import Settings, hundredths, micros, price
from trader.domain.state import Day, State
from trader.domain.words import OrderState
from trader.service.convert_facts import figure

UNKNOWN_ORDERS = "unknown_orders"
_LEAST = 1
"""Bounds include their ends and protections trip where they are reached: the bound lies one step before."""

Ends = tuple[str, float | str | None, float | str | None, float | str | None]
"""Unit, at least, at most, equal to."""


def limits(state: State, unrealised: Unrealised, moment: Moment) -> list[rules_pb2.Limit]:
    """Show every limit, those of rules in the order in which they are applied, then those of protections."""
    day = state.books.days.get(moment.now.date().isoformat(), Day())
    used = _used(state, unrealised, day, moment)
    found = []
    for name, (unit, at_least, at_most, equal_to) in _ends(state.settings, day):
        ends = (("at_least", at_least), ("at_most", at_most), ("equal_to", equal_to))
        taken = used.get(name)
        found.append(
            rules_pb2.Limit(
                rule=name,
                bounds=rules_pb2.Bounds(**{end: figure(value, unit) for end, value in ends if value is not None}),
                enabled=name not in rules.known_rules() or rules.enforced(state.settings, name),
                used=None if taken is None else figure(taken, unit),
            )
        )
    return found


def _ends(settings: Settings, day: Day) -> Iterator[tuple[str, Ends]]:
    of_rules, sizes, guards = settings.rules, settings.sizes, settings.protections
    known: dict[str, Ends] = {
        "side": ("word", None, None, Side.NO.value),
        "confidence": ("word", of_rules.min_confidence.value, None, None),
        "magnitude": ("cents", of_rules.min_magnitude_cents, None, None),
        "price": ("micros", price(of_rules.min_price_cents), price(of_rules.max_price_cents), None),
        "spread": ("micros", None, price(of_rules.max_spread_cents), None),
        "close_time": ("seconds", of_rules.min_seconds_to_close, None, None),
        "edge": ("cents", of_rules.min_edge_cents, None, None),
        "trades_per_series_per_scan": ("count", None, of_rules.max_trades_per_series_per_scan, None),
        "contracts_per_market": ("contracts", None, hundredths(sizes.max_contracts_per_market), None),
        "size": ("contracts", sizing.step(sizes), None, None),
        **{name: ("micros", None, cap, None) for name, cap in sizing.caps(sizes).items()},
        "cash": ("micros", micros(sizes.min_cash_dollars), None, None),
        "forecast_age": ("seconds", None, guards.max_forecast_age_seconds, None),
        "book_age": ("seconds", None, guards.max_book_age_seconds, None),
        "pause": ("seconds", of_rules.pause_margin_seconds, None, None),
        "cooldown": ("seconds", guards.cooldown_seconds, None, None),
        "stop_guard": ("count", None, guards.stop_guard_count - _LEAST, None),
        "exit_liveness": ("seconds", None, guards.max_exit_silence_seconds, None),
        "open_order": ("count", None, 0, None),
        "block": ("count", None, 0, None),
    }
    yield from ((name, known[name]) for name in rules.known_rules() if name in known)
    # A loss that a person has put up with counts no more.
    yield DAILY_LOSS, ("micros", _LEAST - micros(guards.max_daily_loss_dollars) + day.forgiven, None, None)
    yield DRAWDOWN, ("micros", None, micros(guards.max_drawdown_dollars) - _LEAST, None)
    yield CALIBRATION, ("ratio", guards.calibration_min_share, None, None)
    yield UNKNOWN_ORDERS, ("count", None, guards.max_unknown_orders - _LEAST, None)


def _used(state: State, unrealised: Unrealised, day: Day, moment: Moment) -> Mapping[str, float | None]:
    """Name what there is of each now; of limits for each series, event or market, the most that any of them has."""
    books, last = state.books, state.watch.exit_pass
    return {
        "trades_per_series_per_scan": max(books.scan_entries.values(), default=0),
        "contracts_per_market": _contracts(state),
        **_exposures(state),
        "stop_guard": _stops(state, moment),
        "exit_liveness": None if last is None else max(0.0, moment.seconds - last),
        "open_order": len(sizing.entries_on_their_way(books)),
        "block": len(books.blocks),
        DAILY_LOSS: day.net + unrealised.net,
        DRAWDOWN: books.peak_net - books.total.net - unrealised.net,
        CALIBRATION: _right_share(state),
        UNKNOWN_ORDERS: sum(books.orders[name].state is OrderState.UNKNOWN for name in books.working),
    }


def _exposures(state: State) -> dict[str, int]:
    most = dict.fromkeys(sizing.caps(state.settings.sizes), 0)
    markets = [position.market for position in state.books.positions.values()]
    decided = [state.books.decisions.get(order.terms.decision_id) for order in sizing.entries_on_their_way(state.books)]
    markets += [decision.market for decision in decided if decision is not None]
    # Markets of one event that close together have the same exposures.
    for market in {(market.event_ticker, market.close_time): market for market in markets}.values():
        for name, money in sizing.risk(state.books, state.settings.sizes, market).exposures.items():
            most[name] = max(most[name], money)
    return most


def _contracts(state: State) -> int:
    found: dict[str, int] = {}
    for position in state.books.positions.values():
        found[position.market.ticker] = found.get(position.market.ticker, 0) + position.count
    for order in sizing.entries_on_their_way(state.books):
        found[order.terms.ticker] = found.get(order.terms.ticker, 0) + order.open_count
    return max(found.values(), default=0)


def _stops(state: State, moment: Moment) -> int:
    span = state.settings.protections.stop_guard_seconds
    counts = [sum((moment.now - time).total_seconds() < span for time in times) for times in state.books.stops.values()]
    return max(counts, default=0)


def _right_share(state: State) -> float | None:
    """Return how many trades moved the forecast way by how many prices promised; None before there are enough."""
    found = calibration(state)
    return found.right / found.expected if found is not None and found.expected else None
