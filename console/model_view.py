"""What a forecast server says of its model, as rows for people."""

from collections.abc import Iterable, Iterator
from datetime import UTC, timedelta
from itertools import groupby

from foremesh.forecast.v1 import forecast_pb2, model_pb2

from console.durations import span_words
from console.scan import PURPOSES
from console.server_look import Look

Row = tuple[str, str]
_STATES = {
    model_pb2.MODEL_STATE_LOADING: "loading",
    model_pb2.MODEL_STATE_READY: "ready",
    model_pb2.MODEL_STATE_FAILED: "failed",
    model_pb2.MODEL_STATE_DRAINING: "draining",
}
_PURPOSE = {name: forecast_pb2.Purpose.Value(f"PURPOSE_{name.upper()}") for name in PURPOSES}
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_UNIT = 1024
_LONG = 10.0


def state(model: model_pb2.Model) -> str:
    """Name what the model is doing."""
    return _STATES.get(model.state, f"state {model.state}, newer than this program")


def rows(look: Look) -> Iterator[Row]:
    """Describe the model and the server around it; what a server does not say has no row."""
    yield from _what(look.model)
    yield from _doing(look)
    if memory := _memory(look.model.hardware):
        yield "memory", memory
    yield "clock", _clock(look)
    if look.model.HasField("start_time"):
        started = look.model.start_time.ToDatetime(UTC)
        yield "up", f"{span_words(look.now - started)}, since {started:%Y-%m-%d %H:%M:%S} UTC"
    yield "instance", look.instance_id


def _what(model: model_pb2.Model) -> Iterator[Row]:
    """Describe what does not change."""
    if model.identity.name:
        yield "model", _identity(model.identity)
    if model.weights_source:
        yield "weights", model.weights_source
    if model.device:
        yield "runs on", _where(model)
    if model.compile_detail:
        yield "", model.compile_detail
    if model.max_context_points:
        yield "limits", _limits(model)
    if model.warm_context_points:
        yield "warm", f"for {', '.join(map(str, model.warm_context_points))} points"


def _doing(look: Look) -> Iterator[Row]:
    """Describe what does."""
    model = look.model
    yield "queue", _queue(model.queue)
    if model.HasField("activity"):
        yield from _activity(model.activity)
    if model.HasField("cache"):
        yield "cache", _cache(model.cache)
    if model.HasField("canary"):
        yield "canary", _canary(model, look)
    if model.batch_timings:
        yield "batches", _timings(model.batch_timings)


def percent(share: float) -> str:
    """Say a share: `3 %`, and `0.2 %` where it is small."""
    return f"{share * 100:.1f} %" if 0 < share < 0.1 else f"{share * 100:.0f} %"  # noqa: PLR2004


def size(count: int) -> str:
    """Say a number of bytes: `1.5 GiB`."""
    amount, place = float(count), 0
    while amount >= _UNIT and place < len(_UNITS) - 1:
        amount, place = amount / _UNIT, place + 1
    return f"{amount:.1f} {_UNITS[place]}" if place else f"{count} B"


def allowed(identity: model_pb2.ModelIdentity) -> str:
    """List the purposes that a model may serve."""
    permitted = set(identity.allowed_purposes)
    return ", ".join(name for name in PURPOSES if _PURPOSE[name] in permitted) or "nothing"


def _identity(identity: model_pb2.ModelIdentity) -> str:
    return (
        f"{identity.name}@{identity.weights_digest[:12]}, licence {identity.licence}, "
        f"allowed for {allowed(identity)}, foremesh {identity.code_version}"
    )


def _where(model: model_pb2.Model) -> str:
    hardware = ", ".join(filter(None, (model.hardware.name, model.hardware.runtime)))
    return f"{model.device}{f' ({hardware})' if hardware else ''}: {model.precision}, {model.compile_mode}"


def _limits(model: model_pb2.Model) -> str:
    least = f"{model.min_points} to " if model.min_points else ""
    text = (
        f"{least}{model.max_context_points:,} points, {model.max_horizon_steps:,} steps ahead, "
        f"{model.max_batch_series:,} series a batch"
    )
    if model.batch_cost:
        text += f" or cost {model.batch_cost:,} at {model.cost_points:,} points each"
    return text + (f"; the same alone or in a batch within {model.batch_tolerance:g}" if model.batch_tolerance else "")


def _queue(queue: model_pb2.QueueState) -> str:
    return (
        f"{queue.waiting_series:,} of at most {queue.capacity_series:,} series waiting, {queue.running_series:,} "
        f"running, {queue.active_scans:,} scan{'' if queue.active_scans == 1 else 's'} in progress"
    )


def _activity(activity: model_pb2.ModelActivity) -> Iterator[Row]:
    yield (
        "work",
        f"{activity.series:,} series in {activity.batches:,} batches since the start; busy "
        f"{percent(activity.busy_share)} of the last minute; padding {percent(activity.padding_share)}",
    )
    yield (
        "trouble",
        f"{activity.expired_series:,} expired, {activity.failed_series:,} failed, {activity.refused_calls:,} calls "
        f"refused, {activity.out_of_memory_batches:,} batches out of memory",
    )


def _cache(cache: model_pb2.CacheState) -> str:
    if not cache.capacity_bytes:
        return "off"
    asked = cache.hits + cache.misses
    hits = f"{percent(cache.hits / asked)} of {asked:,} inputs found there" if asked else "not asked yet"
    return f"{cache.entries:,} forecasts, {size(cache.used_bytes)} of {size(cache.capacity_bytes)}; {hits}"


def _canary(model: model_pb2.Model, look: Look) -> str:
    canary = model.canary
    if not canary.checks:
        return "not checked yet"
    text = "DRIFTED, do not trade on these forecasts" if canary.drifted else "sings"
    text += f"; {canary.drifts:,} of {canary.checks:,} checks beyond the tolerance"
    when = ""
    if canary.HasField("last_check_time"):
        when = f", {span_words(look.now - canary.last_check_time.ToDatetime(UTC))} ago"
    return f"{text}; last difference {canary.last_difference:.2g}{when}"


def _timings(timings: Iterable[model_pb2.BatchTiming]) -> str:
    """Say how long batches are expected to take, in one row: where the next cost takes as long, it stands for both."""
    alike = groupby(timings, key=_milliseconds)
    return "; ".join(f"{spelled} ms up to cost {[*each][-1].up_to_cost:,}" for spelled, each in alike)


def _milliseconds(timing: model_pb2.BatchTiming) -> str:
    took = timing.expected_seconds * 1000
    return f"{took:,.0f}" if took >= _LONG else f"{took:.2g}"


def _memory(device: model_pb2.Device) -> str:
    known = (
        (device.allocated_bytes, "in tensors"),
        (device.reserved_bytes, "reserved"),
        (device.total_bytes, "in all"),
    )
    return ", ".join(f"{size(count)} {what}" for count, what in known if count)


def _clock(look: Look) -> str:
    offset = look.clock_offset
    if offset is None:
        return "the server does not say"
    return f"{seconds(offset)} from this machine's (± {look.clock_margin / timedelta(milliseconds=1):.1f} ms)"


def seconds(offset: timedelta) -> str:
    """Say a signed number of seconds to the millisecond."""
    return f"{offset.total_seconds():+.3f} s"
