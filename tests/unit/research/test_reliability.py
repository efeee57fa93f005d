"""Prices as probabilities: what was said beside what came."""

from datetime import timedelta

import pytest

from research.reliability import ReliabilitySums
from research.types import RecordedEvent, Unsaid
from tests.fakes.research import BEGIN, event, market, walked
from tests.fakes.research_walk import Said, said


def told(day: int, forecast: float, current: float, *, pays: bool | None) -> tuple[RecordedEvent, Said]:
    """One market of an event, of which the same is said after each of two candles."""
    begin = BEGIN + timedelta(days=day)
    one = market(walked(2, begin=begin), ticker=f"KXHIGHNY-{begin:%y%b%d}-T40", pays=pays)
    return event(one), said(one, 0, 1, forecast_mean_cents=forecast, current_cents=current)


def test_what_is_said_stands_beside_what_came() -> None:
    sums = ReliabilitySums()
    sums.add(*told(0, 25.0, 40.0, pays=True))
    sums.add(*told(1, 21.0, 40.0, pays=False))

    found = sums.found()

    (forecast,), (held,) = found.forecast, found.market
    assert (forecast.count, held.count) == (4, 4)
    assert (forecast.came, held.came) == (0.5, 0.5)
    assert forecast.said == pytest.approx(0.23)
    assert held.said == pytest.approx(0.40)
    assert found.forecast_brier is not None
    assert found.market_brier is not None
    assert found.difference is not None
    assert found.forecast_brier.mean == pytest.approx((0.75**2 + 0.21**2) / 2)
    assert found.market_brier.mean == pytest.approx((0.6**2 + 0.4**2) / 2)
    assert found.difference.mean == pytest.approx(found.forecast_brier.mean - found.market_brier.mean)
    assert found.difference.cluster_count == 2
    assert found.difference.low is None


def test_prices_at_the_ends_have_their_bins() -> None:
    sums = ReliabilitySums()
    sums.add(*told(0, 100.0, 0.0, pays=True))
    sums.add(*told(1, 103.0, -1.0, pays=True))

    found = sums.found()

    assert [(each.count, each.said) for each in found.forecast] == [(4, 1.0)]
    assert [(each.count, each.said) for each in found.market] == [(4, 0.0)]


def test_what_nobody_knows_or_nobody_said_does_not_count() -> None:
    sums = ReliabilitySums()
    sums.add(*told(0, 25.0, 40.0, pays=None))
    known, answers = told(1, 25.0, 40.0, pays=True)
    sums.add(known, dict.fromkeys(answers, Unsaid("constant")))

    found = sums.found()

    assert found.forecast == found.market == ()
    assert found.forecast_brier is found.difference is None


def test_the_order_of_answers_changes_not_even_the_last_bits() -> None:
    one = market(walked(30), ticker="KXHIGHNY-26NOV01-T40", pays=True)
    answers: Said = {}
    for number in range(30):
        answers |= said(one, number, forecast_mean_cents=1.1 * number, current_cents=40.0 + number / 7)
    forth, back = ReliabilitySums(), ReliabilitySums()
    forth.add(event(one), answers)
    back.add(event(one), dict(reversed(answers.items())))

    assert forth.found() == back.found()
