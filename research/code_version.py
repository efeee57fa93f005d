"""Which code a result came from: the version, and a hash of the source that decides, fills, charges and adds up."""

import hashlib
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable

_DECIDING = ("mesh.kalshi", "mesh", "research", "trader.domain", "trader.paper")
_SHORT = 16


@cache
def code_version() -> str:
    """Return `0.3.0+0123456789abcdef`: equal for equal source files, wherever they lie."""
    hashed = hashlib.sha256()
    for package in _DECIDING:
        for name, content in _sources(files(package), package):
            hashed.update(f"{name}\n{len(content)}\n".encode() + content)
    return f"{version('foremesh')}+{hashed.hexdigest()[:_SHORT]}"


def _sources(folder: Traversable, name: str) -> list[tuple[str, bytes]]:
    found = []
    for each in sorted(folder.iterdir(), key=lambda one: one.name):
        if each.is_dir() and name.startswith(("research", "trader")) and not each.name.startswith((".", "_")):
            found += _sources(each, f"{name}.{each.name}")
        elif each.name.endswith(".py"):
            found.append((f"{name}/{each.name}", each.read_bytes()))
    return found
