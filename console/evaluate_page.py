"""An evaluation as one HTML page: verdicts, plots and tables, no script, nothing from elsewhere."""

from collections.abc import Iterator
from html import escape
from pathlib import Path

from console import evaluate_sheets as sheets
from console import evaluate_words as words
from console import page as parts
from console.curve_svg import STYLE as CURVES
from console.curve_svg import Curve, Spot, curves
from console.evaluate_words import Found, Sheet
from mesh.files import replace_files
from mesh.statistics import Estimate
from research.quality.evaluation import Evaluation
from research.quality.gathering import LAST_VALUE
from research.quality.targets import RESULT

_MODE = 0o644
_SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def write(evaluation: Evaluation, folder: Path) -> Path:
    """Write `evaluate_<SERIES>.html` into a folder, made if absent. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"evaluate_{evaluation.series_ticker}.html"
    replace_files([(path, page(evaluation).encode(), _MODE)])
    return path


def page(evaluation: Evaluation) -> str:
    """Return the page, complete in itself."""
    found = Found(evaluation)
    title = f"Forecasts of {evaluation.series_ticker}"
    about = "".join(f'<p class="dim">{escape(line)}</p>' for line in words.heading(evaluation))
    verdicts = "".join(f'<p class="verdict">{escape(line)}</p>' for line in evaluation.verdicts)
    tables = "".join(_table(sheet) for sheet in sheets.sheets(found))
    below = "".join(f'<p class="dim">{escape(line)}</p>' for line in words.caveats(evaluation))
    body = f"""<h1>{escape(title)}</h1>{about}{verdicts}
<main>{"".join(_plots(found))}{tables}</main>{below}"""
    return parts.html(title, body, CURVES)


def _plots(found: Found) -> Iterator[str]:
    evaluation = found.evaluation
    steps = range(1, evaluation.plan.horizon_steps + 1)
    by_step = [
        Curve(
            model,
            [_spot(step, one) for step in steps if (one := found.get(model, "crps", step=step)) is not None],
            number,
        )
        for number, model in enumerate(evaluation.models)
    ]
    yield _plot(
        "CRPS of the middle by step, cents",
        curves(by_step, name="CRPS by step", across="step"),
        "Less is better. Lines up and down are intervals of each model alone; whether one beats another is said above, "
        "by their difference on the same forecasts.",
    )
    fans = list(enumerate(evaluation.models))[1:]
    yield _plot(
        "Coverage: claimed and found",
        curves(
            [
                Curve(model, [_spot(claim, one) for claim in found.levels("coverage")
                              if (one := found.get(model, "coverage", level=claim)) is not None], number)
                for number, model in fans
            ],
            name="Coverage of central intervals", across="claimed", marks=_SHARES, ideal=True,
        ),
        "Of the middle, all steps. Below the broken line: too narrow.",
    )  # fmt: skip
    places = [Curve("if right", _parts(found, None), 0)]
    places += [Curve(model, _parts(found, model), number) for number, model in fans]
    yield _plot(
        "Where in the forecast the middle came to lie (PIT)",
        curves(places, name="PIT histogram", across="part ends at"),
        "Share of prices between two quantiles, over the width of the part. 1 all along would be right.",
    )
    calibration = [Curve("the market's middle" if model == LAST_VALUE else model, _reliability(found, model), number)
                   for number, model in enumerate(evaluation.models)]  # fmt: skip
    yield _plot(
        "Calibration: said and came YES",
        curves(calibration, name="Calibration against the result", across="said", marks=_SHARES, ideal=True),
        "Forecasts whose horizon runs to the close, in ten bins of what was said. A point without a line has too "
        "few days for an interval.",
    )


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


def _table(sheet: Sheet) -> str:
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in sheet.rows)
    table = f'<div class="scroll"><table>{parts.head(sheet.headings)}{body}</table></div>' if sheet.rows else ""
    note = f'<p class="dim">{escape(sheet.note)}</p>' if sheet.note else ""
    return parts.section(sheet.title, table + note, "wide")
