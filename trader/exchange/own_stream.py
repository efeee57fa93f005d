"""What becomes of the account's orders, as the stream tells it."""

from collections.abc import AsyncGenerator

from mesh import log
from mesh.kalshi.errors import UnexpectedReply
from mesh.kalshi.stream.channels import Channel
from mesh.kalshi.stream.events import Disconnected, Gap, Refused, Resynced
from mesh.kalshi.stream.own import Fill, OrderUpdate
from mesh.kalshi.stream.queue import Events
from trader.domain.events import FillSeen, OrderSeen
from trader.exchange.views import fill_told, order_told

OWN = frozenset({Channel.FILLS, Channel.ORDERS})

_log = log.get(__name__)


async def own_events(events: Events) -> AsyncGenerator[OrderSeen | FillSeen | None, None]:
    """Yield orders and fills as they change; None where something may have been missed.

    That is where the stream broke, and once more where it is whole again, since what happened between is not told.
    """
    whole: set[Channel] = set()
    async for event in events:
        was_whole = whole == OWN
        try:
            match event:
                case OrderUpdate():
                    yield OrderSeen(order_told(event))
                case Fill():
                    yield FillSeen(fill_told(event))
                case Resynced(channel):
                    whole.add(channel)
                case Gap(channel):
                    whole.discard(channel)
                case Disconnected():
                    whole.clear()
                case Refused(channel, _, problem):
                    _log.error("the exchange does not tell of the account", channel=channel, problem=str(problem))
        except UnexpectedReply as error:
            _log.error("the stream tells something of the account that is not understood", problem=str(error))
            yield None
        if was_whole != (whole == OWN):
            yield None
