"""What went wrong in other people's trading bots, each with a test that shows that it does not go wrong here.

Failure seen elsewhere, and where it is tested (without a place: here):

- A retry under a new id makes a second position: `engine/test_engine.py`
  (test_an_order_whose_reply_was_lost_is_found_and_becomes_one_position,
  test_a_request_that_arrives_late_after_all_is_one_order), `engine/test_restarts.py`, and `e2e/test_trader_crashes.py`.
- A 2xx without the order taken for a pending order: test_no_answer_of_whatever_shape_is_taken_for_an_order...
- Every error read as "the order expired", and outages that drop live orders:
  test_a_storm_of_errors_ends_no_order_and_loses_no_position; absence needs proof: `domain/test_comparing.py`
  (test_an_entry_that_two_reads_after_its_expiry_do_not_have_was_never_sent and those after it).
- An exit loop that is dead while entries go on: test_an_exit_loop_that_is_dead_stops_entries_and_tells_the_owner.
- An exit that forgets the position without an order: `domain/test_guarding.py`
  (test_a_position_is_never_gone_before_the_exchange_says_so).
- An exit priced from the entry, and a guard that ends after one failed sale: `domain/test_guarding.py`
  (test_a_price_gap_through_the_stop_is_sold_into_with_the_floor_until_the_contracts_are_gone,
  test_monitoring_goes_on_after_failed_sells_of_every_kind).
- Bought at the ask, stopped out on the bid: `domain/test_guarding.py`
  (test_an_entry_at_the_ask_is_not_stopped_out_by_its_own_spread) and the rule stop_distance in `domain/test_rules.py`.
- A default in place of a price that is missing, a renamed field that counts as zero:
  test_a_field_that_was_renamed_is_an_error_and_nothing_is_concluded_from_the_rest; the records themselves:
  `contract/test_kalshi_openapi.py`, `contract/test_kalshi_samples.py`
  (test_damage_is_an_error_or_an_explicit_absence_and_never_a_default); without a price nothing is bought:
  `domain/test_rules.py` (test_with_every_price_rule_off_nothing_is_bought_without_a_price).
- Dust of floats in fees, and a formula in seventeen places: test_the_rates_of_fees_stand_in_one_module; exactness:
  `unit/kalshi/test_fees.py` (test_fees_that_were_really_charged).
"""

import ast
import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from mesh.clock import SystemClock
from mesh.kalshi.errors import ExchangeError
from mesh.types import Hundredths
from tests.fakes.exchange_keys import Signer
from tests.fakes.exchange_stream import streaming_world
from tests.fakes.exchange_world import WARM, order
from tests.fakes.kalshi_calls import serving
from tests.fakes.trading import TICKER, cents, contracts, market
from tests.fakes.venue import Fault
from tests.integration.trader.kalshi_venue import fast_limits, key_config
from tests.integration.trader.test_kalshi_orders import SOMEWHERE, an_order
from tests.unit.trader.engine.rig import SETTINGS, Rig
from trader.domain.entries import Notified, OrderIntended
from trader.domain.events import Accepted, NoOutcome, Refused
from trader.domain.settings import EntrySettings
from trader.domain.words import EntryStyle, OrderState
from trader.exchange.reaching import Kalshi, reaching

ROOT = Path(__file__).parents[3]
READS = ("order", "find", "fills_of", "snapshot", "status", "market", "books", "own", "told")
STATUSES = (200, 201, 202, 204, 302, 400, 404, 408, 409, 418, 425, 500, 502, 503, 504, 599)
WHOLE = b'{"order_id": "o-1", "client_order_id": "%s", "fill_count": "0.00", "remaining_count": "1.00", "ts_ms": 1}'
BODIES = {
    "nothing": b"",
    "an empty object": b"{}",
    "a list": b"[]",
    "null": b"null",
    "a page": b"<html>502 Bad Gateway</html>",
    "half an order": b'{"order_id": "o-1", "client_order_id": "',
    "an order without an id": b'{"client_order_id": "mine", "fill_count": "0.00", "remaining_count": "1.00"}',
    "another's order": WHOLE % b"another",
    "an order inside an order": b'{"order": {"order_id": "o-1"}}',
    "an error": b'{"error": {"code": "insufficient_balance", "message": "no"}}',
    "an error that is none": b'{"error": null}',
    "bytes": bytes(range(128, 160)),
}


@asynccontextmanager
async def reached(host: str, folder: Path) -> AsyncIterator[Kalshi]:
    """Kalshi as the trader reaches it, at a host, as the member `mine`."""
    config = key_config(host, folder, Signer.ed25519())
    async with reaching(config, SystemClock(), limits=fast_limits()) as kalshi:
        yield kalshi


async def test_no_answer_of_whatever_shape_is_taken_for_an_order_that_is_not_in_it(tmp_path: Path) -> None:
    answers = itertools.product(STATUSES, BODIES)
    now: tuple[int, bytes] = (404, b"")
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        if not request.path.endswith("/portfolio/events/orders"):
            return web.json_response({"error": {"code": "not_found", "message": "not found"}}, status=404)
        asked.append(str((await request.json())["client_order_id"]))
        return web.Response(status=now[0], body=now[1], content_type="application/json")

    async with serving(answer) as host, reached(host, tmp_path) as kalshi:
        assert kalshi.exchange is not None
        for number, (status, name) in enumerate(answers):
            now = (status, BODIES[name])
            came = await kalshi.exchange.place(an_order(client_order_id=f"mine-{number}"), SOMEWHERE)
            assert not isinstance(came, Accepted), (status, name)
            if status >= 500 or status < 300 or (status == 409 and name != "an error"):
                assert isinstance(came, NoOutcome), (status, name, came)
            else:
                assert isinstance(came, Refused | NoOutcome), (status, name, came)
        now = (201, WHOLE % b"mine")
        assert isinstance(await kalshi.exchange.place(an_order(client_order_id="mine"), SOMEWHERE), Accepted)
    assert len(asked) == len(set(asked)) == len(STATUSES) * len(BODIES) + 1, "each was sent once"


@pytest.mark.parametrize("kind", ["unavailable", "reply_lost"])
async def test_a_storm_of_errors_ends_no_order_and_loses_no_position(kind: str) -> None:
    rests = EntrySettings(style=EntryStyle.REST, expire_seconds=3600.0, shadow=False)
    markets = [market(closes=timedelta(days=2)), market("KXHIGHNY-26NOV23-T70", closes=timedelta(days=2))]
    held, waits = (each.ticker for each in markets)
    rig = Rig(settings=SETTINGS.model_copy(update={"entries": rests}), markets=markets)
    rig.wants()
    async with rig.running() as engine:
        await rig.clock.advance(5)
        rig.forecasts.signals.clear()
        rig.venue.trade(held, cents(46), contracts(100), taker_buys_yes=True)
        await rig.clock.advance(5)
        books = engine.state.books
        before = {ticker: rig.venue.held(ticker) for ticker in (held, waits)}
        assert before[held] < 0
        resting = {name for name in books.working if books.orders[name].state is OrderState.RESTING}
        assert [books.orders[name].terms.ticker for name in resting] == [waits]
        rig.venue.break_streams()
        for method in READS:
            rig.venue.fail(method, *[Fault(kind)] * 2000)  # type: ignore[arg-type]  # one of the kinds
        await rig.clock.advance(600)
        assert {name for name in books.working if books.orders[name].state is OrderState.RESTING} == resting
        assert [position.count for position in books.positions.values() if position.count] == [-before[held]]
        rig.venue.trade(waits, cents(46), contracts(100), taker_buys_yes=True)
        rig.venue.faults.clear()
        await rig.clock.advance(120)
        assert {books.positions[name].count for name in books.by_ticker[waits]} == {-rig.venue.held(waits)}
        assert {name for name in books.working if name in resting} == set()
    assert len(rig.venue.orders) == len(rig.journal.of(OrderIntended)) == 2


async def test_an_exit_loop_that_is_dead_stops_entries_and_tells_the_owner() -> None:
    markets = [market(closes=timedelta(days=2)), market("KXHIGHNY-26NOV23-T70", closes=timedelta(days=2))]
    rig = Rig(markets=markets)
    rig.wants(TICKER)
    async with rig.running() as engine:
        await rig.clock.advance(5)
        assert rig.venue.held(TICKER) < 0
        rig.forecasts.signals.clear()
        (loop,) = (task for task in asyncio.all_tasks() if task.get_name() == "exits")
        loop.cancel()
        await rig.clock.advance(31)
        rig.wants()
        await rig.clock.advance(120)
        assert not engine.alive()
        assert [kept.terms.ticker for kept in rig.venue.orders.values()] == [TICKER]
    said = [entry.title + entry.text for entry in rig.journal.of(Notified) if isinstance(entry, Notified)]
    assert any("exit loop" in text for text in said), said


RENAMED = [
    ("fills", b'"count_fp"'),
    ("fills", b'"yes_price_dollars"'),
    ("fills", b'"fee_cost"'),
    ("positions", b'"position_fp"'),
    ("positions", b'"fees_paid_dollars"'),
    ("positions", b'"realized_pnl_dollars"'),
    ("orders", b'"fill_count_fp"'),
    ("orders", b'"remaining_count_fp"'),
    ("orders", b'"yes_price_dollars"'),
    ("orders", b'"status"'),
    ("balance", b'"balance_dollars"'),
    ("fills", b'"fills"'),
    ("positions", b'"market_positions"'),
    ("orders", b'"orders"'),
]


async def test_a_field_that_was_renamed_is_an_error_and_nothing_is_concluded_from_the_rest(tmp_path: Path) -> None:
    async with streaming_world() as world:
        signer = Signer.ed25519()
        member = world.member("alice", signer=signer)
        world.book(WARM, {"0.4000": "10.00"}, {"0.4200": "10.00"})
        await member.post("/portfolio/events/orders", order(price="0.4200"))
        await member.post("/portfolio/events/orders", order(price="0.1000"))
        renamed = ("", b"")

        async def forward(request: web.Request) -> web.Response:
            headers = {name: value for name, value in request.headers.items() if name.startswith("KALSHI")}
            async with session.get(f"{world.url}{request.path_qs}", headers=headers) as reply:
                body = await reply.read()
            if request.path.endswith(f"/portfolio/{renamed[0]}"):
                assert renamed[1] in body, renamed
                body = body.replace(renamed[1], renamed[1][:-1] + b'_v2"')
            return web.Response(status=reply.status, body=body, content_type="application/json")

        async with aiohttp.ClientSession() as session, serving(forward) as host:
            config = key_config(host, tmp_path, signer)
            async with reaching(config, world.clock, limits=fast_limits()) as kalshi:
                assert kalshi.exchange is not None
                whole = await kalshi.exchange.snapshot(world.now - timedelta(hours=1))
                assert ([fill.count for fill in whole.fills], len(whole.orders)) == ([Hundredths(100)], 2)
                for renamed in RENAMED:  # noqa: B007  the server reads it
                    with pytest.raises(ExchangeError):
                        await kalshi.exchange.snapshot(world.now - timedelta(hours=1))


def test_the_rates_of_fees_stand_in_one_module() -> None:
    rates, fractions = {0.07, 0.0175, "0.07", "0.0175"}, {"Fraction(7, 100)", "Fraction(7, 400)"}
    found = set()
    for package in ("mesh", "trader", "research"):
        for file in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                is_rate = isinstance(node, ast.Constant) and node.value in rates
                is_fraction = isinstance(node, ast.Call) and ast.unparse(node) in fractions
                if is_rate or is_fraction:
                    found.add(file.relative_to(ROOT).as_posix())
    assert found == {"mesh/kalshi/fees.py"}
