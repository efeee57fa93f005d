"""Taking over a position that the trader did not open: asked for, learnt about, decided, and answered once."""

from foremesh.trader.v1 import switches_pb2
from foremesh.trader.v1 import trader_service_pb2 as pb

from mesh.errors import Unavailable
from mesh.kalshi.errors import ExchangeError, ObjectNotFound
from mesh.types import Price
from trader.domain.adopting import AdoptRefused, Wish, adoption
from trader.domain.events import Moment
from trader.domain.facts import Actor
from trader.domain.state import State
from trader.domain.switching import trading_state
from trader.engine.engine import Engine
from trader.service import convert_words as w
from trader.service import views
from trader.service.switches import Switches

_RETRY_SECONDS = 1.0


class Adopting:
    """Carries adoptions out on one engine.

    Raises:
        NotReady: The request's id came before with other content (`REQUEST_ID_REUSED`).
        Unavailable: The engine is not running, the account was not read yet (`ACCOUNT_NOT_READ`), or the exchange could
            not be asked about the market (`EXCHANGE_AWAY`). Nothing is remembered of such a request.
    """

    def __init__(self, engine: Engine, switches: Switches, instance_id: str) -> None:
        self._engine, self._switches, self._instance_id = engine, switches, instance_id

    async def adopt(self, request: pb.AdoptPositionRequest, who: Actor) -> pb.AdoptPositionResponse:
        """Take a position over, or say why not. The answer to a request that came before is the first one."""
        state, ticker = self._engine.state, request.market_ticker
        if request.request_id not in state.books.replies:
            await self._learn(ticker)
            if state.watch.snapshot is None:
                raise _unavailable("the account was not read yet", "ACCOUNT_NOT_READ")
        found = adoption(state, _wish(request, who), self._moment())
        refused = found if isinstance(found, AdoptRefused) else None

        def answer(state: State, sequence: int) -> pb.AdoptPositionResponse:
            reply = pb.AdoptPositionResponse(
                instance_id=self._instance_id, sequence=sequence, state=w.STATE[trading_state(state)]
            )
            if refused is not None:
                reason = w.CANNOT_ADOPT[refused.reason]
                reply.refused.CopyFrom(switches_pb2.AdoptionRefused(reason=reason, detail=w.text(refused.detail)))
                return reply
            (name,) = state.books.by_ticker[ticker]
            reply.adopted.CopyFrom(views.position(state, state.books.positions[name], self._moment()))
            return reply

        event = None if isinstance(found, AdoptRefused) else found
        return self._switches.once(request, pb.AdoptPositionResponse(), event, answer)

    async def _learn(self, ticker: str) -> None:
        try:
            await self._engine.learn(ticker)
        except ObjectNotFound:
            pass  # a market that was never seen is then refused as unknown
        except ExchangeError as error:
            raise _unavailable(f"the exchange does not tell about the market: {error}", "EXCHANGE_AWAY") from error

    def _moment(self) -> Moment:
        return Moment(self._engine.clock.now(), self._engine.clock.monotonic())


def _unavailable(words: str, reason: str) -> Unavailable:
    return Unavailable(words, reason=reason, retry_after=_RETRY_SECONDS)


def _wish(request: pb.AdoptPositionRequest, who: Actor) -> Wish:
    def level(field: str) -> Price | None:
        return Price(getattr(request, field)) if request.HasField(field) else None

    return Wish(
        request_id=request.request_id,
        actor=who,
        why=request.reason,
        ticker=request.market_ticker,
        take_profit=level("take_profit_price_micros"),
        stop_loss=level("stop_loss_price_micros"),
        hold=request.hold_to_settlement,
    )
