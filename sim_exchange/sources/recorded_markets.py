"""Rows of a recorded `markets_*` file as the exchange's records.

Much is missing in recordings. A close that is not recorded is read off the ticker, which names the hour or the day, and
an opening that is not recorded is the series' usual one; a market whose times cannot be known is left out. Result and
value are the recorded ones, else the inferred ones, else a weather market's are those that the day's observed high
gives it; without any a market stays closed for ever.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

from mesh.kalshi.grid import GRIDS
from mesh.kalshi.terms import Result, StrikeType
from mesh.types import DOLLAR, Hundredths, Micros
from sim_exchange.domain.types import Event, Market, PriceBand, Series
from sim_exchange.sources.recorded_observations import Highs, answer, high_of

_NEW_YORK = ZoneInfo("America/New_York")
_CITIES = {"NY": -5, "PHIL": -5, "MIA": -5, "CHI": -6, "AUS": -6, "THOU": -6, "DEN": -7, "LAX": -8}
"""Hours from UTC of the standard time in which a city's day ends, all year."""
_WEATHER = re.compile(r"^(?:KX)?HIGH([A-Z]+)$")
_CRYPTO = ("KXBTC", "KXETH")
_DATE = re.compile(r"^(\d{2})([A-Z]{3})(\d{2})(?:H?(\d{2})(\d{2})?)?$")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


class Ending(NamedTuple):
    """How a market ended."""

    at: datetime
    result: Result
    value: Micros
    expiration_value: str


class Recorded(NamedTuple):
    """A market as it is at its opening, and what became of it."""

    market: Market
    ending: Ending | None
    """None where nobody recorded it."""
    volume: Hundredths | None
    """Over its whole life; None where it was not recorded."""
    open_interest: Hundredths | None


def event_day(event_ticker: str) -> date | None:
    """Give the day that an event's ticker names; None if it names none."""
    named = _named(event_ticker)
    return None if named is None else named[0]


def read_markets(rows: Iterable[Mapping[str, Any]], notes: Counter[str], highs: Highs) -> list[Recorded]:
    """Make records; `notes` counts what was inferred and what was left out, by reason."""
    made = (_recorded(row, notes, highs) for row in rows)
    return [recorded for recorded in made if recorded is not None]


def series_record(ticker: str) -> Series:
    """Make a series' record."""
    weather, crypto = _WEATHER.match(ticker), ticker.startswith(_CRYPTO)
    return Series(
        ticker=ticker,
        title=f"Highest temperature in {weather[1]}" if weather else ticker,
        category="Climate and Weather" if weather else "Crypto" if crypto else "Financials",
        frequency="daily" if weather or not crypto else "fifteen_min" if ticker.endswith("15M") else "hourly",
        exchange_index=2 if crypto else 0,
    )


def event_record(markets: list[Market], title: str) -> Event:
    """Make the record of the event that has these markets."""
    first = markets[0]
    ladder = any(market.strike_type is StrikeType.BETWEEN for market in markets)
    return Event(
        event_ticker=first.event_ticker,
        series_ticker=first.series_ticker,
        title=title or first.event_ticker,
        sub_title="",
        mutually_exclusive=ladder,
        collateral_return_type="MECNET" if ladder else "",
        strike_date=first.close_time,
        exchange_index=first.exchange_index,
        updated_time=min(market.created_time for market in markets),
    )


def _recorded(row: Mapping[str, Any], notes: Counter[str], highs: Highs) -> Recorded | None:
    ticker, series = row["market_ticker"], row["series_ticker"]
    close = _time(row["close_time"]) or _close(series, row["event_ticker"])
    if close is None:
        notes["left out: no close time"] += 1
        return None
    opened = _time(row["open_time"])
    notes["close time read off the ticker"] += row["close_time"] is None
    notes["usual opening time"] += opened is None
    strike = _strike(row)
    notes["without strikes"] += strike is StrikeType.CUSTOM
    label = "tapered_deci_cent" if series.endswith("15M") else "linear_cent"
    opened = opened or _opening(series, row["event_ticker"], close)
    words = row["subtitle"] or ticker.rsplit("-", 1)[-1]
    market = Market(
        ticker=ticker,
        event_ticker=row["event_ticker"],
        series_ticker=series,
        market_id=str(uuid5(NAMESPACE_URL, ticker)),
        yes_sub_title=words,
        no_sub_title=words,
        rules_primary=row["title"] or "",
        created_time=opened,
        open_time=opened,
        close_time=close,
        expected_expiration_time=_known(series, close),
        latest_expiration_time=_time(row["expiration_time"]) or close + timedelta(days=7),
        settlement_timer_seconds=3600 if _WEATHER.match(series) else 60 if series.startswith(_CRYPTO) else 300,
        strike_type=strike,
        floor_strike=_decimal(row["floor_strike"]),
        cap_strike=_decimal(row["cap_strike"]),
        price_level_structure=label,
        price_ranges=tuple(PriceBand(*band) for band in GRIDS[label]),
        exchange_index=2 if series.startswith(_CRYPTO) else 0,
        updated_time=opened,
    )
    ending = _ending(row, market, notes) or _observed(market, highs)
    notes["result inferred from the observed high"] += ending is not None and not _result(row)
    notes["without a result"] += ending is None
    return Recorded(market, ending, _count(row["volume"]), _count(row["open_interest"]))


def _result(row: Mapping[str, Any]) -> str:
    word = row["result"] or row["result_inferred"]
    return word if word in {"yes", "no"} else ""


def _ending(row: Mapping[str, Any], market: Market, notes: Counter[str]) -> Ending | None:
    if not (word := _result(row)):
        return None
    notes["inferred result"] += row["result"] is None
    return _end(market, Result(word), row["expiration_value"] or "")


def _observed(market: Market, highs: Highs) -> Ending | None:
    """Let the observed high decide."""
    high = high_of(highs, market.series_ticker, event_day(market.event_ticker))
    yes = None if high is None or not _WEATHER.match(market.series_ticker) else answer(market, Decimal(high))
    return None if yes is None else _end(market, Result.YES if yes else Result.NO, f"{high:.2f}")


def _end(market: Market, result: Result, expiration_value: str) -> Ending:
    value = DOLLAR if result is Result.YES else Micros(0)
    return Ending(_known(market.series_ticker, market.close_time), result, value, expiration_value)


def _strike(row: Mapping[str, Any]) -> StrikeType:
    """Read the strikes; a market whose strikes were not recorded is `custom`, which promises none."""
    kind = StrikeType(row["strike_type"] or "custom")
    floor, cap = row["floor_strike"], row["cap_strike"]
    needs_floor = kind in {StrikeType.BETWEEN, StrikeType.GREATER, StrikeType.GREATER_OR_EQUAL}
    needs_cap = kind in {StrikeType.BETWEEN, StrikeType.LESS, StrikeType.LESS_OR_EQUAL}
    return StrikeType.CUSTOM if (needs_floor and floor is None) or (needs_cap and cap is None) else kind


def _named(event_ticker: str) -> tuple[date, int | None, int | None] | None:
    """Give the day, hour and minute, in New York, that an event's ticker names."""
    match = _DATE.match(event_ticker.partition("-")[2])
    if match is None or match[2] not in _MONTHS:
        return None
    try:
        day = date(2000 + int(match[1]), _MONTHS.index(match[2]) + 1, int(match[3]))
    except ValueError:
        return None
    return day, None if match[4] is None else int(match[4]), None if match[5] is None else int(match[5])


def _close(series: str, event_ticker: str) -> datetime | None:
    named = _named(event_ticker)
    if named is None:
        return None
    day, hour, minute = named
    weather = _WEATHER.match(series)
    if weather is not None and hour is None and weather[1] in _CITIES:
        zone = timezone(timedelta(hours=_CITIES[weather[1]]))
        return datetime.combine(day, time(23, 59), zone).astimezone(UTC)
    if hour is None or hour > 23 or (minute or 0) > 59:  # noqa: PLR2004  hours and minutes of a clock
        return None
    return datetime.combine(day, time(hour, minute or 0), _NEW_YORK).astimezone(UTC)


def _opening(series: str, event_ticker: str, close: datetime) -> datetime:
    day = event_day(event_ticker)
    if _WEATHER.match(series) and day is not None:
        return datetime.combine(day - timedelta(days=1), time(10), _NEW_YORK).astimezone(UTC)
    if series.endswith("15M"):
        return close - timedelta(minutes=15)
    return close - (timedelta(hours=1) if series.startswith(_CRYPTO) else timedelta(days=1))


def _known(series: str, close: datetime) -> datetime:
    """Give the instant at which a result is usually known."""
    if _WEATHER.match(series):
        noon = datetime.combine(close.date(), time(12), UTC)
        return noon if noon > close else noon + timedelta(days=1)
    return close + (timedelta(seconds=6) if series.endswith("15M") else timedelta(minutes=5))


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)


def _decimal(value: float | None) -> Decimal | None:
    if value is None:
        return None
    exact = Decimal(repr(value))
    return exact.quantize(Decimal(1)) if exact == exact.to_integral_value() else exact


def _count(contracts: float | None) -> Hundredths | None:
    return None if contracts is None else Hundredths(round(contracts * 100))
