import pytest

from mesh.types import CENT, CONTRACT, Micros
from research.rows import TradeRow
from research.statistics.verdict import Verdict, interval_words, judge, unseen_loss_cents
from tests.fakes.trade_rows import row, traded
from trader.domain.words import ExitKind


def varied(mean: float, *, days: int = 60, spread: float = 20, **changes: object) -> list[TradeRow]:
    return [row(mean + spread * ((day * 37 % 41) - 20) / 20, event=day, **changes) for day in range(days)]  # type: ignore[arg-type]


def costs_cents(rows: list[TradeRow]) -> float:
    """Return what was paid for one contract: a cent to the mid at the entry, one at a sale, and fees."""
    paid = sum(
        each.entry_fee_micros
        + each.exit_fee_micros
        + each.contract_count * CENT * (1 if each.exit_kind == ExitKind.SETTLEMENT else 2) // CONTRACT
        for each in rows
    )
    return paid / sum(each.contract_count for each in rows) * CONTRACT / CENT


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("hold", [False, True])
def test_fair_markets_show_no_edge_and_the_interval_covers_minus_the_costs(seed: int, hold: bool) -> None:
    rows = [each for each, _ in traded(seed, hold=hold)]
    found = judge(rows, resamples=1000)
    assert found.verdict in {Verdict.NO_EDGE, Verdict.LOSES}
    mean = found.headline.mean_cents
    assert mean is not None
    assert mean.low is not None
    assert mean.high is not None
    assert mean.low < -costs_cents(rows) < mean.high


@pytest.mark.parametrize("seed", range(3))
def test_a_planted_edge_shows(seed: int) -> None:
    found = judge([each for each, _ in traded(seed, edge_cents=14)], resamples=1000)
    assert found.verdict is Verdict.EDGE
    assert found.reason.endswith("at the worst that candles allow")


def test_bounds_of_different_signs_leave_it_open_however_many_trades() -> None:
    rows = [
        row((day % 9) - 4, event=day, pnl_pessimistic_micros=Micros(-10_000), pnl_optimistic_micros=Micros(90_000))
        for day in range(100)
    ]
    found = judge(rows)
    assert found.verdict is Verdict.NOT_IDENTIFIED
    assert found.reason.startswith("between $-1.00 and $+9.00")


def test_few_days_say_nothing_however_many_trades_they_have() -> None:
    rows = [row(5 + (day * 7 + market) % 5, event=day, market=market) for day in range(20) for market in range(30)]
    found = judge(rows)
    assert found.verdict is Verdict.NOT_ENOUGH_DATA
    assert "600 trades in 20 clusters" in found.reason
    assert judge([]).verdict is Verdict.NOT_ENOUGH_DATA
    assert judge([]).tail is None


def test_a_loss_beyond_chance_loses_and_a_gain_within_it_is_no_edge() -> None:
    assert judge(varied(-20), resamples=500).verdict is Verdict.LOSES
    assert judge(varied(1), resamples=500).verdict is Verdict.NO_EDGE
    assert judge(varied(20), resamples=500).verdict is Verdict.EDGE


def test_an_edge_must_hold_at_the_worst_and_a_loss_at_the_best_that_candles_allow() -> None:
    gain = varied(12, pnl_pessimistic_micros=Micros(0), pnl_optimistic_micros=Micros(200_000))
    gain = [
        each if number else row(12, pnl_pessimistic_micros=Micros(10_000)) for number, each in enumerate(gain)
    ]  # in all a cent up at the worst
    assert judge(gain, resamples=500).verdict is not Verdict.EDGE
    loss = [
        row(
            -12 + (day * 37 % 41) - 20,
            event=day,
            pnl_pessimistic_micros=Micros(((day * 37 % 41) - 45) * CENT),
            pnl_optimistic_micros=Micros(((day * 37 % 41) - 21) * CENT),
        )
        for day in range(60)
    ]
    assert judge(loss, resamples=500).verdict is Verdict.NO_EDGE


def test_gains_that_no_great_loss_has_interrupted_yet_are_not_enough() -> None:
    # NO at 95 that was never lost in 60 days: at a fair price that happens in one case of twenty.
    lucky = varied(4, spread=1, price_cents=95)
    found = judge(lucky, resamples=500)
    assert found.verdict is Verdict.NOT_ENOUGH_DATA
    assert "losses not seen yet could take 4.95c" in found.reason
    assert unseen_loss_cents(lucky) == pytest.approx(3 / 60 * 99, rel=0.01)
    unlucky = [*varied(4, days=400, spread=1, price_cents=95), row(-95, event=400, price_cents=95)]
    assert unseen_loss_cents(unlucky) == 0


def test_the_best_of_many_trials_needs_more() -> None:
    rows = varied(9)
    assert judge(rows, resamples=500).verdict is Verdict.EDGE
    found = judge(rows, [0.6 * ((number * 7 % 23) - 11) / 11 for number in range(200)], resamples=500)
    assert found.verdict is Verdict.NO_EDGE
    assert "the best of 200 worthless trials" in found.reason


def test_figures_are_written_with_their_interval_or_that_there_is_none() -> None:
    found = judge(varied(9), resamples=500)
    assert found.headline.mean_cents is not None
    assert interval_words(found.headline.mean_cents).startswith("+9.")
    assert interval_words(judge(varied(9, days=5)).headline.mean_cents).endswith("c [not enough data]")
    assert interval_words(None) == "nothing"
