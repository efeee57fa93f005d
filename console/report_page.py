"""A report as one HTML page: figures, plots, no script, nothing from elsewhere. Pure."""

from collections.abc import Sequence
from html import escape

from console import report_svg as svg
from console import report_words as words
from console.amounts import gain
from console.page import head, html, listing, plot, section, sign, table
from mesh.types import DOLLAR
from trader.reporting.figures import Figures
from trader.reporting.report import Report

_MOST_POINTS = 600
_MOST_BARS = 25
_NO_TRADE = "No trade has closed."
_IN_WORDS = frozenset({"direction right", "allows"})
"""Columns of words: at the left, and broken where they do not fit."""


def page(report: Report) -> str:
    """Return the page, complete in itself."""
    sections = [
        plot("Net result after fees, as it grew", _curve(report), _curve_words(report), _NO_TRADE),
        *(_grouped(name, rows) for name, rows in words.tables(report.groups) if name in {"series", "exit"}),
        _funnel(report),
        _scatter(report),
        section("Orders", listing(words.order_lines(report))),
        _expectation(report),
        section("Patience: virtual resting orders, in no other sum", listing(words.shadow_lines(report.shadow)))
        if report.shadow is not None
        else "",
        section("Open positions, in no sum above", f"<p>{escape(words.open_words(report.positions))}</p>"),
        _forecasts(report),
        section("All groups", _tables(report), kind="wide"),
    ]
    mode = escape(report.mode or "")
    heading = f"{words.title(report)}, {words.spanned(report)}"
    total = report.total
    verdict = words.expectation_words(report.expectation) if report.expectation is not None else ""
    body = f"""<h1><span class="mode {mode}">{escape((report.mode or "never started").upper())}</span> Report</h1>
<p class="dim">{escape(words.spanned(report))}</p>
<p class="head {sign(total.net)}">{escape(words.headline(total))}</p>
<p>{escape(words.mean_words(report))}</p>
{f'<p class="verdict">{escape(verdict)}</p>' if verdict else ""}
<main>{"".join(sections)}</main>
<p class="dim">{escape(words.footnote())}</p>"""
    return html(heading, body)


def _curve(report: Report) -> str:
    spots = [
        svg.Spot(
            point.date,
            point.net / DOLLAR,
            None if point.low is None else point.low / DOLLAR,
            None if point.high is None else point.high / DOLLAR,
        )
        for point in report.curve
    ]
    return svg.line(spots, name="Net result after fees by day, cumulated, in dollars", unit="$")


def _curve_words(report: Report) -> str:
    if not report.curve:
        return ""
    if any(point.low is not None for point in report.curve):
        return "The band is where as many events would have ended by chance, were they drawn anew."
    return f"No band: {words.TOO_FEW} for an interval."


def _grouped(name: str, rows: Sequence[tuple[str, Figures]]) -> str:
    shown = sorted(rows, key=lambda row: -abs(row[1].net))[:_MOST_BARS] if len(rows) > _MOST_BARS else rows
    drawn = [svg.Bar(label, found.net / DOLLAR, gain(found.net)) for label, found in shown]
    left = f"The {len(shown)} largest of {len(rows)}; all are in the table below." if len(shown) < len(rows) else ""
    return plot(f"Net by {name}", svg.bars(drawn, name=f"Net result by {name}, in dollars"), left, _NO_TRADE)


def _funnel(report: Report) -> str:
    counts = words.funnel_counts(report)
    seen = counts if any(number for _, number in counts) else ()
    drawn = [svg.Bar(name, float(number), f"{number:,}") for name, number in seen]
    steps = [step for step in report.funnel.steps if step.refused]
    rows = [
        (
            step.rule,
            f"{step.reached:,}",
            f"{step.refused_first:,}",
            f"{step.refused:,}",
            words.bounds_words(step.bounds),
        )
        for step in steps
    ]
    headings = ("rule", "reached", "first", "in all", "allows")
    refused = table("rules that refused", headings, rows, _IN_WORDS) if rows else ""
    quiet = words.quiet_rules(report.funnel) if report.funnel.decisions else ""
    return plot(
        f"Funnel of {report.funnel.scans:,} scans",
        svg.bars(drawn, name="Rejection funnel", signed=False) + refused,
        f"Refused nothing: {quiet}." if quiet else "",
        "No scan has ended.",
    )


def _scatter(report: Report) -> str:
    points = report.forecasts.points
    every = -(-len(points) // _MOST_POINTS) or 1
    drawn = points[::every]
    said = (
        f"Every {every}th of {len(points):,} judged forecasts." if every > 1 else f"{len(points):,} judged forecasts."
    )
    picture = svg.scatter(drawn, name="Move forecast against move that came", across="forecast, c", along="came, c")
    return plot(
        "YES price: move forecast against move that came", picture, said if points else "", "No forecast is judged."
    )


def _forecasts(report: Report) -> str:
    found = report.forecasts
    unjudged = sum(group.unjudged for group in found.groups)
    lines = listing(words.forecast_lines(found.total, unjudged)) if found.total is not None else ""
    rows = [
        (word.replace("_", " "), str(rates.judged), f"{rates.right}: {words.estimate_words(rates.hit_rate, 100, ' %')}")
        for word, rates in found.by_confidence.items()
    ]
    groups = [
        (group.series, group.model[:12], str(group.rates.judged), str(group.unjudged), str(group.rates.right))
        for group in found.groups
    ]
    by_word = table("by confidence", ("confidence", "judged", "direction right"), rows, _IN_WORDS) if rows else ""
    by_series = table("by series", ("series", "model", "judged", "not", "right"), groups) if groups else ""
    return section("Forecast against outcome", lines + by_word + by_series, kind="wide")


def _expectation(report: Report) -> str:
    found = report.expectation
    if found is None:
        return ""
    return section(f"Against the backtest {found.digest[:12]}", listing(words.expectation_lines(found)))


def _tables(report: Report) -> str:
    parts = []
    for name, rows in words.tables(report.groups):
        if not rows:
            continue
        body = "".join(_row(label, found, "") for label, found in rows) + _row("all", report.total, "total")
        parts.append(f"<table><caption>by {escape(name)}</caption>{head((name, *words.HEADINGS))}{body}</table>")
    return f'<div class="scroll">{"".join(parts)}</div>' if parts else f"<p>{_NO_TRADE}</p>"


def _row(label: str, found: Figures, kind: str) -> str:
    *left, net, each = words.cells(found)
    inner = "".join(f"<td>{escape(text)}</td>" for text in (label, *left))
    return f'<tr class="{kind}">{inner}<td class="{sign(found.net)}">{escape(net)}</td><td>{escape(each)}</td></tr>'
