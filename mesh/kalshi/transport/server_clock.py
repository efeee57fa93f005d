"""The exchange's time, measured from the Date headers of its replies.

Kalshi refuses signatures that are some seconds off, so a request carries the exchange's time and not ours. A Date has
whole seconds and is written somewhere between sending and receiving, so each reply allows a range of offsets; many
replies together narrow it. A single reply that contradicts the others (a confused proxy) is not believed; three that
agree with each other are.

Ranges are kept against the monotonic clock. When the wall clock jumps against it, either the wall clock was set or the
machine slept, and it cannot be told which: what was measured before is dropped.
"""

from email.utils import parsedate_to_datetime
from typing import NamedTuple

from mesh import log
from mesh.clock import Clock

_RESOLUTION = 1.0  # seconds of a Date header
_EARLIEST = 1_704_067_200.0  # 2024; an exchange that claims less has lost its own clock
_BELIEVED_AFTER = 3  # replies that agree with each other against what was believed
_JUMP = 0.5  # seconds; more than any slewing between two looks
_WORTH_TELLING = 1.0  # seconds

_log = log.get(__name__)


class _Range(NamedTuple):
    low: float
    high: float

    def meet(self, other: "_Range") -> "_Range | None":
        low, high = max(self.low, other.low), min(self.high, other.high)
        return _Range(low, high) if low <= high else None


class ServerClock:
    """What time it is at the exchange."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._believed: _Range | None = None  # exchange time minus monotonic time
        self._rival: _Range | None = None
        self._rival_replies = 0
        self._wall_minus_monotonic = self._local()
        self._told = 0.0

    def observe(self, date: str | None, *, sent: float, received: float, decisive: bool = False) -> None:
        """Learn from one reply.

        Args:
            date: Its Date header; None and nonsense teach nothing.
            sent: Monotonic time just before the request was sent.
            received: Monotonic time just after its head was received.
            decisive: The exchange refused our timestamp: this reply counts more than all before.
        """
        stamped = _unix_seconds(date)
        if stamped is None:
            return
        self._notice_jump()
        seen = _Range(stamped - received, stamped + _RESOLUTION - sent)
        if decisive or self._believed is None:
            self._believed, self._rival = seen, None
        elif agreed := self._believed.meet(seen):
            self._believed, self._rival = agreed, None
        else:
            agreed = self._rival and self._rival.meet(seen)
            self._rival_replies = self._rival_replies + 1 if agreed else 1
            self._rival = agreed or seen
            if self._rival_replies == _BELIEVED_AFTER:
                self._believed, self._rival = self._rival, None
        self._tell()

    def timestamp_ms(self) -> int:
        """Return the exchange's time in Unix milliseconds; the local clock's where nothing was measured yet."""
        self._notice_jump()
        return round((self._clock.monotonic() + self._local() + (self.offset_seconds or 0.0)) * 1000)

    @property
    def offset_seconds(self) -> float | None:
        """Exchange minus local clock: 0 where the replies allow that, else the middle of what they allow.

        None before the first reply.
        """
        if self._believed is None:
            return None
        local = self._local()
        if self._believed.low <= local <= self._believed.high:
            return 0.0
        return (self._believed.low + self._believed.high) / 2 - local

    def _local(self) -> float:
        return self._clock.now().timestamp() - self._clock.monotonic()

    def _notice_jump(self) -> None:
        local = self._local()
        jump = local - self._wall_minus_monotonic
        self._wall_minus_monotonic = local
        if abs(jump) > _JUMP and self._believed is not None:
            _log.warning("the local clock jumped; measuring the exchange's time anew", seconds=round(jump, 3))
            self._believed = self._rival = None

    def _tell(self) -> None:
        offset = self.offset_seconds or 0.0
        if abs(offset - self._told) < _WORTH_TELLING:
            return
        self._told = offset
        if abs(offset) < _WORTH_TELLING:
            _log.warning("the local clock agrees with the exchange again")  # for whoever was warned
        else:
            _log.warning(
                "the local clock is wrong; requests carry the exchange's time", offset_seconds=round(offset, 3)
            )


def _unix_seconds(date: str | None) -> float | None:
    try:
        seconds = parsedate_to_datetime(date or "").timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return seconds if seconds >= _EARLIEST else None
