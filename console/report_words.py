"""A report's figures in words: what terminal and page both say."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from console.amounts import dollars, gain
from mesh.statistics import LEAST_CLUSTERS, LEVEL, Estimate
from mesh.types import Hundredths
from trader.domain.messages import exit_name, money, span
from trader.reporting.expectation import Against, Expectation, Verdict
from trader.reporting.figures import Figures, Groups
from trader.reporting.fills import FillFigures
from trader.reporting.forecasts import Rates
from trader.reporting.funnel import Bounds, Funnel
from trader.reporting.positions import OpenPositions
from trader.reporting.report import Report
from trader.reporting.shadow import ShadowFigures

TOO_FEW = "not enough data"
HEADINGS = ("trades", "gains", "losses", "contracts", "cost", "before fees", "fees", "net", "c each")

_ANSWERS = {
    Verdict.WITHIN: "yes, live is within what research promised",
    Verdict.BELOW: "no, live earns less than research promised",
    Verdict.ABOVE: "no, live earns more than research promised",
    Verdict.NOT_ENOUGH_DATA: "not enough data to say whether live is within what research promised",
}


def contracts(count: Hundredths) -> str:
    """Say a count of contracts: `6,835`, `4,935.5`."""
    return f"{Decimal(count).scaleb(-2).normalize():,f}"


def title(report: Report) -> str:
    """Say what the report is about."""
    return f"{(report.mode or 'never started').upper()} report"


def spanned(report: Report) -> str:
    """Say from when to when, in the report's zone, and how far into the journal."""
    start, end = (_local(instant, report.zone) for instant in (report.start, report.end))
    return f"{start} to {end} {report.zone}, journal up to entry {report.as_of_sequence}"


def arrowed(amount: int) -> str:
    """Say a result with arrow and sign."""
    return f"{'▲ ' if amount > 0 else '▼ ' if amount < 0 else ''}{gain(amount)}"


def headline(found: Figures) -> str:
    """Say what the trades came to, net first, with everything it is made of."""
    even = found.trades - found.gains - found.losses
    losses = f"{found.losses} loss{'' if found.losses == 1 else 'es'}"
    parts = f"{_count(found.gains, 'gain')}, {losses}" + (f", {even} even" if even else "")
    return (
        f"{arrowed(found.net)} net = {gain(found.gross)} before fees − {dollars(found.fees)} fees; "
        f"{_count(found.trades, 'trade')} ({parts}), {contracts(found.count)} contracts"
    )


def mean_words(report: Report) -> str:
    """Say what one contract earned, with its interval; empty without a trade."""
    found = report.mean_net_cents
    return "" if found is None else f"a contract earned {estimate_words(found, 1, ' c', signed=True)}"


def cells(found: Figures) -> tuple[str, ...]:
    """Say a row of figures, as `HEADINGS` name them."""
    return (
        str(found.trades),
        str(found.gains),
        str(found.losses),
        contracts(found.count),
        dollars(found.cost),
        gain(found.gross),
        dollars(found.fees),
        arrowed(found.net),
        "" if found.mean_net_cents is None else f"{found.mean_net_cents:+.2f}",
    )


def tables(groups: Groups) -> Iterator[tuple[str, list[tuple[str, Figures]]]]:
    """Give each grouping: its name, and its rows by name."""
    yield "day of closing", [(day.isoformat(), found) for day, found in groups.by_day.items()]
    yield "series", list(groups.by_series.items())
    yield "exit", [(exit_name(kind), found) for kind, found in groups.by_exit_kind.items()]
    yield "hour of entry", [(f"{hour:02d}", found) for hour, found in groups.by_hour.items()]


def open_words(found: OpenPositions) -> str:
    """Say what is open, and what selling it now would add."""
    if not found.count:
        return "none"
    if found.unrealised is None:
        return f"{found.count}, unmarked: what they would bring is known to the running trader only (--trader)"
    missing = f", {found.unmarked} unmarked and not in it" if found.unmarked else ""
    return f"{found.count}, selling now would add {gain(found.unrealised)} after fees{missing}"


def funnel_counts(report: Report) -> list[tuple[str, int]]:
    """Give the stations from markets to filled orders."""
    funnel = report.funnel
    asked = [("asked", funnel.asked)] if funnel.outcomes else []
    return [
        ("markets in scans", funnel.markets),
        *asked,
        ("signals", funnel.signals),
        ("decisions", funnel.decisions),
        ("entries", funnel.entries),
        ("entries filled", report.entries.filled + report.entries.partly),
    ]


def quiet_rules(funnel: Funnel) -> str:
    """Name the rules that refused nothing."""
    return ", ".join(step.rule for step in funnel.steps if not step.refused)


def bounds_words(found: Bounds | None) -> str:
    """Say what a rule allows."""
    if found is None:
        return ""
    ends = (("≥ ", found.at_least), ("≤ ", found.at_most), ("", found.equal_to))
    return ", ".join(f"{sign}{_figure(end, found.unit)}" for sign, end in ends if end is not None)


def fill_words(found: FillFigures) -> str:
    """Say how orders were filled."""
    if not found.orders:
        return "none ended"
    parts = [f"{found.filled:,} in full", f"{found.partly:,} in part", f"{found.unfilled:,} not"]
    unfilled = f" ({found.rejected:,} rejected)" if found.rejected else ""
    ratio = (
        f"; {contracts(found.filled_count)} of {contracts(found.ordered_count)} contracts"
        f"{'' if found.fill_ratio is None else f' = {found.fill_ratio:.1%}'}"
    )
    unknown = f"; {found.unknown:,} of unknown outcome for a while" if found.unknown else ""
    return f"{_count(found.orders, 'order')}: {', '.join(parts)}{unfilled}{ratio}{unknown}"


def slippage_words(found: FillFigures, against: str) -> str:
    """Say how far fills were from the price decided upon; a positive slippage cost money."""
    if found.mean_slippage_cents is None:
        return f"slippage against {against}: no fill with such a price"
    over = "" if found.priced_count is None else f" over {contracts(found.priced_count)} contracts"
    return f"slippage against {against}: {found.mean_slippage_cents:+.2f} c each, {dollars(found.slippage)}{over}"


def estimate_words(found: Estimate | None, scale: float = 1.0, unit: str = "", *, signed: bool = False) -> str:
    """Say a mean with its interval, and how much it rests on."""
    if found is None:
        return TOO_FEW
    sign, places = "+" if signed else "", 1 if abs(scale) > 1 else 2
    mean = f"{found.mean * scale:{sign}.{places}f}{unit}"
    if found.low is None or found.high is None:
        few = f"{found.effective_clusters:.0f} of {LEAST_CLUSTERS:.0f} events"
        return f"{mean}, interval: {TOO_FEW} ({few})"
    low, high = (f"{end * scale:{sign}.{places}f}" for end in (found.low, found.high))
    return f"{mean} [{low}, {high}], {found.cluster_count} events"


def order_lines(report: Report) -> list[tuple[str, str]]:
    """Say how entries and exits were filled."""
    return [
        ("entries", fill_words(report.entries)),
        ("", slippage_words(report.entries, "the ask seen")),
        ("exits", fill_words(report.exits)),
        ("", slippage_words(report.exits, "the trigger")),
    ]


def forecast_lines(found: Rates, unjudged: int) -> list[tuple[str, str]]:
    """Say how good forecasts were, bad news as plainly as good."""
    lines = [("judged", f"{found.judged:,}; {unjudged:,} not: no price at their horizon in the journal, or none yet")]
    if not found.judged:
        return lines
    lines += [
        ("direction right", f"{found.right} of {found.judged}: {estimate_words(found.hit_rate, 100, ' %')}"),
        ("always down", f"{found.right_down} of {found.judged}"),
        ("… forecast less that", estimate_words(found.over_down, 100, " points", signed=True)),
        ("by price alone", f"{found.right_by_price} of {found.judged}"),
        ("… forecast less that", estimate_words(found.over_price, 100, " points", signed=True)),
        ("forecast − outcome", estimate_words(found.signed_error_cents, 1, " c", signed=True)),
        ("mean absolute error", errors_words(found)),
    ]
    return lines


def errors_words(found: Rates) -> str:
    """Say how far off forecasts were, and the current price in their stead."""
    if found.absolute_error_cents is None or found.naive_absolute_error_cents is None:
        return ""
    return (
        f"{found.absolute_error_cents:.2f} c; the current price as forecast: {found.naive_absolute_error_cents:.2f} c"
    )


def expectation_words(found: Expectation) -> str:
    """Answer whether live is within what research promised."""
    return f"{_ANSWERS[found.whole.verdict]}: {against_words(found.whole, found.level, found.needed_trades)}"


def expectation_lines(found: Expectation) -> list[tuple[str, str]]:
    """Say what was promised and what came, of everything and by series."""
    lines = [("all", against_words(found.whole, found.level, found.needed_trades))]
    for series, each in found.by_series.items():
        lines.append((series, f"{each.verdict}: {against_words(each, found.level, found.needed_trades)}"))
    if found.unpromised:
        lines.append(("not in it", f"{_count(found.unpromised, 'trade')} of series that nothing was promised of"))
    return lines


def against_words(found: Against, level: float, needed: int) -> str:
    """Say what was promised and what came."""
    promised = f"promised {found.promised:+.2f} c a contract"
    if found.promised_low is not None and found.promised_high is not None:
        promised += f" [{found.promised_low:+.2f}, {found.promised_high:+.2f}]"
    actual = "nothing came" if found.actual is None else f"came {found.actual:+.2f} c"
    if found.low is not None and found.high is not None:
        actual += f" [{found.low:+.2f}, {found.high:+.2f}] at {level:.0%}"
    few = f" of {needed} needed" if found.trades < needed else ""
    return f"{promised}, {actual}; {_count(found.trades, 'trade')}{few}, {_count(found.events, 'event')}"


def shadow_lines(found: ShadowFigures) -> list[tuple[str, str]]:
    """Say what patience would have earned."""
    lines = [
        ("beside closed trades", f"{found.orders:,}, of which {found.filled:,} would have been filled"),
        ("patience", f"{arrowed(found.net)} after fees"),
        ("taken", arrowed(found.taken_net)),
    ]
    if found.advantage_cents is not None:
        lines.append(("patience − taken", f"{estimate_words(found.advantage_cents, 1, ' c', signed=True)}, a contract"))
    if found.unsettled:
        lines.append(("not counted", f"{found.unsettled:,}, whose entry was not filled or whose trade is not closed"))
    return lines


def footnote() -> str:
    """Say how intervals are made."""
    return (
        f"Intervals in brackets cover {LEVEL:.0%}. They count events (day of settlement and underlying), not trades, "
        f"and are given from {LEAST_CLUSTERS:.0f} equal events on. Amounts are rounded to cents; "
        "CSV and JSON have them exact."
    )


def _figure(end: float | int | str, unit: str) -> str:
    match unit:
        case "micros" if isinstance(end, int):
            return money(end)
        case "contracts" if isinstance(end, int):
            return f"{contracts(Hundredths(end))} contracts"
        case "seconds" if not isinstance(end, str):
            return span(end)
        case "cents":
            return f"{end:g} c" if not isinstance(end, str) else end
        case _:
            return f"{end:g}" if isinstance(end, float) else str(end)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _local(instant: datetime, zone: str) -> str:
    try:
        return f"{instant.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
    except (ZoneInfoNotFoundError, ValueError):  # a trader on another machine may know zones that this one does not
        return f"{instant:%Y-%m-%d %H:%M} UTC"
