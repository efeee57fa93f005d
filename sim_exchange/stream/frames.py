"""Text frames that the exchange sends: an envelope around a body that is encoded once for everybody. Pure."""

from collections.abc import Iterable, Sequence

from msgspec.json import Encoder

from sim_exchange.stream.commands import TEXTS

encode = Encoder(decimal_format="number").encode


def data(kind: str, sid: int, seq: int | None, sending_ts_ms: int, body: bytes, *, command_id: int) -> bytes:
    """Put a channel's message into its envelope; `seq` only on sequenced channels, the command's id where asked for."""
    place = f'"sid":{sid},"seq":{seq}' if seq is not None else f'"sid":{sid}'
    number = f'"id":{command_id},' if command_id else ""
    head = f'{{"type":"{kind}",{number}{place},"sending_ts_ms":{sending_ts_ms},"msg":'
    return b"%b%b}" % (head.encode(), body)


def subscribed(command_id: int, channel: str, sid: int, sending_ts_ms: int) -> bytes:
    """Confirm a new subscription."""
    return _reply(command_id, "subscribed", sending_ts_ms, {"msg": {"channel": channel, "sid": sid}})


def ok(command_id: int, sid: int, seq: int, sending_ts_ms: int, markets: dict[str, list[str]]) -> bytes:
    """Confirm a change of a subscription with its full list of markets."""
    return _reply(command_id, "ok", sending_ts_ms, {"sid": sid, "seq": seq, "msg": markets})


def unsubscribed(command_id: int, sid: int, seq: int, sending_ts_ms: int) -> bytes:
    """Confirm the end of a subscription."""
    return _reply(command_id, "unsubscribed", sending_ts_ms, {"sid": sid, "seq": seq})


def listed(command_id: int, sending_ts_ms: int, subscriptions: Iterable[tuple[str, int]]) -> bytes:
    """Give channel and sid of what is open."""
    rows = [{"channel": channel, "sid": sid} for channel, sid in subscriptions]
    return _reply(command_id, "ok", sending_ts_ms, {"msg": rows})


def error(command_id: int, code: int, sending_ts_ms: int, tickers: Sequence[str] = ()) -> bytes:
    """Refuse a command."""
    message = {"code": code, "msg": TEXTS[code]} | ({"market_tickers": tickers} if tickers else {})
    return _reply(command_id, "error", sending_ts_ms, {"msg": message})


def ended(code: int, sid: int, seq: int | None, sending_ts_ms: int) -> bytes:
    """Say that a subscription is over because of an error."""
    place = {"sid": sid} if seq is None else {"sid": sid, "seq": seq}
    return _reply(0, "error", sending_ts_ms, place | {"msg": {"code": code, "msg": TEXTS[code]}})


def _reply(command_id: int, kind: str, sending_ts_ms: int, rest: dict[str, object]) -> bytes:
    head: dict[str, object] = {"id": command_id} if command_id else {}
    return encode(head | {"type": kind, "sending_ts_ms": sending_ts_ms} | rest)
