import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.kalshi.grid import GRIDS, Band, PriceGrid
from mesh.types import micros_from_dollars

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "reference" / "samples"

grids = st.sampled_from(sorted(GRIDS)).map(lambda label: PriceGrid(GRIDS[label]))


@pytest.mark.parametrize(
    ("label", "valid", "invalid"),
    [
        ("linear_cent", ["0.01", "0.5", "0.99"], ["0.005", "0.515", "0.991"]),
        ("deci_cent", ["0.001", "0.515", "0.999"], ["0.0005", "0.5155"]),
        ("tapered_deci_cent", ["0.001", "0.1", "0.11", "0.9", "0.901"], ["0.0995", "0.101", "0.899"]),
        ("center_whole_edge_half_cent", ["0.005", "0.1", "0.995"], ["0.105", "0.002"]),
        ("center_whole_edge_quint_cent", ["0.002", "0.5", "0.998"], ["0.502", "0.001"]),
        ("center_half_edge_half_cent", ["0.005", "0.505"], ["0.502"]),
        ("center_half_edge_quint_cent", ["0.002", "0.505", "0.902"], ["0.502", "0.905"]),
        ("center_half_edge_deci_cent", ["0.001", "0.505", "0.901"], ["0.501"]),
        ("center_quint_edge_quint_cent", ["0.002", "0.502"], ["0.501", "0.505"]),
        ("center_quint_edge_deci_cent", ["0.001", "0.502", "0.999"], ["0.501"]),
        ("center_centi_edge_centi_cent", ["0.0001", "0.5001"], []),
        ("center_deci_edge_centi_cent", ["0.0001", "0.01", "0.501", "0.9901"], ["0.0101", "0.5005"]),
    ],
)
def test_each_label_has_its_prices(label: str, valid: list[str], invalid: list[str]) -> None:
    grid = PriceGrid(GRIDS[label])
    assert [price for price in valid if not grid.valid(micros_from_dollars(price))] == []
    assert [price for price in invalid if grid.valid(micros_from_dollars(price))] == []


@given(grids, st.integers(-10, 1_000_010))
def test_whole_cents_are_valid_everywhere_and_the_ends_nowhere(grid: PriceGrid, price: int) -> None:
    assert grid.valid(price) or price % 10_000 or not 0 < price < 1_000_000
    assert not grid.valid(0)
    assert not grid.valid(1_000_000)


@given(grids, st.integers(0, 1_000_000))
def test_rounding_finds_the_nearest_valid_price_of_each_side(grid: PriceGrid, price: int) -> None:
    down, up = grid.round_down(price), grid.round_up(price)
    below, above = grid.next_below(price), grid.next_above(price)
    if grid.valid(price):
        assert down == up == price
    else:
        assert (down, up) == (below, above)
    for lower, higher in ((down, above), (below, up)):
        assert lower is None or (grid.valid(lower) and lower <= price)
        assert higher is None or (grid.valid(higher) and higher >= price)
    assert below is None or below < price
    assert above is None or above > price
    if below is not None and above is not None:
        assert not any(grid.valid(between) for between in range(below + 100, above, 100) if between != price)


def test_below_the_first_and_above_the_last_there_is_nothing() -> None:
    grid = PriceGrid(GRIDS["linear_cent"])
    assert grid.round_down(9_999) is None
    assert grid.round_up(990_001) is None
    assert grid.next_below(10_000) is None
    assert grid.next_above(990_000) is None
    assert grid.round_up(0) == 10_000
    assert grid.round_down(1_000_000) == 990_000


@pytest.mark.parametrize(
    "bands",
    [
        [],
        [Band(0, 0, 100)],
        [Band(500_000, 400_000, 100)],
        [Band(0, 1_000_100, 100)],
        [Band(-100, 1_000_000, 100)],
        [Band(0, 1_000_000, 0)],
        [Band(0, 1_000_000, 50)],
        [Band(50, 1_000_000, 100)],
        [Band(0, 600_000, 10_000), Band(500_000, 1_000_000, 10_000)],
    ],
)
def test_what_is_not_a_grid_is_refused(bands: list[Band]) -> None:
    with pytest.raises(ValueError, match="band"):
        PriceGrid(bands)


@pytest.mark.parametrize("name", ["kxbtc_hourly", "kxhighny_active"])
def test_recorded_ranges_take_the_recorded_quotes(name: str) -> None:
    path = SAMPLES / f"prod-2026-07__markets_{name}.json"
    if not path.exists():
        pytest.skip(f"no recording {path}")
    markets = json.loads(path.read_text())["markets"]
    assert markets
    for market in markets:
        bands = [
            Band(*(micros_from_dollars(band[key]) for key in ("start", "end", "step")))
            for band in market["price_ranges"]
        ]
        assert tuple(bands) == GRIDS[market["price_level_structure"]]
        grid = PriceGrid(bands)
        for key in ("yes_bid_dollars", "yes_ask_dollars"):
            quoted = micros_from_dollars(market[key])
            assert grid.valid(quoted) or quoted in (0, 1_000_000)
