"""A disk as a power cut may leave it: what was synced, and any part of what was not.

A file's bytes last once the file was synced, its name once its folder was (`strict`) or, as ext4 does it, once anything
was. Of what was written since, the disk may hold all, nothing, the first so many pieces, one piece alone, or all but
one; a piece is a part of a write between two borders of `sector` bytes. Names come in their order, up to any of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Literal

Files = dict[str, bytes | None]
"""What a disk holds: content by path, None for a folder."""


@dataclass(frozen=True, slots=True)
class Op:
    """One thing that was done to a disk.

    `link` makes a file, or a folder; `sync` makes a file's bytes last, or a folder's names.
    """

    kind: Literal["link", "folder", "write", "cut", "rename", "unlink", "sync"]
    path: str
    other: str = ""
    """Of a rename: the new name."""
    at: int = 0
    """Of a write: its first byte; of a cut: the new length."""
    data: bytes = b""


_Piece = tuple[int, Op]
"""A write or cut and the file, by number, that it changes."""


@dataclass
class Disk:
    """Files by number, with bytes that last and changes that may not; names likewise."""

    sector: int = 512
    strict: bool = False
    lasting: dict[str, int] = field(default_factory=dict)
    """Names that are on the disk for good."""
    named: dict[str, int] = field(default_factory=dict)
    """Names as the running process sees them."""
    content: dict[int, bytes | None] = field(default_factory=dict)
    """Bytes that are on the disk for good; None for a folder."""
    pieces: list[_Piece] = field(default_factory=list)
    naming: list[tuple[str, int | None]] = field(default_factory=list)
    """Names that may not be on the disk yet; None where one went away."""

    def apply(self, op: Op) -> None:
        """Do something."""
        match op.kind:
            case "link" | "folder":
                number = len(self.content) + 1
                self.content[number] = b"" if op.kind == "link" else None
                self._name(op.path, number)
            case "write" | "cut":
                self.pieces += [(self.named[op.path], piece) for piece in _pieces(op, self.sector)]
            case "rename":
                self._name(op.other, self.named[op.path])
                self._name(op.path, None)
            case "unlink":
                if op.path in self.named:
                    self._name(op.path, None)
            case "sync":
                self._sync(op.path)

    def whole(self) -> Files:
        """Give everything as the running process sees it, and the next one if only this process ends."""
        return {name: self._bytes(number, self.pieces) for name, number in self.named.items()}

    def states(self) -> Iterator[Files]:
        """Give every disk that a power cut may leave now."""
        pieces, count = self.pieces, len(self.pieces)
        some = [pieces[:kept] for kept in range(count + 1)]
        some += [[piece] for piece in pieces]
        some += [pieces[:place] + pieces[place + 1 :] for place in range(count)]
        for kept in some:
            for names in {0, len(self.naming)}:
                yield self._state(kept, names)
        for names in range(1, len(self.naming)):
            for kept in ([], pieces):
                yield self._state(kept, names)

    def _name(self, path: str, number: int | None) -> None:
        self.naming.append((path, number))
        _rename(self.named, path, number)

    def _sync(self, path: str) -> None:
        number = self.named.get(path, 0)
        if number and self.content[number] is not None:
            self.content[number] = self._bytes(number, self.pieces)
            self.pieces = [piece for piece in self.pieces if piece[0] != number]
        rest = []
        for name, what in self.naming:
            if not self.strict or str(PurePath(name).parent) == path:
                _rename(self.lasting, name, what)
            else:
                rest.append((name, what))
        self.naming = rest

    def _state(self, kept: list[_Piece], names: int) -> Files:
        found = dict(self.lasting)
        for name, number in self.naming[:names]:
            _rename(found, name, number)
        # What is in a folder that is not there cannot be found.
        reached = [
            name
            for name in found
            if all(str(above) in found for above in PurePath(name).parents if str(above) in self.named)
        ]
        return {name: self._bytes(found[name], kept) for name in reached}

    def _bytes(self, number: int, kept: list[_Piece]) -> bytes | None:
        lasting = self.content[number]
        if lasting is None:
            return None
        found = bytearray(lasting)
        for owner, op in kept:
            if owner != number:
                continue
            if op.kind == "cut":
                del found[op.at :]
            end = op.at + len(op.data)
            found.extend(bytes(max(0, end - len(found))))  # also where a cut makes a file longer
            found[op.at : end] = op.data
        return bytes(found)


def _rename(names: dict[str, int], path: str, number: int | None) -> None:
    if number is None:
        names.pop(path, None)
    else:
        names[path] = number


def _pieces(op: Op, sector: int) -> Iterator[Op]:
    """Split a write at the borders of sectors, which a power cut leaves whole."""
    at, data = op.at, op.data
    while len(data) > (room := sector - at % sector):
        yield Op("write", op.path, at=at, data=data[:room])
        at, data = at + room, data[room:]
    yield Op(op.kind, op.path, at=at, data=data)
