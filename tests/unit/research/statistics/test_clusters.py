from math import sqrt

import pytest

from mesh.statistics import Clustered
from research.statistics.clusters import clusters, event, of_rows, underlying_and_day
from tests.fakes.trade_rows import row


def test_a_mean_is_of_contracts_and_a_cluster_of_what_settles_together() -> None:
    rows = [row(10, event=0, contracts=3), row(-6, event=0, market=1), row(2, event=1)]
    sums = of_rows(rows)
    assert sums is not None
    assert sums.means[0] == pytest.approx((30 - 6 + 2) / 5)
    assert sums.count == 3
    assert sums.weights[:, 0].tolist() == [100, 400]
    assert sums.effective_clusters == pytest.approx(25 / 17)


def test_series_of_one_underlying_share_a_day_and_events_may_be_told_apart() -> None:
    rows = [row(series="KXBTC"), row(series="KXBTCD"), row(series="KXETH")]
    counts = [
        len(sums.values)
        for naming in (underlying_and_day(), underlying_and_day({"KXBTC": "BTC", "KXBTCD": "BTC"}), event)
        if (sums := of_rows(rows, naming)) is not None
    ]
    assert counts == [3, 2, 3]
    twice = [row(), row(event_ticker="KXA-OTHER")]
    assert [len(sums.values) for sums in (of_rows(twice), of_rows(twice, event)) if sums is not None] == [1, 2]


def test_trades_that_always_end_alike_count_once_and_independent_ones_all() -> None:
    values = [float(number * 17 % 23) for number in range(60)]
    alike = clusters([number for number in range(60) for _ in range(3)], [value for value in values for _ in range(3)])
    assert alike.effective_count == pytest.approx(60, rel=0.02)
    alone = clusters(range(60), values)
    assert alone.effective_count == pytest.approx(60)


def test_the_error_is_that_of_the_trader_s_report() -> None:
    values, weights = [3.0, -1.0, 4.0, 1.0, -5.0, 9.0], [1.0, 2.0, 1.0, 3.0, 1.0, 2.0]
    theirs = Clustered()
    for number, (value, weight) in enumerate(zip(values, weights, strict=True)):
        theirs.add(number // 2, value * weight, weight)
    sums = clusters(
        [0, 0, 1, 1, 2, 2], [value * weight for value, weight in zip(values, weights, strict=True)], weights
    )
    found = theirs.estimate(least=2)
    assert found is not None
    assert sums.means[0] == pytest.approx(found.mean)
    assert sums.effective_clusters == pytest.approx(found.effective_clusters)
    pairs = [(1.0, 3.0), (7.0, 4.0), (13.0, 3.0)]
    mean = sum(value for value, _ in pairs) / 10
    assert sums.error == pytest.approx(sqrt(sum((value - mean * weight) ** 2 for value, weight in pairs) * 1.5) / 10)


def test_one_cluster_has_no_error_and_no_row_no_clusters() -> None:
    alone = of_rows([row(5), row(-5, market=1)])
    assert alone is not None
    assert (alone.error, alone.effective_count) == (None, None)
    assert of_rows([]) is None


@pytest.mark.parametrize(
    ("labels", "totals", "weights"),
    [
        ([], [], []),
        ([1], [1.0, 2.0], [1.0, 1.0]),
        ([1], [float("nan")], [1.0]),
        ([1], [1.0], [-1.0]),
        ([1], [1.0], [0.0]),
    ],
)
def test_what_is_no_observation_is_refused(labels: list[int], totals: list[float], weights: list[float]) -> None:
    with pytest.raises(ValueError, match=r"observations|finite"):
        clusters(labels, totals, weights)
