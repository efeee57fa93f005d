"""Fee terms of events, with an exchange that announces changes, takes them back, and is away at times."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web

from mesh.clock import ManualClock
from mesh.kalshi.errors import ExchangeError
from mesh.kalshi.fees import FeeTerms
from mesh.kalshi.stream.market import EventFeeUpdate
from mesh.kalshi.terms import FeeType
from tests.fakes.kalshi_calls import talking
from trader.exchange.fee_book import FeeBook

NOW = datetime(2026, 7, 10, 15, tzinfo=UTC)
EVENT, OTHER = "KXINX-26JUL10H1600", "KXINX-26JUL13H1600"
QUADRATIC = FeeTerms(FeeType.QUADRATIC)
HALF = FeeTerms(FeeType.QUADRATIC, Decimal("0.5"))
HOUR = timedelta(hours=1)


@dataclass
class Charges:
    """What the exchange says, and how often it was asked."""

    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW))
    series: dict[str, Any] = field(default_factory=lambda: {"fee_type": "quadratic", "fee_multiplier": 1})
    events: dict[str, dict[str, Any]] = field(default_factory=lambda: {EVENT: {}, OTHER: {}})
    series_changes: list[dict[str, Any]] = field(default_factory=list)
    event_changes: list[dict[str, Any]] = field(default_factory=list)
    away: bool = False
    asked: Counter[str] = field(default_factory=Counter)

    def will_charge(self, multiplier: float, at: datetime, fee_type: str = "quadratic") -> None:
        """Announce a change of the series."""
        self.series_changes.append(
            {
                "id": f"c{len(self.series_changes)}",
                "series_ticker": "KXINX",
                "fee_type": fee_type,
                "fee_multiplier": multiplier,
                "scheduled_ts": at.isoformat(),
            }
        )

    def will_override(self, event: str, fee_type: str | None, multiplier: float | None, at: datetime) -> None:
        """Announce a change of an event."""
        self.event_changes.append(
            {
                "id": f"e{len(self.event_changes)}",
                "event_ticker": event,
                "series_ticker": "KXINX",
                "fee_type_override": fee_type,
                "fee_multiplier_override": multiplier,
                "scheduled_ts": at.isoformat(),
            }
        )

    async def answer(self, request: web.Request) -> web.Response:
        path = request.path.removeprefix("/trade-api/v2")
        self.asked[path] += 1
        if self.away:
            return web.json_response({"error": {"code": "forbidden"}}, status=403)
        now = self.clock.now().isoformat()
        replies: dict[str, Any] = {
            "/series/KXINX": {
                "series": {
                    "ticker": "KXINX",
                    "title": "S&P 500",
                    "category": "Financials",
                    "frequency": "daily",
                    "tags": None,
                    "settlement_sources": None,
                    **self.series,
                }
            },
            "/series/fee_changes": {
                "series_fee_change_arr": [each for each in self.series_changes if each["scheduled_ts"] > now]
            },
            "/events/fee_changes": {
                "event_fee_changes": [each for each in self.event_changes if each["scheduled_ts"] > now],
                "cursor": "",
            },
            "/events": {
                "events": [
                    {
                        "event_ticker": ticker,
                        "series_ticker": "KXINX",
                        "title": f"S&P on {ticker}",
                        "sub_title": "",
                        "mutually_exclusive": True,
                        "collateral_return_type": "",
                        **self.events[ticker],
                    }
                    for ticker in request.query.get("tickers", "").split(",")
                    if ticker in self.events
                ],
                "cursor": "",
            },
        }
        return web.json_response(replies[path])


@asynccontextmanager
async def fee_book() -> AsyncIterator[tuple[FeeBook, Charges]]:
    charges = Charges()
    async with talking(charges.answer) as client:
        # The line's clock is the machine's; what the exchange's date tells of it is not about this one.
        yield FeeBook(client, charges.clock), charges


async def fees(book: FeeBook, event: str = EVENT) -> FeeTerms:
    return (await book.events((event,)))[event].fees


async def test_an_event_charges_what_its_series_does() -> None:
    async with fee_book() as (book, _):
        found = (await book.events((EVENT,)))[EVENT]
        assert (found.fees, found.series_ticker, found.title) == (QUADRATIC, "KXINX", f"S&P on {EVENT}")


async def test_an_events_own_terms_override_each_for_itself() -> None:
    async with fee_book() as (book, charges):
        charges.events[EVENT] = {"fee_multiplier_override": 0.5}
        charges.events[OTHER] = {"fee_type_override": "quadratic_with_maker_fees"}
        assert await fees(book) == HALF
        assert await fees(book, OTHER) == FeeTerms(FeeType.QUADRATIC_WITH_MAKER_FEES)


async def test_a_free_event_is_free() -> None:
    async with fee_book() as (book, charges):
        charges.events[EVENT] = {"fee_multiplier_override": 0}
        assert await fees(book) == FeeTerms(FeeType.QUADRATIC, Decimal(0))


async def test_an_announced_change_holds_from_its_instant_on_without_being_asked_for() -> None:
    async with fee_book() as (book, charges):
        charges.will_charge(0.5, NOW + timedelta(minutes=5))
        assert await fees(book) == QUADRATIC
        asked = charges.asked.total()
        await charges.clock.advance(299)
        assert await fees(book) == QUADRATIC
        await charges.clock.advance(1)
        assert await fees(book) == HALF
        assert charges.asked.total() == asked


async def test_a_change_of_an_event_and_its_end_hold_from_their_instants() -> None:
    async with fee_book() as (book, charges):
        charges.will_override(EVENT, None, 0.5, NOW + timedelta(minutes=2))
        charges.will_override(EVENT, None, None, NOW + timedelta(minutes=4))
        found = []
        for _ in range(3):
            found.append(await fees(book))
            await charges.clock.advance(120)
        assert found == [QUADRATIC, HALF, QUADRATIC]
        assert await fees(book, OTHER) == QUADRATIC


async def test_a_change_that_came_into_force_between_two_looks_is_not_forgotten() -> None:
    """The list tells only what is to come: after the second look, the record from before it needs what it was told."""
    async with fee_book() as (book, charges):
        await fees(book)
        await charges.clock.advance(590)
        charges.will_charge(0.5, NOW + timedelta(seconds=1190))
        await fees(book, OTHER)  # read at 590 s, with the series of 0 s
        await charges.clock.advance(15)
        await fees(book)  # everything but OTHER is read anew
        await charges.clock.advance(590)
        assert await fees(book) == HALF


async def test_a_kept_copy_of_a_record_does_not_undo_a_change_that_has_just_come_into_force() -> None:
    async with fee_book() as (book, charges):
        charges.will_charge(0.5, NOW + timedelta(seconds=595))
        await fees(book)
        await charges.clock.advance(609)  # read anew: the series as it was 15 s ago
        assert await fees(book) == HALF


async def test_a_change_that_is_called_off_does_not_come() -> None:
    async with fee_book() as (book, charges):
        charges.will_charge(0.5, NOW + HOUR)
        await fees(book)
        charges.series_changes.clear()
        await charges.clock.advance(600)
        await fees(book)
        await charges.clock.advance(3001)
        assert await fees(book) == QUADRATIC


async def test_everything_is_read_at_most_every_ten_minutes_and_events_together() -> None:
    async with fee_book() as (book, charges):
        for _ in range(3):
            await book.events((EVENT, OTHER))
            await charges.clock.advance(199)
        assert set(charges.asked.values()) == {1}
        await charges.clock.advance(3)
        charges.series["fee_multiplier"] = 0.5
        assert await fees(book) == HALF
        assert charges.asked["/series/KXINX"] == 2


async def test_unknown_events_are_left_out() -> None:
    async with fee_book() as (book, _):
        assert await book.events(("KXINX-NONE",)) == {}
        assert await book.events(()) == {}


async def test_while_the_exchange_is_away_fees_stay_what_they_were() -> None:
    async with fee_book() as (book, charges):
        charges.will_charge(0.5, NOW + timedelta(minutes=20))
        await fees(book)
        charges.away = True
        await charges.clock.advance(601)
        assert await fees(book) == QUADRATIC
        await charges.clock.advance(600)
        assert await fees(book) == HALF
        with pytest.raises(ExchangeError):
            await fees(book, OTHER)
        asked = charges.asked.total()
        assert await fees(book) == HALF
        assert charges.asked.total() == asked  # and is not asked again at once


async def test_before_anything_was_read_nothing_is_guessed() -> None:
    async with fee_book() as (book, charges):
        charges.away = True
        with pytest.raises(ExchangeError):
            await fees(book)


async def test_the_stream_sets_and_clears_an_events_own_fees_at_once() -> None:
    async with fee_book() as (book, _):
        await fees(book)
        await fees(book, OTHER)
        half = EventFeeUpdate(event_ticker=EVENT, fee_type_override=None, fee_multiplier_override=Decimal("0.5"))
        book.overridden(half)
        assert [await fees(book), await fees(book, OTHER)] == [HALF, QUADRATIC]
        book.overridden(EventFeeUpdate(event_ticker=EVENT, fee_type_override=None, fee_multiplier_override=None))
        assert await fees(book) == QUADRATIC
