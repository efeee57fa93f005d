import pytest

from mesh.types import Micros
from tests.fakes.trading import contracts
from tests.unit.trader.reporting.trading_days import Days, Try
from trader.domain.entries import ShadowFilled, ShadowPlaced
from trader.reporting.report import Question, report
from trader.reporting.shadow import ShadowFigures


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
