"""An evaluation as one HTML page: verdicts, plots and tables, no script, nothing from elsewhere."""

from html import escape
from pathlib import Path

from console import evaluate_sheets as sheets
from console import evaluate_words as words
from console import page as parts
from console.curve_svg import STYLE as CURVES
from console.evaluate_parts import by_step, calibration, coverage, positions, tables
from console.evaluate_words import Found
from mesh.files import replace_files
from research.quality.evaluation import Evaluation

_MODE = 0o644


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
    plots = "".join((by_step(found), coverage(found), positions(found), calibration(found)))
    below = "".join(f'<p class="dim">{escape(line)}</p>' for line in words.caveats(evaluation))
    body = f"""<h1>{escape(title)}</h1>{about}{verdicts}
<main>{plots}{tables(sheets.sheets(found))}</main>{below}"""
    return parts.html(title, body, CURVES)
