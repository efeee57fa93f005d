"""How collection is said to people: counts, spans, states, texts that come from elsewhere."""

from datetime import timedelta

from google.protobuf.duration_pb2 import Duration

from console.durations import span_words
from mesh.convert import span
from mesh.errors import InvalidInput
from mesh.shards import STEPS

_WHOLE = 1_000_000
_THOUSAND = 1000


def count(number: float) -> str:
    """Say a count: `123,456`, and from a million on in short: `12.3 M`."""
    if number < _WHOLE:
        return f"{number:,.0f}"
    amount, units = number / _WHOLE, ["M", "G", "T", "P"]
    while amount >= _THOUSAND and len(units) > 1:
        amount, units = amount / _THOUSAND, units[1:]
    return f"{amount:,.1f} {units[0]}" if amount < _THOUSAND / 10 else f"{amount:,.0f} {units[0]}"


def plain(text: str) -> str:
    """Make a text that somebody else chose safe for a terminal: control characters become question marks."""
    return "".join(character if character.isprintable() else "?" for character in text)


def duration_words(message: Duration) -> str:
    """Say a length of time that a server named; `?` where it is none."""
    found = timespan(message)
    return "?" if found is None else span_words(found)


def timespan(message: Duration) -> timedelta | None:
    """Read a length of time that a server named; None where it is none."""
    try:
        return span(message, "")
    except InvalidInput:
        return None


def step_words(seconds: int) -> str:
    """Say a candle step as files name it."""
    return STEPS.get(seconds, f"{seconds} s")


def plural(number: int, thing: str) -> str:
    """Say so many of a thing: `1 hole`, `2 holes`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def brief(message: Duration) -> str:
    """Say a length of time that a server named by its largest unit: `15 min`."""
    return " ".join(duration_words(message).split()[:2])
