"""One writing process a folder."""

import contextlib
import fcntl
import os
import socket
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from mesh.store.errors import StoreError

_MOST_BYTES = 1000


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a lock file, and say in it who does; the system lets go of it when the process ends, however it ends.

    Raises:
        StoreError: `FOLDER_TAKEN`, naming the holder.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, _MOST_BYTES, 0).decode(errors="replace").strip() or "another process"
            raise StoreError(f"{path.parent} is being written by {holder}", reason="FOLDER_TAKEN") from None
        since = datetime.now(UTC).isoformat(timespec="seconds")
        program = Path(sys.argv[0]).name or "python"
        os.ftruncate(descriptor, 0)
        os.pwrite(
            descriptor, f"{program}, process {os.getpid()} on {socket.gethostname()}, since {since}\n".encode(), 0
        )
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)
