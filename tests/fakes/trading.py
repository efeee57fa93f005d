"""Markets, signals, books and states to decide with."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from mesh.kalshi.book import Book
from mesh.kalshi.fees import FeeTerms
from mesh.kalshi.grid import GRIDS
from mesh.kalshi.terms import FeeType
from mesh.types import Hundredths, Price, Side
from trader.domain.decide import decide
from trader.domain.entries import AnyEntry
from trader.domain.events import Begun, Event, Moment
from trader.domain.facts import MarketTerms, SignalFacts
from trader.domain.fold import apply
from trader.domain.settings import Settings
from trader.domain.state import Books, State
from trader.domain.words import Confidence, Mode

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
TICKER = "KXHIGHNY-26NOV23-T60"


def cents(price: float) -> Price:
    """Return a price in cents."""
    return Price(round(price * 10_000))


def contracts(count: float) -> Hundredths:
    """Return a count of contracts."""
    return Hundredths(round(count * 100))


def moment(seconds: float = 0.0) -> Moment:
    """Return the moment so many seconds after noon."""
    return Moment(NOON + timedelta(seconds=seconds), 1000.0 + seconds)


def market(ticker: str = TICKER, *, closes: timedelta = timedelta(hours=12)) -> MarketTerms:
    """Make a market; its event and series are read off the ticker."""
    event, _, _ = ticker.rpartition("-")
    return MarketTerms(
        ticker=ticker,
        event_ticker=event,
        series_ticker=ticker.partition("-")[0],
        title=f"Market {ticker}",
        close_time=NOON + closes,
        bands=GRIDS["linear_cent"],
        fees=FeeTerms(FeeType.QUADRATIC),
        exchange_index=0,
    )


def signal(magnitude: float = 12.0, *, side: Side = Side.NO, current: float = 45.0, **changes: object) -> SignalFacts:
    """Make a signal that every default rule likes: NO, medium high, target 20 and stop 8 cents away."""
    moved = current - magnitude if side is Side.NO else current + magnitude
    facts: dict[str, object] = {
        "side": side,
        "magnitude_cents": magnitude,
        "confidence": Confidence.MEDIUM_HIGH,
        "current_cents": current,
        "forecast_mean_cents": moved,
        "forecast_end_cents": moved,
        "spread_cents": 5.0,
        "take_profit_cents": 20.0,
        "stop_loss_cents": 8.0,
        "policy_version": "1",
        "policy_digest": "0" * 64,
        "weights_digest": "random-walk",
        "last_candle_time": NOON,
        "step": timedelta(hours=1),
        "horizon_steps": 6,
        "useful_until": NOON + timedelta(minutes=5),
    }
    return SignalFacts(**(facts | changes))  # type: ignore[arg-type]  # what tests change they change rightly


def book(
    ticker: str = TICKER,
    *,
    no_bids: Iterable[tuple[float, float]] = ((54.0, 100.0),),
    no_asks: Iterable[tuple[float, float]] = ((56.0, 100.0),),
) -> Book:
    """Make a book, given as NO prices in cents and contracts."""
    return Book.from_levels(
        ticker,
        [(cents(price).complement, contracts(count)) for price, count in no_asks],
        [(cents(price).complement, contracts(count)) for price, count in no_bids],
    )


class Desk:
    """A state, and everything that was written about it, in order."""

    def __init__(self, settings: Settings | None = None, *, begun: bool = True) -> None:
        self.state = State(Books("journal-1"), settings or Settings())
        self.written: list[tuple[datetime, AnyEntry]] = []
        if begun:
            self.tell(Begun("run-1", Mode.PAPER, "1", "0" * 64))

    def tell(self, event: Event, seconds: float = 0.0) -> tuple[AnyEntry, ...]:
        """Decide on an event so many seconds after noon."""
        when = moment(seconds)
        entries = decide(self.state, event, when)
        self.written += [(when.now, entry) for entry in entries]
        return entries

    def refolded(self) -> Books:
        """Fold everything that was written once more, as after a restart."""
        books = Books("journal-1")
        for sequence, (time, entry) in enumerate(self.written, 1):
            apply(books, sequence, time, entry)
        return books
