"""What the file of a shard says of itself: everything but the coordinator's word. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

import msgspec

from mesh.shards import Content, Hole, ShardKey
from mesh.types import utc

_SHARD, _EPOCH, _ORIGIN = "foremesh.shard", "foremesh.epoch", "foremesh.origin"
_CONTENT, _COVERED_END, _HOLES = "foremesh.content", "foremesh.covered_end", "foremesh.holes"


class Origin(Enum):
    """By what right a file was made."""

    LEASE = "lease"
    IMPORT = "import"
    """From existing files."""
    STATIC = "static"
    """Collected by the static split, without a coordinator."""


@dataclass(frozen=True, slots=True)
class Label:
    """What a shard's file is, by its own words."""

    key: ShardKey
    epoch: int
    """Of the lease; 0 without one."""
    origin: Origin
    content: Content
    covered_end: datetime
    """Candles ending up to here were asked for, UTC."""
    holes: tuple[Hole, ...]

    def __post_init__(self) -> None:
        """ValueError for an epoch that does not go with the origin, or a time without a zone."""
        if (self.epoch > 0) != (self.origin is Origin.LEASE) or self.epoch < 0:
            raise ValueError(f"epoch {self.epoch} by {self.origin.value}")
        utc(self.covered_end)

    def notes(self) -> dict[str, str]:
        """Write it."""
        return {
            _SHARD: str(self.key),
            _EPOCH: str(self.epoch),
            _ORIGIN: self.origin.value,
            _CONTENT: self.content.value,
            _COVERED_END: utc(self.covered_end).isoformat(),
            _HOLES: holes_text(self.holes),
        }

    @classmethod
    def parse(cls, notes: Mapping[str, str]) -> "Label":
        """Read it. ValueError where something is missing or wrong."""
        try:
            return cls(
                key=ShardKey.parse(notes[_SHARD]),
                epoch=int(notes[_EPOCH]),
                origin=Origin(notes[_ORIGIN]),
                content=Content(notes[_CONTENT]),
                covered_end=utc(datetime.fromisoformat(notes[_COVERED_END])),
                holes=holes_of(notes[_HOLES]),
            )
        except KeyError as error:
            raise ValueError(f"says nothing of {error}") from error


def holes_text(holes: Iterable[Hole]) -> str:
    """Write holes as JSON."""
    return msgspec.json.encode(tuple(holes)).decode()


def holes_of(text: str) -> tuple[Hole, ...]:
    """Read them. ValueError if they are none."""
    return msgspec.json.decode(text, type=tuple[Hole, ...])
