"""What a backtest decides at the ends of candles, beside what a trader decided when it scanned.

The backtest looks at a market when a candle ends, the trader some time later and again and again. So it sees other
prices, and once a decision was another it holds something else. Which of the two it was is found by deciding once more:
on what the backtest saw, with what the trader had.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum

from msgspec import structs

from research.asking import NO_PRICE
from research.plan import WalkPlan
from research.types import Answers, Defects, Forecasted, Key, RecordedEvent
from research.walk import walk
from trader.domain import entering
from trader.domain.entries import AnyEntry, Decided, SignalSeen
from trader.domain.events import SignalCame
from trader.domain.facts import Sight, SignalFacts
from trader.domain.settings import Settings
from trader.domain.state import Books
from trader.domain.words import Verdict

Ends = Mapping[Key, tuple[SignalSeen, Decided]]
"""What a walk decided at the ends of candles, of what signal."""


class Beside(StrEnum):
    """How a decision of a trader stands to that of a backtest at the end of the same candle."""

    SAME = "same"
    """Entered with the same limit and count, or refused first by the same rule."""
    MOVED = "moved"
    """Price or quotes were others when the trader looked."""
    LATER = "later"
    """They were not, but it was later: too near to the close, or the book too old."""
    ACCOUNT = "account"
    """The trader held, had on its way or was forbidden something else."""
    UNASKED = "unasked"
    """The backtest does not ask: the candle is not there, or nothing was quoted and nothing had traded at its end."""


def decided_at_ends(events: Sequence[RecordedEvent], answers: Answers, settings: Settings) -> Ends:
    """Walk markets, and return what was decided on."""
    found: dict[Key, tuple[SignalSeen, Decided]] = {}
    seen: dict[str, SignalSeen] = {}

    def watch(now: datetime, entry: AnyEntry) -> None:
        match entry:
            case SignalSeen():
                seen[entry.ticker] = entry
            case Decided():
                ticker = entry.market.ticker
                found[ticker, int(now.timestamp())] = seen[ticker], entry
            case _:
                pass

    for _ in walk(events, answers, WalkPlan(settings=settings), Defects(), watch):
        pass
    return found


class Comparing:
    """Takes the entries of a journal, and holds its decisions beside those of walks.

    Attributes:
        found: How all stand so far.
        entered: How those stand that entered.
    """

    def __init__(self, answers: Answers, ends: Ends, settings: Settings) -> None:
        """Take what the walks were answered, what they decided, and the trader's settings."""
        self.found, self.entered = Counter[Beside](), Counter[Beside]()
        self._answers, self._ends, self._settings = answers, ends, settings
        self._seen: SignalSeen | None = None

    def take(self, books: Books, time: datetime, entry: AnyEntry) -> None:
        """Take the next entry, with its time and the books as they stand before it."""
        match entry:
            case SignalSeen() as seen:
                self._seen = seen
            case Decided() as decided if self._seen is not None and self._seen.ticker == decided.market.ticker:
                beside = self._beside(books, self._seen, decided, time)
                self.found[beside] += 1
                self.entered[beside] += decided.entered
            case _:
                pass

    def _beside(self, books: Books, seen: SignalSeen, decided: Decided, now: datetime) -> Beside:
        key = _, at = seen.ticker, int(seen.signal.last_candle_time.timestamp())
        said = self._answers.get(key)
        if not isinstance(said, Forecasted):
            return Beside.UNASKED if said is None or said.reason == NO_PRICE else Beside.MOVED
        if key not in self._ends:  # a walk leaves out what side, confidence or magnitude refuse
            again = self._again(books, seen, said.signal, decided, now)
            return Beside.SAME if _outcome(again) == _outcome(decided) else Beside.MOVED
        told, walked = self._ends[key]
        if _outcome(walked) == _outcome(decided):
            return Beside.SAME
        with_its_account = structs.replace(walked, sight=decided.sight)
        again = self._again(books, seen, told.signal, with_its_account, datetime.fromtimestamp(at, UTC))
        if _outcome(again) != _outcome(walked):
            return Beside.ACCOUNT
        return Beside.LATER if _prices(seen, decided) == _prices(told, walked) else Beside.MOVED

    def _again(self, books: Books, seen: SignalSeen, signal: SignalFacts, saw: Decided, now: datetime) -> Decided:
        """Decide on another signal in the place of the one that was seen, with what a decision saw."""
        came = SignalCame(seen.scan_id, saw.market, signal, b"")
        made = entering.judged(books, self._settings, came, top=saw.top, sight=saw.sight or Sight(), now=now)
        return next(each for each in made if isinstance(each, Decided))


def _outcome(decided: Decided) -> object:
    """Return limit and count of what was entered, else the rule that refused first."""
    plan = decided.plan
    if decided.entered and plan is not None:
        return plan.limit, plan.count
    return next((finding.rule for finding in decided.findings if finding.verdict is Verdict.REFUSED), None)


def _prices(seen: SignalSeen, decided: Decided) -> object:
    top = decided.top
    return seen.signal.current_cents, None if top is None else (top.bid, top.ask)
