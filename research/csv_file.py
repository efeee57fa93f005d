"""Rows of trades as a CSV file and back, exactly: what is added up from the file is what the report says.

Amounts are whole micros, counts hundredths of a contract, times ISO 8601 with their zone, other numbers as short as
they can be read back; nothing at all is None. The first line names the columns.
"""

import csv
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, get_args, get_type_hints

from mesh.errors import InvalidInput
from mesh.files import staged_files
from research.rows import COLUMNS, TradeRow

_MODE = 0o644
_READERS: Final[Mapping[type, Callable[[str], object]]] = MappingProxyType(
    {int: int, float: float, str: str, datetime: datetime.fromisoformat}
)


def text(rows: Iterable[TradeRow]) -> str:
    """Write rows, in their order."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_written(getattr(row, name)) for name in COLUMNS] for row in rows)
    return out.getvalue()


def write(path: Path, rows: Iterable[TradeRow]) -> None:
    """Replace a file whole. Raises OSError; the one before then stays."""
    with staged(path, rows):
        pass


@contextmanager
def staged(path: Path, rows: Iterable[TradeRow]) -> Iterator[str]:
    """Replace a file whole when the block ends; gives the SHA-256 of its content. Raises as `write`."""
    content = text(rows).encode()
    with staged_files([(path, content, _MODE)]):
        yield hashlib.sha256(content).hexdigest()


def read(path: Path) -> list[TradeRow]:
    """Read a file that `write` wrote. Columns may stand in another order.

    Raises:
        InvalidInput: `ROWS_UNREADABLE`: it lacks a column, or holds what cannot be in it; the text names the line.
        OSError: It cannot be read.
    """
    with path.open(newline="", encoding="utf-8") as file:
        lines = csv.DictReader(file)
        if lacking := sorted(set(COLUMNS) - _OPTIONAL - set(lines.fieldnames or ())):
            raise _unreadable(f"{path}: no column {lacking[0]}")
        return [_row(line, f"{path}, line {lines.line_num}") for line in lines]


def _kind(hint: Any) -> tuple[type, bool]:
    """Say what a column holds, and whether it may hold nothing."""
    kinds = get_args(hint) or (hint,)
    bases = [getattr(kind, "__supertype__", kind) for kind in kinds]
    return next(base for base in bases if base is not type(None)), type(None) in bases


_KINDS: Final = {name: _kind(hint) for name, hint in get_type_hints(TradeRow).items()}
_OPTIONAL: Final = frozenset(name for name, (_, optional) in _KINDS.items() if optional)


def _written(value: object) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return value.isoformat()
        case float():
            return repr(value)
    return str(value)


def _row(line: Mapping[str, str], where: str) -> TradeRow:
    found: dict[str, Any] = {}
    for name, (kind, optional) in _KINDS.items():
        value = line.get(name)
        if not value and optional:
            found[name] = None
            continue
        try:
            found[name] = _READERS[kind](value if value is not None else "")
        except ValueError as error:
            raise _unreadable(f"{where}: {name} cannot be {value!r}") from error
        if kind is datetime and found[name].tzinfo is None:
            raise _unreadable(f"{where}: {name} does not say its zone")
    return TradeRow(**found)


def _unreadable(words: str) -> InvalidInput:
    return InvalidInput(words, reason="ROWS_UNREADABLE")
