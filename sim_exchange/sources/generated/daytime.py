"""When people trade: busy days and thin nights, by the Eastern hour of the week. Pure."""

import numpy as np

from sim_exchange.sources.generated.arrays import DAY, Floats
from sim_exchange.sources.generated.eastern import offset_seconds
from sim_exchange.sources.generated.profiles import Subject

_DAYS = 7
_WEEKDAYS = 5

# Weather follows recorded trades by hour; the recorded stillness from 3 to 7 was the exchange's own night, now gone.
_HOURS = {
    Subject.WEATHER: (
        0.74, 0.52, 0.31, 0.2, 0.18, 0.2, 0.35, 0.6, 1.4, 1.35, 1.85, 1.85, 2.0, 2.1, 2.05, 1.95, 1.4, 0.92, 0.77, 0.72,
        0.69, 0.77, 0.93, 0.83,
    ),
    Subject.CRYPTO: (
        0.7, 0.6, 0.5, 0.45, 0.5, 0.6, 0.75, 0.9, 1.1, 1.45, 1.6, 1.5, 1.35, 1.3, 1.4, 1.4, 1.25, 1.1, 1.0, 1.0,
        1.05, 1.0, 0.9, 0.8,
    ),
    Subject.INDEX: (
        0.1, 0.08, 0.07, 0.07, 0.1, 0.15, 0.25, 0.4, 0.9, 2.6, 3.0, 2.4, 2.1, 2.1, 2.4, 3.4, 0.8, 0.3, 0.4, 0.35,
        0.3, 0.25, 0.2, 0.15,
    ),
}  # fmt: skip
_WEEKEND = {Subject.WEATHER: 0.9, Subject.CRYPTO: 0.75, Subject.INDEX: 0.06}


def busyness(subject: Subject) -> Floats:
    """Give how busy each Eastern hour of the week is, around 1."""
    weekend = np.where(np.arange(_DAYS) < _WEEKDAYS, 1.0, _WEEKEND[subject])
    hours: Floats = (weekend[:, None] * np.array(_HOURS[subject])).ravel()
    return hours


def market_hours(day: int) -> Floats:
    """Give the share of a day's variance of an American index in each second of a UTC day (from microseconds)."""
    local = (np.arange(86_400) + offset_seconds(day + DAY // 2)) % 86_400 / 3600
    session = (local >= 9.5) & (local < 16)  # noqa: PLR2004  from 09:30 to 16:00
    edges = 1 + 1.5 * np.exp(-(local - 9.5) / 0.7) + 0.8 * np.exp((local - 16) / 0.5)
    weight = np.where(session, edges, 0.035)
    share: Floats = weight / weight.sum()
    return share


def round_the_clock(_day: int) -> Floats:
    """Give the share of a day's variance of a coin in each second of any UTC day; busiest in American mornings."""
    hours = np.arange(86_400) / 3600
    weight = 0.8 + np.exp(-0.5 * ((hours - 15.0) / 3.5) ** 2)
    share: Floats = weight / weight.sum()
    return share


def workdays(day: int) -> float:
    """Give the factor on an index's volatility of a UTC day: next to nothing at weekends."""
    return 1.0 if (day // DAY + 3) % _DAYS < _WEEKDAYS else 0.02  # 1970 began on a Thursday


def every_day(_day: int) -> float:
    """Give the factor on a coin's volatility of a day: always one."""
    return 1.0
