"""The REST side of the simulated exchange: every route, and what happens to each request on its way.

In order: the path must exist, the signature must hold where a key is needed or shown, faults strike, the budget is
asked, the handler works without waiting, what it did is sent out, and only then the caller is answered.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from email.utils import formatdate
from http import HTTPStatus

from aiohttp import ClientPayloadError, web
from aiohttp.http_exceptions import HttpProcessingError

from mesh import log
from mesh.clock import Clock
from sim_exchange.api import (
    account_routes,
    batch_routes,
    candle_routes,
    event_routes,
    exchange_routes,
    group_routes,
    historical_routes,
    market_routes,
    order_reads,
    order_routes,
    portfolio_routes,
)
from sim_exchange.api.archive import Archive
from sim_exchange.api.auth import KEY_HEADER, Key, Keys, authenticate
from sim_exchange.api.budgets import Budgets
from sim_exchange.api.calls import Bill, Call, Route, Services
from sim_exchange.api.catalogue import Catalogue
from sim_exchange.api.history import History
from sim_exchange.api.replies import Problem, Reply, flat_problem, problem, refusal, too_many_requests
from sim_exchange.api.text import unix_seconds
from sim_exchange.api.tiers import TIERS, Tier
from sim_exchange.api.trouble import tickers_named, troubled
from sim_exchange.domain.exchange import Exchange
from sim_exchange.domain.types import Refused
from sim_exchange.effects import NO_EFFECTS, Effects, RequestFacts
from sim_exchange.faults import Faults
from sim_exchange.quirks import Quirks
from sim_exchange.tape.tape import Tape

PREFIX = "/trade-api/v2"
MOST_BODY_BYTES = 1024 * 1024

ROUTES: Sequence[Route] = (
    *exchange_routes.ROUTES,
    *event_routes.ROUTES,
    *market_routes.ROUTES,
    *candle_routes.ROUTES,
    *historical_routes.ROUTES,
    *portfolio_routes.ROUTES,
    *order_reads.ROUTES,
    *batch_routes.ROUTES,
    *order_routes.ROUTES,
    *group_routes.ROUTES,
    *account_routes.ROUTES,
)

_log = log.get(__name__)


def api(
    *,
    exchange: Exchange,
    tape: Tape,
    keys: Keys,
    quirks: Quirks,
    clock: Clock,
    wall: Clock,
    faults: Faults,
    publish: Callable[[], None],
    history: History,
    archive: Archive,
    reached: Callable[[], datetime | None] = lambda: None,
    tiers: Mapping[str, Tier] = TIERS,
    weekly_maintenance: bool = True,
) -> web.Application:
    """Make the REST application; WebSocket routes may be added to it.

    Args:
        exchange: The exchange.
        tape: Its public record; it must hear of everything that `publish` sends out.
        keys: Where API keys are known.
        quirks: Choices where the real exchange is not known.
        clock: The exchange's time.
        wall: Real time: signatures, budgets, the Date header, fault delays.
        faults: What goes wrong on purpose.
        publish: Sends out what commands left behind. Called before a command is answered.
        history: What own records were a moment ago; it must hear of everything too.
        archive: The border to the historical data.
        reached: Until when everything has happened, exclusively; None where nothing is awaited.
        tiers: What each usage tier may spend.
        weekly_maintenance: What the schedule says about Thursdays.
    """
    shards = tuple(exchange.shards)
    services = Services(
        exchange=exchange,
        tape=tape,
        keys=keys,
        quirks=quirks,
        clock=clock,
        wall=wall,
        budgets=Budgets(tiers, wall.monotonic, shards, quirks.unauthenticated_per_second),
        catalogue=Catalogue(exchange),
        archive=archive,
        history=history,
        faults=faults,
        publish=publish,
        reached=reached,
        shards=shards,
        weekly_maintenance=weekly_maintenance,
    )
    app = web.Application(client_max_size=MOST_BODY_BYTES)
    for route in ROUTES:
        app.router.add_route(route.method, PREFIX + route.path, _Endpoint(services, route).handle)
    app.router.add_route("*", "/{path:.*}", _no_such_page)
    return app


async def _no_such_page(_: web.Request) -> web.Response:
    """Answer as the exchange's web framework does for a path or method that it does not know."""
    return web.Response(status=HTTPStatus.NOT_FOUND, text="404 page not found")


class _Endpoint:
    """One route at work."""

    def __init__(self, services: Services, route: Route) -> None:
        self._services = services
        self._route = route
        self._date = (0, "")

    async def handle(self, request: web.Request) -> web.Response:
        """Answer a request; whatever goes wrong inside, the connection stays usable and nothing is lost."""
        services = self._services
        path = request.raw_path.partition("?")[0]
        wall = services.wall.now() + timedelta(seconds=services.faults.skew(request.method, path))
        effects = NO_EFFECTS
        tickers: tuple[str, ...] = ()
        try:
            key = self._caller(request, path, wall)
            body = await _body(request)
            if services.faults.strike_requests:
                tickers = tickers_named(services, request.match_info, request.query_string, body)
                effects = services.faults.before(RequestFacts(request.method, path, self._name(key), tickers))
            if effects.delay:
                await services.wall.sleep(effects.delay)
            if effects.drop_before:
                return _drop(request)
            reply = self._carry_out(request, key, body, effects, tickers)
        except Problem as refused:
            reply = refused.reply
        except Exception:
            _log.exception("a request failed", method=request.method, path=path)
            reply = _server_error(HTTPStatus.INTERNAL_SERVER_ERROR)
        if effects.drop_after:
            return _drop(request)
        if effects.error_after is not None:
            reply = _server_error(effects.error_after)
        if effects.no_object and HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES and reply.body:
            reply = Reply(reply.status, b"{}")
        return self._response(reply, wall)

    def _caller(self, request: web.Request, path: str, wall: datetime) -> Key | None:
        """Verify the signature where a key is needed, or shown. Problem (401, 403)."""
        scope = self._route.scope
        if scope is None and KEY_HEADER not in request.headers:
            return None
        services = self._services
        key = authenticate(request.headers, request.method, path, keys=services.keys, quirks=services.quirks, now=wall)
        if scope is not None and not key.allows(scope):
            raise problem(HTTPStatus.FORBIDDEN, "forbidden", f"the API key lacks the scope {scope}")
        return key

    def _carry_out(
        self, request: web.Request, key: Key | None, body: bytes, effects: Effects, tickers: tuple[str, ...]
    ) -> Reply:
        services, route = self._services, self._route
        if effects.too_many_requests:
            raise too_many_requests(services.quirks.too_many_requests_body)
        if effects.error_before is not None:
            return _server_error(effects.error_before)
        now = services.clock.now()
        call = Call(
            services,
            operation=route.operation,
            key=key,
            path=request.match_info,
            query_text=request.query_string,
            body=body,
            now=now,
            stale=max(effects.stale, services.quirks.read_lag_seconds),
        )
        self._bill(call, request)
        deadline = services.exchange.next_deadline()
        if deadline is not None and deadline <= now:
            services.exchange.advance(now)
        try:
            with troubled(call, effects, tickers):
                return route.handler(call)
        except Problem:
            if route.bill is Bill.WRITE and not call.billed:
                call.bill_write(route.cost)
            raise
        except Refused as refused:
            return refusal(refused)
        finally:
            services.publish()

    def _bill(self, call: Call, request: web.Request) -> None:
        """Take tokens for whatever is not billed by its handler. Problem (429)."""
        budgets, bill = self._services.budgets, self._route.bill
        if call.key is None:
            enough = budgets.address(request.remote or "")
        elif bill is Bill.READ:
            enough = budgets.read(call.account_id, call.tier, self._route.cost)
        elif bill is Bill.BALANCE:
            enough = budgets.balance(call.account_id, call.tier)
        else:
            enough = True
        if not enough:
            raise too_many_requests(self._services.quirks.too_many_requests_body)

    def _name(self, key: Key | None) -> str:
        return "" if key is None else self._services.exchange.accounts[key.account_id].name

    def _response(self, reply: Reply, wall: datetime) -> web.Response:
        second = unix_seconds(wall)
        if self._date[0] != second:
            self._date = (second, formatdate(second, usegmt=True))
        headers = {"Date": self._date[1]}
        if reply.body:
            headers["Content-Type"] = "application/json"
        return web.Response(status=reply.status, body=reply.body, headers=headers)


async def _body(request: web.Request) -> bytes:
    if not request.body_exists:
        return b""
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "request_entity_too_large") from None
    except (web.RequestPayloadError, ClientPayloadError, HttpProcessingError):
        raise flat_problem(HTTPStatus.BAD_REQUEST, "bad_request", "unreadable body") from None


def _server_error(status: int) -> Reply:
    code = {500: "internal_server_error", 503: "service_unavailable", 504: "gateway_timeout"}[status]
    return problem(status, code).reply


def _drop(request: web.Request) -> web.Response:
    """Cut the connection; the answer goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
