"""Many series tried: which still stand out, after Benjamini and Hochberg. Pure.

Whoever tries twenty series finds one that is good at five percent. Here the expected share of false ones among those
that are called good stays below a rate, if all that were tried are in it, abandoned ones as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass

RATE = 0.1


@dataclass(frozen=True, slots=True)
class Finding:
    """One of those that were tried."""

    p: float | None
    """How probable so good a result is without an edge; None where too few data say nothing."""
    q: float
    """The least rate at which it is found; 1 where nothing is said."""
    found: bool


def benjamini_hochberg(tried: Mapping[str, float | None], rate: float = RATE) -> dict[str, Finding]:
    """Judge all that was tried together.

    Args:
        tried: One-sided p by name; None counts as tried, and as 1.
        rate: Share of false ones among those that are found, in expectation.

    Raises:
        ValueError: A p is no probability.
    """
    values = {name: 1.0 if p is None else p for name, p in tried.items()}
    for name, p in values.items():
        if not 0 <= p <= 1:
            raise ValueError(f"{name}: {p} is no probability")
    least, adjusted = 1.0, dict[str, float]()
    for rank, name in sorted(enumerate(sorted(values, key=values.__getitem__), 1), reverse=True):
        least = adjusted[name] = min(least, values[name] * len(values) / rank)
    return {name: Finding(tried[name], adjusted[name], adjusted[name] <= rate) for name in tried}
