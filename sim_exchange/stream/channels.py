"""The WebSocket's channels and what each of them takes. Pure."""

from enum import Enum

from msgspec import Struct


class Markets(Enum):
    """What naming markets means to a channel."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    """All of them where none is named."""
    IGNORED = "ignored"


class Channel(Struct, frozen=True):
    """One channel.

    Attributes:
        name: As clients name it.
        markets: What naming markets means.
        sequenced: Its messages carry `seq`.
        private: Each account sees its own.
        by_id: Markets may be named by UUID too.
    """

    name: str
    markets: Markets
    sequenced: bool
    private: bool = False
    by_id: bool = False


BOOK = Channel("orderbook_delta", Markets.REQUIRED, sequenced=True)
TICKER = Channel("ticker", Markets.OPTIONAL, sequenced=False, by_id=True)
TRADE = Channel("trade", Markets.OPTIONAL, sequenced=True)
FILL = Channel("fill", Markets.OPTIONAL, sequenced=False, private=True)
ORDERS = Channel("user_orders", Markets.OPTIONAL, sequenced=False, private=True)
POSITIONS = Channel("market_positions", Markets.OPTIONAL, sequenced=False, private=True)
LIFECYCLE = Channel("market_lifecycle_v2", Markets.IGNORED, sequenced=True)
GROUPS = Channel("order_group_updates", Markets.IGNORED, sequenced=True, private=True)
# Nothing ever happens on these two here: there are no combination markets and no requests for quotes.
COMBOS = Channel("multivariate_market_lifecycle", Markets.IGNORED, sequenced=True)
COMMUNICATIONS = Channel("communications", Markets.IGNORED, sequenced=True, private=True)

CHANNELS = {
    channel.name: channel
    for channel in (BOOK, TICKER, TRADE, FILL, ORDERS, POSITIONS, LIFECYCLE, GROUPS, COMBOS, COMMUNICATIONS)
}
