"""Things of which a screen is told when they change: each with its message, and the turn in which it changed last."""

from collections.abc import Callable
from typing import Generic, TypeVar

from google.protobuf.message import Message

from trader.domain.events import Moment

_M = TypeVar("_M", bound=Message)
_SAME = 0.02
"""Seconds for which ages in a message are as good as new: several streams send it in one turn."""

Path = tuple[str, ...]


class Item(Generic[_M]):
    """One thing.

    Attributes:
        version: Turn in which it changed last, in more than ages.
        looked: When it was last written, monotonic.
        hint: What it was when somebody looked, as far as that is cheap to tell; whoever looks keeps it here.

    Args:
        ages: Fields that are ages, or that say nothing of the thing, by their path; of a repeated field each.
    """

    __slots__ = ("_ages", "_content", "_message", "_write", "hint", "looked", "version")

    def __init__(self, *ages: Path) -> None:
        self._ages = ages
        self._content: bytes | None = None
        """Of it beside ages, as `version` has it; None where that is not what was sent last."""
        self._message: _M | None = None
        self._write: Callable[[Moment], _M] | None = None
        self.version = -1
        self.looked = float("-inf")
        self.hint: object = None

    def look(self, write: Callable[[Moment], _M], moment: Moment, version: int) -> None:
        """Write it anew, in a turn, and see whether it has changed."""
        self._write, self._message, self.looked = write, write(moment), moment.seconds
        content = self._bare(self._message)
        if content != self._content:
            self._content, self.version = content, version

    def message(self, moment: Moment) -> _M:
        """Write it, with its ages at a moment."""
        if self._write is None or self._message is None:
            raise LookupError("nobody has looked at it")
        if moment.seconds - self.looked > _SAME:
            self._message, self.looked = self._write(moment), moment.seconds
            if self._bare(self._message) != self._content:
                self._content = None  # one stream knows more than the others: the next look tells all
        return self._message

    def _bare(self, message: _M) -> bytes:
        bare = type(message)()
        bare.CopyFrom(message)
        for path in self._ages:
            _clear(bare, path)
        return bare.SerializeToString(deterministic=True)


def _clear(message: Message, path: Path) -> None:
    name, rest = path[0], path[1:]
    if not rest:
        message.ClearField(name)
        return
    found = getattr(message, name)
    if not isinstance(found, Message):
        for each in found:
            _clear(each, rest)
    elif message.HasField(name):
        _clear(found, rest)
