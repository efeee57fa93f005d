"""A search for better exits as one HTML page that a phone can show: no script, nothing from elsewhere."""

from html import escape
from pathlib import Path

from console import tpsl_words as words
from console.heatmap import svg
from console.page import html, listing, plot, section, table
from console.tpsl_heat import heat
from mesh.files import replace_files
from mesh.types import CENT
from research.tpsl.optimised import Optimised

_MODE = 0o644
_IN_WORDS = frozenset({"such as"})


def write(path: Path, found: Optimised) -> None:
    """Replace a file by the page. Raises OSError."""
    replace_files([(path, page(found).encode(), _MODE)])


def page(found: Optimised) -> str:
    """Return the page, complete in itself."""
    chosen = words.folds(found)
    sections = [
        section("Chosen on earlier days, on the same trades of later days", listing(words.sure(found))),
        _heat(found),
        section("What was chosen, and what came of it", table("", words.FOLD_HEADINGS, chosen)) if chosen else "",
        section(
            "Other ways out", table("", words.HEADINGS, [words.arm_cells(row) for row in words.arms(found)]), "wide"
        ),
        section("Conditions", listing(words.conditions(found)), "wide"),
        _defects(found),
    ]
    body = f"""<h1>{escape(words.title(found))}</h1>
<p class="dim">{escape(words.span(found))}</p>
<p>{escape(words.needed(found))}</p>
<p class="verdict">{escape(words.verdict(found))}</p>
<p class="head">{escape(words.money(found))}</p>
<p>{escape(words.flattering(found))}</p>
<main>{"".join(sections)}</main>
<p class="dim">Every cell and way out is a row of {escape(found.csv.name)}.</p>"""
    return html(words.title(found), body)


def _heat(found: Optimised) -> str:
    told, now = heat(found.search.totals), found.search.selection.now
    mark = None if now is None else (now.target / CENT, now.stop / CENT)
    name = "Net cents of a contract by target and stop, on all days"
    drawn = svg(told, name=name, down="target", along="stop", unit="c", mark=mark)
    said = "Blue gains, orange loses, grey trades nothing. The ring is the best cell, on the days it was picked on."
    return plot(name, drawn, said, "No trade.")


def _defects(found: Optimised) -> str:
    rows = words.defects(found)
    if not rows:
        return ""
    return section("Defects", table("", ("name", "count", "such as"), rows, _IN_WORDS), "wide")
