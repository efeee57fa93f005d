"""From a path with ids in it and query parameters to the URL of a request. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from yarl import URL

from mesh.kalshi.errors import RequestRefused

_PATH = re.compile(r"(/[A-Za-z0-9_~:@!$&'()*+,;=.-]+)+")
_DOTS = frozenset({".", ".."})

Params: TypeAlias = Mapping[str, str | int | bool | Sequence[str] | None]
"""Query parameters: a sequence repeats its name, None is left out."""


def url_of(base: URL, path: str, params: Params) -> URL:
    """Return the URL of a path below `base`.

    Raises:
        RequestRefused: An id in the path is empty, which would turn "cancel this order" into "cancel all", or could
            lead elsewhere.
    """
    if not _PATH.fullmatch(path) or not _DOTS.isdisjoint(path.split("/")):
        raise RequestRefused(f"{path!r} has an empty part, or characters that no id has")
    return base.joinpath(path[1:], encoded=True).with_query(
        [(name, text) for name, value in params.items() for text in _texts(value)]
    )


def _texts(value: str | int | bool | Sequence[str] | None) -> Sequence[str]:
    match value:
        case None:
            return ()
        case bool():
            return ("true" if value else "false",)
        case str() | int():
            return (str(value),)
        case _:
            return value
