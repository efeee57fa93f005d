"""What a look at a data folder can find. Pure."""

from dataclasses import dataclass, field
from enum import Enum


class Problem(Enum):
    """Kinds of findings."""

    MISSING = "missing"
    """Committed, but not here."""
    UNEXPECTED = "unexpected"
    """Here, but not in the manifest."""
    OUTDATED = "outdated"
    """Sound, but not the file that the manifest has in force."""
    DAMAGED = "damaged"
    """Its bytes are not those that were committed, or it cannot be read."""
    SCHEMA = "schema"
    """Not candles, or of another version than this software reads."""
    LABEL = "label"
    """The file says of itself something else than its place, its rows or its commit do."""
    ROWS = "rows"
    """Rows out of order, twice, of another shard, or candles that cannot be."""
    STRAY = "stray"
    """A file that is no shard's, where only shards belong."""
    CATALOG = "catalog"
    """The catalog cannot be read; the process that writes the folder rebuilds it at its next start."""
    WAITING = "waiting"
    """Staged, half written or half copied: nothing is wrong with that while a process writes the folder."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found."""

    problem: Problem
    where: str
    """Shard, or path of the file."""
    text: str


@dataclass(slots=True)
class Report:
    """What a look at a whole folder showed."""

    shards: int = 0
    rows: int = 0
    size_bytes: int = 0
    holes: int = 0
    price_only: int = 0
    """Shards of prices alone."""
    findings: list[Finding] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether nothing was found, but for files that wait."""
        return all(finding.problem is Problem.WAITING for finding in self.findings)
