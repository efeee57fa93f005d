"""What is to be written where, given what is there already. Pure: reads and writes nothing.

A file that `foremesh install` wrote and nobody changed since is ours, and follows the package. One that somebody
changed, or that was there before, is theirs: it is never written, and what the package has by now goes beside it, once.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

BESIDE = ".new"


class State(StrEnum):
    """What becomes of a file or folder."""

    CREATE = "create"
    SAME = "there"
    """As it should be."""
    REPLACE = "replace"
    """There, older, and not changed by anybody."""
    KEEP = "keep"
    """There and changed by somebody; what the package has is known to them."""
    BESIDE = "keep, new one beside it"
    """There and changed by somebody, and the package has something new."""
    UNREADABLE = "cannot be read"
    """There, and hidden from whoever looks."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file or folder that should be there."""

    path: str
    mode: int
    content: bytes | None = None
    """None for a folder."""
    secret: bool = False
    """Brought by the owner each time: what is there gives way."""


@dataclass(frozen=True, slots=True)
class Found:
    """What is there."""

    mode: int
    content: bytes | None
    """None for what is no regular file."""
    readable: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of one path."""

    wanted: Wanted
    state: State

    @property
    def path(self) -> str:
        """Where it is written, or kept."""
        return self.wanted.path

    @property
    def written(self) -> bool:
        """Whether anything is done."""
        return self.state in {State.CREATE, State.REPLACE, State.BESIDE}

    @property
    def target(self) -> str:
        """Where its content goes."""
        return self.path + BESIDE if self.state is State.BESIDE else self.path


def digest(content: bytes) -> str:
    """Name a content."""
    return sha256(content).hexdigest()


def plan(wanted: Iterable[Wanted], look: Callable[[str], Found | None], noted: Mapping[str, str]) -> list[Step]:
    """Decide what becomes of each.

    Args:
        wanted: What should be there.
        look: What is at a path; None where nothing is.
        noted: Digest of what was last written, or laid beside, by path.
    """
    return [Step(each, _state(each, look(each.path), noted.get(each.path))) for each in wanted]


def _state(wanted: Wanted, found: Found | None, noted: str | None) -> State:
    if found is None:
        return State.CREATE
    if not found.readable:
        return State.UNREADABLE
    if wanted.secret:
        same = found.content == wanted.content and not found.mode & 0o077
        return State.SAME if same else State.REPLACE
    if wanted.content is None or found.content == wanted.content:
        return State.SAME
    if found.content is not None and digest(found.content) == noted:
        return State.REPLACE
    return State.KEEP if digest(wanted.content) == noted else State.BESIDE


def noted_after(steps: Iterable[Step], noted: Mapping[str, str]) -> dict[str, str]:
    """Say what is to be noted once all steps are done; secrets are not."""
    fresh = {
        step.path: digest(step.wanted.content)
        for step in steps
        if step.wanted.content is not None and not step.wanted.secret and step.state is not State.UNREADABLE
    }
    return {**noted, **fresh}
