"""The channels of the WebSocket. Pure."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import ClassVar

from mesh.kalshi.rest.wire import Record


class Channel(StrEnum):
    """What can be subscribed to."""

    BOOK = "orderbook_delta"
    """Order books; markets have to be named. Its gaps are seen."""
    TICKER = "ticker"
    """Best prices, volumes. Its gaps are not seen, but each message says everything."""
    TRADES = "trade"
    """Public trades. Its gaps are seen."""
    FILLS = "fill"
    """The account's fills. Its gaps are not seen: compare with REST after `Resynced`."""
    ORDERS = "user_orders"
    """The account's orders. Its gaps are not seen."""
    POSITIONS = "market_positions"
    """The account's positions. Its gaps are not seen."""
    LIFECYCLE = "market_lifecycle_v2"
    """Life of all markets and events. Its gaps are seen."""
    GROUPS = "order_group_updates"
    """The account's order groups. Its gaps are seen."""

    @property
    def sequenced(self) -> bool:
        """Whether its messages are numbered, so that a missing one is noticed."""
        return self in (Channel.BOOK, Channel.TRADES, Channel.LIFECYCLE, Channel.GROUPS)

    @property
    def takes_markets(self) -> bool:
        """Whether markets can be named; those without tell of everything."""
        return self not in (Channel.LIFECYCLE, Channel.GROUPS)


class Told(Record, frozen=True, kw_only=True):
    """Base of what a channel tells."""

    channel: ClassVar[Channel]


def instant(ts_ms: int) -> datetime:
    """Return Unix milliseconds as a time."""
    return datetime.fromtimestamp(ts_ms / 1000, UTC)
