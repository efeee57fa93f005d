"""Status, schedule, and how fresh a member's own records are."""

from datetime import timedelta

from msgspec import UNSET, Struct, UnsetType

from sim_exchange.api.calls import Call, Route
from sim_exchange.api.replies import Reply, reply
from sim_exchange.api.text import instant


class ShardBody(Struct):
    """`ExchangeIndexStatus`."""

    exchange_index: int
    description: str
    exchange_active: bool
    trading_active: bool
    intra_exchange_transfers_active: bool


class StatusBody(Struct):
    """`ExchangeStatus`: the top level is shard 0."""

    exchange_active: bool
    trading_active: bool
    intra_exchange_transfers_active: bool
    exchange_estimated_resume_time: str | UnsetType
    exchange_index_statuses: list[ShardBody]


_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ALL_DAY = [{"open_time": "00:00", "close_time": "00:00"}]
_MAINTENANCE_DAY = [{"open_time": "00:00", "close_time": "03:00"}, {"open_time": "05:00", "close_time": "00:00"}]


def status(call: Call) -> Reply:
    """`GET /exchange/status`."""
    states = [call.services.exchange.status(index) for index in call.services.shards]
    shards = [
        ShardBody(index, state.description, state.exchange_active, state.trading_active, state.transfers_active)
        for index, state in zip(call.services.shards, states, strict=True)
    ]
    first, resumes_at = shards[0], states[0].resumes_at
    return reply(
        StatusBody(
            exchange_active=first.exchange_active,
            trading_active=first.trading_active,
            intra_exchange_transfers_active=first.intra_exchange_transfers_active,
            exchange_estimated_resume_time=instant(resumes_at) if resumes_at else UNSET,
            exchange_index_statuses=shards,
        )
    )


def schedule(call: Call) -> Reply:
    """`GET /exchange/schedule`: times of day in New York, midnight to midnight, less the weekly maintenance."""
    thursday = _MAINTENANCE_DAY if call.services.weekly_maintenance else _ALL_DAY
    week = {day: thursday if day == "thursday" else _ALL_DAY for day in _DAYS}
    hours = {"start_time": "2024-01-01T05:00:00Z", "end_time": "2099-01-01T05:00:00Z"} | week
    return reply({"schedule": {"standard_hours": [hours], "maintenance_windows": []}})


def user_data_timestamp(call: Call) -> Reply:
    """`GET /exchange/user_data_timestamp`."""
    lag, reached = timedelta(seconds=call.services.quirks.read_lag_seconds), call.services.reached()
    as_of = call.now if reached is None else min(call.now, reached)
    return reply({"as_of_time": instant(as_of - lag)})


def no_series_fee_changes(call: Call) -> Reply:
    """`GET /series/fee_changes`: nothing is scheduled here, fees change only between runs."""
    call.query.boolean("show_historical")
    return reply({"series_fee_change_arr": []})


def no_event_fee_changes(call: Call) -> Reply:
    """`GET /events/fee_changes`: nothing is scheduled here either."""
    call.query.integer("limit", minimum=1, maximum=1000)
    return reply({"event_fee_changes": [], "cursor": ""})


ROUTES = (
    Route("GET", "/exchange/status", "GetExchangeStatus", status),
    Route("GET", "/exchange/schedule", "GetExchangeSchedule", schedule),
    Route("GET", "/exchange/user_data_timestamp", "GetUserDataTimestamp", user_data_timestamp),
    Route("GET", "/series/fee_changes", "GetSeriesFeeChanges", no_series_fee_changes),
    Route("GET", "/events/fee_changes", "GetEventFeeChanges", no_event_fee_changes),
)
