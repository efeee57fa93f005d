"""Parts of pages for people: complete in themselves, no script, nothing from elsewhere. Pure."""

from collections.abc import Collection, Iterable, Sequence
from html import escape

_STYLE = """
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
@media (max-width: 480px) { th, td { white-space: normal; } }
dl { display: grid; grid-template-columns: auto 1fr; gap: 2px 12px; margin: 4px 0; }
dt { color: var(--dim); } dd { margin: 0; }
svg text { font-size: 11.5px; fill: var(--text); } svg .label { fill: var(--dim); } svg .value { fill: var(--text); }
svg rect.up { fill: var(--up); } svg rect.down { fill: var(--down); } svg .act { fill: var(--act); }
svg .faint { fill-opacity: .45; } svg .grid { stroke: var(--line); } svg .axis { stroke: var(--dim); }
svg .line { fill: none; stroke: var(--act); stroke-width: 2; stroke-linejoin: round; }
svg .band { fill: var(--act); fill-opacity: .16; }
svg .hollow { fill: var(--panel); stroke: var(--down); stroke-width: 2; }
svg .dashed { stroke: var(--dim); stroke-dasharray: 4 4; }
@media print { section { break-inside: avoid; } }
"""


def html(heading: str, body: str, style: str = "") -> str:
    """Return a whole page.

    Args:
        heading: In words; escaped here.
        body: HTML.
        style: Of drawings of its own, after that of every page.
    """
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer"><title>{escape(heading)}</title><style>{_STYLE}{style}</style></head><body>
{body}
</body></html>
"""


def section(name: str, inner: str, kind: str = "") -> str:
    """Frame HTML under a name; `wide` takes the page's whole width."""
    return f'<section class="{kind}"><h2>{escape(name)}</h2>{inner}</section>'


def plot(name: str, drawn: str, said: str, empty: str) -> str:
    """Frame a drawing, or where there is none what is said then, with words below."""
    note = f'<p class="dim">{escape(said)}</p>' if said else ""
    return section(name, (drawn or f"<p>{escape(empty)}</p>") + note)


def listing(lines: Iterable[tuple[str, str]]) -> str:
    """List texts by their labels."""
    return f"<dl>{''.join(f'<dt>{escape(label)}</dt><dd>{escape(text)}</dd>' for label, text in lines)}</dl>"


def table(
    name: str, headings: Iterable[str], rows: Iterable[Sequence[str]], in_words: Collection[str] = frozenset()
) -> str:
    """Write a table that can be moved sideways.

    Args:
        name: Above it.
        headings: Of its columns.
        rows: Texts.
        in_words: Columns of words: at the left, and broken where they do not fit.
    """
    names = tuple(headings)
    body = "".join(
        f"<tr>{''.join(_cell(text, heading in in_words) for heading, text in zip(names, row, strict=True))}</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table><caption>{escape(name)}</caption>{head(names, in_words)}{body}</table></div>'


def head(headings: Iterable[str], in_words: Collection[str] = frozenset()) -> str:
    """Write a table's first row."""
    cells = (f"<th{' class=words' if heading in in_words else ''}>{escape(heading)}</th>" for heading in headings)
    return f"<tr>{''.join(cells)}</tr>"


def sign(amount: float) -> str:
    """Return the class of an amount's colour."""
    return "up" if amount > 0 else "down" if amount < 0 else ""


def _cell(text: str, wordy: bool) -> str:  # one of two kinds
    kind = ' class="words"' if wordy else ""
    return f"<td{kind}>{escape(text)}</td>"
