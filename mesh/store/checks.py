"""What must hold of a table of candles, looked for in whole columns. Pure."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from mesh.records import CANDLES, QUOTE_COLUMNS
from mesh.shards import Content, ShardKey
from mesh.types import DOLLAR

_PRICES = tuple(name for name in CANDLES.names if name.endswith("_micros"))
_COUNTS = tuple(name for name in CANDLES.names if name.endswith("_hundredths"))
_INSIDE = ("open", "close")
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Flaw:
    """One rule that rows break."""

    rule: str
    """Such as `order`, `duplicate`, `price_range`."""
    count: int
    """Rows that break it."""
    example: str
    """The first of them, in words."""

    def __str__(self) -> str:
        """For people."""
        return f"{self.rule}: {self.count} rows, first {self.example}"


def check_order(table: pa.Table, order: tuple[str, str] = ("market_ticker", "end_time")) -> list[Flaw]:
    """Find rows that stand before their predecessor (`order`) or repeat its key (`duplicate`).

    Args:
        table: Any number of rows, with the two columns of `order`.
        order: A text column, then one that compares.
    """
    if table.num_rows < 2:  # noqa: PLR2004  a pair
        return []
    major, minor = (_flat(table.column(name)) for name in order)
    before, after = major.slice(0, len(major) - 1), major.slice(1)
    same = pc.equal(before, after)
    earlier, later = minor.slice(0, len(minor) - 1), minor.slice(1)
    back = pc.or_(pc.less(after, before), pc.and_(same, pc.less(later, earlier)))
    twice = pc.and_(same, pc.equal(later, earlier))
    return [*_flaw("order", back, table, 1), *_flaw("duplicate", twice, table, 1)]


def check_shard(table: pa.Table, key: ShardKey, content: Content) -> list[Flaw]:
    """Find rows that do not belong into the file of this shard, or not in this order: no file may hold them."""
    flaws = check_order(table)
    for name, value in (("series_ticker", key.series), ("event_ticker", key.event), ("step_seconds", key.step_seconds)):
        flaws += _flaw(f"another {name}", pc.not_equal(table.column(name), value), table)
    if content is Content.PRICES:
        for name in QUOTE_COLUMNS:
            flaws += _flaw("quotes among prices alone", pc.is_valid(table.column(name)), table)
    return flaws


def check_sense(table: pa.Table, step_seconds: int) -> list[Flaw]:
    """Find candles that cannot be: prices out of range or out of order, counts below zero, ends off the step.

    Values that are null are not compared: a recording may have kept a part of each candle.
    """
    flaws = []
    for name in _PRICES:
        column = table.column(name)
        flaws += _flaw(f"{name} not within a dollar", pc.or_(pc.less(column, 0), pc.greater(column, DOLLAR)), table)
    for name in _COUNTS:
        flaws += _flaw(f"{name} below zero", pc.less(table.column(name), 0), table)
    for kind in ("price", "yes_bid", "yes_ask"):
        low, high = (table.column(f"{kind}_{end}_micros") for end in ("low", "high"))
        flaws += _flaw(f"{kind} low above high", pc.greater(low, high), table)
        for moment in (*_INSIDE, "mean") if kind == "price" else _INSIDE:
            value = table.column(f"{kind}_{moment}_micros")
            beyond = pc.or_kleene(pc.less(value, low), pc.greater(value, high))
            flaws += _flaw(f"{kind} {moment} outside low and high", beyond, table)
    for moment in _INSIDE:
        bid, ask = (table.column(f"{side}_{moment}_micros") for side in ("yes_bid", "yes_ask"))
        flaws += _flaw(f"bid above ask at the {moment}", pc.greater(bid, ask), table)
    untraded = pc.and_(pc.greater(table.column("volume_hundredths"), 0), pc.is_null(table.column("price_close_micros")))
    flaws += _flaw("contracts traded at no price", untraded, table)
    if step_seconds < _DAY:  # a day's candle ends when the exchange says that the day does
        micros = pc.cast(table.column("end_time"), pa.int64())
        step = step_seconds * 1_000_000
        flaws += _flaw("end off the step", pc.not_equal(pc.multiply(pc.divide(micros, step), step), micros), table)
    return flaws


def _flaw(rule: str, broken: pa.ChunkedArray | pa.Array, table: pa.Table, shift: int = 0) -> list[Flaw]:
    """Make a flaw of a column of truths, if any is true; `shift` rows lie between its start and the table's."""
    count = pc.sum(broken).as_py() or 0
    if not count:
        return []
    row = table.slice(pc.index(broken, value=True).as_py() + shift, 1).to_pylist()[0]
    return [Flaw(rule, count, f"{row['market_ticker']} at {row['end_time'].isoformat()}")]


def _flat(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
