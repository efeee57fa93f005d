"""Import of files that others recorded: shards and tables from them, and what became of each."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from console.collection import predecessor, recorded
from console.collection.kinds import Kind, NotImported, first_line, kind_of
from console.collection.made import Found, Made, Problem, is_ticker, shards_of
from console.collection.values import ColumnError, Fault
from console.collection.words import plain, plural
from mesh.errors import AlreadyExists, InvalidInput
from mesh.records import MARKETS, TRADES, schema_order
from mesh.shards import Content
from mesh.store import naming
from mesh.store.disk import digest_of
from mesh.store.errors import disk_errors
from mesh.store.folder import DataFolder
from mesh.store.label import Label, Origin
from mesh.store.shard_file import shard_bytes
from mesh.store.tables import read_table, write_table

UTC = ZoneInfo("UTC")
_EVENT_MARKET = ("event_ticker", "market_ticker")


class Fate(Enum):
    """What became of a shard or table."""

    NEW = "new"
    UNCHANGED = "unchanged"
    """The very same is there."""
    KEPT = "kept"
    """Another one is there, and stays."""


Change = tuple[Fate, pa.Table | None, int]
"""What becomes of a table, what is to be written, and how many rows that concerns."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A shard, or another table, that a file holds."""

    name: str
    """`SERIES/EVENT/STEP`, or the place of the table in the folder."""
    fate: Fate
    rows: int
    holes: int = 0
    price_only: bool = False


@dataclass(slots=True)
class Outcome:
    """What became of one file."""

    file: Path
    kind: Kind | None = None
    """None if it was not imported."""
    stored: list[Stored] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    """What was not taken over."""
    notes: list[str] = field(default_factory=list)
    """What people should know; nothing is lost by it."""
    left_out: str = ""
    """Why a sound file is no business of an import."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """How files are imported."""

    root: Path
    """Of the data folder."""
    folder: DataFolder | None
    """The same, held for writing; None looks only at what would be done."""
    series: Collection[str] = ()
    """To import; empty takes all."""
    step: int | None = None
    """Seconds of a candle in the predecessor's files; None tells it by their times."""
    zone: ZoneInfo = UTC
    """Of times that do not name theirs."""

    def run(self, files: Sequence[Path]) -> Iterator[Outcome]:
        """Import files one after the other, those of markets first: they say which markets candles should hold.

        Raises:
            StoreError: The disk refuses.
        """
        listed: dict[str, set[str]] = {}
        waiting: list[Outcome] = []
        for outcome in map(_looked_at, files):
            if outcome.kind is Kind.MARKETS:
                self._markets(outcome, listed)
            if outcome.kind in (None, Kind.MARKETS):
                yield outcome
            else:
                waiting.append(outcome)
        for outcome in waiting:
            self._rows(outcome, listed)
            yield outcome

    def _markets(self, outcome: Outcome, listed: dict[str, set[str]]) -> None:
        table = self._read(outcome)
        if table is None:
            return
        try:
            rows = _sound(outcome, *recorded.markets_of(table))
        except (ColumnError, pa.ArrowException) as error:
            outcome.problems.append(Problem("", first_line(error)))
            return
        for event, market in zip(*(rows.column(name).to_pylist() for name in _EVENT_MARKET), strict=True):
            listed.setdefault(event, set()).add(market)
        self._tables(outcome, rows, lambda series: naming.markets(self.root, series), _with_markets)

    def _rows(self, outcome: Outcome, listed: dict[str, set[str]]) -> None:
        table = self._read(outcome)
        if table is None:
            return
        try:
            if outcome.kind is Kind.TRADES:
                trades = _sound(outcome, *recorded.trades_of(table))
            elif outcome.kind is Kind.CANDLES:
                found = shards_of(*recorded.candles_of(table), listed)
            else:
                event = predecessor.candles_of(table, outcome.file, step=self.step, zone=self.zone)
                outcome.notes += event.notes
                found = shards_of(event.table, event.faults, listed)
        except (ColumnError, pa.ArrowException) as error:
            outcome.problems.append(Problem("", first_line(error)))
            return
        if outcome.kind is Kind.TRADES:
            folder = self.root / naming.TRADES
            self._tables(outcome, trades, lambda series: folder / series / outcome.file.name, _as_it_is)
        else:
            self._shards(outcome, found)

    def _read(self, outcome: Outcome) -> pa.Table | None:
        """Read a file without the series that are not wanted; None where nothing is left, or it cannot be read."""
        file = outcome.file
        if self.series and outcome.kind is Kind.PREDECESSOR and file.absolute().parent.name not in self.series:
            outcome.left_out = "of another series"
            return None
        try:
            table = pq.ParquetFile(file).read()
            if self.series and outcome.kind is not Kind.PREDECESSOR:
                series = table.column("series_ticker").cast(pa.string())
                table = table.filter(pc.is_in(series, pa.array(list(self.series))))
        except (pa.ArrowException, OSError) as error:
            outcome.problems.append(Problem("", f"cannot be read: {first_line(error)}"))
            return None
        if not table.num_rows:
            outcome.left_out = "of another series" if self.series else "holds no rows"
            return None
        return table

    def _shards(self, outcome: Outcome, found: Found) -> None:
        outcome.problems += found.problems
        for made in found.made:
            try:
                fate = self._shard(made)
            except (InvalidInput, AlreadyExists) as error:
                outcome.problems.append(Problem(str(made.key), error.message))
            else:
                price_only = made.content is Content.PRICES
                outcome.stored.append(Stored(str(made.key), fate, made.table.num_rows, len(made.holes), price_only))

    @disk_errors()
    def _shard(self, made: Made) -> Fate:
        label = Label(made.key, 0, Origin.IMPORT, made.content, made.covered_end, made.holes)
        path = naming.visible(self.root, made.key)
        if path.exists():
            same = shard_bytes(label, made.table)[1].sha256 == digest_of(path).sha256
            return Fate.UNCHANGED if same else Fate.KEPT
        if self.folder is None:
            shard_bytes(label, made.table)
        else:
            self.folder.adopt(
                made.key, made.table, origin=label.origin, content=made.content, covered_end=made.covered_end,
                holes=made.holes,
            )  # fmt: skip
        return Fate.NEW

    def _tables(
        self,
        outcome: Outcome,
        table: pa.Table,
        path_of: Callable[[str], Path],
        kept: Callable[[Path, pa.Table], Change],
    ) -> None:
        """Keep one table a series."""
        for series in table.column("series_ticker").unique().to_pylist():
            if not is_ticker(series):
                outcome.problems.append(Problem(plain(series)[:100], "is no ticker"))
                continue
            rows = table.filter(pc.equal(table.column("series_ticker"), series))
            path = path_of(series)
            fate, content, number = kept(path, rows)
            if content is not None and self.folder is not None:
                write_table(path, content)
            outcome.stored.append(Stored(str(path.relative_to(self.root)), fate, number))


def _with_markets(path: Path, rows: pa.Table) -> Change:
    """Add the markets that a series' file lacks; rows that are there stay: the exchange's own listing writes them."""
    if not path.exists():
        return Fate.NEW, rows, rows.num_rows
    there = read_table(path, MARKETS)
    known = pc.is_in(rows.column("market_ticker"), value_set=there.column("market_ticker").combine_chunks())
    lacking = rows.filter(pc.invert(known))
    if lacking.num_rows:
        return Fate.NEW, _sorted(pa.concat_tables([there, lacking])), lacking.num_rows
    same = there.filter(
        pc.is_in(there.column("market_ticker"), value_set=rows.column("market_ticker").combine_chunks())
    )
    return Fate.UNCHANGED if same.equals(rows) else Fate.KEPT, None, rows.num_rows


def _as_it_is(path: Path, rows: pa.Table) -> Change:
    """Write a file once."""
    if not path.exists():
        return Fate.NEW, rows, rows.num_rows
    return Fate.UNCHANGED if read_table(path, TRADES).equals(rows) else Fate.KEPT, None, rows.num_rows


def _sorted(table: pa.Table) -> pa.Table:
    return table.sort_by([(name, "ascending") for name in schema_order(table.schema)])


def _looked_at(file: Path) -> Outcome:
    outcome = Outcome(file)
    try:
        outcome.kind = kind_of(file)
    except NotImported as error:
        outcome.left_out = str(error)
    except ColumnError as error:
        outcome.problems.append(Problem("", str(error)))
    return outcome


def _sound(outcome: Outcome, table: pa.Table, faults: Sequence[Fault]) -> pa.Table:
    """Leave out broken rows, and of markets those that come twice; the rest sorted as its schema says."""
    outcome.problems += [Problem(f"row {fault.row}", fault.what) for fault in faults]
    broken = pa.array([fault.row - 1 for fault in faults], pa.int64())
    table = table.filter(pc.invert(pc.is_in(pa.array(range(table.num_rows), pa.int64()), value_set=broken)))
    table = _sorted(table)
    if outcome.kind is Kind.MARKETS:
        keys = list(zip(*(table.column(name).to_pylist() for name in _EVENT_MARKET), strict=True))
        first = [place == 0 or key != keys[place - 1] for place, key in enumerate(keys)]
        if not all(first):
            outcome.problems.append(Problem("", f"{plural(first.count(False), 'row')} for a market that has one"))
            table = table.filter(pa.array(first))
    return table.cast(MARKETS if outcome.kind is Kind.MARKETS else TRADES)
