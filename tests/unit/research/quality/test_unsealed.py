"""Sealed events stay unseen, whoever judges forecasts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from research.quality.unsealed import Unsealed
from research.sealing import Seal, last_close
from research.types import Defects, RecordedEvent
from tests.fakes.forecast_fans import days


@dataclass(frozen=True)
class ByHand:
    """Events that can be read again and again."""

    events: Sequence[RecordedEvent]

    def load(self, defects: Defects) -> Iterator[RecordedEvent]:
        defects.note("read", "")
        yield from self.events


def test_events_that_close_in_the_sealed_period_are_left_out_and_counted() -> None:
    events = days(4)
    unsealed = Unsealed(ByHand(events), Seal(begins=last_close(events[2]), opened=None))
    for _ in range(2):
        assert list(unsealed.load(Defects())) == events[:2]
        assert unsealed.sealed == 2


def test_where_nothing_is_sealed_nothing_is_left_out() -> None:
    unsealed = Unsealed(ByHand(days(2)), None)
    assert len(list(unsealed.load(Defects()))) == 2
    assert unsealed.sealed == 0
