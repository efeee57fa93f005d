"""A day's highest temperature: what forecasters expect, what the station reads, and what the report says. Pure.

The expected high is a martingale that moves with model runs, hourly readings and a little all the time. Readings follow
it along the day's curve. The report gives the highest reading, or a little more where the last revision says so.
"""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property, lru_cache

import numpy as np

from sim_exchange.sources.generated.arrays import MINUTE, Bools, Floats, Ints, microseconds, normal_cdf
from sim_exchange.sources.generated.seeds import generator

_DAY_MINUTES = 24 * 60
_REVISION = 180  # minutes after the peak until nothing more is learnt of the day's high
_PERSISTENCE, _MEMORY = 0.72, 24  # of weather from day to day, and after how many days it is forgotten
_HALF = 0.5
_DAWN = 5.5  # hour of the coldest moment
_MODEL_EVERY, _MODEL_BEGINS, _MODEL_ENDS = 360, 230, 260  # minutes of the UTC day: four runs trickle in
_READING = (51, 53)  # minutes of the hour in which stations report


@dataclass(frozen=True)
class Climate:
    """A station's weather, in degrees Fahrenheit."""

    mean_high: float
    """Over the year."""
    season: float
    """Of the warmest day above the mean."""
    warmest_day: int
    """Day of the year."""
    spread: float
    """Standard deviation of daily highs around the season's normal."""
    forecast_error: float
    """Standard deviation of what is unknown when a market opens."""
    range: float
    """From the night's low to the day's high."""
    standard_offset: timedelta
    """Of the station's zone to UTC."""


@dataclass(frozen=True)
class WeatherDay:
    """One station's day."""

    seed: int
    station: str
    climate: Climate
    day: date
    starts: int
    """From when on anything is forecast, in microseconds."""

    def expectation(self, at: int) -> float:
        """Give the forecast at an instant."""
        return float(self._mean[self._place(np.array([at], dtype=np.int64))][0])

    def below(self, edges: Floats, at: Ints) -> Floats:
        """Give the probabilities of a high below each edge; see `Underlying`."""
        place = self._place(at)
        deviation = np.sqrt(self._unknown[place]) + 1e-9
        chance = normal_cdf((edges[:, None] - self._mean[place]) / deviation)
        return np.where(self.highest[place] < edges[:, None], chance, 0.0)

    @property
    def value(self) -> Decimal:
        """The high in whole degrees."""
        high = max(float(self._mean[-1]), float(self.highest[-1]))
        return Decimal(math.floor(high + _HALF))

    @property
    def value_text(self) -> str:
        """The high as the exchange writes it."""
        return f"{self.value}.00"

    @cached_property
    def minutes(self) -> Ints:
        """The instants, a minute apart, that all of the day's series are given at."""
        return self.starts + np.arange(self._midnight + _DAY_MINUTES, dtype=np.int64) * MINUTE

    @cached_property
    def readings(self) -> Floats:
        """The thermometer at each minute; nothing before the day begins."""
        hours = (np.arange(_DAY_MINUTES) + _HALF) / 60
        peak = self._peak / 60
        falling = np.clip((hours - peak) / (24 - peak), 0, 1)
        rising = np.clip((peak - hours) / (peak - _DAWN), 0, 1)
        before_dawn = np.clip((_DAWN - hours) / _DAWN, 0, 1)
        depth = np.where(
            hours >= peak,
            0.37 * (1 - np.cos(math.pi * falling)),
            _HALF * (1 - np.cos(math.pi * rising)) - 0.15 * before_dawn,
        )
        rng = generator(self.seed, self.station, "readings", self.day.isoformat())
        wobble = np.interp(np.arange(_DAY_MINUTES), np.arange(0, _DAY_MINUTES + 20, 20), rng.standard_normal(73))
        span = self.climate.range * math.exp(0.25 * rng.standard_normal())
        readings = np.full(len(self.minutes), -math.inf)
        today = self._mean[self._midnight :]
        readings[self._midnight :] = today - span * depth * (1 + 0.03 * wobble)
        return readings

    @cached_property
    def highest(self) -> Floats:
        """The highest reading so far, at each minute."""
        return np.maximum.accumulate(self.readings)

    @property
    def normal(self) -> float:
        """The season's normal high."""
        angle = 2 * math.pi * (self.day.timetuple().tm_yday - self.climate.warmest_day) / 365.25
        return self.climate.mean_high + self.climate.season * math.cos(angle)

    @cached_property
    def _midnight(self) -> int:
        """Minutes from the start to the station's midnight."""
        begins = microseconds(datetime.combine(self.day, datetime.min.time(), UTC) - self.climate.standard_offset)
        return (begins - self.starts) // MINUTE

    @cached_property
    def _peak(self) -> int:
        """Minutes from midnight to the warmest moment."""
        hour = generator(self.seed, self.station, "peak", self.day.isoformat()).normal(14.8, 0.9)
        return round(60 * min(max(float(hour), 11.5), 17.5))

    @cached_property
    def _weights(self) -> Floats:
        """How much is learnt in each minute: shares of the forecast's error variance."""
        count = len(self.minutes)
        minute = np.arange(count)
        end = self._midnight + self._peak + _REVISION
        before, today = minute < self._midnight, (minute >= self._midnight) & (minute < end)
        of_hour = (self.minutes // MINUTE) % 60
        of_day = (self.minutes // MINUTE) % _DAY_MINUTES
        model_run = (of_day % _MODEL_EVERY >= _MODEL_BEGINS) & (of_day % _MODEL_EVERY < _MODEL_ENDS)
        reading = (of_hour >= _READING[0]) & (of_hour < _READING[1])
        noon = np.exp(-0.5 * ((minute - self._midnight - self._peak + 60) / 150.0) ** 2)
        weights = _shares(before & model_run, 0.30) + _shares(before, 0.15) + _shares(today & model_run, 0.10)
        weights += _shares(today * noon, 0.22) + _shares((today & reading) * (0.15 + noon), 0.23)
        rng = generator(self.seed, self.station, "news", self.day.isoformat())
        weights *= rng.exponential(1.0, count) ** 1.6  # news comes in lumps
        scaled: Floats = weights / weights.sum()
        return scaled

    @cached_property
    def _unknown(self) -> Floats:
        """Variance of the high that is left at each minute."""
        return self.climate.forecast_error**2 * np.maximum(1 - np.cumsum(self._weights), 0)

    @cached_property
    def _mean(self) -> Floats:
        rng = generator(self.seed, self.station, "forecast", self.day.isoformat())
        moves = rng.standard_normal(len(self.minutes)) * np.sqrt(self._weights) * self.climate.forecast_error
        return self.normal + self._anomaly() + np.cumsum(moves)

    def _anomaly(self) -> float:
        """Give how much warmer than normal it is foreseen to be; weather lasts for days."""
        scale = math.sqrt(max(self.climate.spread**2 - self.climate.forecast_error**2, 0) * (1 - _PERSISTENCE**2))
        draws = (_weather(self.seed, self.station, self.day.toordinal() - ago) for ago in range(_MEMORY))
        return scale * sum(draw * _PERSISTENCE**ago for ago, draw in enumerate(draws))

    def _place(self, at: Ints) -> Ints:
        place: Ints = np.clip((at - self.starts) // MINUTE, 0, len(self.minutes) - 1)
        return place


@lru_cache(maxsize=4096)
def _weather(seed: int, station: str, ordinal: int) -> float:
    return float(generator(seed, station, "anomaly", ordinal).standard_normal())


def _shares(weights: Floats | Bools, total: float) -> Floats:
    """Scale weights so that they add up to `total`."""
    values = np.asarray(weights, dtype=np.float64)
    return values * (total / max(float(values.sum()), 1e-12))
