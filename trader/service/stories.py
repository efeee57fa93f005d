"""Places in the journal from which it can be read on without reading it from its beginning."""

from bisect import bisect_right

from trader.domain.entries import AnyEntry
from trader.engine.engine import Engine
from trader.service.story import Story

_EVERY = 2000
_MOST = 64


class Stories:
    """Keeps stories of the journal from the start of the process on, further apart the more there are.

    What lies before the start is read from the beginning: a caller that comes back after a restart waits for that.
    """

    def __init__(self, engine: Engine) -> None:
        self._books = engine.state.books
        self._every = _EVERY
        self._kept = [Story.of(self._books)]
        engine.listen(self._wrote)

    def reaching(self, sequence: int) -> Story:
        """Return a story that has come to an entry, or as far before it as is known; it is the caller's own."""
        if sequence >= self._books.sequence:
            return Story.of(self._books)
        place = bisect_right(self._kept, sequence, key=lambda story: story.sequence)
        return self._kept[place - 1].copied() if place else Story.empty()

    def _wrote(self, _written: tuple[AnyEntry, ...]) -> None:
        if self._books.sequence - self._kept[-1].sequence < self._every:
            return
        self._kept.append(Story.of(self._books))
        if len(self._kept) > _MOST:
            self._kept, self._every = self._kept[::2], 2 * self._every
