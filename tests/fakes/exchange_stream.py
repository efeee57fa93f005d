"""The simulated exchange with its WebSocket, and somebody who listens to it.

    async with streaming_world() as world:
        alice = world.member("alice")
        async with listening(world, alice) as ear:
            await ear.subscribe("orderbook_delta", market_tickers=[WARM])
            snapshot = await ear.next("orderbook_snapshot")

Every message that arrives is checked against the exchange's AsyncAPI document where that is at hand.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import aiohttp
from aiohttp import web

from mesh.clock import SystemClock
from sim_exchange.stream.routes import PATH, add_stream_routes
from sim_exchange.stream.session import StreamLimits
from sim_exchange.stream.streams import Streams
from tests.fakes.asyncapi import document
from tests.fakes.exchange_world import Caller, World, exchange_world

_PATIENCE = 10.0  # seconds; a message that does not come within them does not come


@asynccontextmanager
async def streaming_world(
    limits: StreamLimits | None = None, seen: list[Streams] | None = None, **options: Any
) -> AsyncIterator[World]:
    """Start an exchange that streams; options as for `exchange_world`. `seen` is given the streams."""

    def extend(world: World, app: web.Application) -> None:
        wall = SystemClock()
        streams = Streams(
            world.exchange,
            world.tape,
            clock=world.clock,
            wall=wall,
            faults=world.faults,
            limits=limits or StreamLimits(),
        )
        world.hub.add(streams)
        if seen is not None:
            seen.append(streams)
        add_stream_routes(app, streams, keys=world.keys, quirks=world.quirks, wall=wall, faults=world.faults)

    async with exchange_world(extend=extend, **options) as world:
        yield world


@asynccontextmanager
async def listening(world: World, member: Caller, **options: Any) -> AsyncIterator["Ear"]:
    """Connect as a member; options go to the WebSocket."""
    assert member.signer is not None
    async with world.session.ws_connect(PATH, headers=member.signer.headers("GET", PATH), **options) as socket:
        yield Ear(socket)


class Ear:
    """One connection of a client."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self._ids = count(1)

    async def command(self, cmd: str, **params: Any) -> int:
        """Send a command and give its id."""
        number = next(self._ids)
        await self.socket.send_json({"id": number, "cmd": cmd} | ({"params": params} if params else {}))
        return number

    async def subscribe(self, *channels: str, **params: Any) -> list[int]:
        """Subscribe and give the sids, in the order of the channels."""
        number = await self.command("subscribe", channels=list(channels), **params)
        sids = []
        for channel in channels:
            message = await self.next("subscribed")
            assert (message["id"], message["msg"]["channel"]) == (number, channel)
            sids.append(message["msg"]["sid"])
        return sids

    async def next(self, kind: str = "") -> dict[str, Any]:
        """Give the next message, which must be of this type."""
        async with asyncio.timeout(_PATIENCE):
            frame = await self.socket.receive()
        assert frame.type is aiohttp.WSMsgType.TEXT, frame
        message: dict[str, Any] = json.loads(frame.data)
        if (contract := document()) is not None:
            contract.check(message)
        assert kind in ("", message["type"]), message
        return message

    async def refusal(self, cmd: str, **params: Any) -> tuple[int, str]:
        """Send a command that is refused, and give code and text."""
        number = await self.command(cmd, **params)
        message = await self.next("error")
        assert message.get("id") == number
        return message["msg"]["code"], message["msg"]["msg"]

    async def settled(self) -> list[dict[str, Any]]:
        """Give everything that has been sent so far."""
        number = await self.command("list_subscriptions")
        messages = []
        while (message := await self.next()).get("id") != number:
            messages.append(message)
        return messages
