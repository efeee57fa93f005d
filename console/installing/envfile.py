"""Reads a file of shell assignments, such as `kalshi.env`, as a shell would. Pure; no message repeats a value."""

import re
from collections.abc import Mapping

_LINE = re.compile(
    r"""\s*(?:export\s+)?(?P<name>[A-Za-z_]\w*)\s*=\s*+
    (?: '(?P<single>[^']*)' | "(?P<double>(?:[^"\\]|\\.)*)" | (?P<bare>(?!(?<=\s)\#)(?:[^\s"'\\]|\\.|\s+(?![\s\#]))*)? )
    (?:\s*(?<=\s)\#.*|\s*)""",
    re.VERBOSE | re.ASCII,
)
_EXPANDED = re.compile(r"\\(.)|\$(?:(\w+)|\{(\w+)\})", re.ASCII)
_ESCAPED_IN_QUOTES = '"\\$`'


class EnvFileError(Exception):
    """A file of assignments that cannot be understood; one line, with the number of the file's."""


def parse(text: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Read `NAME=value` lines: `export`, quotes, comments, `$NAME`, CRLF; of two of a name the later counts.

    Spaces in a value without quotes are kept, as systemd does; a shell would take the rest for a command.

    Args:
        text: The file.
        environment: Variables that values may name, beside those that stand before them.

    Raises:
        EnvFileError: a line is no assignment, a quote is not closed, or a variable is not known.
    """
    values: dict[str, str] = {}
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        found = _LINE.fullmatch(stripped)
        if found is None:
            raise EnvFileError(f"line {number}: is not NAME=value, or a quote is not closed")
        known = {**environment, **values}
        if (literal := found["single"]) is not None:
            value = literal
        elif (quoted := found["double"]) is not None:
            value = _expanded(quoted, known, number, escaped=_ESCAPED_IN_QUOTES)
        else:
            value = _expanded(found["bare"] or "", known, number)
        values[found["name"]] = value
    return values


def _expanded(text: str, known: Mapping[str, str], line: int, *, escaped: str = "") -> str:
    """Put values for `$NAME` and `${NAME}`; a backslash takes the meaning of `escaped`, or of anything where empty."""

    def replaced(found: re.Match[str]) -> str:
        if (after := found[1]) is not None:
            return after if not escaped or after in escaped else found[0]
        name = found[2] or found[3]
        if name not in known:
            raise EnvFileError(f"line {line}: names ${name}, which is not set; put a value with a $ into single quotes")
        return known[name]

    return _EXPANDED.sub(replaced, text)
