"""Secrets: values that no repr, format, pickle, JSON or log line shows.

A `Secret` registers its value when it is made; `scrub` removes every registered value, private key blocks and bearer
tokens from a text. The log applies it to each finished line, so a secret stays out even where a library puts it into
an exception. Values are remembered for the life of the process, because a header, a traceback or a closed-over string
may outlive the `Secret` object.
"""

import hmac
import json
import os
import re
import stat
import threading
from pathlib import Path
from typing import NoReturn

from mesh.config import ConfigError

REDACTED = "[redacted]"

_MIN_SCRUBBED = 8  # characters; replacing shorter values everywhere would destroy ordinary text
_MAX_FILE_BYTES = 65_536
_OTHERS = stat.S_IRWXG | stat.S_IRWXO

_known: tuple[str, ...] = ()  # longest first, so that a value containing another goes as a whole
_lock = threading.Lock()

# The body ends at a quote, so that a block cut short inside a JSON string leaves the JSON whole.
_KEY_BLOCK = re.compile(r'-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(?:[^-"]|-(?!----))*+(?:-----END [A-Z0-9 ]*-----)?')
_PATTERNS = (
    (re.compile(r"(?i)\b(authorization\W{1,8}(?:bearer|basic|digest|token)\s+)[^\s\"',;)}\]]+"), rf"\1{REDACTED}"),
    # Without its header's name a token has to be long enough not to be the next word of a sentence.
    (re.compile(r"(?i)\b(bearer[\s:=]+)[A-Za-z0-9._~+/=-]{16,}"), rf"\1{REDACTED}"),
)


class Secret:
    """A text that shows itself only to `reveal`.

    A value under 8 characters is hidden here but not scrubbed from the log.
    """

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value
        _remember(value)

    def reveal(self) -> str:
        """Give the plain value, to hand to the one function that needs it."""
        return self.__value

    def __repr__(self) -> str:
        return f"Secret('{REDACTED}')"

    def __str__(self) -> str:
        return REDACTED

    def __format__(self, spec: str) -> str:
        return format(REDACTED, spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.__value.encode(), other.__value.encode())

    def __hash__(self) -> int:
        return hash(self.__value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret cannot be pickled")

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> "Secret":
        return self


def scrub(text: str) -> str:
    """Replace registered secrets, private key blocks and bearer tokens by `[redacted]`."""
    # Blocks before values: a broken key file may have made a secret of a block's first line, without which the rest
    # could not be told for what it is.
    text = _KEY_BLOCK.sub(REDACTED, text)
    for value in _known:
        if value in text:
            text = text.replace(value, REDACTED)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def read_secret(path: Path, *, private: bool = True) -> Secret:
    """Read a secret file: UTF-8 text, without its one trailing line end.

    Args:
        path: The file.
        private: Refuse a file that group or others may use. Inside $CREDENTIALS_DIRECTORY, where systemd makes files
            of root or of the service's user, group may read.

    Raises:
        ConfigError: The file is missing, empty, too open, too large, no regular file or not text.
    """
    try:
        # O_NONBLOCK: opening a named pipe would otherwise wait for a writer.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ConfigError(f"{path}: is not a regular file")
            if private and status.st_mode & _OTHERS and not _is_credential(path, status):
                raise ConfigError(f"{path}: group or others may use this secret file; run: chmod 600 {path}")
            content = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    if len(content) > _MAX_FILE_BYTES:
        raise ConfigError(f"{path}: is longer than {_MAX_FILE_BYTES} bytes, too long for a secret")
    try:
        value = content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not UTF-8 text") from None
    if not value.strip():
        raise ConfigError(f"{path}: is empty")
    return Secret(value)


def _is_credential(path: Path, status: os.stat_result) -> bool:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    return (
        folder is not None
        and path.resolve().is_relative_to(Path(folder).resolve())
        and status.st_uid in {0, os.geteuid()}
        and status.st_mode & _OTHERS == stat.S_IRGRP
    )


def _remember(value: str) -> None:
    global _known  # noqa: PLW0603  replaced as a whole, so that `scrub` needs no lock
    # A log line holds the value as it is, escaped for JSON or for a Python literal; a key file also line by line.
    lines = [line for line in value.splitlines() if not line.startswith("-----")]
    forms = {form for text in (value, *lines) for form in _forms(text) if len(form) >= _MIN_SCRUBBED}
    with _lock:
        if not forms <= set(_known):
            _known = tuple(sorted({*_known, *forms}, key=len, reverse=True))


def _forms(text: str) -> tuple[str, ...]:
    return text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], repr(text)[1:-1]
