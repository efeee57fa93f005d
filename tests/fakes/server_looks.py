"""Answers of a forecast server, made by hand."""

from datetime import UTC, datetime, timedelta

from foremesh.forecast.v1 import forecast_pb2, model_pb2

from console.server_look import Look

NOW = datetime(2026, 11, 23, 3, 0, 0, tzinfo=UTC)


def look(model: model_pb2.Model, *, health: str = "SERVING", ahead: float | None = 0.0) -> Look:
    """A server whose clock is so many seconds ahead, and whose answer took 10 ms."""
    return Look(
        model=model,
        instance_id="abc",
        health=health,
        server_time=None if ahead is None else NOW + timedelta(seconds=ahead, milliseconds=5),
        asked=NOW,
        answered=NOW + timedelta(milliseconds=10),
    )


def full() -> model_pb2.Model:
    model = model_pb2.Model(
        identity=model_pb2.ModelIdentity(
            name="timesfm-2.5",
            weights_digest="0123456789abcdef" * 4,
            code_version="0.1.0",
            licence="Apache-2.0",
            allowed_purposes=[forecast_pb2.PURPOSE_RESEARCH, forecast_pb2.PURPOSE_LIVE],
        ),
        state=model_pb2.MODEL_STATE_READY,
        state_detail="ready",
        device="cuda:0",
        precision="bfloat16",
        compile_mode="cuda-graphs",
        compile_detail="no graph above 512 points",
        weights_source="/srv/weights/model.safetensors",
        max_context_points=2048,
        min_points=3,
        max_horizon_steps=1024,
        max_batch_series=4096,
        batch_tolerance=1e-5,
        cost_points=32,
        batch_cost=2048,
        warm_context_points=[64, 512],
        queue=model_pb2.QueueState(waiting_series=12_345, running_series=64, capacity_series=20_000, active_scans=1),
        activity=model_pb2.ModelActivity(
            batches=10, series=1234, busy_share=0.456, padding_share=0.031, expired_series=5, failed_series=6,
            out_of_memory_batches=7, refused_calls=8,
        ),
        hardware=model_pb2.Device(
            name="NVIDIA GB10", runtime="torch 2.13.0, CUDA 13.0", allocated_bytes=3 << 29, total_bytes=128 << 30
        ),
        cache=model_pb2.CacheState(entries=9, used_bytes=2048, capacity_bytes=64 << 20, hits=1, misses=3),
        canary=model_pb2.CanaryState(checks=12, drifts=1, last_difference=2.5e-6),
    )  # fmt: skip
    model.start_time.FromDatetime(NOW - timedelta(hours=3, minutes=12))
    model.canary.last_check_time.FromDatetime(NOW - timedelta(seconds=4))
    model.batch_timings.add(up_to_cost=64, batches=120, expected_seconds=0.0032)
    model.batch_timings.add(up_to_cost=2048, batches=3, expected_seconds=1.234)
    return model
