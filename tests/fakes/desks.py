"""A desk to press keys at, and what it shows."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from foremesh.trader.v1 import market_view_pb2, trace_pb2
from rich.console import RenderableType

from console.desk.app import Desk
from console.desk.calls import Answer, Calls, Request
from console.desk.lines import Lines
from mesh.errors import MeshError, Unavailable


class Nobody:
    """A trader that tells its stream and answers no call."""

    def words(self, error: MeshError) -> str:
        return str(error)

    async def market(self, ticker: str) -> market_view_pb2.MarketView:
        raise Unavailable(f"{ticker}: nobody answers")

    async def trace(self, name: str, ticker: str | None = None) -> trace_pb2.Trace:
        raise Unavailable(f"{name}: nobody answers")

    async def do(self, request: Request) -> Answer:
        raise Unavailable("nobody answers")


async def nothing() -> RenderableType:
    return "nothing here"


def desk_of(feed: Any, clock: Callable[[], float] = time.monotonic, calls: Calls | None = None, **more: Any) -> Desk:
    return Desk(feed, calls or Nobody(), {"mesh": nothing, "collection": nothing}, clock=clock, **more)


def plain(desk: Desk, panel: str) -> list[str]:
    return [line.plain for line in desk.query_one(f"#{panel}", Lines).lines]


def status(desk: Desk) -> str:
    return str(desk.query_one("#status").render())


async def until(there: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not there():
            await asyncio.sleep(0.02)
