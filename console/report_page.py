"""A report as one HTML page: figures, plots, no script, nothing from elsewhere. Pure."""

from collections.abc import Iterable, Sequence
from html import escape

from console import report_svg as svg
from console import report_words as words
from console.amounts import gain
from mesh.types import DOLLAR
from trader.reporting.figures import Figures
from trader.reporting.report import Report

_MOST_POINTS = 600
_MOST_BARS = 25
_NO_TRADE = "No trade has closed."
_IN_WORDS = frozenset({"direction right", "allows"})
"""Columns of words: at the left, and broken where they do not fit."""
STYLE = """
:root { color-scheme: light dark; --ground: #ffffff; --panel: #f4f6f8; --text: #10202c; --dim: #51606b;
  --up: #005f99; --down: #8f4a00; --act: #0072b2; --line: #d3dae0; }
@media (prefers-color-scheme: dark) { :root { --ground: #0b0f14; --panel: #131a22; --text: #e6edf3; --dim: #9fb3c8;
  --up: #56b4e9; --down: #e69f00; --act: #56b4e9; --line: #2a3542; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 12px; max-width: 1120px; background: var(--ground); color: var(--text);
  font: 16px/1.45 system-ui, sans-serif; font-variant-numeric: tabular-nums; }
h1 { font-size: 20px; margin: 4px 0; } h2 { font-size: 16px; margin: 0 0 8px; }
p { margin: 4px 0; } .dim { color: var(--dim); } .up { color: var(--up); } .down { color: var(--down); }
.mode { border: 2px solid currentColor; padding: 0 6px; } .demo { border-style: dotted; }
.live { background: var(--text); color: var(--ground); border-color: var(--text); }
.head { font-size: 18px; font-weight: 600; } .verdict { border-left: 4px solid var(--act); padding-left: 8px; }
main { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr)); gap: 12px; }
section { background: var(--panel); border-radius: 8px; padding: 12px; min-width: 0; }
.wide { grid-column: 1 / -1; } .scroll { overflow-x: auto; }
svg { width: 100%; height: auto; display: block; max-width: 560px; }
table { border-collapse: collapse; font-size: 14px; } caption { text-align: left; font-weight: 600; padding: 6px 0; }
th, td { padding: 3px 10px 3px 0; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0; background: var(--panel); }
.total td { font-weight: 600; border-bottom: 0; }
td.words, th.words { text-align: left; white-space: normal; }
dl { display: grid; grid-template-columns: auto 1fr; gap: 2px 12px; margin: 4px 0; }
dt { color: var(--dim); } dd { margin: 0; }
svg text { font-size: 11.5px; fill: var(--text); } svg .label { fill: var(--dim); } svg .value { fill: var(--text); }
svg rect.up { fill: var(--up); } svg rect.down { fill: var(--down); } svg .act { fill: var(--act); }
svg .faint { fill-opacity: .45; } svg .grid { stroke: var(--line); } svg .axis { stroke: var(--dim); }
svg .line { fill: none; stroke: var(--act); stroke-width: 2; stroke-linejoin: round; }
svg .band { fill: var(--act); fill-opacity: .16; }
svg .dashed { stroke: var(--dim); stroke-dasharray: 4 4; }
@media print { section { break-inside: avoid; } }
"""


def page(report: Report) -> str:
    """Return the page, complete in itself."""
    sections = [
        _plot("Net result after fees, as it grew", _curve(report), _curve_words(report), _NO_TRADE),
        *(_grouped(name, rows) for name, rows in words.tables(report.groups) if name in {"series", "exit"}),
        _funnel(report),
        _scatter(report),
        _section("Orders", _list(words.order_lines(report))),
        _expectation(report),
        _section("Patience: virtual resting orders, in no other sum", _list(words.shadow_lines(report.shadow)))
        if report.shadow is not None
        else "",
        _section("Open positions, in no sum above", f"<p>{escape(words.open_words(report.positions))}</p>"),
        _forecasts(report),
        _section("All groups", _tables(report), kind="wide"),
    ]
    mode = escape(report.mode or "")
    heading = f"{words.title(report)}, {words.spanned(report)}"
    total = report.total
    verdict = words.expectation_words(report.expectation) if report.expectation is not None else ""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer"><title>{escape(heading)}</title><style>{STYLE}</style></head><body>
<h1><span class="mode {mode}">{escape((report.mode or "never started").upper())}</span> Report</h1>
<p class="dim">{escape(words.spanned(report))}</p>
<p class="head {_kind(total.net)}">{escape(words.headline(total))}</p>
<p>{escape(words.mean_words(report))}</p>
{f'<p class="verdict">{escape(verdict)}</p>' if verdict else ""}
<main>{"".join(sections)}</main>
<p class="dim">{escape(words.footnote())}</p>
</body></html>
"""


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
    return _plot(f"Net by {name}", svg.bars(drawn, name=f"Net result by {name}, in dollars"), left, _NO_TRADE)


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
    table = _table("rules that refused", ("rule", "reached", "first", "in all", "allows"), rows) if rows else ""
    quiet = words.quiet_rules(report.funnel) if report.funnel.decisions else ""
    return _plot(
        f"Funnel of {report.funnel.scans:,} scans",
        svg.bars(drawn, name="Rejection funnel", signed=False) + table,
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
    plot = svg.scatter(drawn, name="Move forecast against move that came", across="forecast, c", along="came, c")
    return _plot(
        "YES price: move forecast against move that came", plot, said if points else "", "No forecast is judged."
    )


def _forecasts(report: Report) -> str:
    found = report.forecasts
    unjudged = sum(group.unjudged for group in found.groups)
    lines = _list(words.forecast_lines(found.total, unjudged)) if found.total is not None else ""
    rows = [
        (word.replace("_", " "), str(rates.judged), f"{rates.right}: {words.estimate_words(rates.hit_rate, 100, ' %')}")
        for word, rates in found.by_confidence.items()
    ]
    groups = [
        (group.series, group.model[:12], str(group.rates.judged), str(group.unjudged), str(group.rates.right))
        for group in found.groups
    ]
    by_word = _table("by confidence", ("confidence", "judged", "direction right"), rows) if rows else ""
    by_series = _table("by series", ("series", "model", "judged", "not", "right"), groups) if groups else ""
    return _section("Forecast against outcome", lines + by_word + by_series, kind="wide")


def _expectation(report: Report) -> str:
    found = report.expectation
    if found is None:
        return ""
    return _section(f"Against the backtest {found.digest[:12]}", _list(words.expectation_lines(found)))


def _tables(report: Report) -> str:
    parts = []
    for name, rows in words.tables(report.groups):
        if not rows:
            continue
        body = "".join(_row(label, found, "") for label, found in rows) + _row("all", report.total, "total")
        parts.append(f"<table><caption>by {escape(name)}</caption>{_head((name, *words.HEADINGS))}{body}</table>")
    return f'<div class="scroll">{"".join(parts)}</div>' if parts else f"<p>{_NO_TRADE}</p>"


def _row(label: str, found: Figures, kind: str) -> str:
    *left, net, each = words.cells(found)
    inner = "".join(f"<td>{escape(text)}</td>" for text in (label, *left))
    return f'<tr class="{kind}">{inner}<td class="{_kind(found.net)}">{escape(net)}</td><td>{escape(each)}</td></tr>'


def _table(name: str, headings: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    names = tuple(headings)
    body = "".join(f"<tr>{''.join(map(_cell, names, row))}</tr>" for row in rows)
    return f'<div class="scroll"><table><caption>{escape(name)}</caption>{_head(names)}{body}</table></div>'


def _cell(heading: str, text: str) -> str:
    kind = ' class="words"' if heading in _IN_WORDS else ""
    return f"<td{kind}>{escape(text)}</td>"


def _head(headings: Iterable[str]) -> str:
    cells = (f"<th{' class=words' if heading in _IN_WORDS else ''}>{escape(heading)}</th>" for heading in headings)
    return f"<tr>{''.join(cells)}</tr>"


def _list(lines: Iterable[tuple[str, str]]) -> str:
    return f"<dl>{''.join(f'<dt>{escape(label)}</dt><dd>{escape(text)}</dd>' for label, text in lines)}</dl>"


def _plot(name: str, drawn: str, said: str, empty: str) -> str:
    note = f'<p class="dim">{escape(said)}</p>' if said else ""
    return _section(name, (drawn or f"<p>{escape(empty)}</p>") + note)


def _section(name: str, inner: str, kind: str = "") -> str:
    return f'<section class="{kind}"><h2>{escape(name)}</h2>{inner}</section>'


def _kind(amount: int) -> str:
    return "up" if amount > 0 else "down" if amount < 0 else ""
