"""A backtest as one HTML page that a phone can show: figures, plots, no script, nothing from elsewhere."""

from html import escape
from pathlib import Path

from console import backtest_words as words
from console import evaluate_parts as parts
from console import evaluate_sheets as sheets
from console import report_svg as svg
from console.amounts import gain
from console.curve_svg import STYLE as CURVES
from console.evaluate_words import Found
from console.page import html, listing, plot, section, sign, table
from mesh.files import replace_files
from mesh.types import DOLLAR
from research.backtest import Backtest
from research.baselines import POLICY, about
from research.quality.evaluation import Evaluation
from research.reliability import Bin

_MODE = 0o644
_NO_TRADE = "No trade."
_IN_WORDS = frozenset({"such as"})


def write(path: Path, found: Backtest) -> None:
    """Replace a file by the page. Raises OSError."""
    replace_files([(path, page(found).encode(), _MODE)])


def page(found: Backtest) -> str:
    """Return the page, complete in itself."""
    summary, head = found.summary, found.summary.judgement.headline
    sections = [
        section("How sure", listing(words.net_lines(summary))) if head.trades else "",
        _curve(found),
        _distribution(found),
        _parts(found),
        _reliability(found),
        _quality(found.quality),
        _funnel(found),
        _beside(found),
        _groups(found),
        section("Conditions", listing(words.conditions(found)), kind="wide"),
        _defects(found),
    ]
    body = f"""<h1>{escape(words.title(found.conditions))}</h1>
<p class="dim">{escape(words.span(found.conditions))}</p>
<p>{escape(words.needed(summary.judgement))}</p>
<p class="verdict">{escape(words.verdict(summary.judgement))}</p>
<p class="head {sign(head.net)}">{escape(words.net(head))}</p>
<main>{"".join(sections)}</main>
<p class="dim">Every sum is one of rows of {escape(found.csv.name)}.</p>"""
    return html(words.title(found.conditions), body, CURVES)


def _curve(found: Backtest) -> str:
    spots = [
        svg.Spot(
            point.day,
            point.net / DOLLAR,
            None if point.low is None else point.low / DOLLAR,
            None if point.high is None else point.high / DOLLAR,
        )
        for point in found.summary.curve
    ]
    banded = any(spot.low is not None for spot in spots)
    said = (
        "The band is where as many days would have ended by chance, were they drawn anew."
        if banded
        else "No band: too few days for an interval."
    )
    drawn = svg.line(spots, name="Net result by day of settlement, cumulated, in dollars", unit="$")
    return plot("Net result after fees, by day of settlement", drawn, said if spots else "", _NO_TRADE)


def _distribution(found: Backtest) -> str:
    bands = found.summary.distribution
    whole = range(min(bands), max(bands) + 10, 10) if bands else ()
    bars = [
        svg.Bar(f"{_signed(low)} to {_signed(low + 10)}c", float(bands.get(low, 0)), f"{bands.get(low, 0):,}")
        for low in whole
    ]
    drawn = svg.bars(bars, name="Trades by net result of one contract", signed=False)
    return plot("Trades by net result of one contract", drawn, "", _NO_TRADE)


def _signed(cents: int) -> str:
    return f"{cents:+d}" if cents else "0"


def _parts(found: Backtest) -> str:
    parts = words.parts(found.summary)
    bars = [svg.Bar(name, amount / DOLLAR, text) for name, amount, text, _ in parts]
    rows = [(name, text, each) for name, _, text, each in parts]
    drawn = svg.bars(bars, name="Parts of the net result, in dollars")
    net = gain(found.summary.decomposition.net)
    left = "".join(f'<p class="dim">{escape(line)}</p>' for line in found.summary.decomposition.not_identified)
    more = table(f"they add up to {net}", ("part", "net", "a contract"), rows) + left if rows else ""
    return plot("Where it comes from", drawn + more, "", _NO_TRADE)


def _beside(found: Backtest) -> str:
    rows = words.beside(found.summary)
    headings = ("walk", "trades", "net", "a contract", "policy more")
    policy = [svg.Bar("policy", found.summary.decomposition.net / DOLLAR, gain(found.summary.decomposition.net))]
    bars = [
        svg.Bar(name, other.headline.net / DOLLAR, gain(other.headline.net))
        for name, other in found.summary.beside.items()
    ]
    drawn = svg.bars(policy + bars, name="Net result of each walk, in dollars")
    said = about()
    lines = listing((name, said[name]) for name in found.summary.beside if name in said)
    silent = "".join(f'<p class="dim">{escape(line)}</p>' for line in words.silent(found))
    return section("Beside it", drawn + table("baselines and what-ifs", headings, rows) + silent + lines, kind="wide")


def _reliability(found: Backtest) -> str:
    kinds = [_points(found.reliability.forecast), _points(found.reliability.market)]
    drawn = svg.diagonal(kinds, name="Share that came true by what was said", across="said, %", along="YES came, %")
    said = "Filled: the forecast. Hollow: the market's own middle. On the dashed line both are right."
    lines = listing(words.reliability(found.reliability))
    name = "Prices as probabilities"
    return plot(name, drawn + lines if drawn else "", said if drawn else "", "No forecast has a known result.")


def _quality(quality: Evaluation | None) -> str:
    if quality is None:
        return section(words.QUALITY, f"<p>{escape(words.NOTHING_FORECAST)}</p>", kind="wide")
    found = Found(quality)
    verdicts = "".join(f'<p class="verdict">{escape(line)}</p>' for line in quality.verdicts)
    whole = section(words.QUALITY, verdicts + listing(words.quality(quality)), kind="wide")
    return whole + parts.by_step(found) + parts.coverage(found) + parts.tables(sheets.brief(found))


def _points(bins: tuple[Bin, ...]) -> list[tuple[float, float]]:
    return [(100 * each.said, 100 * each.came) for each in bins]


def _funnel(found: Backtest) -> str:
    steps = words.funnel(found.walked[POLICY.name])
    bars = [svg.Bar(name, float(count), f"{count:,}") for name, count in steps if not name.startswith("-")]
    rows = [(name, f"{abs(count):,}") for name, count in steps]
    return section(
        "From forecasts to trades",
        svg.bars(bars, name="From forecasts to trades", signed=False) + table("step by step", ("step", "count"), rows),
    )


def _groups(found: Backtest) -> str:
    parts = []
    for name, groups in words.tables(found.summary).items():
        rows = [(label, *words.cells(group)) for label, group in groups]
        parts.append(table(f"by {name}", (name, *words.HEADINGS), rows))
    note = '<p class="dim">Of so many intervals one or two miss the truth: a good line is a question.</p>'
    return section("Groups", "".join(parts) + note, kind="wide") if parts else ""


def _defects(found: Backtest) -> str:
    rows = words.defects(found.defects)
    inner = table("by name", ("name", "count", "such as"), rows, _IN_WORDS) if rows else "<p>None.</p>"
    return section("What is wrong with the data", inner, kind="wide")
