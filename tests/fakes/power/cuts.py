"""Every disk that a power cut may leave of a recorded run, put back so that the next process can start on it."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.fakes.power.disk import Disk, Files, Op
from tests.fakes.power.recorder import Recorder


def cuts(recorder: Recorder, sector: int, *, before: Sequence[Op] = ()) -> Iterator[tuple[Any, Files]]:
    """Give what the outside was told last, None for nothing, and each disk that may be left then, once.

    A power cut is tried before every sync and whenever something was told: between two of those a disk holds a part
    of what is written by the next, which is among the disks that are tried there.

    Args:
        recorder: The run.
        sector: Bytes that are written whole or not at all.
        before: What was done to the disk before the run.
    """
    seen: set[int] = set()
    for strict in (False, True):
        disk = Disk(sector, strict)
        for op in before:
            disk.apply(op)
        told: Any = None
        begin = 0
        for place, what in [*recorder.told, (len(recorder.ops), None)]:
            yield from ((told, files) for files in left(disk, recorder.ops[begin:place]) if _is_new(told, files, seen))
            told, begin = what, place
            yield from ((told, files) for files in disk.states() if what is not None and _is_new(told, files, seen))


def left(disk: Disk, done: Sequence[Op]) -> Iterator[Files]:
    """Do something to a disk, and give what a power cut before each of its syncs, and at the end, would leave."""
    for op in done:
        if op.kind == "sync":
            yield from disk.states()
        disk.apply(op)
    yield from disk.states()


def put_back(files: Files, root: Path) -> None:
    """Make a folder hold these files and no others."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    for name in sorted(files):  # folders before what is in them
        content = files[name]
        if content is None:
            Path(name).mkdir()
        else:
            Path(name).write_bytes(content)


def _is_new(told: Any, files: Files, seen: set[int]) -> bool:
    key = hash((told, frozenset(files.items())))
    new = key not in seen
    seen.add(key)
    return new
