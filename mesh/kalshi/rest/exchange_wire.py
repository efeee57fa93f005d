"""What the exchange says about itself and about the account's rate limits. Pure."""

from msgspec import field

from mesh.kalshi.rest.wire import Instant, Number, Record, Seconds, Whole
from mesh.kalshi.terms import FeeType


class ShardStatus(Record, frozen=True):
    """Whether one shard of the exchange works."""

    exchange_index: Whole
    description: str
    exchange_active: bool
    """False: nothing works there, not even cancels."""
    trading_active: bool
    """False: no new orders and no amendments; cancels work."""
    intra_exchange_transfers_active: bool


class ExchangeStatus(Record, frozen=True):
    """Whether the exchange works; the top level speaks for shard 0."""

    exchange_active: bool
    trading_active: bool
    intra_exchange_transfers_active: bool | None = None
    exchange_estimated_resume_time: Instant | None = None
    shards: tuple[ShardStatus, ...] | None = field(name="exchange_index_statuses", default=None)


class Hours(Record, frozen=True):
    """One open span of a day, `HH:MM` in US Eastern time."""

    open_time: str
    close_time: str


class Week(Record, frozen=True):
    """Open hours of each day, valid between two instants."""

    start_time: Instant
    end_time: Instant
    monday: tuple[Hours, ...]
    tuesday: tuple[Hours, ...]
    wednesday: tuple[Hours, ...]
    thursday: tuple[Hours, ...]
    friday: tuple[Hours, ...]
    saturday: tuple[Hours, ...]
    sunday: tuple[Hours, ...]


class MaintenanceWindow(Record, frozen=True):
    """A span in which the exchange is paused."""

    start: Instant = field(name="start_datetime")
    end: Instant = field(name="end_datetime")


class Schedule(Record, frozen=True):
    """When the exchange is open."""

    standard_hours: tuple[Week, ...]
    maintenance_windows: tuple[MaintenanceWindow, ...]


class ScheduleReply(Record, frozen=True):
    """Body of the schedule."""

    schedule: Schedule


class UserDataTimestamp(Record, frozen=True):
    """How fresh reads of balance, orders, fills and positions are."""

    as_of_time: Instant


class SeriesFeeChange(Record, frozen=True):
    """New fee terms of a series, from an instant on."""

    id: str
    series_ticker: str
    fee_type: FeeType
    fee_multiplier: Number
    scheduled_time: Instant = field(name="scheduled_ts")


class SeriesFeeChanges(Record, frozen=True):
    """Body of the series fee changes."""

    changes: tuple[SeriesFeeChange, ...] = field(name="series_fee_change_arr")


class EventFeeChange(Record, frozen=True):
    """New fee terms of one event, from an instant on; None takes the override away."""

    id: str
    event_ticker: str
    series_ticker: str
    fee_type: FeeType | None = field(name="fee_type_override")
    fee_multiplier: Number | None = field(name="fee_multiplier_override")
    scheduled_time: Instant = field(name="scheduled_ts")


class EventFeeChanges(Record, frozen=True):
    """A page of event fee changes."""

    items: tuple[EventFeeChange, ...] = field(name="event_fee_changes")
    cursor: str


class Bucket(Record, frozen=True):
    """A token bucket of the account."""

    refill_rate: Whole
    """Tokens a second."""
    bucket_capacity: Whole
    """Tokens."""


class Grant(Record, frozen=True):
    """Why the account has its usage tier."""

    exchange_instance: str
    level: str
    source: str
    expires: Seconds | None = field(name="expires_ts", default=None)


class AccountLimits(Record, frozen=True):
    """The account's rate limits."""

    usage_tier: str
    read: Bucket
    write: Bucket
    grants: tuple[Grant, ...]


class EndpointCost(Record, frozen=True):
    """An endpoint that does not cost the default."""

    method: str
    path: str
    """From the root, parameters written as `:order_id` and `*endpoint`."""
    cost: Whole
    """Tokens."""


class EndpointCosts(Record, frozen=True):
    """What calls cost."""

    default_cost: Whole
    """Tokens."""
    costs: tuple[EndpointCost, ...] = field(name="endpoint_costs")
