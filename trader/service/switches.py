"""What people change: decided, written, and answered once for every request."""

import hashlib
from collections.abc import Callable
from typing import TypeVar

from foremesh.trader.v1 import switches_pb2
from foremesh.trader.v1 import trader_service_pb2 as pb

from mesh.errors import NotReady
from mesh.rpc.call import Call
from mesh.types import Price
from trader.domain.events import Adopt, Flatten, Moment, Pause, Remember, Resume
from trader.domain.exit_flatten import (
    FlattenBegun,
    FlattenRefused,
    FlattenResult,
    FlattenUnbid,
    WhyNot,
    flatten_outcomes,
)
from trader.domain.facts import Actor
from trader.domain.state import State
from trader.domain.switching import Lift, resume_outcomes, trading_state
from trader.domain.words import ActorKind, BlockKind, OrderState
from trader.engine.engine import Engine
from trader.service import convert_facts as f
from trader.service import convert_words as w
from trader.service import views

Request = pb.PauseTradingRequest | pb.ResumeTradingRequest | pb.FlattenPositionsRequest | pb.AdoptPositionRequest
Reply = TypeVar(
    "Reply",
    pb.PauseTradingResponse,
    pb.ResumeTradingResponse,
    pb.FlattenPositionsResponse,
    pb.AdoptPositionResponse,
)
Wish = Pause | Resume | Flatten | Adopt

_DIGEST_BYTES = 16
_KEPT = {
    Lift.NOT_FOUND: (switches_pb2.BLOCK_REFUSAL_REASON_NOT_FOUND, "there is no such block"),
    Lift.NOT_LIFTABLE: (switches_pb2.BLOCK_REFUSAL_REASON_NOT_LIFTABLE, "it ends when its cause does"),
}
_WHY_NOT = {
    WhyNot.NO_POSITION: switches_pb2.FLATTEN_REFUSAL_REASON_NO_POSITION,
    WhyNot.FOREIGN: switches_pb2.FLATTEN_REFUSAL_REASON_FOREIGN,
    WhyNot.MARKET_CLOSED: switches_pb2.FLATTEN_REFUSAL_REASON_MARKET_CLOSED,
    WhyNot.PAUSED: switches_pb2.FLATTEN_REFUSAL_REASON_PAUSED,
    WhyNot.UNKNOWN_ORDER: switches_pb2.FLATTEN_REFUSAL_REASON_UNKNOWN_ORDER,
}


def actor(call: Call | None) -> Actor:
    """Say who calls."""
    if call is None:
        return Actor(kind=ActorKind.CALLER)
    return Actor(kind=ActorKind.CALLER, name=call.caller.name, role=call.caller.role or "")


class Switches:
    """Moves the switches of one engine. Every method returns the first answer to a request that came before.

    Raises:
        NotReady: The request's id came before with other content (`REQUEST_ID_REUSED`).
        Unavailable: The engine is not running.
    """

    def __init__(self, engine: Engine, instance_id: str) -> None:
        self._engine, self._instance_id = engine, instance_id

    def pause(self, request: pb.PauseTradingRequest, who: Actor) -> pb.PauseTradingResponse:
        """Stop entries."""
        event = Pause(request.request_id, who, request.reason)

        def answer(state: State, sequence: int) -> pb.PauseTradingResponse:
            paused = next(block for block in state.books.blocks.values() if block.kind is BlockKind.PAUSE)
            return pb.PauseTradingResponse(
                instance_id=self._instance_id,
                sequence=sequence,
                state=w.STATE[trading_state(state)],
                block=f.block(paused),
                cancelling_client_order_ids=_cancelling(state),
            )

        return self.once(request, pb.PauseTradingResponse(), event, answer)

    def resume(self, request: pb.ResumeTradingRequest, who: Actor) -> pb.ResumeTradingResponse:
        """Lift blocks."""
        event = Resume(request.request_id, who, request.reason, tuple(request.block_ids))
        outcomes = [_lifted(name, lift) for name, lift in resume_outcomes(self._engine.state, event)]

        def answer(state: State, sequence: int) -> pb.ResumeTradingResponse:
            return pb.ResumeTradingResponse(
                instance_id=self._instance_id,
                sequence=sequence,
                state=w.STATE[trading_state(state)],
                outcomes=outcomes,
                remaining=[f.block(block) for block in state.books.blocks.values()],
            )

        return self.once(request, pb.ResumeTradingResponse(), event, answer)

    def flatten(self, request: pb.FlattenPositionsRequest, who: Actor) -> pb.FlattenPositionsResponse:
        """Sell positions."""
        floor = Price(request.floor_price_micros) if request.HasField("floor_price_micros") else None
        tickers = tuple(request.market_tickers)
        event = Flatten(request.request_id, who, request.reason, tickers, floor)

        def answer(state: State, sequence: int) -> pb.FlattenPositionsResponse:
            clock = self._engine.clock
            moment = Moment(clock.now(), clock.monotonic())
            held = [
                block
                for block in state.books.blocks.values()
                if block.kind is BlockKind.FLATTEN and block.market_ticker in (tickers or (None,))
            ]
            return pb.FlattenPositionsResponse(
                instance_id=self._instance_id,
                sequence=sequence,
                state=w.STATE[trading_state(state)],
                blocks=[f.block(block) for block in held],
                outcomes=[_outcome(state, each, moment) for each in flatten_outcomes(state, event, moment)],
            )

        return self.once(request, pb.FlattenPositionsResponse(), event, answer)

    def once(self, request: Request, reply: Reply, event: Wish | None, answer: Callable[[State, int], Reply]) -> Reply:
        """Carry a request out and remember its answer, or give the one that is remembered.

        Args:
            request: As it came.
            reply: An empty one.
            event: What carries it out; None where only the answer is to be remembered.
            answer: Makes the answer, given the state after the event and the journal entry of the request.

        The wish and its answer are one transaction: there is no moment at which the one is on disk without the other.
        """
        method, content = type(request).__name__.removesuffix("Request"), _digest(request)
        books = self._engine.state.books
        if (known := books.replies.get(request.request_id)) is not None:
            first, kept = known
            if (first, kept[:_DIGEST_BYTES]) != (method, content):
                raise NotReady(
                    f"request {request.request_id} came before with other content: a new wish needs a new request_id",
                    reason="REQUEST_ID_REUSED",
                    metadata={"request_id": request.request_id, "method": first},
                )
            reply.ParseFromString(kept[_DIGEST_BYTES:])
            reply.repeated_request, reply.instance_id = True, self._instance_id
            return reply
        sequence = books.sequence + 1  # the wish itself is the first entry that it leads to, or else its answer is
        given: list[Reply] = []

        def remember() -> Remember:
            given.append(answer(self._engine.state, sequence))
            return Remember(request.request_id, method, content + given[0].SerializeToString())

        self._engine.handle(*(() if event is None else (event,)), remember)
        return given[0]


def _digest(request: Request) -> bytes:
    """Say in short what a request asks for."""
    return hashlib.sha256(request.SerializeToString(deterministic=True)).digest()[:_DIGEST_BYTES]


def _cancelling(state: State) -> list[str]:
    """Name the orders whose cancellation has been asked for; exits are never cancelled by a pause."""
    orders = (state.books.orders[name] for name in sorted(state.books.working))
    return [
        order.terms.client_order_id
        for order in orders
        if order.state is OrderState.CANCELLING and order.terms.exit_kind is None
    ]


def _lifted(name: str, lift: Lift) -> switches_pb2.BlockOutcome:
    if lift is Lift.LIFTED:
        return switches_pb2.BlockOutcome(block_id=name, lifted=switches_pb2.BlockLifted())
    reason, detail = _KEPT[lift]
    return switches_pb2.BlockOutcome(block_id=name, kept=switches_pb2.BlockKept(reason=reason, detail=detail))


def _outcome(state: State, found: tuple[str, str | None, FlattenResult], moment: Moment) -> switches_pb2.FlattenOutcome:
    ticker, name, result = found
    position = None if name is None else state.books.positions[name]
    message = switches_pb2.FlattenOutcome(
        market_ticker=ticker, position_id=name, side=None if position is None else w.SIDE[position.side]
    )
    mark = None if position is None else views.mark(state, position, moment)
    match result:
        case FlattenBegun():
            begun = switches_pb2.FlattenAccepted(
                decision_id=result.decision_id,
                client_order_id=result.client_order_id,
                count_hundredths=result.count,
                floor_price_micros=w.price(result.floor),
                mark=mark,
            )
            message.accepted.CopyFrom(begun)
        case FlattenUnbid():
            unbid = switches_pb2.FlattenNoBid(
                decision_id=result.decision_id, floor_price_micros=w.price(result.floor), mark=mark
            )
            message.no_bid.CopyFrom(unbid)
        case FlattenRefused():
            refused = switches_pb2.FlattenRefused(reason=_WHY_NOT[result.reason], detail=w.text(result.detail))
            message.refused.CopyFrom(refused)
    return message
