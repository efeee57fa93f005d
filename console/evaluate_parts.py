"""Plots and tables of judged forecasts, for a page."""

from collections.abc import Iterable
from html import escape

from console import page as parts
from console.curve_svg import Curve, Spot, curves
from console.evaluate_words import Found, Sheet
from mesh.statistics import Estimate
from research.quality.gathering import LAST_VALUE
from research.quality.targets import RESULT

_SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def by_step(found: Found) -> str:
    """Draw the CRPS of the middle by step."""
    steps = range(1, found.evaluation.plan.horizon_steps + 1)
    drawn = [
        Curve(
            model,
            [_spot(step, one) for step in steps if (one := found.get(model, "crps", step=step)) is not None],
            number,
        )
        for number, model in enumerate(found.evaluation.models)
    ]
    return _plot(
        "CRPS of the middle by step, cents",
        curves(drawn, name="CRPS by step", across="step"),
        "Less is better. Lines up and down are intervals of each model alone; whether one beats another is said above, "
        "by their difference on the same forecasts.",
    )


def coverage(found: Found) -> str:
    """Draw what central intervals claim, and what they hold."""
    drawn = [
        Curve(model, [_spot(claim, one) for claim in found.levels("coverage")
                      if (one := found.get(model, "coverage", level=claim)) is not None], number)
        for number, model in _fans(found)
    ]  # fmt: skip
    return _plot(
        "Coverage: claimed and found",
        curves(drawn, name="Coverage of central intervals", across="claimed", marks=_SHARES, ideal=True),
        "Of the middle, all steps. Below the broken line: too narrow.",
    )


def positions(found: Found) -> str:
    """Draw where in the forecasts the middle came to lie."""
    places = [Curve("if right", _parts(found, None), 0)]
    places += [Curve(model, _parts(found, model), number) for number, model in _fans(found)]
    return _plot(
        "Where in the forecast the middle came to lie (PIT)",
        curves(places, name="PIT histogram", across="part ends at"),
        "Share of prices between two quantiles, over the width of the part. 1 all along would be right.",
    )


def calibration(found: Found) -> str:
    """Draw how often YES came of what was said."""
    drawn = [
        Curve("the market's middle" if model == LAST_VALUE else model, _reliability(found, model), number)
        for number, model in enumerate(found.evaluation.models)
    ]
    return _plot(
        "Calibration: said and came YES",
        curves(drawn, name="Calibration against the result", across="said", marks=_SHARES, ideal=True),
        "Forecasts whose horizon runs to the close, in ten bins of what was said. A point without a line has too "
        "few days for an interval.",
    )


def tables(sheets: Iterable[Sheet]) -> str:
    """Write tables with their notes, each in a frame of its own."""
    return "".join(parts.section(sheet.title, _table(sheet), "wide") for sheet in sheets)


def _table(sheet: Sheet) -> str:
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in sheet.rows)
    rows = f'<div class="scroll"><table>{parts.head(sheet.headings)}{body}</table></div>' if sheet.rows else ""
    return rows + (f'<p class="dim">{escape(sheet.note)}</p>' if sheet.note else "")


def _fans(found: Found) -> list[tuple[int, str]]:
    """Give those that say more than a point, with the numbers of their colours."""
    return list(enumerate(found.evaluation.models))[1:]


def _parts(found: Found, model: str | None) -> list[Spot]:
    spots, start = [], 0.0
    for end in found.levels("pit"):
        width = end - start
        one = None if model is None else found.get(model, "pit", level=end)
        if model is None:
            spots.append(Spot(end, 1.0))
        elif one is not None:
            spots.append(_spot(end, one, 1 / width))
        start = end
    return spots


def _reliability(found: Found, model: str) -> list[Spot]:
    spots = []
    for end in found.levels("reliability_said", RESULT):
        said = found.get(model, "reliability_said", RESULT, level=end)
        came = found.get(model, "reliability_came", RESULT, level=end)
        if said is not None and came is not None:
            spots.append(_spot(said.mean, came))
    return spots


def _spot(across: float, found: Estimate, factor: float = 1.0) -> Spot:
    if found.low is None or found.high is None:
        return Spot(across, found.mean * factor)
    return Spot(across, found.mean * factor, found.low * factor, found.high * factor)


def _plot(name: str, drawn: str, said: str) -> str:
    return parts.plot(name, drawn, said, "Nothing could be judged.")
