"""Whose data folder it is: the node's name, kept beyond its process for those who look at the folder meanwhile."""

import secrets
from pathlib import Path

from mesh.store import naming
from mesh.store.disk import move, write_new
from mesh.store.errors import disk_errors


def note_owner(root: Path, node: str) -> None:
    """Write down the node that has this folder. Raises StoreError where the disk refuses."""
    if owner_of(root) == node:
        return
    temporary = root / naming.INCOMING / f"node.{secrets.token_hex(4)}.tmp"
    with disk_errors():
        write_new(temporary, memoryview(node.encode()))
        move(temporary, root / naming.NODE)


def owner_of(root: Path) -> str:
    """Name the node that has this folder; empty where none has, as in a plain copy. Raises StoreError."""
    with disk_errors():
        try:
            return (root / naming.NODE).read_text(errors="replace")
        except FileNotFoundError:
            return ""
