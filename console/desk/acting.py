"""What a person may wish from the desk: the request, and the words in which it is asked whether he means it. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from uuid import uuid4

from foremesh.trader.v1 import positions_pb2, status_pb2
from foremesh.trader.v1 import trader_service_pb2 as pb

from console.desk.calls import Request
from console.trading_words import block, word
from console.view.action import GUARD_SECONDS, Action
from console.view.cells import DASH, position_line
from console.view.screen import Screen, Seen

PAUSE = "pause entries"
_REASON = "from the terminal"


@dataclass(frozen=True, slots=True)
class Wish:
    """What would be sent."""

    action: Action
    request: Request
    lines: Callable[[float], Sequence[str]]
    """Say at an instant of the screen's clock what it would do."""
    word: str
    """That confirms it; empty where it is done at once."""


def pausing(now: float) -> Wish:
    """Stop entries; undone by resuming, so nothing is asked."""
    name = uuid4().hex
    action = Action(name, PAUSE, now - 2 * GUARD_SECONDS)  # looked at before the key
    return Wish(action, pb.PauseTradingRequest(request_id=name, reason=_REASON), lambda _now: (), "")


def resuming(screen: Screen, now: float) -> Wish:
    """Take entries again."""
    name = uuid4().hex

    def lines(_now: float) -> list[str]:
        blocks = [] if screen.status is None else [block(each) for each in screen.status.blocks]
        said = ["Lifts what pause and flatten blocked. Protections are lifted by name: foremesh resume --block ID."]
        return [mode(screen), *said, "", *(blocks or ["nothing blocks entries"])]

    return Wish(
        Action(name, "resume entries", now), pb.ResumeTradingRequest(request_id=name, reason=_REASON), lines, "y"
    )


def selling(screen: Screen, position_id: str, now: float) -> Wish:
    """Sell one position."""
    name, ticker = uuid4().hex, screen.positions[position_id].message.market_ticker
    request = pb.FlattenPositionsRequest(request_id=name, reason=_REASON, market_tickers=[ticker])

    def lines(at: float) -> list[str]:
        seen = screen.positions.get(position_id)
        if seen is None:
            return [mode(screen), "the position is closed: there is nothing to sell"]
        return [mode(screen), *_priced(screen, seen, at), "", *_FLOOR, "Nothing is entered there until resumed."]

    return Wish(Action(name, f"sell {ticker}", now), request, lines, "y")


def flattening(screen: Screen, now: float) -> Wish:
    """Sell everything."""
    name = uuid4().hex

    def lines(at: float) -> Iterator[str]:
        yield mode(screen)
        own = [seen for seen in screen.positions.values() if seen.message.state != positions_pb2.POSITION_STATE_FOREIGN]
        for seen in own:
            yield from _priced(screen, seen, at)
        yield "" if own else "there is nothing to sell"
        yield from _FLOOR
        yield "Nothing is entered anywhere until resumed."

    request = pb.FlattenPositionsRequest(request_id=name, reason=_REASON)
    return Wish(Action(name, "sell everything", now), request, lambda at: list(lines(at)), "FLAT")


_FLOOR = (
    "Sold at the bids, never below the trader's own floor. Where nobody bids",
    "it stays, guarded, until somebody does.",
)


def mode(screen: Screen) -> str:
    """Say whose money it is."""
    if screen.status is None:
        return DASH
    return f"[{word(status_pb2.TradingMode, screen.status.mode, 'TRADING_MODE_').upper()}]"


def _priced(screen: Screen, seen: Seen[positions_pb2.Position], at: float) -> Iterator[str]:
    found = position_line(screen, seen, at)
    bid = "no bid is known" if found.bid == DASH else f"bid {found.bid}c"
    age = f", {found.age} s old" if found.age else ""
    yield f"{found.held} {found.market}: paid {found.paid}c, {bid}{age}; {found.result} if sold now, net"
