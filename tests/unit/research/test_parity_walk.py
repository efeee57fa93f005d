"""How a trader's decision stands to the one of a backtest at the end of the same candle."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from mesh.types import Micros, Side
from research.asking import NO_PRICE
from research.parity_walk import Beside, Comparing, decided_at_ends
from research.types import Answers, Forecasted, Key, Unsaid
from tests.fakes import research
from tests.fakes.research_walk import said
from tests.fakes.trading import NOON, TICKER, Desk, book, market, signal
from trader.domain.entries import Decided
from trader.domain.events import BookCame, Compared, ExchangeSeen, MarketSeen, ScanBegan, SignalCame
from trader.domain.fold import apply
from trader.domain.settings import Settings
from trader.domain.state import Books
from trader.domain.views import Snapshot
from trader.domain.words import ExchangeState

CANDLES = research.strip([44.0] * 3, [46.0] * 3, [45.0] * 3, begin=NOON - timedelta(hours=3))
"""The last ends at noon: NO is bid 54 cents then and offered at 56."""
MARKET = research.market(CANDLES, ticker=TICKER, close=NOON + timedelta(hours=12))
LAST = 2
KEY: Key = (TICKER, int(NOON.timestamp()))


class Trader(Desk):
    """A trader that has compared its books and sees the market at noon as the backtest does."""

    def __init__(self) -> None:
        super().__init__()
        cash = Micros(100_000_000)
        self.tell(ExchangeSeen(ExchangeState.OPEN))
        self.tell(Compared(Snapshot(NOON, 0.0, (), NOON, (), (), (), cash, (), cash)))
        self.tell(BookCame(book()))

    def scan(self, seconds: float = 1.0, *, side: Side = Side.NO, current: float = 45.0) -> None:
        name = f"scan-{len(self.written)}"
        self.tell(ScanBegan(name, ("KXHIGHNY",), 1), seconds)
        self.tell(SignalCame(name, market(), signal(side=side, current=current), b""), seconds)


def beside(trader: Trader, answers: Answers) -> list[Beside]:
    """Hold a trader's decisions beside those of a walk on these answers, one by one."""
    settings, books = Settings(), Books("journal-1")
    ends = decided_at_ends([research.event(MARKET)], answers, settings)
    comparing, found = Comparing(answers, ends, settings), list[Beside]()
    for sequence, (time, entry) in enumerate(trader.written, 1):
        before = comparing.found.copy()
        comparing.take(books, time, entry)
        found += (comparing.found - before).elements()
        apply(books, sequence, time, entry)
    assert comparing.entered.total() == sum(entered(trader))
    return found


def entered(trader: Trader) -> list[bool]:
    return [entry.entered for _, entry in trader.written if isinstance(entry, Decided)]


def test_the_same_signal_at_the_same_quote_is_the_same_entry() -> None:
    trader = Trader()
    trader.scan()

    assert entered(trader) == [True]
    assert beside(trader, said(MARKET, LAST)) == [Beside.SAME]


def test_other_quotes_are_what_made_another_price() -> None:
    trader = Trader()
    trader.tell(BookCame(book(no_bids=((52, 100),), no_asks=((54, 100),))))
    trader.scan()

    assert entered(trader) == [True]
    assert beside(trader, said(MARKET, LAST)) == [Beside.MOVED]


def test_a_trader_that_has_an_order_on_its_way_decides_with_another_account() -> None:
    trader = Trader()
    trader.scan()
    trader.scan(2.0)

    assert beside(trader, said(MARKET, LAST)) == [Beside.SAME, Beside.ACCOUNT]


def test_a_trader_whose_market_is_halted_is_forbidden_what_a_backtest_may() -> None:
    trader = Trader()
    trader.tell(MarketSeen(market(), trading=False))
    trader.scan()

    assert beside(trader, said(MARKET, LAST)) == [Beside.ACCOUNT]


def test_a_book_that_grew_old_since_the_candle_is_later_and_no_other_price() -> None:
    trader = Trader()
    trader.scan(11.0)

    assert beside(trader, said(MARKET, LAST)) == [Beside.LATER]


@pytest.mark.parametrize(
    ("told", "stands"),
    [
        (lambda trader: trader.scan(side=Side.YES), Beside.SAME),
        (lambda trader: trader.scan(current=60.0), Beside.MOVED),
    ],
)
def test_what_a_walk_leaves_out_was_refused_by_its_side(told: Callable[[Trader], None], stands: Beside) -> None:
    trader = Trader()
    told(trader)

    assert beside(trader, said(MARKET, LAST, side=Side.YES)) == [stands]


@pytest.mark.parametrize(
    ("answers", "stands"),
    [
        ({}, Beside.UNASKED),
        ({KEY: Unsaid(NO_PRICE)}, Beside.UNASKED),
        ({KEY: Unsaid("below_threshold")}, Beside.MOVED),
    ],
)
def test_without_a_signal_of_its_own_a_backtest_decides_nothing(
    answers: dict[Key, Forecasted | Unsaid], stands: Beside
) -> None:
    trader = Trader()
    trader.scan()

    assert beside(trader, answers) == [stands]
