"""Events and answers while they matter to a walk: what lies behind it is let go. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from research.rows import TradeRow
from research.statistics.decomposition import Quote
from research.statistics.quotes import exit_quotes
from research.timeline import first, over
from research.types import Answers, Forecasted, Key, RecordedEvent, RecordedMarket, Unsaid

Asked = tuple[RecordedEvent, Answers]


class Near(Mapping[Key, Forecasted | Unsaid]):
    """The answers of a walk, which takes its events from here.

    A walk that takes an event is done with everything before the first candle of the one it took before.

    Args:
        asked: Events with their answers, in the order of their first candles.
        stale_seconds: So long after its candle a quote is still known.
        on_look: Shown every answer that the walk looks at.
        on_over: Given every event that the walk is done with, and its answers.
    """

    def __init__(
        self,
        asked: Iterable[Asked],
        stale_seconds: int,
        *,
        on_look: Callable[[Forecasted | Unsaid], object],
        on_over: Callable[[RecordedEvent, Answers], object],
    ) -> None:
        self._asked, self._stale, self._on_look, self._on_over = asked, stale_seconds, on_look, on_over
        self._events: list[tuple[int, RecordedEvent, Answers]] = []
        """With the Unix second from which on it does not matter."""
        self._answers: dict[str, Answers] = {}
        """By market."""
        self._markets: dict[str, RecordedMarket] = {}

    def events(self) -> Iterator[RecordedEvent]:
        """Give the events, once."""
        before = 0
        for event, answers in self._asked:
            self._forget(before)
            self._events.append((self._until(event), event, answers))
            for market in event.markets:
                self._answers[market.terms.ticker], self._markets[market.terms.ticker] = answers, market
            before = first(event)
            yield event

    def finish(self) -> None:
        """Let everything go: the walk has ended."""
        self._forget(None)

    def quote_at_exit(self, row: TradeRow) -> Quote | None:
        """Return what was quoted when a trade that has just ended did so."""
        return exit_quotes(self._markets, self._stale)(row)

    def __getitem__(self, key: Key) -> Forecasted | Unsaid:
        """Return what was said of a market at a moment. KeyError where nothing was asked, or it is long past."""
        said = self._answers[key[0]][key]
        self._on_look(said)
        return said

    def __iter__(self) -> Iterator[Key]:
        """Give the keys that are there now."""
        return (key for _, _, answers in self._events for key in answers)

    def __len__(self) -> int:
        """Count them."""
        return sum(len(answers) for _, _, answers in self._events)

    def _until(self, event: RecordedEvent) -> int:
        quoted = (
            int(strip.ends[-1]) for each in event.markets for strip in (each.path, each.decisions) if len(strip.ends)
        )
        return max(*map(over, event.markets), max(quoted, default=0) + self._stale)

    def _forget(self, before: int | None) -> None:
        done = [each for each in self._events if before is None or each[0] < before]
        self._events = [each for each in self._events if before is not None and each[0] >= before]
        for _, event, answers in done:
            for market in event.markets:
                del self._answers[market.terms.ticker], self._markets[market.terms.ticker]
            self._on_over(event, answers)
