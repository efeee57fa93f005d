"""What a client asks for on its WebSocket, read from a text frame, and the exchange's error codes. Pure.

Where the documents leave open which of several errors comes first, the order here is: the message, the command, its
params, what names the subscription or channels, the markets, the rest.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from sim_exchange.stream.channels import BOOK, CHANNELS, COMMUNICATIONS, Channel, Markets

UNABLE, PARAMS, NO_CHANNELS, NO_SIDS, COMMAND, UNKNOWN_SID, UNKNOWN_CHANNEL = 1, 2, 3, 4, 5, 7, 8
INVALID, ONE_SID, ACTION, MARKET, NO_ACTION = 11, 12, 13, 14, 15
SHARD_FACTOR_POSITIVE, SHARD_FACTOR_MISSING, SHARD_KEY_RANGE, SHARD_FACTOR_LARGE = 19, 20, 21, 22
OVERFLOW, MARKET_LIMIT, TOO_MANY = 25, 26, 27

TEXTS: Mapping[int, str] = {
    UNABLE: "Unable to process message",
    PARAMS: "Params required",
    NO_CHANNELS: "Channels required",
    NO_SIDS: "Subscription IDs required",
    COMMAND: "Unknown command",
    UNKNOWN_SID: "Unknown subscription ID",
    UNKNOWN_CHANNEL: "Unknown channel name",
    INVALID: "Invalid parameter",
    ONE_SID: "Exactly one subscription ID is required",
    ACTION: "Unsupported action",
    MARKET: "Market Ticker required",
    NO_ACTION: "Action required",
    SHARD_FACTOR_POSITIVE: "shard_factor must be > 0",
    SHARD_FACTOR_MISSING: "shard_factor is required when shard_key is set",
    SHARD_KEY_RANGE: "shard_key must be >= 0 and < shard_factor",
    SHARD_FACTOR_LARGE: "shard_factor must be <= 100",
    OVERFLOW: "Subscription buffer overflow",
    MARKET_LIMIT: "Subscription market limit exceeded",
    TOO_MANY: "Too many requests",
}
_MAX_SHARD_FACTOR = 100

Params: TypeAlias = Mapping[str, Any]


class StreamError(Exception):
    """A command that is refused.

    Attributes:
        code: One of the exchange's numbers.
        command_id: Of the command, where it could be read; 0 is none.
        tickers: Markets that it is about.
    """

    def __init__(self, code: int, command_id: int = 0, tickers: Sequence[str] = ()) -> None:
        super().__init__(TEXTS[code])
        self.code = code
        self.command_id = command_id
        self.tickers = tickers


class Selection(Struct, frozen=True):
    """Markets by ticker or by UUID; None where none was named."""

    tickers: tuple[str, ...] | None
    ids: tuple[str, ...] | None

    @property
    def empty(self) -> bool:
        """Whether no market was named."""
        return self.tickers is None and self.ids is None


class Subscribe(Struct, frozen=True):
    """Open channels, or add markets to those that are open."""

    command_id: int
    channels: tuple[Channel, ...]
    selection: Selection
    send_initial_snapshot: bool
    skip_ack: bool | None
    use_yes_price: bool | None


class Unsubscribe(Struct, frozen=True):
    """End subscriptions."""

    command_id: int
    sids: tuple[int, ...]


class Update(Struct, frozen=True):
    """Change one subscription's markets, or ask for books."""

    command_id: int
    sid: int
    action: str
    selection: Selection
    send_initial_snapshot: bool


class ListSubscriptions(Struct, frozen=True):
    """Ask what is open."""

    command_id: int


Command: TypeAlias = Subscribe | Unsubscribe | Update | ListSubscriptions


def parse(text: str) -> Command:
    """Read a command. StreamError for whatever is not one."""
    try:
        message = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise StreamError(UNABLE) from error
    if not isinstance(message, dict):
        raise StreamError(UNABLE)
    command_id = message.get("id") or 0
    if not _is_whole(command_id) or command_id < 0:
        raise StreamError(UNABLE)
    name, params = message.get("cmd"), message.get("params")
    try:
        if name == "list_subscriptions":
            return ListSubscriptions(command_id)
        reader = _READERS.get(name) if isinstance(name, str) else None
        if reader is None:
            raise StreamError(COMMAND)
        if params is None:
            raise StreamError(PARAMS)
        if not isinstance(params, dict):
            raise StreamError(UNABLE)
        return reader(command_id, params)
    except StreamError as error:
        error.command_id = command_id
        raise


def _subscribe(command_id: int, params: Params) -> Subscribe:
    names = params.get("channels")
    if not names:
        raise StreamError(NO_CHANNELS)
    if not isinstance(names, list):
        raise StreamError(INVALID)
    channels = tuple(dict.fromkeys(_channel(name) for name in names))
    selection = _selection(params)
    for channel in channels:
        _check_markets(channel, selection)
    if COMMUNICATIONS in channels:
        _check_shard(params)
    return Subscribe(
        command_id,
        channels,
        selection,
        send_initial_snapshot=_flag(params, "send_initial_snapshot") or False,
        skip_ack=_flag(params, "skip_ticker_ack"),
        use_yes_price=_flag(params, "use_yes_price"),
    )


def _unsubscribe(command_id: int, params: Params) -> Unsubscribe:
    sids = params.get("sids")
    if not sids:
        raise StreamError(NO_SIDS)
    if not isinstance(sids, list) or not all(map(_is_whole, sids)):
        raise StreamError(INVALID)
    return Unsubscribe(command_id, tuple(sids))


def _update(command_id: int, params: Params) -> Update:
    one, several = params.get("sid"), params.get("sids")
    if several is not None and not isinstance(several, list):
        raise StreamError(INVALID)
    sids = [*([] if one is None else [one]), *(several or ())]
    if len(sids) != 1:
        raise StreamError(ONE_SID)
    if not _is_whole(sids[0]):
        raise StreamError(INVALID)
    action = params.get("action")
    if not action:
        raise StreamError(NO_ACTION)
    if action not in ("add_markets", "delete_markets", "get_snapshot"):
        raise StreamError(ACTION)
    snapshot = _flag(params, "send_initial_snapshot") or False
    return Update(command_id, sids[0], action, _selection(params), snapshot)


_READERS: Mapping[str, Callable[[int, Params], Command]] = {
    "subscribe": _subscribe,
    "unsubscribe": _unsubscribe,
    "update_subscription": _update,
}


def check_update(update: Update, channel: Channel) -> None:
    """Refuse an update that the subscription's channel does not take. StreamError."""
    if channel.markets is Markets.IGNORED or (update.action == "get_snapshot" and channel is not BOOK):
        raise StreamError(ACTION, update.command_id)
    if update.selection.empty:
        raise StreamError(MARKET, update.command_id)
    try:
        _check_markets(channel, update.selection)
    except StreamError as error:
        error.command_id = update.command_id
        raise


def _channel(name: object) -> Channel:
    channel = CHANNELS.get(name) if isinstance(name, str) else None
    if channel is None:
        raise StreamError(UNKNOWN_CHANNEL)
    return channel


def _selection(params: Params) -> Selection:
    selection = Selection(_names(params, "market_ticker"), _names(params, "market_id"))
    if selection.tickers is not None and selection.ids is not None:
        raise StreamError(INVALID)
    return selection


def _names(params: Params, field: str) -> tuple[str, ...] | None:
    """Read `field` or its plural; an empty list names nothing."""
    one, several = params.get(field), params.get(f"{field}s")
    if one is not None and several is not None:
        raise StreamError(INVALID)
    names = [one] if one is not None else several
    if not names:
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise StreamError(INVALID)
    return tuple(dict.fromkeys(names))


def _check_markets(channel: Channel, selection: Selection) -> None:
    if channel.markets is Markets.REQUIRED and selection.tickers is None:
        raise StreamError(MARKET)
    if channel.markets is not Markets.IGNORED and selection.ids is not None and not channel.by_id:
        raise StreamError(INVALID)


def _check_shard(params: Params) -> None:
    factor, key = params.get("shard_factor"), params.get("shard_key")
    if factor is None:
        if key is not None:
            raise StreamError(SHARD_FACTOR_MISSING)
        return
    if not _is_whole(factor) or not (key is None or _is_whole(key)):
        raise StreamError(INVALID)
    if factor <= 0:
        raise StreamError(SHARD_FACTOR_POSITIVE)
    if factor > _MAX_SHARD_FACTOR:
        raise StreamError(SHARD_FACTOR_LARGE)
    if not 0 <= (key or 0) < factor:
        raise StreamError(SHARD_KEY_RANGE)


def _flag(params: Params, name: str) -> bool | None:
    value = params.get(name)
    if value is not None and not isinstance(value, bool):
        raise StreamError(INVALID)
    return value


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
