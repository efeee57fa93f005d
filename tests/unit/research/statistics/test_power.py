import pytest

from research.statistics.clusters import clusters, of_rows
from research.statistics.power import need, needed, words
from tests.fakes.trade_rows import row


@pytest.mark.parametrize(
    ("sd", "edge", "expected"),
    [
        (22.2, 0.5, 12_200),
        (22.2, 1, 3_050),
        (22.2, 2, 760),
        (22.2, 3, 340),
        (42, 1, 10_900),
        (42, 2, 2_730),
        (42, 3, 1_210),
    ],
)
def test_the_figures_are_those_of_the_market_s_study(sd: float, edge: float, expected: int) -> None:
    assert needed(sd, edge) == pytest.approx(expected, rel=0.01)


def test_what_is_needed_follows_from_the_rows_own_clusters() -> None:
    # Three trades of a day that end alike, at 20 cents up or down: as many days as single trades would have been.
    rows = [row(20 if day % 2 else -20, event=day, market=market) for day in range(40) for market in range(3)]
    found = need(of_rows(rows))
    assert found is not None
    assert found.clusters == 40
    assert found.sd_cents == pytest.approx(20, rel=0.02)
    assert found.needed[1.0] == pytest.approx(needed(20, 1), rel=0.03)
    assert found.visible_cents == pytest.approx(2.4865 * 20 / 40**0.5, rel=0.02)
    text = (
        f"to see 1c a contract this filter needs {found.needed[1.0]:,} clusters; there are 40, which show 8.0c or more"
    )
    assert words(found) == text


def test_no_edge_is_seen_in_fewer_clusters_than_an_interval_needs() -> None:
    equal = need(clusters(range(10), [0.1 * (number % 3) for number in range(10)]))
    uneven = need(clusters(range(10), [0.1 * (number % 3) for number in range(10)], [1.0] * 9 + [9.0]))
    assert equal is not None
    assert uneven is not None
    assert equal.needed[3.0] == 30
    assert uneven.needed[3.0] > 60


@pytest.mark.parametrize("values", [[1.0], [2.0, 2.0, 2.0]])
def test_nothing_is_said_without_spread(values: list[float]) -> None:
    assert need(clusters(range(len(values)), values)) is None
    assert "nothing can be said" in words(None)
