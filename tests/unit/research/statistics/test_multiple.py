import random

import pytest

from research.statistics.multiple import benjamini_hochberg


def test_the_classical_example_finds_as_many_as_the_text_says() -> None:
    # Benjamini and Hochberg 1995, section 4: fifteen p values, of which four are found at a rate of 0.05.
    values = [
        0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240,
        0.4262, 0.5719, 0.6528, 0.7590, 1.0,
    ]  # fmt: skip
    found = benjamini_hochberg({f"KX{number}": p for number, p in enumerate(values)}, rate=0.05)
    assert [name for name, each in found.items() if each.found] == ["KX0", "KX1", "KX2", "KX3"]
    assert found["KX3"].q == pytest.approx(0.0095 * 15 / 4)
    assert found["KX4"].q == pytest.approx(0.0201 * 15 / 5)
    assert found["KX5"].q == pytest.approx(0.0298 * 15 / 7)  # never above that of a greater p


def test_what_was_abandoned_counts_as_tried() -> None:
    alone = benjamini_hochberg({"KXA": 0.03})
    among = benjamini_hochberg({"KXA": 0.03, "KXB": None, "KXC": None, "KXD": None})
    assert alone["KXA"].found
    assert not among["KXA"].found
    assert (among["KXB"].p, among["KXB"].q) == (None, 1.0)
    assert benjamini_hochberg({}) == {}


def test_names_and_order_do_not_matter() -> None:
    tried: dict[str, float | None] = {f"KX{number}": (number * 7 % 11) / 40 for number in range(11)}
    mixed = list(tried.items())
    random.Random(1).shuffle(mixed)  # noqa: S311  # an order
    assert benjamini_hochberg(dict(mixed)) == benjamini_hochberg(tried)


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_what_is_no_probability_is_refused(p: float) -> None:
    with pytest.raises(ValueError, match="KXA"):
        benjamini_hochberg({"KXA": p})
