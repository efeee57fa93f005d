"""What the cache keeps, forgets and counts."""

from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from forecast_server.cache import ENTRY_BYTES, ForecastCache

STEPS, LEVELS = 6, 9
ONE = ENTRY_BYTES + 4 * STEPS * (1 + LEVELS)
"""Bytes of one forecast of these sizes."""


def path(value: float, steps: int = STEPS) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return np.full(steps, value, np.float32), np.full((steps, LEVELS), value, np.float32)


def kept(cache: ForecastCache, digest: str) -> float | None:
    found = cache.get(digest)
    return None if found is None else float(found[0][0])


def test_what_was_put_comes_back_and_is_counted() -> None:
    cache = ForecastCache(10 * ONE)
    assert cache.get("a") is None
    cache.put("a", *path(1))
    found = cache.get("a")
    assert found is not None
    for array, put in zip(found, path(1), strict=True):
        assert array.dtype == np.float32
        assert np.array_equal(array, put)
    assert (cache.hits, cache.misses, cache.entries, cache.used_bytes) == (1, 1, 1, ONE)


def test_the_least_recently_used_is_forgotten_first() -> None:
    cache = ForecastCache(3 * ONE)
    for digest in "abc":
        cache.put(digest, *path(ord(digest)))
    assert kept(cache, "a") == ord("a")
    cache.put("d", *path(ord("d")))
    assert [kept(cache, digest) for digest in "abcd"] == [ord("a"), None, ord("c"), ord("d")]
    assert cache.used_bytes == 3 * ONE


def test_a_large_forecast_takes_the_place_of_several() -> None:
    cache = ForecastCache(4 * ONE)
    for digest in "abcd":
        cache.put(digest, *path(1))
    cache.put("e", *path(1, steps=2 * STEPS))
    assert [kept(cache, digest) for digest in "abcde"] == [None, None, 1, 1, 1]


def test_a_row_of_a_batch_does_not_keep_the_batch() -> None:
    cache = ForecastCache(10 * ONE)
    mean, quantiles = np.ones((500, STEPS), np.float32), np.ones((500, STEPS, LEVELS), np.float32)
    cache.put("a", mean[3], quantiles[3, :2])
    mean[3] = quantiles[3] = 7
    found = cache.get("a")
    assert found is not None
    assert all(array.base is None and array.flags.c_contiguous and (array == 1).all() for array in found)


def test_nobody_can_change_what_others_will_be_given() -> None:
    cache = ForecastCache(10 * ONE)
    cache.put("a", *path(1))
    found = cache.get("a")
    assert found is not None
    for array in found:
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5


@pytest.mark.parametrize("capacity", [0, 1, ONE - 1])
def test_what_is_larger_than_the_cache_is_not_kept(capacity: int) -> None:
    cache = ForecastCache(capacity)
    cache.put("a", *path(1))
    assert kept(cache, "a") is None
    assert (cache.entries, cache.used_bytes, cache.misses) == (0, 0, 1)


def test_a_digest_put_again_is_replaced_and_counted_once() -> None:
    cache = ForecastCache(2 * ONE)
    cache.put("a", *path(1))
    cache.put("a", *path(2))
    assert (kept(cache, "a"), cache.entries, cache.used_bytes) == (2, 1, ONE)


@given(
    st.integers(0, 6 * ONE),
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from([None, 1, STEPS, 40])), max_size=60),
)
def test_it_behaves_as_a_list_in_order_of_use(capacity: int, asked: list[tuple[str, int | None]]) -> None:
    cache, model = ForecastCache(capacity), OrderedDict[str, tuple[int, int]]()
    for turn, (digest, steps) in enumerate(asked):
        if steps is None:
            assert kept(cache, digest) == (model[digest][0] if digest in model else None)
            if digest in model:
                model.move_to_end(digest)
            continue
        cache.put(digest, *path(turn, steps))
        model.pop(digest, None)
        size = ENTRY_BYTES + 4 * steps * (1 + LEVELS)
        if size <= capacity:
            model[digest] = turn, size
        while sum(size for _, size in model.values()) > capacity:
            model.popitem(last=False)
        assert cache.entries == len(model)
        assert cache.used_bytes == sum(size for _, size in model.values()) <= capacity
    assert cache.hits + cache.misses == sum(steps is None for _, steps in asked)
