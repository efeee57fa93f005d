"""Carries actions out, once each, and learns what came of those whose answer was lost."""

import asyncio
from collections.abc import Callable
from typing import Final

from foremesh.trader.v1 import switches_pb2
from foremesh.trader.v1 import trader_service_pb2 as pb

from console import trading_words as w
from console.collection.words import plain
from console.desk.acting import PAUSE
from console.desk.calls import Answer, Calls, Request
from console.view.action import OPEN, Action, Stage
from mesh.certs import CertificateError
from mesh.errors import Denied, InvalidInput, MeshError, NotFound, NotReady, Unauthenticated, Unsupported

_REFUSALS: Final = (Denied, InvalidInput, NotFound, NotReady, Unauthenticated, Unsupported)
"""What says for certain that nothing was done. After any other error it may have been: the channel tries again by
itself, and what it was told last need not be so of the first time."""
_NOT_WELL: Final = frozenset({Stage.UNKNOWN, Stage.REFUSED, Stage.EXPIRED})
_PAUSE_SECONDS: Final = 0.5
_SETTLING_SECONDS: Final = 3.0
_SHOWN_SECONDS: Final = 10.0
"""For so long what has ended stays on the line."""


class Doing:
    """Keeps the actions of this screen.

    Args:
        calls: To the trader.
        clock: The screen's.
    """

    def __init__(self, calls: Calls, clock: Callable[[], float]) -> None:
        self._calls, self._clock = calls, clock
        self._shown: list[tuple[Action, float | None]] = []

    def show(self, action: Action) -> None:
        """Keep an action on the line that was not sent."""
        self._shown.append((action, self._clock()))

    async def carry_out(self, action: Action, request: Request) -> None:
        """Send what is to be sent, and again under the same id while its outcome is not known and it is young."""
        if not action.send(self._clock()):
            self.show(action)
            return
        place = len(self._shown)
        self._shown.append((action, None))
        while True:
            try:
                answer = await self._calls.do(request)
            except _REFUSALS as error:
                action.turned_away(self._calls.words(error))
            except (OSError, CertificateError) as error:  # before anything went out
                action.turned_away(str(error))
            except MeshError:
                action.unanswered()
            else:
                said, refused = _said(answer)
                action.answered(said, refused=refused)
            if action.stage is Stage.UNKNOWN:
                await asyncio.sleep(_PAUSE_SECONDS)
            if not action.asks_again(self._clock()):
                break
        self._shown[place] = (action, self._clock())

    def pausing(self, now: float) -> bool:
        """Tell whether entries are being stopped, or were a moment ago: a key that repeats itself is no new wish."""
        return any(
            action.words == PAUSE and action.sent_at is not None and now - action.sent_at < _SETTLING_SECONDS
            for action, _ in self._shown
        )

    def left(self) -> str:
        """Say what is open, for whoever leaves; empty where nothing is."""
        return "\n".join(
            f"{action.words}: the outcome is not known; its request is {action.request_id}"
            for action, _ in self._shown
            if action.stage in OPEN
        )

    def line(self, now: float) -> tuple[str, bool]:
        """Say what is open and what has just ended, and whether somebody should look at it."""
        said, warns = [], False
        for action, ended in self._shown:
            if action.stage not in OPEN and ended is not None and now - ended > _SHOWN_SECONDS:
                continue
            since = "" if action.sent_at is None or action.stage not in OPEN else f" {now - action.sent_at:.0f} s"
            more = f": {action.said}" if action.said else ""
            named = f", request {action.request_id}" if action.stage is Stage.UNKNOWN else ""
            said.append(f"{action.words} {action.stage.value.upper()}{since}{more}{named}")
            warns = warns or action.stage in _NOT_WELL
        return ("; ".join(said) or "none", warns)


def _said(answer: Answer) -> tuple[str, bool]:
    """Say what the trader did, and whether it refused."""
    match answer:
        case pb.PauseTradingResponse():
            cancelled = len(answer.cancelling_client_order_ids)
            return f"the trader is {w.state(answer.state)}, {cancelled} entry orders being cancelled", False
        case pb.ResumeTradingResponse():
            kept = [each for each in answer.outcomes if each.WhichOneof("outcome") == "kept"]
            left = f", {len(answer.remaining)} blocks remain" if answer.remaining else ""
            return f"the trader is {w.state(answer.state)}{left}", bool(kept)
        case pb.FlattenPositionsResponse():
            refused = any(each.HasField("refused") for each in answer.outcomes)
            return "; ".join(_sold(each) for each in answer.outcomes) or "there is nothing to sell", refused


def _sold(found: switches_pb2.FlattenOutcome) -> str:
    market = found.market_ticker.removeprefix("KX")
    match found.WhichOneof("outcome"):
        case "accepted":
            begun = found.accepted
            count = w.count(begun.count_hundredths)
            return f"{market}: selling {count} at {w.cents(begun, 'floor_price_micros')} or better"
        case "no_bid":
            return f"{market}: no bid of {w.cents(found.no_bid, 'floor_price_micros')} or more, sold when there is"
        case "refused":
            return plain(f"{market} NOT SOLD: {found.refused.detail}")
        case _:
            return f"{market}: the answer is newer than this program"
