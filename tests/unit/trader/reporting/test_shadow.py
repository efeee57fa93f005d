import protovalidate
import pytest

from mesh.types import Micros, Price
from tests.fakes.trading import cents, contracts
from tests.unit.trader.reporting.trading_days import EASY, Days, Try
from trader.domain.entries import PositionClosed, ShadowFilled, ShadowPlaced
from trader.reporting.report import Question, report
from trader.reporting.shadow import ShadowFigures
from trader.service.convert_orders import trade


def shadow_of(*tries: Try) -> ShadowFigures:
    days = Days()
    for tried in tries:
        days.live(tried)
    found = report(days.rows(), Question()).shadow
    assert found is not None
    return found


def test_a_shadow_that_is_filled_earns_what_the_trade_earns_from_a_better_price_without_a_takers_fee() -> None:
    # Taken: 5 at 56, settled at a dollar, a fee of 1 cent. Patience: at the bid of 54, and no fee for makers here.
    found = shadow_of(Try(ticker="KXHIGHNY-E1-T1", at=0.0, ends="won", shadow=100))
    assert (found.orders, found.filled) == (1, 1)
    assert found.taken_net == 5 * 440_000 - 10_000
    assert found.net == 5 * 460_000
    assert found.advantage_cents is not None
    assert found.advantage_cents.mean == pytest.approx(2.2)


def test_the_same_exits_cost_the_shadow_their_fees() -> None:
    found = shadow_of(Try(ticker="KXHIGHNY-E1-T1", at=0.0, ends="stop", shadow=40))
    # 2 of 5: stop at 48, its fee of 1 cent in parts.
    assert found.net == 2 * (480_000 - 540_000) - 4_000
    assert found.taken_net == 5 * (480_000 - 560_000) - 20_000


def test_a_shadow_that_nobody_fills_earns_nothing_beside_the_taken_loss_or_gain() -> None:
    found = shadow_of(Try(ticker="KXHIGHNY-E1-T1", at=0.0, ends="lost", shadow=0))
    assert (found.orders, found.filled, found.net) == (1, 0, 0)
    assert found.taken_net == -5 * 560_000 - 10_000


def test_what_a_shadow_would_have_bought_after_the_trade_was_over_is_not_counted() -> None:
    days = Days()
    days.live(Try(ticker="KXHIGHNY-E1-T1", at=0.0, ends="stop", held_seconds=60.0))
    name = next(entry.decision_id for _, entry in days.written if isinstance(entry, ShadowPlaced))
    days.write(ShadowFilled(decision_id=name, filled=contracts(5)), 200.0)
    found = report(days.rows(), Question()).shadow
    assert found is not None
    assert (found.orders, found.filled, found.net) == (1, 0, 0)


def test_shadows_beside_open_or_unfilled_entries_are_counted_apart() -> None:
    found = shadow_of(
        Try(ticker="KXHIGHNY-E1-T1", at=0.0, ends="open", shadow=100),
        Try(ticker="KXHIGHNY-E2-T1", at=1000.0, filled=0, shadow=100),
    )
    assert found == ShadowFigures(unsettled=2)


def test_shadows_are_in_no_other_sum() -> None:
    totals = []
    for part in (0, 100):
        days = Days()
        days.live(Try(ticker="KXHIGHNY-E1-T1", at=0.0, ends="won", shadow=part))
        totals.append(report(days.rows(), Question()).total)
    assert totals[0] == totals[1]


def test_entries_of_one_trade_share_it_and_their_shares_add_up() -> None:
    days = Days()
    days.live(Try(ticker="KXHIGHNY-E1-T1", at=0.0, ends="open", fee=33_333))
    days.live(Try(ticker="KXHIGHNY-E1-T1", at=700.0, ask=57, ends="won", fee=11_111))
    found = report(days.rows(), Question())
    assert found.total.trades == 1
    assert found.shadow is not None
    assert found.shadow.orders == 2
    assert found.shadow.taken_net == found.total.net
    assert found.shadow.net == Micros(0)


@pytest.mark.parametrize("ends", ["target", "stop", "won", "lost"])
@pytest.mark.parametrize("part", [0, 40, 100])
def test_a_trade_carries_what_the_report_counts_of_its_shadows(ends: str, part: int) -> None:
    days = Days()
    days.live(Try(ticker="KXHIGHNY-E1-T1", at=0.0, ends=ends, shadow=part))
    # One trade of two entries: the first virtual order is full before the second is placed.
    days.live(Try(ticker="KXHIGHNY-E2-T1", at=2000.0, ends="open", shadow=100, fee=33_333))
    days.live(Try(ticker="KXHIGHNY-E2-T1", at=2700.0, ask=57, ends=ends, shadow=part, fee=11_111))
    rows = list(days.rows())
    trades = [row.entry.trade.patience for row in rows if isinstance(row.entry, PositionClosed)]
    found = report(rows, Question()).shadow
    assert found is not None
    assert [each and each.price for each in trades] == [cents(54), Price(544_445)], "5 at 54 and 4 at 55, rounded up"
    assert [each and each.filled for each in trades] == [contracts(5 * part / 100), contracts(5 + 4 * part / 100)]
    assert sum((each and each.net) or 0 for each in trades) == found.net
    assert trades[0] is not None
    assert (trades[0].net is None) == (part == 0), "nothing filled is no result"


def test_nothing_of_a_shadow_is_kept_once_its_trade_has_closed_or_its_entry_bought_nothing() -> None:
    days = Days()
    days.live(Try(ticker="KXHIGHNY-E1-T1", at=0.0, ends="won", shadow=100))
    days.live(Try(ticker="KXHIGHNY-E2-T1", at=1000.0, filled=0, shadow=100))
    assert (days.state.books.waited, days.state.books.shadows) == ({}, {})


def test_a_trade_of_entries_without_a_shadow_says_nothing_of_patience() -> None:
    entries = EASY.entries.model_copy(update={"shadow": False})
    days = Days(EASY.model_copy(update={"entries": entries}))
    days.live(Try(ticker="KXHIGHNY-E1-T1", at=0.0, ends="won"))
    assert [trade.patience for trade in days.state.books.trades] == [None]


def test_the_service_shows_a_trades_shadow() -> None:
    days = Days()
    days.live(Try(ticker="KXHIGHNY-E1-T1", at=0.0, ends="won", shadow=40))
    shown = trade(days.state.books.trades[0], 7).shadow
    protovalidate.validate(shown)
    assert (shown.price_micros, shown.filled_hundredths, shown.net_micros) == (540_000, 200, 2 * 460_000)
