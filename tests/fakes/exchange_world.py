"""A simulated exchange in this process, on a free port, with a few hand-made markets and members.

    async with exchange_world() as world:
        alice = world.member("alice", dollars="100.00")
        answer = await alice.post("/portfolio/events/orders", order("KXHIGHNY-26JUL10-T87", price="0.4000"))

The exchange's clock stands still until a test moves it (`await world.pass_seconds(60)`); signatures and budgets live on
real time. Every answer is checked against the exchange's OpenAPI document where that is at hand.
"""

import json
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from mesh.clock import Clock, ManualClock, SystemClock
from mesh.kalshi.terms import StrikeType
from mesh.types import hundredths_from_count, micros_from_dollars
from sim_exchange.api.archive import Archive
from sim_exchange.api.history import History
from sim_exchange.api.server import PREFIX, api
from sim_exchange.api.tiers import TIERS, Tier
from sim_exchange.domain.exchange import Exchange
from sim_exchange.domain.types import Account, Event, Market, PriceBand, Series
from sim_exchange.faults import Faults
from sim_exchange.hub import Hub
from sim_exchange.quirks import Quirks
from sim_exchange.tape.tape import Tape
from tests.fakes.exchange_keys import KeyRing, Signer
from tests.fakes.openapi import document

NOW = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)
"""A Friday morning in New York."""
EVENT = "KXHIGHNY-26JUL10"
WARM = f"{EVENT}-T87"
"""Open, on whole cents."""
MILD = f"{EVENT}-B85.5"
"""Open, on whole cents."""
FINE = "KXBTC-26JUL1012-B63950"
"""Open, on a grid of tenths of cents at the edges, closes in an hour; on shard 2 where cash lies on shards."""
LATER = "KXHIGHNY-26JUL11-T87"
"""Not yet open."""
TAPERED = (PriceBand(0, 100_000, 1_000), PriceBand(100_000, 900_000, 10_000), PriceBand(900_000, 1_000_000, 1_000))


def order(ticker: str = WARM, **changes: Any) -> dict[str, Any]:
    """The body of an order: a bid for one contract at 0.40 that waits."""
    body = {
        "ticker": ticker,
        "client_order_id": str(uuid.uuid4()),
        "side": "bid",
        "count": "1.00",
        "price": "0.4000",
        "time_in_force": "good_till_canceled",
        "self_trade_prevention_type": "taker_at_cross",
    } | changes
    return {name: value for name, value in body.items() if value is not None}


class Answer(NamedTuple):
    """What came back."""

    status: int
    body: Any
    """JSON; text where it is none; None where there is no body."""
    headers: Mapping[str, str]

    @property
    def error(self) -> dict[str, str]:
        """The fields of an error, whatever its shape."""
        fields = self.body.get("error", self.body)
        assert isinstance(fields, dict), self.body
        return fields


@dataclass(frozen=True)
class Caller:
    """Calls the exchange, signed or not, and checks every answer."""

    session: aiohttp.ClientSession
    signer: Signer | None = None
    account_id: str = ""
    checked: bool = True

    async def get(self, path: str, **params: Any) -> Answer:
        return await self.call("GET", path, params=params)

    async def post(self, path: str, body: Any = None, **params: Any) -> Answer:
        return await self.call("POST", path, body=body, params=params)

    async def put(self, path: str, body: Any = None, **params: Any) -> Answer:
        return await self.call("PUT", path, body=body, params=params)

    async def delete(self, path: str, body: Any = None, **params: Any) -> Answer:
        return await self.call("DELETE", path, body=body, params=params)

    async def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Call a path below the prefix; `headers` take the place of a signature."""
        query = [
            (name, str(item).lower() if isinstance(item, bool) else str(item))
            for name, value in (params or {}).items()
            for item in (value if isinstance(value, list) else [value])
        ]
        whole = PREFIX + path
        if headers is None:
            headers = self.signer.headers(method, whole) if self.signer is not None else {}
        raw = data if body is None else json.dumps(body).encode()
        async with self.session.request(method, whole, params=query, data=raw, headers=headers) as response:
            text = await response.text()
            is_json = response.content_type == "application/json"
            answer = Answer(response.status, json.loads(text) if is_json else text or None, response.headers)
        if self.checked and (contract := document()) is not None:
            contract.check_reply(method, whole, answer.status, answer.body)
            if answer.status < 400:
                contract.check_request(method, whole, query, body)
        return answer


@dataclass
class World:
    """The exchange and everything around it, in reach of a test."""

    exchange: Exchange
    hub: Hub
    tape: Tape
    keys: KeyRing
    clock: ManualClock
    faults: Faults
    archive: Archive
    history: History
    quirks: Quirks
    session: aiohttp.ClientSession = field(init=False)
    server: TestServer = field(init=False)
    checked: bool = True
    reached: datetime | None = None
    """Until when everything has happened, where the exchange is behind its clock."""

    @property
    def url(self) -> str:
        """Where the exchange is, without the prefix."""
        return str(self.server.make_url("")).rstrip("/")

    @property
    def now(self) -> datetime:
        """The exchange's time."""
        return self.clock.now()

    @property
    def anyone(self) -> Caller:
        """Somebody without a key."""
        return Caller(self.session, checked=self.checked)

    def publish(self) -> None:
        """Tell everybody what the last command did."""
        self.hub.publish(self.exchange.take_events())

    def member(
        self,
        name: str,
        dollars: str = "1000.00",
        *,
        tier: str = "unlimited",
        signer: Signer | None = None,
        scopes: Sequence[str] = ("read", "write"),
        shards: Mapping[int, str] | None = None,
    ) -> Caller:
        """Open an account with a key, money on shard 0 and, where given, on further shards."""
        signer = signer or Signer.ed25519()
        account_id = str(uuid.uuid5(uuid.NAMESPACE_DNS, name))
        deposits = {0: dollars} | dict(shards or {})
        if account_id not in self.exchange.accounts:
            account = Account(account_id=account_id, name=name, usage_tier=tier)
            money = {shard: micros_from_dollars(text) for shard, text in deposits.items()}
            self.exchange.open_account(account, money)
        self.keys.add(signer, account_id, frozenset(scopes))
        self.publish()
        return Caller(self.session, signer, account_id, checked=self.checked)

    def book(self, ticker: str, bids: Mapping[str, str] = {}, asks: Mapping[str, str] = {}) -> None:
        """Make the house's ladder of a market: counts by price."""
        self.exchange.set_book(ticker, _levels(bids, best_last=False), _levels(asks, best_last=True), self.now)
        self.publish()

    async def pass_seconds(self, seconds: float) -> None:
        """Move the exchange's clock, and do what is due by then."""
        await self.clock.advance(seconds)
        self.exchange.advance(self.now)
        self.publish()


def _levels(counts: Mapping[str, str], *, best_last: bool) -> list[tuple[int, Any]]:
    levels = [(micros_from_dollars(price), hundredths_from_count(count)) for price, count in counts.items()]
    return sorted(levels, reverse=not best_last)


def listing(now: datetime = NOW) -> list[Series | Event | Market]:
    """The hand-made markets: one weather day with two, one of tomorrow, and one of Bitcoin's hours."""
    weather = Series(
        ticker="KXHIGHNY",
        title="Highest temperature in NYC",
        category="Climate and Weather",
        frequency="daily",
        tags=("Daily temperature",),
        settlement_sources=(("National Weather Service", "https://www.weather.gov"),),
    )
    bitcoin = Series(ticker="KXBTC", title="Bitcoin range", category="Crypto", frequency="hourly", exchange_index=2)
    events = [
        Event(event_ticker=EVENT, series_ticker="KXHIGHNY", title="High in NYC?", sub_title="On Jul 10, 2026"),
        Event(event_ticker="KXHIGHNY-26JUL11", series_ticker="KXHIGHNY", title="High in NYC?", sub_title="On Jul 11"),
        Event(
            event_ticker="KXBTC-26JUL1012",
            series_ticker="KXBTC",
            title="Bitcoin price range?",
            sub_title="At 12 PM EDT",
            exchange_index=2,
        ),
    ]
    day, hour = timedelta(days=1), timedelta(hours=1)
    less, between = StrikeType.LESS, StrikeType.BETWEEN
    return [
        weather,
        bitcoin,
        *events,
        market(WARM, now - day, now + 14 * hour, strike_type=less, cap_strike=Decimal(87)),
        market(MILD, now - day, now + 14 * hour, strike_type=between, floor_strike=Decimal(85), cap_strike=Decimal(86)),
        market(LATER, now + hour, now + 2 * day, strike_type=less, cap_strike=Decimal(87)),
        market(
            FINE,
            now - hour,
            now + hour,
            strike_type=between,
            floor_strike=Decimal("63900"),
            cap_strike=Decimal("63999.99"),
            price_level_structure="tapered_deci_cent",
            price_ranges=TAPERED,
            exchange_index=2,
            settlement_timer_seconds=60,
        ),
    ]


def market(ticker: str, opens: datetime, closes: datetime, **changes: Any) -> Market:
    """A market of the event and series that its ticker names."""
    fields: dict[str, Any] = {
        "ticker": ticker,
        "event_ticker": ticker.rpartition("-")[0],
        "series_ticker": ticker.partition("-")[0],
        "market_id": str(uuid.uuid5(uuid.NAMESPACE_DNS, ticker)),
        "yes_sub_title": "86° or below",
        "no_sub_title": "86° or below",
        "rules_primary": "If the highest temperature is less than 87°, then the market resolves to Yes.",
        "created_time": opens - timedelta(hours=5, microseconds=406_205),
        "open_time": opens,
        "close_time": closes,
        "expected_expiration_time": closes + timedelta(minutes=5),
        "latest_expiration_time": closes + timedelta(days=7),
        "settlement_timer_seconds": 3600,
        "strike_type": StrikeType.LESS,
    }
    return Market(**(fields | changes))


@asynccontextmanager
async def exchange_world(
    *,
    quirks: Quirks | None = None,
    seed: int = 1,
    now: datetime = NOW,
    wall: Clock | None = None,
    tiers: Mapping[str, Tier] = TIERS,
    checked: bool = True,
    items: Sequence[Series | Event | Market] | None = None,
    extend: Callable[[World, web.Application], None] | None = None,
) -> AsyncIterator[World]:
    """Start an exchange; `extend` may add routes and listeners before it is served."""
    quirks, wall = quirks or Quirks(), wall or SystemClock()
    exchange = Exchange(seed=seed, quirks=quirks)
    tape, history = Tape(exchange.markets), History(exchange, wall.monotonic)
    world = World(
        exchange=exchange,
        hub=Hub(tape, history),
        tape=tape,
        keys=KeyRing(),
        clock=ManualClock(now),
        faults=Faults(seed),
        archive=Archive(quirks),
        history=history,
        quirks=quirks,
        checked=checked,
    )
    for item in listing(now) if items is None else items:
        exchange.list(item, now)
    world.publish()
    app = api(
        exchange=exchange,
        tape=tape,
        keys=world.keys,
        quirks=quirks,
        clock=world.clock,
        wall=wall,
        faults=world.faults,
        publish=world.publish,
        reached=lambda: world.reached,
        history=history,
        archive=world.archive,
        tiers=tiers,
    )
    if extend is not None:
        extend(world, app)
    world.server = TestServer(app)
    async with world.server, aiohttp.ClientSession(world.server.make_url("")) as world.session:
        yield world
