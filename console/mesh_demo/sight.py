"""What is seen of the mesh: every daemon is asked for itself, over its contract, and nothing is made up."""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NoReturn

from foremesh.trader.v1 import decisions_pb2, events_pb2, orders_pb2, positions_pb2, rules_pb2, status_pb2
from foremesh.trader.v1 import trader_service_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from console.collection.progress_watch import Follower, Heard
from console.mesh_demo.mesh import Mesh
from console.server_look import Look, look
from console.trading_connection import talking
from console.trading_follow import followed
from console.trading_status import trader_status
from console.trading_view import all_positions
from mesh.errors import MeshError

_LOOK_SECONDS = 1.0
_KEPT = 40
_SHOWN = frozenset({"fill", "exit", "settlement", "trade", "state_change", "reconciliation_difference"})
_ON_ITS_WAY = frozenset({orders_pb2.ORDER_STATE_INTENDED, orders_pb2.ORDER_STATE_SENT, orders_pb2.ORDER_STATE_FILLED})
"""States of an order that are as they should be: its fills say more."""


@dataclass(frozen=True, slots=True)
class Said:
    """A signal, and what the trader made of it."""

    time: Timestamp
    signal: decisions_pb2.ScanSignal
    decision: decisions_pb2.Decision


@dataclass(slots=True)
class Sight:
    """What was seen last; None and empty before anything was."""

    daemons: dict[str, tuple[str, int | None]] = field(default_factory=dict)
    """State and process id by name."""
    forecast: Look | None = None
    collection: Heard = field(default_factory=Heard)
    trader: status_pb2.Status | None = None
    positions: tuple[positions_pb2.Position, ...] = ()
    said: deque[Said] = field(default_factory=lambda: deque(maxlen=_KEPT))
    """Oldest first."""
    events: deque[events_pb2.Event] = field(default_factory=lambda: deque(maxlen=_KEPT))
    """What became of orders and positions, and switches."""
    counts: Counter[str] = field(default_factory=Counter)
    """Events by kind."""
    refusals: Counter[str] = field(default_factory=Counter)
    """Decisions not to enter, by the first rule that refused."""
    away: dict[str, str] = field(default_factory=dict)
    """What is wrong with a daemon that does not answer, by name."""


class Watcher:
    """Keeps a sight as fresh as the daemons answer."""

    def __init__(self, mesh: Mesh, sight: Sight, told: Callable[[events_pb2.Event], None]) -> None:
        """Take what to look at, what to keep up, and whom to tell of the trader's events."""
        self._mesh, self._sight, self._told = mesh, sight, told
        self._collection = Follower(mesh.coordinator)
        self._request = pb.WatchEventsRequest()
        """Moved on with each event, so that none is lost or told twice."""
        self._signals: dict[str, decisions_pb2.ScanSignal] = {}

    async def run(self) -> None:
        """Look until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._collection.run())
            tasks.create_task(self._often("trader's events", self._follow))
            tasks.create_task(self._often("forecast-server", self._look_at_forecasts))
            tasks.create_task(self._often("trader", self._look_at_trader))
            tasks.create_task(self._often("coordinator", self._look_at_collection))

    def _take(self, event: events_pb2.Event) -> None:
        kind = event.WhichOneof("payload") or "?"
        self._sight.counts[kind] += 1
        if kind == "signal":
            self._signals[event.signal.market_ticker] = event.signal
        elif kind == "decision":
            self._decided(event)
        elif kind in _SHOWN or (kind == "order" and event.order.order.state not in _ON_ITS_WAY):
            self._sight.events.append(event)
            self._told(event)

    def _decided(self, event: events_pb2.Event) -> None:
        decision = event.decision
        if (signal := self._signals.pop(decision.market_ticker, None)) is not None:
            self._sight.said.append(Said(event.record_time, signal, decision))
        if (rule := refused_by(decision)) is not None:
            self._sight.refusals[rule] += 1

    async def _often(self, name: str, look_at: Callable[[], Awaitable[None]]) -> NoReturn:
        while True:
            try:
                await look_at()
                self._sight.away.pop(name, None)
            except MeshError as error:
                self._sight.away[name] = error.message
            await asyncio.sleep(_LOOK_SECONDS)

    async def _follow(self) -> None:
        await followed(self._mesh.trader, self._request, self._take, lambda why: None)

    async def _look_at_forecasts(self) -> None:
        self._sight.forecast = await look(self._mesh.forecast)

    async def _look_at_trader(self) -> None:
        self._sight.trader = (await trader_status(self._mesh.trader)).status
        async with talking(self._mesh.trader) as stub:
            self._sight.positions = tuple(await all_positions(stub))

    async def _look_at_collection(self) -> None:
        self._sight.collection = self._collection.heard
        if self._sight.collection.problem is not None:
            raise self._sight.collection.problem


def refused_by(decision: decisions_pb2.Decision) -> str | None:
    """Name the first rule that refused; None where the decision was to enter."""
    refused = (each.rule for each in decision.verdicts if each.verdict == rules_pb2.VERDICT_REFUSED)
    return next(refused, None)
