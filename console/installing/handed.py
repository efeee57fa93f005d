"""Where on a host the files are that a daemon's configuration names: behind what systemd hands the service."""

import os
import re
from pathlib import Path

from console.installing.hosts import UNITS, Host, Service
from console.installing.writing import Tree

_LOADED = re.compile(r"^LoadCredential=([^:\s]+):(\S+)$", re.MULTILINE)
_HANDED = "/run/credentials/"


class Handed:
    """The credentials that a unit, with its drop-ins, hands its service.

    Args:
        tree: The host's files.
        host: Which machine.
        service: Whose unit.
    """

    def __init__(self, tree: Tree, host: Host, service: Service) -> None:
        self._tree = tree
        self._sources: dict[str, str] = {}
        if host.mac:
            return
        node = service.instance.partition("@")[2].removesuffix(".service")
        names = dict.fromkeys((service.unit, service.instance))
        files = [tree.place(f"{UNITS}/{service.unit}")]
        files += [file for name in names for file in sorted(tree.place(f"{UNITS}/{name}.d").glob("*.conf"))]
        for file in filter(Path.is_file, files):
            for name, source in _LOADED.findall(file.read_text()):
                self._sources[f"{_HANDED}{service.instance}/{name}"] = source.replace("%i", node)

    def source(self, path: Path) -> Path | None:
        """Say what file stands behind a path of the configuration; None where the unit hands over no such."""
        if not str(path).startswith(_HANDED):
            return self._tree.place(str(path))
        source = self._sources.get(str(path))
        return None if source is None else self._tree.place(source)

    def usable(self, path: Path) -> Path | None:
        """Say the same of a file that is there and may be read by whoever asks; None of any other."""
        source = self.source(path)
        return source if source is not None and os.access(source, os.R_OK) else None
