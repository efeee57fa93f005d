"""Series, events and markets as the exchange lists them. Pure."""

from decimal import Decimal

from mesh.kalshi.terms import MarketStatus, StrikeType
from sim_exchange.domain.types import Event, Market, Series
from sim_exchange.sources.generated.calendar import Occasion, Rhythm
from sim_exchange.sources.generated.eastern import day_text, hour_text
from sim_exchange.sources.generated.profiles import Profile, Subject
from sim_exchange.sources.generated.seeds import uuid
from sim_exchange.sources.generated.strikes import Strike

_CAUTION = {
    Subject.WEATHER: (
        "Only the station's daily climatological report decides. Readings during the day, other stations and weather "
        "apps may differ from it, by rounding and by conversion between scales."
    ),
    Subject.CRYPTO: (
        "Prices on single venues may differ from the index. The index is read once a second during the last minute, "
        "and the simple average of those sixty readings decides."
    ),
    Subject.INDEX: "The official closing value decides; values during the day and after the close do not.",
}


def series_record(profile: Profile) -> Series:
    """Make a series' record."""
    document = f"https://assets.kalshi.com/contract_terms/{profile.ticker.removeprefix('KX')}.pdf"
    return Series(
        ticker=profile.ticker,
        title=profile.title,
        category=profile.category,
        frequency="hourly" if profile.times.rhythm is Rhythm.HOURLY else "daily",
        exchange_index=profile.shard,
        tags=profile.tags,
        settlement_sources=(profile.source,),
        contract_url=document.replace("contract_terms", "regulatory/product-certifications"),
        contract_terms_url=document,
    )


def event_record(profile: Profile, occasion: Occasion) -> Event:
    """Make an event's record."""
    day = day_text(occasion.day)
    if profile.subject is Subject.WEATHER:
        title, sub_title = f"Highest temperature in {profile.place} on {day}?", f"On {day}"
    else:
        at = hour_text(occasion.closes)
        title, sub_title = f"{profile.place} price range on {day} at {at}?", f"On {day} at {at}"
    return Event(
        event_ticker=occasion.event_ticker,
        series_ticker=profile.ticker,
        title=title,
        sub_title=sub_title,
        strike_date=occasion.closes,
        exchange_index=profile.shard,
        updated_time=occasion.created,
    )


def market_record(seed: int, profile: Profile, occasion: Occasion, strike: Strike) -> Market:
    """Make a market's record as it is when listed."""
    ticker = f"{occasion.event_ticker}-{strike.suffix}"
    return Market(
        ticker=ticker,
        event_ticker=occasion.event_ticker,
        series_ticker=profile.ticker,
        market_id=str(uuid(seed, "market", ticker)),
        yes_sub_title=strike.words,
        no_sub_title=strike.words,
        rules_primary=_rules(profile, occasion, strike),
        rules_secondary=_CAUTION[profile.subject],
        created_time=occasion.created,
        open_time=occasion.opens,
        close_time=occasion.closes,
        expected_expiration_time=occasion.expected,
        latest_expiration_time=occasion.latest,
        settlement_timer_seconds=profile.timer_seconds,
        strike_type=strike.kind,
        floor_strike=strike.floor,
        cap_strike=strike.cap,
        exchange_index=profile.shard,
        status=MarketStatus.INITIALIZED,
        updated_time=occasion.created,
    )


def _rules(profile: Profile, occasion: Occasion, strike: Strike) -> str:
    degree = "°" if profile.subject is Subject.WEATHER else ""
    day = day_text(occasion.day)
    if profile.subject is Subject.WEATHER:
        number = f"the highest temperature at {profile.station} on {day}, by the daily climatological report of the "
        number += profile.source[0]
    elif profile.subject is Subject.CRYPTO:
        number = f"the average of {profile.source[0]} over the last sixty seconds before {hour_text(occasion.closes)} "
        number += f"on {day}"
    else:
        number = f"the {profile.place}'s closing value on {day}"
    return f"This market resolves to Yes if {number}, is {_condition(strike, degree)}."


def _condition(strike: Strike, degree: str) -> str:
    if strike.kind is StrikeType.LESS:
        return f"less than {_number(strike.cap)}{degree}"
    if strike.kind is StrikeType.GREATER:
        return f"greater than {_number(strike.floor)}{degree}"
    return f"from {_number(strike.floor)}{degree} to {_number(strike.cap)}{degree}, both included"


def _number(number: Decimal | None) -> str:
    return "" if number is None else f"{number.normalize():f}"
