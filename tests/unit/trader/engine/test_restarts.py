"""The process dies at every journal write of a life, once before it and once after it, and the next one goes on."""

import pytest

from tests.fakes.trading import TICKER, book
from tests.unit.trader.engine.rig import Rig
from trader.domain.entries import Decided, Differed, OrderIntended

HIGH = book(no_bids=[(80.0, 100.0)], no_asks=[(82.0, 100.0)])
LIFE = 40.0
"""Seconds in which a position is opened and closed."""


def lived() -> Rig:
    """Prepare a life: one signal, and a price that reaches the target."""
    rig = Rig()
    rig.wants()
    return rig


async def live(rig: Rig) -> None:
    """Live on from wherever the journal stands: enter, see the target, get out. Dies where the journal says."""
    if not await rig.live_until_failed(4):
        rig.forecasts.signals.clear()
        rig.venue.show(HIGH)
        await rig.live_until_failed(LIFE)


async def writes() -> int:
    """Count the journal writes of a life without a death."""
    rig = lived()
    await live(rig)
    return rig.journal.appends


@pytest.mark.parametrize("written", [False, True], ids=["before it is written", "after it is written"])
async def test_a_death_at_any_journal_write_loses_nothing_and_doubles_nothing(written: bool) -> None:
    count = await writes()
    assert count > 15
    opened = 0
    for number in range(1, count + 1):
        rig = lived()
        if written:
            rig.journal.lose_from = number
        else:
            rig.journal.refuse_from = number
        await live(rig)
        rig.journal.lose_from = rig.journal.refuse_from = None
        rig.forecasts.signals.clear()
        rig.venue.show(HIGH)
        assert not await rig.live_until_failed(90, 1.0), f"write {number}"
        books = rig.refolded()
        entered = [entry for entry in rig.journal.of(Decided) if isinstance(entry, Decided) and entry.entered]
        orders = {entry.order.client_order_id for entry in rig.journal.of(OrderIntended)}  # type: ignore[union-attr]
        placed = [kept.terms.client_order_id for kept in rig.venue.orders.values()]
        assert len(placed) == len(set(placed)), f"write {number}"
        assert set(placed) <= orders, f"write {number}"
        assert len(entered) <= 1, f"write {number}"
        assert rig.venue.held(TICKER) == 0, f"write {number}: the position is sold in the end"
        assert not books.positions, f"write {number}"
        assert not books.working, f"write {number}"
        assert books.expected_cash in (rig.venue.cash, None), f"write {number}"
        assert not rig.journal.of(Differed), f"write {number}"
        opened += len(books.trades)
    assert opened > count / 2, "most of these lives had a position"
