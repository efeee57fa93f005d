"""The owner of the simulated account: buys by hand, gives that to the trader, asks again until there is an answer."""

import asyncio
from itertools import count
from typing import TYPE_CHECKING

from foremesh.trader.v1 import trader_service_pb2 as pb

from mesh.errors import MeshError
from mesh.kalshi.sides import Action
from mesh.kalshi.terms import TimeInForce
from mesh.types import Side
from tests.fakes.trading import cents, contracts
from trader.domain.facts import Actor, MarketTerms, OrderTerms
from trader.domain.words import ActorKind, Purpose
from trader.service.adopting import Adopting
from trader.service.switches import Switches

if TYPE_CHECKING:
    from tests.sim.world import World

_OWNER = Actor(kind=ActorKind.CALLER, name="owner", role="operator")
_NAME = "by-hand-"


def by_hand(order: OrderTerms) -> bool:
    """Whether the owner placed an order, and not the trader."""
    return order.client_order_id.startswith(_NAME)


async def adopted(world: "World", ticker: str) -> None:
    """Buy, and have the trader take it over."""
    await asyncio.sleep(1.0 + world.choices.pick(8))
    await _bought(world, next(terms for terms in world.markets if terms.ticker == ticker))
    for number in count():
        first = world.boundaries
        wish = pb.AdoptPositionRequest(request_id=f"adopt-{number}", market_ticker=ticker)
        match 2 if number else world.choices.pick(3):
            case 0:
                wish.take_profit_price_micros, wish.stop_loss_price_micros = cents(70), cents(40)
            case 2:
                wish.hold_to_settlement = True
        answer = None
        while answer is None:
            await asyncio.sleep(0.2 + 0.4 * world.choices.pick(4))
            answer = await _answered(world, wish)
        if answer.HasField("adopted"):
            world.asked = range(first, world.boundaries + 1)
            world.happened["adopted"] += 1
            world.happened["adopted, and the answer repeated"] += answer.repeated_request
            return


async def _bought(world: "World", market: MarketTerms) -> None:
    """Buy what is offered, as soon as somebody offers."""
    for number in count():
        order = OrderTerms(
            client_order_id=f"{_NAME}{number}",
            decision_id="",
            leg=0,
            position_id="",
            ticker=market.ticker,
            event_ticker=market.event_ticker,
            series_ticker=market.series_ticker,
            side=Side.NO,
            action=Action.BUY,
            purpose=Purpose.ENTRY,
            limit=cents(95),
            count=contracts(3),
            time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL,
        )
        await world.venue.place(order, market)
        if world.venue.held(market.ticker):
            return
        await asyncio.sleep(1.0)


async def _answered(world: "World", wish: pb.AdoptPositionRequest) -> pb.AdoptPositionResponse | None:
    """Ask the process that runs; None where it gave no answer, whatever it did."""
    engine, process = world.engine, world.process
    assert engine is not None
    service = Adopting(engine, Switches(engine, process.name), process.name)
    asked = world.loop.run_as(process, service.adopt(wish, _OWNER), f"adopt {wish.request_id}")
    await asyncio.wait([asked], timeout=5.0)
    if not asked.done():
        asked.cancel()
        return None
    problem = asked.exception()
    if problem is None:
        answer: pb.AdoptPositionResponse = asked.result()
        return answer
    if process.alive and not isinstance(problem, MeshError):
        raise problem
    return None
