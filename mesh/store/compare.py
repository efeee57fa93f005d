"""Whether two nodes, or two ways of collecting, hold the same candles. Pure."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from mesh.records import CANDLES

_KEY = ["market_ticker", "end_time"]


@dataclass(frozen=True, slots=True)
class Difference:
    """How two tables of one shard differ; all zero where they agree."""

    only_first: int
    """Rows whose market and end the second lacks."""
    only_second: int
    """Rows whose market and end the first lacks."""
    changed: int
    """Rows of the same market and end with another value."""
    columns: tuple[str, ...] = ()
    """Which have another value."""
    example: str = ""
    """Market and end of a row that differs."""

    @property
    def none(self) -> bool:
        """Whether they agree."""
        return not (self.only_first or self.only_second or self.changed)


def compare(first: pa.Table, second: pa.Table) -> Difference:
    """Compare two tables of candles, value by value, by market and end.

    Args:
        first: With the columns of `mesh.records.CANDLES`, without duplicates, in any order.
        second: The same.
    """
    if first.equals(second):
        return Difference(0, 0, 0)
    left, right = (_numbered(table) for table in (first, second))
    only_first, only_second = (
        one.join(other, keys=_KEY, join_type="left anti") for one, other in ((left, right), (right, left))
    )
    pairs = left.join(right, keys=_KEY, join_type="inner", right_suffix="_second")
    one, other = (table.take(pairs.column(name)) for table, name in ((first, "row"), (second, "row_second")))
    differing = {name: _differs(one.column(name), other.column(name)) for name in CANDLES.names if name not in _KEY}
    columns = tuple(name for name, broken in differing.items() if pc.any(broken).as_py())
    changed = one.slice(0, 0)
    if columns:
        broken = differing[columns[0]]
        for name in columns[1:]:
            broken = pc.or_(broken, differing[name])
        changed = one.filter(broken)
    examples = [
        row for table in (only_first, only_second, changed) for row in table.select(_KEY).slice(0, 1).to_pylist()
    ]
    return Difference(
        only_first.num_rows,
        only_second.num_rows,
        changed.num_rows,
        columns,
        f"{examples[0]['market_ticker']} at {examples[0]['end_time'].isoformat()}" if examples else "",
    )


def _numbered(table: pa.Table) -> pa.Table:
    return table.select(_KEY).append_column("row", pa.array(range(table.num_rows), pa.int64()))


def _differs(one: pa.ChunkedArray, other: pa.ChunkedArray) -> pa.ChunkedArray:
    """Say where values differ; null equals null alone."""
    both = pc.and_(pc.is_valid(one), pc.is_valid(other))
    return pc.or_(
        pc.xor(pc.is_valid(one), pc.is_valid(other)), pc.and_(both, pc.fill_null(pc.not_equal(one, other), False))
    )
