"""Events of a recording that may be looked at: whose forecasts were judged have been (`research.sealing`)."""

from collections.abc import Iterator

from research.quality.evaluation import Recorded
from research.sealing import Seal
from research.types import Defects, RecordedEvent


class Unsealed:
    """A recording without its sealed period.

    Args:
        recording: All of it.
        seal: What is sealed; None is nothing.
        inside: Give the sealed period, and nothing else.
    """

    def __init__(self, recording: Recorded, seal: Seal | None, *, inside: bool = False) -> None:
        self._recording, self._seal, self._inside = recording, seal, inside
        self.sealed = 0
        """Events that the last loading left out."""

    def load(self, defects: Defects) -> Iterator[RecordedEvent]:
        """Give the others. Arguments and errors as those of the recording."""
        self.sealed = 0
        for event in self._recording.load(defects):
            if self._seal is not None and self._seal.covers(event) is not self._inside:
                self.sealed += 1
            else:
                yield event
