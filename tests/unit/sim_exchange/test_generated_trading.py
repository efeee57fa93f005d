"""How generated markets trade: like recorded ones, near a martingale, and with as much trend as was asked for."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from pydantic import ValidationError

from sim_exchange.sources.generated.arrays import MINUTE, Floats, microseconds
from sim_exchange.sources.generated.calendar import occasions
from sim_exchange.sources.generated.config import GeneratedConfig, SeriesConfig
from sim_exchange.sources.generated.profiles import configured
from sim_exchange.sources.generated.world import Occurrence, World

START = datetime(2025, 12, 1, 15, tzinfo=UTC)


def some(series: str, count: int, **options: float) -> list[Occurrence]:
    profile = configured(SeriesConfig(ticker=series, **options))  # type: ignore[arg-type]
    world = World(11, pauses=True, cached_events=4)
    found = occasions(series, profile.times, START, START + timedelta(days=count + 3))
    return [world.occurrence(profile, occasion) for _, occasion in zip(range(count), found, strict=False)]


def by_minute(event: Occurrence) -> tuple[Floats, Floats]:
    """Give bids and asks in cents at the end of every minute; one row a market."""
    opens, closes = microseconds(event.occasion.opens), microseconds(event.occasion.closes)
    ends = np.arange(opens + MINUTE, closes, MINUTE)
    rows, first = event.stream.rows, event.stream.first_row
    bids, asks = [], []
    for market in range(len(event.tickers)):
        mine = slice(int(first[market]), int(first[market + 1]))
        place = np.searchsorted(rows.at[mine], ends, side="right")
        bids.append(np.concatenate(([0], rows.bid[mine]))[place])
        asks.append(np.concatenate(([100], rows.ask[mine]))[place])
    return np.array(bids, dtype=np.float64), np.array(asks, dtype=np.float64)


def later_moves(events: list[Occurrence], minutes: int) -> float:
    """Give the correlation of a move with the one after it, of markets that are in play."""
    before, after = [], []
    for event in events:
        bid, ask = by_minute(event)
        middle = ((bid + ask) / 2)[:, 30::minutes]
        moves = np.diff(middle, axis=1)
        here = (middle[:, 1:-1] > 10) & (middle[:, 1:-1] < 90)
        before.append(moves[:, :-1][here])
        after.append(moves[:, 1:][here])
    return float(np.corrcoef(np.concatenate(before), np.concatenate(after))[0, 1])


def test_weather_trades_like_recorded_weather() -> None:
    events = some("KXHIGHNY", 10)
    spreads, sums, moves, trades, hours = [], [], [], 0, 0.0
    for event in events:
        bid, ask = by_minute(event)
        day = slice(60, 26 * 60)  # after the opening, before the high is known
        bid, ask = bid[:, day], ask[:, day]
        spreads.append((ask - bid)[(bid > 0) & (ask < 100)])
        sums.append(((ask + bid) / 200).sum(axis=0))
        moves.append(np.abs(np.diff((ask + bid) / 2, axis=1)).ravel())
        trades += len(event.stream.prints.at)
        hours += 6 * (event.occasion.closes - event.occasion.opens) / timedelta(hours=1)
    spread = np.concatenate(spreads)
    # Recorded: median 1 to 2, mean 2.6, sum of middles 1.06, mean move 0.30 a minute, 8.4 trades an hour.
    assert np.median(spread) in {1, 2}
    assert 1.8 < float(spread.mean()) < 3.2
    assert 1.03 < float(np.concatenate(sums).mean()) < 1.09
    assert 0.15 < float(np.concatenate(moves).mean()) < 0.45
    assert 4 < trades / hours < 12


def test_without_a_trend_moves_say_nothing_about_later_ones() -> None:
    assert abs(later_moves(some("KXHIGHNY", 25), 60)) < 0.1


@pytest.mark.parametrize(("trend", "low", "high"), [(0.6, 0.1, 0.9), (-0.6, -0.9, -0.1)])
def test_a_trend_can_be_found(trend: float, low: float, high: float) -> None:
    assert low < later_moves(some("KXHIGHNY", 12, trend=trend, trend_minutes=60.0), 60) < high


def test_nights_are_thin() -> None:
    day, night, wide, narrow = 0, 0, [], []
    for event in some("KXHIGHNY", 8):
        hours = (event.stream.prints.at // (60 * MINUTE) - 5) % 24
        day += int(((hours >= 9) & (hours < 17)).sum())
        night += int(((hours >= 0) & (hours < 8)).sum())
        bid, ask = by_minute(event)
        two_sided = np.where((bid > 2) & (ask < 98), ask - bid, np.nan)
        narrow.append(np.nanmean(two_sided[:, 120:360]))  # noon to four
        wide.append(np.nanmean(two_sided[:, 14 * 60 : 17 * 60]))  # midnight to three
    assert day > 4 * night
    assert np.mean(wide) > np.mean(narrow)


def test_what_is_configured_is_what_is_had() -> None:
    plain, busy, wide = (
        some("KXETH", 2, markets=10, **options) for options in ({}, {"trades_per_hour": 600.0}, {"spread_cents": 20.0})
    )
    assert len(plain[0].tickers) == 10
    assert len(busy[0].stream.prints.at) > 5 * len(plain[0].stream.prints.at)
    gap = [np.mean([(ask - bid).mean() for bid, ask in map(by_minute, events)]) for events in (plain, wide)]
    assert gap[1] > 1.3 * gap[0]


@pytest.mark.parametrize(
    "table",
    [
        {"series": [{"ticker": "KXBTC"}, {"ticker": "KXBTC"}]},
        {"series": [{"ticker": "KXDOGE"}]},
        {"series": [{"ticker": "KXBTC", "markets": 2}]},
        {"series": [{"ticker": "KXBTC", "trend": 1.5}]},
        {"seed": -1},
        {"cached_events": 0},
    ],
)
def test_a_configuration_that_cannot_be_is_refused(table: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        GeneratedConfig.model_validate_json(json.dumps(table))
