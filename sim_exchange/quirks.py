"""What is not known for certain about the real exchange, each as a named setting. Pure.

The defaults are the best guess today; when a recording proves otherwise, the setting is flipped here and nowhere else.
"""

from typing import Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat

from mesh.config import Strict


class Quirks(Strict):
    """Choices where the exchange's behaviour is unconfirmed."""

    rounding_fee_on_free_maker_fills: bool = True
    """A maker fill whose fee is zero still pays the rounding of its balance change."""
    rebate_in_whole_steps: bool = True
    """The fee accumulator gives back whole precision steps only; false gives back any amount down to a net fee of 0."""
    balance_excludes_resting: bool = True
    """`balance` has the collateral of resting orders already taken off."""
    affordable_at: Literal["limit_and_fee", "limit"] = "limit_and_fee"
    """What an order must be able to pay: its limit price with, or without, the worst taker fee."""
    fill_or_kill_counts_own_orders: bool = False
    """Fill-or-kill looks for enough volume without sparing the account's own orders; on meeting one it ends like
    immediate-or-cancel. False refuses it when only own orders could fill it."""
    post_only_sees_own_orders: bool = True
    """A post-only order that would meet an order of its own account is refused too."""
    post_only_needs_resting: bool = True
    """Post-only together with immediate-or-cancel or fill-or-kill is refused."""
    renamed_client_order_id_is_free: bool = False
    """After an amendment renames an order its old client order id may be used again."""
    refused_order_uses_its_id: bool = False
    """A refused order's client order id counts as used."""
    decrease_beyond_remaining: Literal["cancels", "refused"] = "cancels"
    """What a decrease by more than what is left does."""
    decrease_in_trading_pause: bool = True
    """A decrease is taken while trading is paused, as a cancel is; false refuses it then, as an amendment is."""
    malformed_batch_item: Literal["refuses_batch", "refused_alone"] = "refuses_batch"
    """What comes of a batch with an item that lacks a field or has an impossible value: all of it is refused, or that
    item alone has an `error`. A value of the wrong JSON type always refuses all of it."""
    queue_position_counts_better_prices: bool = True
    """Contracts at better prices count as ahead in the queue."""
    too_many_requests_body: Literal["object", "string", "flat"] = "object"
    """Shape of the body of a 429."""
    cancel_needs_market_ticker: bool = False
    """Single cancels of orders off shard 0 without `market_ticker` are not found."""
    liquidity_dollars: bool = False
    """Market records carry the removed field `liquidity_dollars`, for clients that still demand it."""
    timestamp_oldest_seconds: PositiveFloat = 20
    """Older request timestamps are refused."""
    timestamp_newest_seconds: PositiveFloat = 20
    """Request timestamps further ahead are refused."""
    read_lag_seconds: NonNegativeFloat = 0
    """Reads of orders, fills, positions and balance show the state of this long ago (wall time)."""
    unauthenticated_per_second: NonNegativeFloat = 0
    """GETs a second that one address may make without a key; 0 is no limit."""
    cutoff_days: float = Field(default=90, gt=0)
    """Days before now from which settled markets, trades and fills are only in the archive."""
    orders_cutoff_days: float = Field(default=14, gt=0)
    """The same for orders that rest no more."""
