"""A report that a trader sent, as far as the contract carries it. Pure.

What it does not carry is None or empty: single trades, single positions, intervals of forecasts, promises by series.
"""

from collections.abc import Iterable
from datetime import date

from foremesh.trader.v1 import report_pb2, rules_pb2
from foremesh.trader.v1 import trader_service_pb2 as pb

from mesh.convert import instant, span
from mesh.types import Hundredths, Micros
from trader.domain.words import ExitKind, Mode
from trader.reporting.convert import VERDICTS
from trader.reporting.expectation import Against, Expectation, Verdict
from trader.reporting.figures import Figures, Groups, Point
from trader.reporting.fills import FillFigures
from trader.reporting.forecasts import ForecastFigures, Forecasts, Rates
from trader.reporting.funnel import Bounds, Funnel, Step
from trader.reporting.positions import OpenPositions
from trader.reporting.report import Report
from trader.reporting.shadow import ShadowFigures
from trader.service import convert_words as w

_MODES: dict[int, Mode] = {number: mode for mode, number in w.MODE.items()}
_KINDS: dict[int, ExitKind] = {number: kind for kind, number in w.EXIT_KIND.items()}
_VERDICTS: dict[int, Verdict] = {number: verdict for verdict, number in VERDICTS.items()}
_UNITS = {"contracts_hundredths": "contracts", "duration": "seconds"}


def report_of(response: pb.GetReportResponse) -> Report:
    """Read a report. An exit kind newer than this program is left out, a verdict newer says nothing.

    Raises:
        InvalidInput: It has an instant that is none.
    """
    message = response.report
    days = {date.fromisoformat(row.date): _figures(row.figures) for row in message.by_day}
    unrealised = message.open_unrealised_micros if message.HasField("open_unrealised_micros") else None
    return Report(
        mode=_MODES.get(message.mode),
        start=instant(message.start_time, "start_time"),
        end=instant(message.end_time, "end_time"),
        zone=message.time_zone,
        as_of_sequence=response.as_of_sequence,
        total=_figures(message.total),
        mean_net_cents=None,
        groups=Groups(
            by_day=days,
            by_series={row.series_ticker: _figures(row.figures) for row in message.by_series},
            by_exit_kind={
                _KINDS[row.exit_kind]: _figures(row.figures) for row in message.by_exit_kind if row.exit_kind in _KINDS
            },
            by_hour={row.hour: _figures(row.figures) for row in message.by_hour},
        ),
        rows=None,
        curve=tuple(_curve(sorted(days.items()))),
        positions=OpenPositions(
            count=message.open_position_count,
            unrealised=None if unrealised is None else Micros(unrealised),
            unmarked=None if message.open_position_count else 0,
        ),
        funnel=_funnel(message.funnel),
        entries=_fills(message.entries),
        exits=_fills(message.exits),
        forecasts=Forecasts(groups=tuple(_forecast(each) for each in message.forecasts), total=None, by_confidence={}),
        expectation=_expectation(message.expectation) if message.HasField("expectation") else None,
        shadow=_shadow(message.shadow) if message.HasField("shadow") else None,
    )


def _figures(message: report_pb2.ReportFigures) -> Figures:
    return Figures(
        trades=message.trade_count,
        gains=message.gain_count,
        losses=message.loss_count,
        count=Hundredths(message.count_hundredths),
        cost=Micros(message.cost_micros),
        gross=Micros(message.gross_micros),
        fees=Micros(message.fees_micros),
        net=Micros(message.net_micros),
        mean_net_cents=message.mean_net_cents if message.HasField("mean_net_cents") else None,
    )


def _curve(days: Iterable[tuple[date, Figures]]) -> Iterable[Point]:
    net = 0
    for day, figures in days:
        net += figures.net
        yield Point(day, Micros(net))


def _funnel(message: report_pb2.Funnel) -> Funnel:
    return Funnel(
        scans=message.scan_count,
        markets=message.market_count,
        signals=message.signal_count,
        decisions=message.decision_count,
        entries=message.entry_count,
        steps=tuple(
            Step(
                rule=step.rule,
                reached=step.reached_count,
                refused_first=step.refused_first_count,
                refused=step.refused_count,
                bounds=_bounds(step.bounds) if step.HasField("bounds") else None,
            )
            for step in message.steps
        ),
    )


def _bounds(message: rules_pb2.Bounds) -> Bounds | None:
    ends = {name: getattr(message, name) for name in ("at_least", "at_most", "equal_to") if message.HasField(name)}
    unit, values = "", {}
    for name, figure in ends.items():
        kind = figure.WhichOneof("value")
        if kind is None:
            return None
        value = getattr(figure, kind)
        unit = _UNITS.get(kind, kind)
        values[name] = span(value, "bounds").total_seconds() if kind == "duration" else value
    return Bounds(unit, **values)


def _fills(message: report_pb2.FillFigures) -> FillFigures:
    return FillFigures(
        orders=message.order_count,
        filled=message.filled_count,
        partly=message.partly_filled_count,
        unfilled=message.unfilled_count,
        rejected=message.rejected_count,
        unknown=message.unknown_count,
        ordered_count=Hundredths(message.ordered_hundredths),
        filled_count=Hundredths(message.filled_hundredths),
        fill_ratio=_optional(message, "fill_ratio"),
        priced_count=None,
        slippage=Micros(message.slippage_micros),
        mean_slippage_cents=_optional(message, "mean_slippage_cents"),
    )


def _forecast(message: report_pb2.ForecastFigures) -> ForecastFigures:
    return ForecastFigures(
        series=message.series_ticker,
        model=message.model,
        unjudged=message.unjudged_count,
        rates=Rates(
            judged=message.judged_count,
            right=message.right_direction_count,
            absolute_error_cents=_optional(message, "mean_absolute_error_cents"),
            naive_absolute_error_cents=_optional(message, "naive_mean_absolute_error_cents"),
        ),
    )


def _optional(
    message: report_pb2.ForecastFigures | report_pb2.Expectation | report_pb2.FillFigures, name: str
) -> float | None:
    return float(getattr(message, name)) if message.HasField(name) else None


def _expectation(message: report_pb2.Expectation) -> Expectation:
    return Expectation(
        whole=Against(
            verdict=_VERDICTS.get(message.verdict, Verdict.NOT_ENOUGH_DATA),
            promised=message.promised_net_cents,
            actual=_optional(message, "actual_net_cents"),
            low=_optional(message, "low_net_cents"),
            high=_optional(message, "high_net_cents"),
            trades=message.trade_count,
            events=message.event_count,
        ),
        by_series={},
        level=message.confidence_level,
        needed_trades=message.needed_trade_count,
        digest=message.backtest_digest,
    )


def _shadow(message: report_pb2.ShadowFigures) -> ShadowFigures:
    return ShadowFigures(
        orders=message.order_count,
        filled=message.filled_count,
        net=Micros(message.net_micros),
        taken_net=Micros(message.taken_net_micros),
        unsettled=None,
    )
