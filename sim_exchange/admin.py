"""The simulation's own controls, as JSON over HTTP: faults, results, pauses, the archive's cutoff, and its health.

    GET    /healthz
    GET    /invariants
    GET    /faults                       rules in force, what they met and how often they struck
    POST   /faults                       a rule, as in the configuration; answers with its name
    DELETE /faults, /faults/{name}
    POST   /markets/{ticker}/determine   {"result": "yes", "expiration_value": "85.00"}; scalar: "value_dollars"
    POST   /markets/{ticker}/close       {"close_time": "2026-11-22T05:00:00Z"}; without it at once
    POST   /pause, /resume               {"scope": "market", "ticker": …}; trading or exchange: "shard"
    POST   /cutoff                       {"market_settled": "2026-08-22T00:00:00Z", …}; names as in `Cutoffs`

It knows no passwords, so it is for a listener on loopback only. A web page that is open on this machine could reach
that too: requests by another host name, and bodies that are not declared as JSON, are refused.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Literal, Self, TypeVar

import msgspec
from aiohttp import web
from pydantic import AfterValidator, Field, TypeAdapter, ValidationError, model_validator

from mesh.clock import Clock
from mesh.config import Strict
from mesh.kalshi.terms import Result
from mesh.types import Micros, Price, utc
from sim_exchange import invariants
from sim_exchange.api.archive import Archive
from sim_exchange.domain.exchange import Exchange
from sim_exchange.domain.results import PauseScope
from sim_exchange.domain.types import Refused
from sim_exchange.faults import FaultRule, Faults

_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Instant = Annotated[datetime, AfterValidator(utc)]


class Determination(Strict):
    """A market's result."""

    result: Literal["yes", "no", "scalar"]
    value_dollars: str | None = None
    """What one YES contract pays; for scalar results, which need it."""
    expiration_value: str = ""
    """The settling number."""

    @model_validator(mode="after")
    def _value_belongs_to_scalar(self) -> Self:
        if (self.value_dollars is None) == (self.result == "scalar"):
            raise ValueError("value_dollars belongs to a scalar result, and to no other")
        if self.value_dollars is not None:
            Price.from_dollars(self.value_dollars)
        return self


class Close(Strict):
    """When a market closes."""

    close_time: Instant | None = None
    """Absent is now."""


class PauseOrder(Strict):
    """What stands still, or goes on."""

    scope: Literal["market", "trading", "exchange"]
    ticker: str | None = None
    """Of the market, for that scope."""
    shard: int = Field(default=0, ge=0)
    """For the other scopes."""

    @model_validator(mode="after")
    def _ticker_belongs_to_market(self) -> Self:
        if (self.ticker is None) == (self.scope == "market"):
            raise ValueError("a ticker belongs to the scope market, and to no other")
        return self

    @property
    def key(self) -> str | int:
        """What the exchange knows it by."""
        return self.shard if self.ticker is None else self.ticker


class Cutoff(Strict):
    """Where archives begin; what is absent stays."""

    market_settled: Instant | None = None
    trades_created: Instant | None = None
    orders_updated: Instant | None = None
    positions_updated: Instant | None = None


_RULE: TypeAdapter[FaultRule] = TypeAdapter(FaultRule)


def admin(
    *,
    exchange: Exchange,
    archive: Archive,
    faults: Faults,
    clock: Clock,
    publish: Callable[[], None],
    remember: Callable[[Mapping[str, datetime]], None],
) -> web.Application:
    """Make the application.

    Args:
        exchange: The exchange.
        archive: The border to the historical data.
        faults: What goes wrong on purpose.
        clock: The exchange's time.
        publish: Sends out what commands left behind.
        remember: Keeps moved cutoffs over restarts.
    """
    desk = _Desk(exchange=exchange, archive=archive, faults=faults, clock=clock, publish=publish, remember=remember)
    app = web.Application(middlewares=[_polite])
    app.router.add_get("/healthz", desk.health)
    app.router.add_get("/invariants", desk.invariants)
    app.router.add_get("/faults", desk.faults)
    app.router.add_post("/faults", desk.add_fault)
    app.router.add_delete("/faults", desk.clear_faults)
    app.router.add_delete("/faults/{name}", desk.remove_fault)
    app.router.add_post("/markets/{ticker}/determine", desk.determine)
    app.router.add_post("/markets/{ticker}/close", desk.close)
    app.router.add_post("/pause", desk.pause)
    app.router.add_post("/resume", desk.resume)
    app.router.add_post("/cutoff", desk.move_cutoff)
    return app


@web.middleware
async def _polite(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Keep strangers out, and say in words what is wrong."""
    host = request.host.rsplit(":", 1)[0] if not request.host.endswith("]") else request.host
    if host not in _HOSTS:
        return web.Response(status=HTTPStatus.FORBIDDEN, text="this address is for loopback only\n")
    if request.method == "POST" and request.content_type != "application/json":
        return web.Response(
            status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE, text="the body must be JSON: Content-Type: application/json\n"
        )
    try:
        return await handler(request)
    except ValidationError as error:
        return web.Response(status=HTTPStatus.BAD_REQUEST, text=_problems(error))
    except ValueError as error:
        return web.Response(status=HTTPStatus.BAD_REQUEST, text=f"{error}\n")
    except Refused as refused:
        return web.Response(status=refused.status, text=f"{refused}\n")


class _Desk:
    def __init__(
        self,
        *,
        exchange: Exchange,
        archive: Archive,
        faults: Faults,
        clock: Clock,
        publish: Callable[[], None],
        remember: Callable[[Mapping[str, datetime]], None],
    ) -> None:
        self._exchange = exchange
        self._archive = archive
        self._faults = faults
        self._clock = clock
        self._publish = publish
        self._remember = remember

    async def health(self, _: web.Request) -> web.Response:
        return _json({"status": "ok", "exchange_time": self._clock.now(), "markets": len(self._exchange.markets)})

    async def invariants(self, _: web.Request) -> web.Response:
        return _json(invariants.check(self._exchange))

    async def faults(self, _: web.Request) -> web.Response:
        rows = [
            {"rule": found.rule.model_dump(mode="json"), "matches": found.matches, "strikes": found.strikes}
            for found in self._faults.counts()
        ]
        return _json({"faults": rows})

    async def add_fault(self, request: web.Request) -> web.Response:
        name = self._faults.add(_RULE.validate_json(await request.read()))
        return _json({"name": name}, HTTPStatus.CREATED)

    async def clear_faults(self, _: web.Request) -> web.Response:
        self._faults.clear()
        return web.Response(status=HTTPStatus.NO_CONTENT)

    async def remove_fault(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if not self._faults.remove(name):
            return web.Response(status=HTTPStatus.NOT_FOUND, text=f"there is no fault named {name}\n")
        return web.Response(status=HTTPStatus.NO_CONTENT)

    async def determine(self, request: web.Request) -> web.Response:
        body = await _read(request, Determination)
        value = None if body.value_dollars is None else Price.from_dollars(body.value_dollars)
        return self._command(
            lambda now: self._exchange.determine(
                request.match_info["ticker"],
                Result(body.result),
                None if value is None else Micros(int(value)),  # a Price is more than a number
                body.expiration_value,
                now,
            )
        )

    async def close(self, request: web.Request) -> web.Response:
        body = await _read(request, Close)
        ticker = request.match_info["ticker"]
        return self._command(lambda now: self._exchange.move_close(ticker, body.close_time or now, now))

    async def pause(self, request: web.Request) -> web.Response:
        body = await _read(request, PauseOrder)
        return self._command(lambda now: self._exchange.pause(PauseScope(body.scope), body.key, now))

    async def resume(self, request: web.Request) -> web.Response:
        body = await _read(request, PauseOrder)
        return self._command(lambda now: self._exchange.resume(PauseScope(body.scope), body.key, now))

    async def move_cutoff(self, request: web.Request) -> web.Response:
        body = await _read(request, Cutoff)
        cutoffs = body.model_dump(exclude_none=True)
        self._archive.move(**cutoffs)
        self._remember(cutoffs)
        return _json(self._archive.at(self._clock.now()))

    def _command(self, command: Callable[[datetime], None]) -> web.Response:
        """Carry out something that changes the exchange, and tell everybody even where it is refused half way."""
        try:
            command(self._clock.now())
        finally:
            self._publish()
        return web.Response(status=HTTPStatus.NO_CONTENT)


B = TypeVar("B", bound=Strict)


async def _read(request: web.Request, model: type[B]) -> B:
    return model.model_validate_json(await request.read() or b"{}")


def _json(value: object, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(value), content_type="application/json")


def _problems(error: ValidationError) -> str:
    lines = (f"{'.'.join(map(str, each['loc'])) or 'body'}: {each['msg']}" for each in error.errors())
    return "\n".join(lines) + "\n"
