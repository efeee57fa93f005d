"""The report in the contract's terms, and a call's question in the report's. Pure."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from foremesh.trader.v1 import report_pb2, rules_pb2
from foremesh.trader.v1 import trader_service_pb2 as pb

from mesh.convert import instant
from mesh.errors import FieldViolation, InvalidInput
from trader.reporting.expectation import Expectation, Promises, Verdict
from trader.reporting.figures import Figures
from trader.reporting.fills import FillFigures
from trader.reporting.forecasts import ForecastFigures
from trader.reporting.funnel import Bounds, Funnel
from trader.reporting.positions import Mark
from trader.reporting.report import Question, Report
from trader.reporting.shadow import ShadowFigures
from trader.service import convert_words as w
from trader.service.convert_facts import figure

VERDICTS = {
    Verdict.WITHIN: report_pb2.EXPECTATION_VERDICT_WITHIN,
    Verdict.BELOW: report_pb2.EXPECTATION_VERDICT_BELOW,
    Verdict.ABOVE: report_pb2.EXPECTATION_VERDICT_ABOVE,
    Verdict.NOT_ENOUGH_DATA: report_pb2.EXPECTATION_VERDICT_NOT_ENOUGH_DATA,
}
_MODEL = 100
_MOST_STEPS = 256
_MOST_FORECASTS = 4000


def question_of(
    request: pb.GetReportRequest, marks: Mapping[str, Mark] | None = None, promises: Promises | None = None
) -> Question:
    """Read a question.

    Args:
        request: Checked against its rules.
        marks: What open positions are worth now, by position (`positions.marks`).
        promises: What a backtest expects, where one is configured.

    Raises:
        InvalidInput: There is no such time zone.
    """
    return Question(
        start=instant(request.start_time, "start_time") if request.HasField("start_time") else None,
        end=instant(request.end_time, "end_time") if request.HasField("end_time") else None,
        series=frozenset(request.series_tickers),
        zone=_zone(request.time_zone),
        promises=promises,
        marks=marks or {},
    )


def report_message(report: Report) -> report_pb2.Report:
    """Write a report.

    Raises:
        ValueError: No trader ever began on its journal: nobody's money cannot be said.
    """
    if report.mode is None:
        raise ValueError("no trader ever began on this journal")
    groups = report.groups
    return report_pb2.Report(
        mode=w.MODE[report.mode],
        start_time=w.instant(report.start),
        end_time=w.instant(report.end),
        time_zone=report.zone,
        total=_figures(report.total),
        by_day=[
            report_pb2.ReportRow(date=day.isoformat(), figures=_figures(found)) for day, found in groups.by_day.items()
        ],
        by_series=[
            report_pb2.ReportRow(series_ticker=name, figures=_figures(found))
            for name, found in groups.by_series.items()
        ],
        by_exit_kind=[
            report_pb2.ReportRow(exit_kind=w.EXIT_KIND[kind], figures=_figures(found))
            for kind, found in groups.by_exit_kind.items()
        ],
        by_hour=[report_pb2.ReportRow(hour=hour, figures=_figures(found)) for hour, found in groups.by_hour.items()],
        open_position_count=report.positions.count,
        open_unrealised_micros=report.positions.unrealised,
        funnel=funnel_message(report.funnel),
        entries=_fills(report.entries),
        exits=_fills(report.exits),
        forecasts=[_forecast(found) for found in report.forecasts.groups[:_MOST_FORECASTS]],
        expectation=None if report.expectation is None else _expectation(report.expectation),
        shadow=None if report.shadow is None else _shadow(report.shadow),
    )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (KeyError, ValueError, OSError) as error:  # a folder of zones is none, and says so as OSError
        found = FieldViolation("time_zone", "is no time zone that is known here")
        raise InvalidInput(f"{found.field}: {found.description}", violations=[found]) from error


def _figures(found: Figures) -> report_pb2.ReportFigures:
    return report_pb2.ReportFigures(
        trade_count=found.trades,
        gain_count=found.gains,
        loss_count=found.losses,
        count_hundredths=found.count,
        cost_micros=found.cost,
        gross_micros=found.gross,
        fees_micros=found.fees,
        net_micros=found.net,
        mean_net_cents=found.mean_net_cents,
    )


def funnel_message(found: Funnel) -> report_pb2.Funnel:
    """Write a funnel."""
    return report_pb2.Funnel(
        scan_count=found.scans,
        market_count=found.markets,
        signal_count=found.signals,
        decision_count=found.decisions,
        entry_count=found.entries,
        steps=[
            report_pb2.FunnelStep(
                rule=step.rule,
                reached_count=step.reached,
                refused_first_count=step.refused_first,
                refused_count=step.refused,
                bounds=None if step.bounds is None else _bounds(step.bounds),
            )
            for step in found.steps[:_MOST_STEPS]
        ],
    )


def _bounds(found: Bounds) -> rules_pb2.Bounds:
    ends = {"at_least": found.at_least, "at_most": found.at_most, "equal_to": found.equal_to}
    return rules_pb2.Bounds(**{name: figure(end, found.unit) for name, end in ends.items() if end is not None})


def _fills(found: FillFigures) -> report_pb2.FillFigures:
    return report_pb2.FillFigures(
        order_count=found.orders,
        filled_count=found.filled,
        partly_filled_count=found.partly,
        unfilled_count=found.unfilled,
        rejected_count=found.rejected,
        unknown_count=found.unknown,
        ordered_hundredths=found.ordered_count,
        filled_hundredths=found.filled_count,
        fill_ratio=found.fill_ratio,
        slippage_micros=found.slippage,
        mean_slippage_cents=found.mean_slippage_cents,
    )


def _forecast(found: ForecastFigures) -> report_pb2.ForecastFigures:
    return report_pb2.ForecastFigures(
        series_ticker=found.series,
        model=found.model[:_MODEL],
        judged_count=found.rates.judged,
        unjudged_count=found.unjudged,
        right_direction_count=found.rates.right,
        mean_absolute_error_cents=found.rates.absolute_error_cents,
        naive_mean_absolute_error_cents=found.rates.naive_absolute_error_cents,
    )


def _expectation(found: Expectation) -> report_pb2.Expectation:
    whole = found.whole
    return report_pb2.Expectation(
        verdict=VERDICTS[whole.verdict],
        promised_net_cents=whole.promised,
        actual_net_cents=whole.actual,
        low_net_cents=whole.low,
        high_net_cents=whole.high,
        confidence_level=found.level,
        trade_count=whole.trades,
        event_count=whole.events,
        needed_trade_count=found.needed_trades,
        backtest_digest=found.digest,
    )


def _shadow(found: ShadowFigures) -> report_pb2.ShadowFigures:
    return report_pb2.ShadowFigures(
        order_count=found.orders,
        filled_count=found.filled,
        net_micros=found.net,
        taken_net_micros=found.taken_net,
    )
