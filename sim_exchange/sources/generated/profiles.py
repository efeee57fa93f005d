"""What the six series are like: texts, times, strikes, underlyings and how they trade. Pure.

Times and forms are as recorded. The numbers of trading were tuned until spreads, moves and trades were so too.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from enum import Enum

from sim_exchange.sources.generated.calendar import Rhythm, Times
from sim_exchange.sources.generated.config import SeriesConfig, SeriesTicker
from sim_exchange.sources.generated.weather import Climate


class Subject(Enum):
    """What a series is about."""

    WEATHER = "weather"
    INDEX = "index"
    CRYPTO = "crypto"


@dataclass(frozen=True, slots=True)
class Ladder:
    """How an event's strikes lie."""

    markets: int
    width: Decimal
    """From one floor to the next."""
    gap: Decimal
    """From a cap to the next floor: both ends of a range belong to it."""
    anchor: Decimal = Decimal(0)
    """Floors are this plus multiples of the width; weather's lie anywhere."""


@dataclass(frozen=True, slots=True)
class Trading:
    """How a series trades."""

    ticks_per_minute: int
    spread_cents: float
    noise_cents: float
    overround: float
    trades_per_hour: float
    requote: float
    """Chance that a market near 50 cents is quoted anew at a tick."""
    size: float
    """Median contracts of a level."""
    spread_variety: float
    """Log standard deviation of spreads from one half hour to the next."""
    opening_minutes: float
    """Until the wide spreads after the opening are gone."""
    trend: float = 0.0
    trend_minutes: float = 60.0
    depth: int = 10


@dataclass(frozen=True, slots=True)
class Profile:
    """One series as it is unless configured otherwise."""

    ticker: SeriesTicker
    subject: Subject
    title: str
    category: str
    tags: tuple[str, ...]
    place: str
    """As in titles: a city, a coin, an index."""
    source: tuple[str, str]
    """Who reports the settling number, and where."""
    timer_seconds: int
    shard: int
    times: Times
    ladder: Ladder
    trading: Trading
    history: timedelta
    level: float = 0.0
    """Of a price, where its walk begins and returns to."""
    daily_volatility: float = 0.0
    climate: Climate | None = None
    station: str = ""


def _weather(ticker: SeriesTicker, city: str, *, station: str, site: str, climate: Climate) -> Profile:
    return Profile(
        ticker=ticker,
        subject=Subject.WEATHER,
        title=f"Highest temperature in {city}",
        category="Climate and Weather",
        tags=("Daily temperature",),
        place=city,
        source=("National Weather Service", f"https://forecast.weather.gov/product.php?site={site}&product=CLI"),
        timer_seconds=3600,
        shard=0,
        times=Times(Rhythm.DAILY, timedelta(hours=4.5), timedelta(seconds=45), climate.standard_offset),
        ladder=Ladder(6, Decimal(2), Decimal(1)),
        trading=Trading(
            ticks_per_minute=4,
            spread_cents=1.8,
            noise_cents=1.8,
            overround=0.05,
            trades_per_hour=20.0,
            requote=0.4,
            size=240.0,
            spread_variety=1.0,
            opening_minutes=30.0,
        ),
        history=timedelta(days=5),
        climate=climate,
        station=station,
    )


def _crypto(
    ticker: SeriesTicker, coin: str, *, index: str, ladder: Ladder, trading: Trading, level: float, volatility: float
) -> Profile:
    return Profile(
        ticker=ticker,
        subject=Subject.CRYPTO,
        title=f"{coin} range",
        category="Crypto",
        tags=(coin,),
        place=coin,
        source=(f"CF Benchmarks' {index}", "https://www.cfbenchmarks.com/data"),
        timer_seconds=60,
        shard=2,
        times=Times(Rhythm.HOURLY, timedelta(hours=1), timedelta(seconds=5)),
        ladder=ladder,
        trading=trading,
        history=timedelta(hours=6),
        level=level,
        daily_volatility=volatility,
    )


_CENT = Decimal("0.01")

_NEW_YORK = Climate(
    mean_high=62.5,
    season=22.5,
    warmest_day=203,
    spread=8.0,
    forecast_error=2.6,
    range=15.0,
    standard_offset=timedelta(hours=-5),
)
_CHICAGO = Climate(
    mean_high=59.5,
    season=26.0,
    warmest_day=203,
    spread=9.5,
    forecast_error=2.9,
    range=17.0,
    standard_offset=timedelta(hours=-6),
)
_LOS_ANGELES = Climate(
    mean_high=70.5,
    season=5.5,
    warmest_day=232,
    spread=4.8,
    forecast_error=2.2,
    range=12.0,
    standard_offset=timedelta(hours=-8),
)

PROFILES: dict[SeriesTicker, Profile] = {
    profile.ticker: profile
    for profile in (
        _weather("KXHIGHNY", "NYC", station="Central Park, New York", site="OKX", climate=_NEW_YORK),
        _weather("KXHIGHCHI", "Chicago", station="Chicago Midway, Illinois", site="LOT", climate=_CHICAGO),
        _weather(
            "KXHIGHLAX", "Los Angeles", station="Los Angeles Airport, California", site="LOX", climate=_LOS_ANGELES
        ),
        Profile(
            ticker="KXINX",
            subject=Subject.INDEX,
            title="S&P 500 range",
            category="Financials",
            tags=("S&P",),
            place="S&P 500",
            source=("S&P Dow Jones Indices", "https://www.spglobal.com/spdji/en/indices/equity/sp-500/"),
            timer_seconds=300,
            shard=0,
            times=Times(Rhythm.WEEKDAYS, timedelta(hours=24), timedelta(minutes=5)),
            ladder=Ladder(30, Decimal(25), Decimal("0.0001")),
            trading=Trading(
                ticks_per_minute=4,
                spread_cents=1.8,
                noise_cents=0.7,
                overround=0.03,
                trades_per_hour=10.0,
                requote=1.2,
                size=200.0,
                spread_variety=0.7,
                opening_minutes=30.0,
            ),
            history=timedelta(days=5),
            level=7500.0,
            daily_volatility=0.0085,
        ),
        _crypto(
            "KXBTC",
            "Bitcoin",
            index="Bitcoin Real-Time Index (BRTI)",
            ladder=Ladder(188, Decimal(100), _CENT),
            trading=Trading(
                ticks_per_minute=8,
                spread_cents=3.1,
                noise_cents=0.7,
                overround=0.015,
                trades_per_hour=60.0,
                requote=1.4,
                size=150.0,
                spread_variety=0.6,
                opening_minutes=2.0,
            ),
            level=64_000.0,
            volatility=0.013,
        ),
        _crypto(
            "KXETH",
            "Ethereum",
            index="Ethereum Real-Time Index (ERTI)",
            ladder=Ladder(75, Decimal(20), _CENT, Decimal(10)),
            trading=Trading(
                ticks_per_minute=8,
                spread_cents=5.5,
                noise_cents=0.8,
                overround=0.02,
                trades_per_hour=30.0,
                requote=1.4,
                size=110.0,
                spread_variety=0.85,
                opening_minutes=2.0,
            ),
            level=1_850.0,
            volatility=0.023,
        ),
    )
}


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


def configured(config: SeriesConfig) -> Profile:
    """Give a series as configured."""
    base = PROFILES[config.ticker]
    trading, ladder = base.trading, base.ladder
    hours = timedelta(hours=1)
    climate = base.climate
    if climate is not None:
        climate = replace(climate, forecast_error=climate.forecast_error * config.volatility)
    return replace(
        base,
        times=replace(base.times, ahead=_or(config.ahead_hours, base.times.ahead / hours) * hours),
        history=_or(config.history_hours, base.history / hours) * hours,
        ladder=replace(ladder, markets=config.markets or ladder.markets),
        trading=replace(
            trading,
            ticks_per_minute=config.ticks_per_minute or trading.ticks_per_minute,
            spread_cents=_or(config.spread_cents, trading.spread_cents),
            noise_cents=_or(config.noise_cents, trading.noise_cents),
            overround=_or(config.overround, trading.overround),
            trades_per_hour=_or(config.trades_per_hour, trading.trades_per_hour),
            trend=config.trend,
            trend_minutes=config.trend_minutes,
            depth=config.depth,
        ),
        daily_volatility=base.daily_volatility * config.volatility,
        climate=climate,
    )
