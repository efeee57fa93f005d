"""Lengths of time as people type and read them."""

import re
from datetime import timedelta
from typing import Any

import click

DAY = timedelta(days=1)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_WORDS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


class Duration(click.ParamType[timedelta]):
    """A length of time such as `60m`, `1h` or `90s`, from a second on."""

    name = "duration"

    def __init__(self, most: timedelta = DAY) -> None:
        self._most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Read it, or fail as click does."""
        if isinstance(value, timedelta):
            return value
        found = re.fullmatch(r"([0-9]{1,8})([smhd])", str(value))
        seconds = int(found[1]) * _UNITS[found[2]] if found else 0
        if not 1 <= seconds <= self._most.total_seconds():
            self.fail(f"{value!r} is not a length of time from 1s to {self._most.days}d, such as 60m", param, ctx)
        return timedelta(seconds=seconds)


def span_words(span: timedelta) -> str:
    """Say a length of time by its two largest units: `4 min 12 s`, `3 d 2 h`, `0 s`."""
    seconds = max(0, round(span.total_seconds()))
    for place, (name, size) in enumerate(_WORDS):
        count, rest = divmod(seconds, size)
        if count:
            finer, finer_size = _WORDS[min(place + 1, len(_WORDS) - 1)]
            return f"{count} {name}" + (f" {rest // finer_size} {finer}" if rest >= finer_size else "")
    return "0 s"
