"""What a check is: a name, a verdict, what was found, and what to do about it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

from rich.console import Console
from rich.table import Table
from rich.text import Text

from console.collection.words import plain

Verdict: TypeAlias = Literal["ok", "warning", "problem"]
_COLOURS: dict[Verdict, str] = {"ok": "green", "warning": "yellow", "problem": "bold red"}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    """Of what was looked at, in a word or two."""
    verdict: Verdict
    found: str
    """One line."""
    remedy: str = ""
    """What to do, one line; empty where nothing is to be done."""


def ok(name: str, found: str) -> Check:
    """Say that all is well."""
    return Check(name, "ok", found)


def warning(name: str, found: str, remedy: str) -> Check:
    """Say that somebody should look at it."""
    return Check(name, "warning", found, remedy)


def problem(name: str, found: str, remedy: str) -> Check:
    """Say that something does not work."""
    return Check(name, "problem", found, remedy)


def count(checks: Sequence[Check], verdict: Verdict) -> int:
    """Return how many checks have a verdict."""
    return sum(check.verdict == verdict for check in checks)


def show(console: Console, checks: Sequence[Check]) -> None:
    """Print checks for people."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for check in checks:
        text = Text(plain(check.found))
        if check.remedy:
            text.append(f"\n→ {check.remedy}", style="bold")
        table.add_row(Text(check.verdict, style=_COLOURS[check.verdict]), check.name, text)
    console.print(table)
    found = (count(checks, "problem"), "problem"), (count(checks, "warning"), "warning")
    said = ", ".join(f"{number} {word}{'' if number == 1 else 's'}" for number, word in found)
    console.print(Text(f"\n{len(checks)} checks: {said}", style="bold"))


def document(checks: Sequence[Check]) -> dict[str, Any]:
    """Return checks for programs."""
    return {
        "checks": [asdict(check) for check in checks],
        "problems": count(checks, "problem"),
        "warnings": count(checks, "warning"),
    }
