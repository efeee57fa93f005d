"""Array types, instants as integers, and the normal distribution. Pure.

Instants are microseconds since 1970 in int64 arrays: exact, and quick to sort.
"""

from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(instant: datetime) -> int:
    """Give an instant as microseconds since 1970."""
    return (instant - _EPOCH) // _MICROSECOND


def instant(us: int) -> datetime:
    """Give microseconds since 1970 as an instant in UTC."""
    return _EPOCH + timedelta(microseconds=us)


def normal_cdf(x: Floats) -> Floats:
    """Give the standard normal distribution function, to 1e-7 (Abramowitz and Stegun 26.2.17)."""
    tail = 1.0 / (1.0 + 0.2316419 * np.abs(x))
    polynomial = np.full_like(tail, 1.330274429)
    for coefficient in (-1.821255978, 1.781477937, -0.356563782, 0.319381530):
        polynomial *= tail
        polynomial += coefficient
    upper = np.exp(-0.5 * x * x) * 0.3989422804014327 * polynomial * tail
    return np.where(x >= 0, 1.0 - upper, upper)
