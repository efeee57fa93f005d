"""The engine as GetModel describes it."""

from foremesh.forecast.v1 import model_pb2

from forecast_server.convert import PURPOSES
from forecast_server.engine import Engine
from forecast_server.models.base import ModelFacts

_PURPOSE_NAMES = {purpose: value for value, purpose in PURPOSES.items()}


def identity(facts: ModelFacts, code_version: str) -> model_pb2.ModelIdentity:
    """Write who makes the forecasts."""
    return model_pb2.ModelIdentity(
        name=facts.name,
        weights_digest=facts.weights_digest,
        code_version=code_version,
        licence=facts.licence,
        restriction=facts.restriction,
        allowed_purposes=sorted(_PURPOSE_NAMES[purpose] for purpose in facts.allowed_purposes),
    )


def model(engine: Engine, *, code_version: str) -> model_pb2.Model:
    """Write the served model; while it loads only its state is known."""
    queue, facts, computing = engine.queue, engine.facts, engine.computing
    message = model_pb2.Model(
        state=f"MODEL_STATE_{engine.state.name}",
        state_detail=engine.state_detail,
        queue=model_pb2.QueueState(
            waiting_series=queue.waiting,
            running_series=queue.running,
            capacity_series=queue.capacity,
            active_scans=queue.scans,
        ),
        activity=_activity(engine),
        cache=model_pb2.CacheState(
            entries=engine.cache.entries,
            used_bytes=engine.cache.used_bytes,
            capacity_bytes=engine.cache.capacity_bytes,
            hits=engine.cache.hits,
            misses=engine.cache.misses,
        ),
    )
    if facts is None or computing is None:
        return message
    _fill_facts(message, facts, code_version)
    device = engine.device()
    message.hardware.CopyFrom(
        model_pb2.Device(
            name=device.name,
            runtime=device.runtime,
            allocated_bytes=device.allocated_bytes,
            reserved_bytes=device.reserved_bytes,
            total_bytes=device.total_bytes,
        )
    )
    canary = computing.canary
    message.canary.CopyFrom(
        model_pb2.CanaryState(
            checks=canary.checks,
            drifts=canary.drifts,
            drifted=canary.drifted,
            last_difference=canary.last_difference,
        )
    )
    if canary.last_check_time is not None:
        message.canary.last_check_time.FromDatetime(canary.last_check_time)
    message.batch_cost = computing.batch_size.cost
    for timing in computing.costs.timings():
        message.batch_timings.add(
            up_to_cost=timing.up_to_cost, batches=timing.batches, expected_seconds=timing.expected_seconds
        )
    return message


def _activity(engine: Engine) -> model_pb2.ModelActivity:
    activity = engine.activity
    return model_pb2.ModelActivity(
        batches=activity.batches,
        series=activity.series,
        busy_share=activity.busy_share(),
        padding_share=activity.padding_share,
        expired_series=activity.expired,
        failed_series=activity.failed,
        out_of_memory_batches=activity.shortages,
        refused_calls=activity.refused,
    )


def _fill_facts(message: model_pb2.Model, facts: ModelFacts, code_version: str) -> None:
    message.identity.CopyFrom(identity(facts, code_version))
    message.device, message.precision = facts.device, facts.precision
    message.compile_mode, message.compile_detail = facts.compile_mode, facts.compile_detail
    message.weights_source = facts.weights_source
    message.min_points, message.max_context_points = facts.min_points, facts.max_context_points
    message.max_horizon_steps, message.max_batch_series = facts.max_horizon_steps, facts.max_batch_series
    message.batch_tolerance = facts.batch_tolerance
    message.cost_points, message.cost_steps = facts.cost_points, facts.cost_steps
    message.quantile_levels.extend(facts.quantile_levels)
    message.warm_context_points.extend(facts.warm_context_points)
