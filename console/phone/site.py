"""The page's files, read once at the start, as they were compressed when they were built."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from console.phone.guard import Receive, Scope, Send, plain

BUILT: Final = Path(__file__).parent / "built"
_KINDS: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
}
_PACKED: Final = ((b"br", ".br"), (b"gzip", ".gz"))
_FOR_EVER: Final = b"public, max-age=31536000, immutable"
"""Of files whose names change with their content."""


@dataclass(frozen=True, slots=True)
class _File:
    kind: bytes
    caching: bytes
    forms: dict[bytes, bytes]
    """By encoding; the plain one is `identity`."""


class Site:
    """Serves what lies in a folder.

    Args:
        folder: Of the built page.
    """

    def __init__(self, folder: Path = BUILT) -> None:
        self._files: dict[str, _File] = {}
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            kind = _KINDS.get(path.suffix)
            if path.is_file() and kind is not None:
                name = "/" + path.relative_to(folder).as_posix()
                packed = {coding: path.with_name(path.name + ending) for coding, ending in _PACKED}
                forms = {coding: file.read_bytes() for coding, file in packed.items() if file.is_file()}
                caching = _FOR_EVER if name.startswith("/assets/") else b"no-cache"
                self._files[name] = _File(kind.encode(), caching, forms | {b"identity": path.read_bytes()})

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer with a file."""
        path = scope["path"]
        file = self._files.get("/index.html" if path == "/" else path)
        if scope["method"] not in ("GET", "HEAD") or file is None:
            words = "not here" if self._files else "the page is not built: make web"
            await plain(send, 404, words)
            return
        accepted = dict(scope["headers"]).get(b"accept-encoding", b"")
        offered = {each.partition(b";")[0].strip() for each in accepted.split(b",")}
        coding = next((name for name, _ in _PACKED if name in offered and name in file.forms), b"identity")
        body = file.forms[coding]
        headers = [
            (b"content-type", file.kind),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", file.caching),
            (b"vary", b"accept-encoding"),
        ]
        if coding != b"identity":
            headers.append((b"content-encoding", coding))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
