"""The engine on the paper account: what it sees of the exchange is the exchange's, without the account's orders."""

from datetime import timedelta
from pathlib import Path

from mesh.types import Price
from tests.fakes.trading import NOON, TICKER, book, cents, contracts, signal
from tests.unit.trader.engine.rig import SETTINGS, Rig
from trader.domain.entries import ExitDecided
from trader.domain.settings import EntrySettings
from trader.domain.words import EntryStyle
from trader.paper.config import PaperConfig
from trader.paper.exchange import paper_exchange
from trader.tapping import Tapped

RESTS = EntrySettings(style=EntryStyle.REST, expire_seconds=600, shadow=False)


class Open:
    """Books are told; no market is over."""

    async def books(self, tickers: object) -> tuple[()]:
        return ()

    async def result(self, ticker: str) -> Price | None:
        return None


async def test_a_stop_does_not_fire_because_others_bid_no_more_than_our_own_entry(tmp_path: Path) -> None:
    rig = Rig(settings=SETTINGS.model_copy(update={"entries": RESTS}))
    async with paper_exchange(PaperConfig(file=tmp_path / "paper.sqlite"), Open(), rig.clock) as paper:
        rig.exchange, rig.shown = paper, Tapped(rig.venue, paper.see)
        rig.forecasts.signals[TICKER] = signal(useful_until=NOON + timedelta(days=1))
        async with rig.running() as engine:
            rig.venue.show(book(no_bids=[(54, 5)]))
            await rig.clock.advance(3)
            rig.forecasts.signals.clear()
            rig.venue.show(book(no_bids=[(54, 20)]))
            rig.venue.trade(TICKER, cents(46), contracts(7), taker_buys_yes=True)
            await rig.clock.advance(1)
            (order,) = engine.state.books.orders.values()
            assert (order.terms.count, order.filled) == (contracts(5), contracts(2))
            rig.venue.show(book(no_bids=[(54, 3), (40, 100)]))
            await rig.clock.advance(30)
            assert order.working
            assert rig.journal.of(ExitDecided) == []
            rig.venue.show(book(no_bids=[(40, 100)]))
            await rig.clock.advance(30)
            assert rig.journal.of(ExitDecided)
