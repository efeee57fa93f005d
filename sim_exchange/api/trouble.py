"""What a fault does to the exchange around one request: a pause, liquidity that is gone, cash on another shard."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import unquote

from mesh.kalshi.terms import BookSide
from mesh.types import Hundredths, Micros
from sim_exchange.api.calls import Call, Services
from sim_exchange.domain.results import PauseScope
from sim_exchange.effects import Effects

_IN_BODY = re.compile(rb'"(?:market_)?ticker"\s*:\s*"([^"\\]{1,200})"')
_SIDE = re.compile(rb'"side"\s*:\s*"(bid|ask)"')
_IN_QUERY = re.compile(r"(?:^|&)(?:market_)?tickers?=([^&]{1,20000})")


def tickers_named(services: Services, path: Mapping[str, str], query: str, body: bytes) -> tuple[str, ...]:
    """Collect the markets that a request names: in its path, by an order's id, in its query and in its body."""
    named = [path["ticker"]] if "ticker" in path else []
    if (order := services.exchange.orders.get(path.get("order_id", ""))) is not None:
        named.append(order.ticker)
    for value in _IN_QUERY.findall(query):
        named += unquote(value).split(",")
    named += [ticker.decode(errors="replace") for ticker in _IN_BODY.findall(body)]
    return tuple(named)


@contextmanager
def troubled(call: Call, effects: Effects, tickers: tuple[str, ...]) -> Iterator[None]:
    """Let a request meet what its faults say about the exchange's state, and end a pause after it."""
    if effects.moved_to_shard is not None:
        _move_cash(call, effects.moved_to_shard, tickers)
    if effects.fill_at_most is not None:
        _withdraw(call, tickers, effects.fill_at_most)
    if effects.pause is None:
        yield
        return
    exchange, scope = call.services.exchange, PauseScope(effects.pause)
    standing = set(exchange.pauses)
    paused = [shard for shard in call.services.shards if (scope, shard) not in standing]
    for shard in paused:
        exchange.pause(scope, shard, call.now)
    try:
        yield
    finally:
        for shard in paused:
            exchange.resume(scope, shard, call.now)


def _withdraw(call: Call, tickers: tuple[str, ...], keep: Hundredths) -> None:
    """Leave the request's orders little to take; where they do not say from which side, on both."""
    exchange = call.services.exchange
    order = exchange.orders.get(call.path.get("order_id", ""))
    named = {BookSide(word.decode()) for word in _SIDE.findall(call.body)} | ({order.side} if order else set())
    for ticker in dict.fromkeys(tickers):
        if ticker in exchange.markets:
            for side in sorted(named or BookSide):
                exchange.thin(ticker, side, keep, call.now)


def _move_cash(call: Call, destination: int, tickers: tuple[str, ...]) -> None:
    exchange = call.services.exchange
    if destination not in call.services.shards:
        return
    sources = {market.exchange_index for ticker in tickers if (market := exchange.markets.get(ticker)) is not None}
    for source in sources - {destination}:
        if (amount := exchange.available(call.account_id, source)) > 0:
            exchange.transfer(call.account_id, source, destination, Micros(amount), call.now)
