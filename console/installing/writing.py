"""Looks at a host's files and writes what was planned, in the tree of `root`."""

import os
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from console.installing.hosts import CONFIGS
from console.installing.plan import Found, Step, noted_after
from mesh.files import make_folder, replace_files

NOTES = f"{CONFIGS}/.installed.json"
"""What was written, by path: only so can a later run tell what somebody changed."""
_OPEN, _ORDINARY = 0o755, 0o022


class Notes(msgspec.Struct, frozen=True):
    """What earlier runs wrote."""

    files: dict[str, str] = {}
    """Digest of what was last written, or laid beside, by path."""
    addresses: dict[str, str] = {}
    """`address` and `hub` that were given: who upgrades need not know them."""


class Tree:
    """The files of a host, or of a folder that is to become one.

    Args:
        root: `/`, or the folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def place(self, path: str) -> Path:
        """Say where an absolute path of the host is."""
        return self.root / path.lstrip("/")

    def look(self, path: str) -> Found | None:
        """See what is there. A link is what somebody put there, never what we wrote. Raises OSError."""
        place = self.place(path)
        try:
            status = place.lstat()
            regular = stat.S_ISREG(status.st_mode)
            return Found(stat.S_IMODE(status.st_mode), place.read_bytes() if regular else None)
        except FileNotFoundError:
            return None
        except PermissionError:
            return Found(0, None, readable=False)

    def noted(self) -> Notes:
        """Read what earlier runs noted; nothing where that is not known: then every file is somebody's."""
        try:
            return msgspec.json.decode(self.place(NOTES).read_bytes(), type=Notes)
        except (FileNotFoundError, msgspec.MsgspecError):
            return Notes()

    def write(self, steps: Sequence[Step], addresses: Mapping[str, str]) -> None:
        """Carry steps out, folders first and each file whole, then note them. Raises OSError.

        Args:
            steps: What is to be done.
            addresses: That went into the files, to be noted; none leaves those that are.
        """
        with _umask(_ORDINARY):  # whatever it is, the services must be able to read their files
            for step in steps:
                if step.written and step.wanted.content is None:
                    self._make(step)
            files = [(self.place(each.target), each.wanted) for each in steps if each.written]
            files = [(place, wanted) for place, wanted in files if wanted.content is not None]
            for place, _ in files:
                make_folder(place.parent, _OPEN)
            replace_files([(place, wanted.content or b"", wanted.mode) for place, wanted in files])
            before = self.noted()
            self._note(before, Notes(noted_after(steps, before.files), {**before.addresses, **addresses}))

    def _make(self, step: Step) -> None:
        folder = self.place(step.path)
        make_folder(folder.parent, _OPEN)
        folder.mkdir(step.wanted.mode, exist_ok=True)
        folder.chmod(step.wanted.mode)  # of one that was there, too open for secrets

    def _note(self, before: Notes, after: Notes) -> None:
        if after != before:
            place = self.place(NOTES)
            make_folder(place.parent, _OPEN)
            replace_files([(place, msgspec.json.format(msgspec.json.encode(after, order="sorted")) + b"\n", 0o644)])


@contextmanager
def _umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def misplaced(root: Path, *, mac: bool) -> bool:
    """Tell whether the system's own tree is that of another kind of machine."""
    return root.resolve() == Path("/") and mac is not (sys.platform == "darwin")


def may_write(root: Path) -> bool:
    """Tell whether this user may write a tree at all: the system's own is root's."""
    return root.resolve() != Path("/") or os.geteuid() == 0
