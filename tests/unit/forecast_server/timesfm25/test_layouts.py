"""How series are packed, and that packing changes no answer."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from forecast_server.models.timesfm25.graphs import PATCHES, SHAPES, fitting
from forecast_server.models.timesfm25.layout import lay_out
from forecast_server.models.timesfm25.network import Network
from forecast_server.models.timesfm25.packing import Group, Packed, padded, passes
from forecast_server.models.timesfm25.parameters import arrange
from forecast_server.models.timesfm25.weights import read_weights
from tests.fakes.tiny_timesfm import TINY, prices

CPU = torch.device("cpu")
lengths = st.lists(st.integers(1, 200), min_size=1, max_size=20)


def forward(network: Network, packed: Packed, *, as_padded: bool = False) -> NDArray[np.float32]:
    values, fill, last = (torch.from_numpy(array) for array in (packed.values, packed.fill, packed.last))
    found = network.forward(values, fill, last, lay_out(packed.groups, CPU, padded=as_padded), 24)
    return found[: len(packed.members)].numpy()


@pytest.fixture(scope="session")
def network(tiny: Path) -> Network:
    return Network(arrange(read_weights(tiny).tensors, TINY, CPU, torch.float32), TINY, CPU, torch.float32)


@given(lengths=lengths, most=st.integers(1, 30))
def test_passes_hold_every_series_once_and_stay_within_their_size(lengths: list[int], most: int) -> None:
    batch = [np.arange(1, length + 1, dtype=np.float32) for length in lengths]
    members = []
    for packed in passes(batch, 32, most):
        assert packed.patches <= most or len(packed.members) == 1
        assert sum(group.rows for group in packed.groups) == len(packed.members)
        for member, values, fill, last in zip(packed.members, packed.values, packed.fill, packed.last, strict=True):
            assert fill < 32
            assert np.array_equal(values[fill : (last + 1) * 32], batch[member])
            assert not values[:fill].any()
            assert not values[(last + 1) * 32 :].any()
        counts = np.repeat([group.patches for group in packed.groups], [group.rows for group in packed.groups])
        assert np.array_equal(counts, packed.last + 1)
        members += packed.members.tolist()
    assert sorted(members) == list(range(len(batch)))


def test_series_of_equal_length_make_one_group() -> None:
    (packed,) = passes(prices([64, 40, 64]), 32, sys.maxsize)
    assert packed.groups == (Group(3, 2),)


@settings(max_examples=20, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 200), min_size=1, max_size=6), more_rows=st.integers(0, 3), more=st.integers(0, 3)
)
def test_a_padded_pass_answers_as_a_packed_one(network: Network, lengths: list[int], more_rows: int, more: int) -> None:
    (packed,) = passes(prices(lengths), 32, sys.maxsize)
    shape = Group(len(lengths) + more_rows, packed.groups[-1].patches + more)
    found = forward(network, padded(packed, shape, 32), as_padded=True)
    expected = forward(network, packed)
    assert np.abs(found - expected).max() < 1e-6 * np.abs(expected).max()


def test_a_padded_pass_without_its_mask_would_answer_otherwise(network: Network) -> None:
    (packed,) = passes(prices([40]), 32, sys.maxsize)
    wider = padded(packed, Group(1, 8), 32)
    assert np.abs(forward(network, wider) - forward(network, packed)).max() > 0.01


@given(lengths=st.lists(st.integers(1, 1024), min_size=1, max_size=140))
def test_a_recorded_shape_holds_the_batch_and_wastes_little(lengths: list[int]) -> None:
    (packed,) = passes([np.ones(length, np.float32) for length in lengths], 32, sys.maxsize)
    shape = fitting(packed)
    if shape is None:
        assert len(lengths) > 8
        return
    assert shape in SHAPES
    assert shape.rows >= len(lengths)
    assert shape.patches * 32 >= max(lengths)
    assert shape.rows * shape.patches <= max(512, 1.25 * packed.patches)


@pytest.mark.parametrize("patches", PATCHES)
@pytest.mark.parametrize("series", [1, 8])
def test_a_lone_series_and_a_handful_have_shapes_of_their_own(patches: int, series: int) -> None:
    (packed,) = passes(prices([32 * patches] * series), 32, sys.maxsize)
    assert fitting(packed) == Group(series, patches)


def test_a_large_batch_runs_as_it_is() -> None:
    (packed,) = passes(prices([512] * 200), 32, sys.maxsize)
    assert fitting(packed) is None
