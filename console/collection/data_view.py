"""What `foremesh data` found, as tables for people and documents for programs."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console
from rich.text import Text

from console.collection.exporting import Exported
from console.collection.glances import Glance
from console.collection.importing import Fate, Outcome
from console.collection.kinds import Kind
from console.collection.tables import Column, Fitted
from console.collection.verifying import Agreement
from console.collection.words import count, plain, plural
from console.model_view import size
from mesh.shards import Hole, ShardKey
from mesh.store.findings import Finding, Problem, Report
from mesh.types import CENT

SHOWN = ("market_ticker", "end_time", "price_close_micros", "volume_hundredths")
"""Columns that `markets_of` needs."""
_MOST_TOLD = 20
_SPARKS = "▁▂▃▄▅▆▇█"
_SPARK_WIDTH = 24
_HUNDRED = 100.0


# --- import


def show_import(console: Console, outcomes: Sequence[Outcome], source: Path, *, dry_run: bool) -> None:
    """Print what became of each kind of file, then every note and problem, as far as they fit on a screen."""
    groups = [(kind.value, [each for each in outcomes if each.kind is kind]) for kind in Kind]
    known = [each for each in outcomes if each.kind is not None]
    console.print(Fitted([*(group for group in groups if group[1]), ("all", known)], _IMPORTED))
    for reason, number in Counter(each.left_out for each in outcomes if each.left_out).items():
        console.print(Text(f"{plural(number, 'file')} left out: {reason}", style="dim"))
    notes = Counter(note for each in outcomes for note in each.notes)
    for note, number in notes.most_common(_MOST_TOLD):
        console.print(Text(f"{plural(number, 'file')}: {note}"))
    told = [f"{_below(each.file, source)}: {_placed(problem)}" for each in outcomes for problem in each.problems]
    _tell(console, told, "refused")
    if dry_run:
        console.print(Text("Nothing was written: --dry-run.", style="bold"))


def import_document(outcomes: Sequence[Outcome], *, dry_run: bool) -> dict[str, Any]:
    """Give an import to programs, file by file."""
    return {
        "dry_run": dry_run,
        "files": [
            {
                "file": str(each.file),
                "kind": each.kind.name.lower() if each.kind else None,
                "stored": [asdict(stored) | {"fate": stored.fate.value} for stored in each.stored],
                "problems": [asdict(problem) for problem in each.problems],
                "notes": each.notes,
                "left_out": each.left_out,
            }
            for each in outcomes
        ],
    }


Group = tuple[str, Sequence[Outcome]]


def _fates(group: Group, fate: Fate) -> str:
    return count(sum(stored.fate is fate for each in group[1] for stored in each.stored))


def _summed(group: Group, name: str) -> str:
    return count(sum(getattr(stored, name) for each in group[1] for stored in each.stored))


_IMPORTED: tuple[Column[Group], ...] = (
    Column("kind", lambda group: group[0]),
    Column("files", lambda group: count(len(group[1])), justify="right"),
    Column("new", lambda group: _fates(group, Fate.NEW), justify="right"),
    Column("same", lambda group: _fates(group, Fate.UNCHANGED), justify="right"),
    Column("kept", lambda group: _fates(group, Fate.KEPT), justify="right"),
    Column("rows", lambda group: _summed(group, "rows"), justify="right"),
    Column("holes", lambda group: _summed(group, "holes"), justify="right"),
    Column("price-only", lambda group: _summed(group, "price_only"), 1, justify="right"),
    Column("refused", lambda group: count(sum(len(each.problems) for each in group[1])), justify="right"),
)


def _placed(problem: Any) -> str:
    return f"{problem.place}: {problem.what}" if problem.place else str(problem.what)


def _below(file: Path, source: Path) -> Path:
    return file.relative_to(source) if file.is_relative_to(source) and file != source else file


# --- list, holes


def show_list(console: Console, found: Sequence[Glance], unread: Sequence[str]) -> None:
    """Print shards, and their sum."""
    if found:
        console.print(Fitted(found, _LISTED))
    rows, held = sum(each.rows for each in found), sum(each.size_bytes for each in found)
    holes, bare = sum(len(each.label.holes) for each in found), sum(each.price_only for each in found)
    said = f"{plural(len(found), 'shard')}, {plural(rows, 'row')}, {size(held)}, {plural(holes, 'hole')}"
    console.print(Text(f"{said}, {bare:,} price-only", style="bold"))
    _tell(console, unread, "unreadable")


def show_holes(console: Console, found: Sequence[Glance], unread: Sequence[str]) -> None:
    """Print holes, and their sum by reason."""
    holes = [(each.label.key, hole) for each in found for hole in each.label.holes]
    if holes:
        console.print(Fitted(holes, _HOLES))
    reasons = Counter(hole.reason.value.replace("_", " ") for _, hole in holes)
    said = ", ".join(f"{number:,} {reason}" for reason, number in reasons.most_common())
    console.print(Text(f"{plural(len(holes), 'hole')} in {plural(len(found), 'shard')}" + (f": {said}" if said else ""),
                       style="bold"))  # fmt: skip
    _tell(console, unread, "unreadable")


def _minute(instant: datetime | None) -> str:
    return f"{instant:%Y-%m-%d %H:%M}" if instant else ""


_LISTED: tuple[Column[Glance], ...] = (
    Column("shard", lambda row: str(row.label.key)),
    Column("rows", lambda row: count(row.rows), justify="right"),
    Column("first (UTC)", lambda row: _minute(row.first), 3),
    Column("last (UTC)", lambda row: _minute(row.last), 1),
    Column("holes", lambda row: count(len(row.label.holes)), justify="right"),
    Column("content", lambda row: "prices" if row.price_only else "quotes"),
    Column("origin", lambda row: row.label.origin.value, 4),
    Column("epoch", lambda row: count(row.label.epoch), 5, justify="right"),
    Column("size", lambda row: size(row.size_bytes), 2, justify="right"),
)

_HOLES: tuple[Column[tuple[ShardKey, Hole]], ...] = (
    Column("shard", lambda row: str(row[0]), 3),
    Column("market", lambda row: plain(row[1].market)),
    Column("reason", lambda row: row[1].reason.value.replace("_", " ")),
    Column("from (UTC)", lambda row: _minute(row[1].first) or "open", 2),
    Column("to (UTC)", lambda row: _minute(row[1].last) or "close", 2),
    Column("tries", lambda row: count(row[1].attempts), 4, justify="right"),
    Column("detail", lambda row: plain(row[1].detail), 1, most=60),
)


# --- show


@dataclass(frozen=True, slots=True)
class Market:
    """One market of a shard."""

    ticker: str
    candles: int
    first: datetime
    last: datetime
    traded: int
    """Candles with a trade."""
    volume_hundredths: int
    closes_micros: tuple[int | None, ...]
    """Of every candle, oldest first; None without a trade."""

    def document(self) -> dict[str, Any]:
        """Give it to programs, without its closes."""
        return {
            "market": self.ticker,
            "candles": self.candles,
            "first_time": self.first.isoformat(),
            "last_time": self.last.isoformat(),
            "traded_candles": self.traded,
            "volume_hundredths": self.volume_hundredths,
            "last_close_micros": next((close for close in reversed(self.closes_micros) if close is not None), None),
        }


def markets_of(table: pa.Table) -> list[Market]:
    """Sum a shard up by market; the table has the columns of SHOWN, by market and time."""
    found = []
    for ticker in pc.unique(table.column("market_ticker")).to_pylist():
        rows = table.filter(pc.equal(table.column("market_ticker"), ticker))
        ends, closes = rows.column("end_time"), rows.column("price_close_micros")
        found.append(
            Market(
                ticker=ticker,
                candles=rows.num_rows,
                first=ends[0].as_py(),
                last=ends[-1].as_py(),
                traded=rows.num_rows - closes.null_count,
                volume_hundredths=pc.sum(rows.column("volume_hundredths")).as_py() or 0,
                closes_micros=tuple(closes.to_pylist()),
            )
        )
    return found


def show_shard(console: Console, found: Glance, markets: Sequence[Market]) -> None:
    """Print a shard market by market, then its holes."""
    said = "traded prices alone" if found.price_only else "prices and quotes"
    console.print(Text(str(found.label.key), style="bold"),
                  Text(f"{said}, by {found.label.origin.value}, asked until {_minute(found.label.covered_end)} UTC"),
                  soft_wrap=True)  # fmt: skip
    if markets:
        console.print(Fitted(markets, _MARKETS))
    if found.label.holes:
        console.print()
        console.print(Fitted([(found.label.key, hole) for hole in found.label.holes], _HOLES[1:]))
    console.print(
        Text(f"{plural(found.rows, 'row')}, {size(found.size_bytes)}, {plural(len(found.label.holes), 'hole')}",
             style="bold")
    )  # fmt: skip


def spark(closes: Sequence[int | None], width: int = _SPARK_WIDTH) -> str:
    """Draw closes from 0 to 100 cents as a line of blocks, the last of each stretch; a stretch without one is a dot."""
    stretches = [closes[len(closes) * place // width : len(closes) * (place + 1) // width] for place in range(width)]
    if len(closes) < width:
        stretches = [closes[place : place + 1] for place in range(len(closes))]
    drawn = ""
    for stretch in stretches:
        last = next((close for close in reversed(stretch) if close is not None), None)
        drawn += "·" if last is None else _SPARKS[min(int(last / CENT / _HUNDRED * len(_SPARKS)), len(_SPARKS) - 1)]
    return drawn


def _range(market: Market) -> str:
    known = [close for close in market.closes_micros if close is not None]
    return f"{min(known) / CENT:g} to {max(known) / CENT:g}" if known else ""


_MARKETS: tuple[Column[Market], ...] = (
    Column("market", lambda row: plain(row.ticker)),
    Column("candles", lambda row: count(row.candles), justify="right"),
    Column("traded", lambda row: count(row.traded), justify="right"),
    Column("first (UTC)", lambda row: _minute(row.first), 3),
    Column("last (UTC)", lambda row: _minute(row.last), 2),
    Column("contracts", lambda row: count(row.volume_hundredths / _HUNDRED), 1, justify="right"),
    Column("cents", _range, 1, justify="right"),
    Column("closes, 0 to 100 c", lambda row: spark(row.closes_micros)),
)


# --- export, verify


def show_export(console: Console, exported: Exported) -> None:
    """Print what an export wrote."""
    console.print(Text(f"{exported.file}: {plural(exported.rows, 'row')} of {plural(exported.shards, 'shard')}"))
    if exported.left_out:
        shards = plural(exported.left_out, "shard")
        console.print(Text(f"{shards} of traded prices alone left out; --price-only has them, too", style="yellow"))


def show_verify(console: Console, report: Report, agreed: Agreement | None, elsewhere: int | None) -> None:
    """Print a verdict, then whatever was found."""
    said = f"{plural(report.shards, 'shard')}, {plural(report.rows, 'row')}, {size(report.size_bytes)}"
    console.print(Text(f"{said}, {plural(report.holes, 'hole')}, {report.price_only:,} price-only"))
    if elsewhere is not None:
        console.print(Text(f"{plural(elsewhere, 'shard')} that the coordinator has entered {_are(elsewhere)} not here"))
    if agreed is not None:
        for node in sorted(agreed.same.keys() | agreed.not_held.keys()):
            same = f"{plural(agreed.same[node], 'file')} the same, {plural(agreed.not_held[node], 'shard')} not held"
            console.print(Text(f"{node}: {same}"))
    waiting = [finding for finding in report.findings if finding.problem is Problem.WAITING]
    if waiting:
        console.print(Text(f"{plural(len(waiting), 'file')} waiting in .incoming", style="dim"))
    _tell(console, [_found(finding) for finding in report.findings if finding.problem is not Problem.WAITING], "wrong")
    if agreed is not None:
        _tell(console, agreed.different, "different")
        _tell(console, agreed.failed, "not compared")
    bad = not report.sound or (agreed is not None and (agreed.different or agreed.failed))
    console.print(Text("something is wrong", style="bold red") if bad else Text("sound", style="bold green"))


def verify_document(report: Report, agreed: Agreement | None, elsewhere: int | None) -> dict[str, Any]:
    """Give a verdict to programs."""
    findings = [asdict(finding) | {"problem": finding.problem.value} for finding in report.findings]
    found = asdict(report) | {"findings": findings, "sound": report.sound}
    if elsewhere is not None:
        found["elsewhere"] = elsewhere
    if agreed is not None:
        counted = {"same": dict(agreed.same), "not_held": dict(agreed.not_held)}  # asdict spoils a Counter
        found["agreement"] = counted | {"different": agreed.different, "failed": agreed.failed}
    return found


def _found(finding: Finding) -> str:
    return f"{finding.problem.value}: {plain(finding.where)}: {plain(finding.text)}"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _tell(console: Console, told: Sequence[str], what: str) -> None:
    """Print the first few of what went wrong, and how many more there are."""
    for line in told[:_MOST_TOLD]:
        console.print(Text(f"{what}: ", style="bold red"), Text(plain(line)), sep="", soft_wrap=True)
    if len(told) > _MOST_TOLD:
        console.print(Text(f"and {len(told) - _MOST_TOLD:,} more; --json has them all", style="bold red"))
