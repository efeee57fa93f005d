"""Records what this process does to the files of a folder: every write, cut, rename, removal and sync, in their order.

SQLite's own calls are seen where it makes them, at its interface to the system (its VFS), of the library that the
`sqlite3` module uses. What Python does is seen at `os`: the bytes of a file where it is synced or renamed. Files of
shared memory (`-shm`) are left out: they are made anew from the others. `tests/sim/test_power_cuts.py` holds the
recorder against strace.
"""

import _sqlite3
import contextlib
import ctypes
import os
import stat
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from tests.fakes.power.disk import Op

_INT, _PTR, _I64, _STR = ctypes.c_int, ctypes.c_void_p, ctypes.c_int64, ctypes.c_char_p
_OPEN = ctypes.CFUNCTYPE(_INT, _PTR, _PTR, _PTR, _INT, _PTR)
_DELETE = ctypes.CFUNCTYPE(_INT, _PTR, _STR, _INT)
_WRITE = ctypes.CFUNCTYPE(_INT, _PTR, _PTR, _INT, _I64)
_CUT = ctypes.CFUNCTYPE(_INT, _PTR, _I64)
_SYNC = ctypes.CFUNCTYPE(_INT, _PTR, _INT)
_FOLDER = ctypes.CFUNCTYPE(_INT, _STR, _PTR)
_SET = ctypes.CFUNCTYPE(_INT, _PTR, _STR, _PTR)
_GET = ctypes.CFUNCTYPE(_PTR, _PTR, _STR)
_METHODS_BYTES = 19 * 8
"""Of `sqlite3_io_methods` of version 3, the newest there is."""


class _Vfs(ctypes.Structure):
    """`sqlite3_vfs`, as far as it is needed."""

    _fields_ = [
        *[(name, _INT) for name in ("version", "file_bytes", "longest")],
        *[(name, _PTR) for name in ("next", "name", "data", "open", "delete", "access", "full")],
        *[(name, _PTR) for name in ("dl_open", "dl_error", "dl_sym", "dl_close", "random", "sleep", "time", "last")],
        *[(name, _PTR) for name in ("time64", "set_call", "get_call", "next_call")],
    ]


class _Methods(ctypes.Structure):
    """`sqlite3_io_methods`: what a file can do."""

    _fields_ = [
        ("version", _INT),
        *[(name, _PTR) for name in ("close", "read", "write", "cut", "sync")],
        ("rest", ctypes.c_char * (_METHODS_BYTES - 6 * 8)),
    ]


class Recorder:
    """What has been done so far, and what is to fail.

    Attributes:
        ops: In their order.
        told: What was told to the outside, each with the count of operations before it.
        fail: Asked before each call of SQLite; the code of an error makes it fail with that.
    """

    def __init__(self, root: Path) -> None:
        self.root = str(root)
        self.ops: list[Op] = []
        self.told: list[tuple[int, Any]] = []
        self.fail: Callable[[Op], int] = lambda _op: 0
        self._seen: dict[str, bytes] = {}
        """Content of files that Python writes, as far as it was recorded."""

    def tell(self, what: Any) -> None:
        """Note that the outside was told something, which is to be true for ever."""
        self.told.append((len(self.ops), what))

    def sqlite(self, op: Op) -> int:
        """Note what SQLite is about to do; returns the code with which it is to fail."""
        if not op.path.startswith(self.root) or op.path.endswith("-shm"):
            return 0
        if code := self.fail(op):
            return code
        self.ops.append(op)
        return 0

    def note(self, op: Op) -> None:
        """Note what Python does, in the folder."""
        if op.path.startswith(self.root):
            self.ops.append(op)

    def written(self, path: str) -> None:
        """Note what Python has written to a file since the last time."""
        if path.startswith(self.root):
            content = Path(path).read_bytes()
            if content != self._seen.get(path, b""):
                self._seen[path] = content
                self.ops += [Op("cut", path), Op("write", path, data=content)]


class _Shim:
    """The interface of SQLite to the system with a recorder in front. Functions that C calls are kept for ever."""

    def __init__(self) -> None:
        library = ctypes.CDLL(_sqlite3.__file__)
        library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
        self.recorder: Recorder | None = None
        self._vfs = library.sqlite3_vfs_find(None).contents
        self._was_open, self._was_delete = _OPEN(self._vfs.open), _DELETE(self._vfs.delete)
        self._folder_call = _GET(self._vfs.get_call)(ctypes.addressof(self._vfs), b"openDirectory")
        self._was_folder = _FOLDER(self._folder_call)
        self._open_hook, self._delete_hook, self._folder_hook = (
            _OPEN(self._open),
            _DELETE(self._delete),
            _FOLDER(self._folder),
        )
        self._paths: dict[int, str] = {}
        self._methods: dict[int, tuple[_Methods, tuple[Any, ...]]] = {}

    @contextlib.contextmanager
    def on(self, recorder: Recorder) -> Iterator[None]:
        self.recorder = recorder
        was = self._vfs.open, self._vfs.delete
        self._vfs.open = ctypes.cast(self._open_hook, _PTR)
        self._vfs.delete = ctypes.cast(self._delete_hook, _PTR)
        self._folders_through(ctypes.cast(self._folder_hook, _PTR))
        try:
            yield
        finally:
            self._vfs.open, self._vfs.delete = was
            self._folders_through(ctypes.c_void_p(self._folder_call))
            self.recorder = None

    def _folders_through(self, function: ctypes.c_void_p) -> None:
        _SET(self._vfs.set_call)(ctypes.addressof(self._vfs), b"openDirectory", function)

    def _tell(self, op: Op) -> int:
        return self.recorder.sqlite(op) if self.recorder is not None else 0

    def _open(self, vfs: int, name: int | None, file: int, flags: int, out: int) -> int:
        # Behind a name's end more follows that SQLite reads: it is passed on as it came.
        path = os.fsdecode(ctypes.string_at(name)) if name else ""
        new = bool(path) and not os.path.lexists(path)
        code: int = self._was_open(vfs, name, file, flags, out)
        if code == 0 and path:
            self._paths[file] = path
            if new:
                self._tell(Op("link", path))
            place = ctypes.cast(file, ctypes.POINTER(_PTR))
            place[0] = ctypes.addressof(self._hooked(place[0] or 0))
        return code

    def _hooked(self, methods: int) -> _Methods:
        if methods not in self._methods:
            plain = _Methods.from_address(methods)
            hooked = _Methods.from_buffer_copy(plain)
            write, cut, sync = _WRITE(plain.write), _CUT(plain.cut), _SYNC(plain.sync)

            def on_write(file: int, data: int, size: int, at: int) -> int:
                told = self._tell(Op("write", self._paths[file], at=at, data=ctypes.string_at(data, size)))
                return told or write(file, data, size, at)

            def on_cut(file: int, size: int) -> int:
                return self._tell(Op("cut", self._paths[file], at=size)) or cut(file, size)

            def on_sync(file: int, flags: int) -> int:
                return self._tell(Op("sync", self._paths[file])) or sync(file, flags)

            hooks = (_WRITE(on_write), _CUT(on_cut), _SYNC(on_sync))
            hooked.write, hooked.cut, hooked.sync = (ctypes.cast(hook, _PTR) for hook in hooks)
            self._methods[methods] = (hooked, hooks)
            self._methods[ctypes.addressof(hooked)] = (hooked, hooks)
        return self._methods[methods][0]

    def _delete(self, vfs: int, name: bytes, folder_too: int) -> int:
        path = os.fsdecode(name)
        if not os.path.lexists(path):
            return int(self._was_delete(vfs, name, folder_too))
        return self._tell(Op("unlink", path)) or self._was_delete(vfs, name, folder_too)

    def _folder(self, name: bytes, out: int) -> int:
        """Open the folder of a file, which SQLite does to sync it, and for nothing else."""
        self._tell(Op("sync", str(Path(os.fsdecode(name)).parent)))
        return int(self._was_folder(name, out))


_shims: list[_Shim] = []


@contextlib.contextmanager
def recording(root: Path) -> Iterator[Recorder]:
    """Record what happens in a folder, which is there and empty."""
    if not _shims:
        try:
            _shims.append(_Shim())
        except AttributeError:
            pytest.skip("the SQLite of this Python is linked into it: its calls cannot be recorded")
    recorder = Recorder(root)
    with _shims[0].on(recorder), contextlib.ExitStack() as patched:
        for name, hook in _os_hooks(recorder).items():
            patched.enter_context(mock.patch.object(os, name, hook))
        yield recorder


def _os_hooks(recorder: Recorder) -> dict[str, Callable[..., Any]]:
    def before(plain: Callable[..., Any], note: Callable[[str, Any], None]) -> Callable[..., Any]:
        @wraps(plain)
        def hook(path: Any, *rest: Any, **more: Any) -> Any:
            where = os.fspath(path) if not isinstance(path, int) else str(Path(f"/proc/self/fd/{path}").readlink())
            there = os.path.lexists(where)
            done = plain(path, *rest, **more)
            if there or plain in (os_open, os_mkdir):
                note(where, (there, *rest))
            return done

        return hook

    os_open, os_mkdir = os.open, os.mkdir

    def opened(path: str, given: Any) -> None:
        if not given[0]:
            recorder.note(Op("link", path))

    def synced(path: str, _given: Any) -> None:
        if not stat.S_ISDIR(os.stat(path).st_mode):
            recorder.written(path)
        recorder.note(Op("sync", path))

    return {
        "open": before(os.open, opened),
        "mkdir": before(os.mkdir, lambda path, _given: recorder.note(Op("folder", path))),
        "fsync": before(os.fsync, synced),
        "replace": before(os.replace, lambda path, given: recorder.note(Op("rename", path, os.fspath(given[1])))),
        "unlink": before(os.unlink, lambda path, _given: recorder.note(Op("unlink", path))),
    }
