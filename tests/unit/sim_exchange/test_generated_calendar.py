"""Names and times of generated events, against those of the real exchange."""

from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from mesh.kalshi.terms import StrikeType
from sim_exchange.sources.generated.calendar import Occasion, find, occasions
from sim_exchange.sources.generated.profiles import PROFILES
from sim_exchange.sources.generated.strikes import Strikes, strikes


def occasion(event_ticker: str) -> Occasion:
    found = find(event_ticker, PROFILES[event_ticker.partition("-")[0]].times)  # type: ignore[index]
    assert found is not None
    return found


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("event", "opens", "closes"),
    [
        ("KXHIGHNY-26JUL12", "2026-07-11T14:00:00Z", "2026-07-13T04:59:00Z"),
        ("KXHIGHNY-26JAN17", "2026-01-16T15:00:00Z", "2026-01-18T04:59:00Z"),  # 10:00 Eastern; standard time all year
        ("KXHIGHCHI-26JUL12", "2026-07-11T14:00:00Z", "2026-07-13T05:59:00Z"),
        ("KXHIGHLAX-26JUL12", "2026-07-11T14:00:00Z", "2026-07-13T07:59:00Z"),
        ("KXBTC-26JUL1002", "2026-07-10T05:00:00Z", "2026-07-10T06:00:00Z"),
        ("KXETH-26JAN1002", "2026-01-10T06:00:00Z", "2026-01-10T07:00:00Z"),
        ("KXBTC-26JUL1000", "2026-07-10T03:00:00Z", "2026-07-10T04:00:00Z"),  # midnight belongs to the new day
        ("KXINX-26SEP14H1600", "2026-09-11T14:00:00Z", "2026-09-14T20:00:00Z"),  # a Monday, open since Friday
        ("KXINX-26DEC15H1600", "2026-12-14T15:00:00Z", "2026-12-15T21:00:00Z"),
    ],
)
def test_times_are_as_recorded(event: str, opens: str, closes: str) -> None:
    found = occasion(event)
    assert (found.opens, found.closes) == (at(opens), at(closes))
    assert found.created < found.opens < found.closes < found.decided <= found.expected < found.latest


def test_recorded_instants_of_the_rules() -> None:
    weather, bitcoin = occasion("KXHIGHNY-26JUL12"), occasion("KXBTC-26JUL1002")
    assert weather.created == at("2026-07-11T09:30:00Z")
    assert weather.decided.replace(second=0) + timedelta(hours=1) == at("2026-07-13T12:00:00Z")
    assert (weather.expected, weather.latest) == (at("2026-07-13T14:00:00Z"), at("2026-07-19T14:00:00Z"))
    assert (bitcoin.expected, bitcoin.latest) == (at("2026-07-10T06:05:00Z"), at("2026-07-17T06:00:00Z"))


@pytest.mark.parametrize("series", list(PROFILES))
@pytest.mark.parametrize("start", ["2026-03-06T00:00:00Z", "2026-10-30T00:00:00Z", "2026-12-30T00:00:00Z"])
def test_every_event_has_its_own_name_and_is_found_by_it(series: str, start: str) -> None:
    times = PROFILES[series].times  # type: ignore[index]
    first = at(start)
    some = list(occasions(series, times, first, first + timedelta(days=4)))
    assert some
    assert max(Counter(found.event_ticker for found in some).values()) == 1
    assert [find(found.event_ticker, times) for found in some] == some
    assert [found.closes for found in some] == sorted(found.closes for found in some)


def test_the_hour_that_comes_twice_has_one_event_and_the_one_that_is_missing_none() -> None:
    times = PROFILES["KXBTC"].times
    autumn = list(occasions("KXBTC", times, at("2026-11-01T03:30:00Z"), at("2026-11-01T08:00:00Z")))
    assert [found.closes.hour for found in autumn] == [4, 5, 7, 8, 9, 10]
    assert [found.event_ticker[-2:] for found in autumn][:3] == ["00", "01", "02"]
    spring = list(occasions("KXBTC", times, at("2026-03-08T04:30:00Z"), at("2026-03-08T06:00:00Z")))
    assert [found.event_ticker[-2:] for found in spring][:3] == ["00", "01", "03"]


def test_the_index_has_no_weekend() -> None:
    some = occasions("KXINX", PROFILES["KXINX"].times, at("2026-09-01T00:00:00Z"), at("2026-09-30T00:00:00Z"))
    assert {found.day.weekday() for found in some} == {0, 1, 2, 3, 4}


@pytest.mark.parametrize(
    "name", ["KXBTC-26JUL1024", "KXBTC-26JUL10", "KXINX-26SEP13H1600", "KXHIGHNY-", "KXHIGHNY-26FEB30"]
)
def test_a_name_that_no_event_has_is_not_found(name: str) -> None:
    assert find(name, PROFILES[name.partition("-")[0]].times) is None  # type: ignore[index]


def laid(series: str, expected: float) -> Strikes:
    return strikes(PROFILES[series], expected)  # type: ignore[index]


def test_weather_strikes_are_as_recorded() -> None:
    found = laid("KXHIGHNY", 81.5).strikes
    assert [strike.suffix for strike in found] == ["T78", "B78.5", "B80.5", "B82.5", "B84.5", "T85"]
    assert [strike.words for strike in found[:2]] == ["77° or below", "78° to 79°"]
    assert found[-1].words == "86° or above"
    assert (found[0].kind, found[0].floor, found[0].cap) == (StrikeType.LESS, None, Decimal(78))
    assert (found[4].kind, found[4].floor, found[4].cap) == (StrikeType.BETWEEN, Decimal(84), Decimal(85))
    assert (found[5].kind, found[5].floor, found[5].cap) == (StrikeType.GREATER, Decimal(85), None)


def test_crypto_strikes_are_as_recorded() -> None:
    bitcoin, ether = laid("KXBTC", 62_500.0).strikes, laid("KXETH", 1_760.0).strikes
    assert (len(bitcoin), len(ether)) == (188, 75)
    assert [bitcoin[0].suffix, bitcoin[1].suffix, bitcoin[-2].suffix, bitcoin[-1].suffix] == [
        "T53200", "B53250", "B71750", "T71799.99",
    ]  # fmt: skip
    assert [ether[0].suffix, ether[1].suffix, ether[-2].suffix, ether[-1].suffix] == [
        "T1030", "B1040", "B2480", "T2489.99",
    ]  # fmt: skip
    assert (bitcoin[1].floor, bitcoin[1].cap) == (Decimal(53_200), Decimal("53299.99"))
    assert [bitcoin[0].words, bitcoin[1].words, bitcoin[-1].words] == [
        "$53,199.99 or below", "$53,200 to 53,299.99", "$71,800 or above",
    ]  # fmt: skip
    assert ether[0].words == "$1,029.99 or below"


def test_index_strikes_are_as_recorded() -> None:
    found = laid("KXINX", 7_575.0).strikes
    assert (found[0].suffix, found[0].cap, found[0].words) == ("T7225", Decimal(7225), "7,224.9999 or below")
    assert (found[-1].suffix, found[-1].floor) == ("T7924.9999", Decimal("7924.9999"))
    assert found[-1].words == "7,925 or above"
    assert "B6987" in {strike.suffix for strike in laid("KXINX", 6_987.0).strikes}
