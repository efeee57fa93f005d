"""Configuration of the forecast server."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    StringConstraints,
    model_validator,
)

from mesh.clock_config import SharedClockConfig
from mesh.config import Strict
from mesh.log import LogConfig
from mesh.rpc.config import Address, ServerConfig

_Allowed = Mapping[str, tuple[object, ...]]
_BUNDLED: _Allowed = {"checkpoint": (None,), "revision": ("main",)}
_FLOAT32: _Allowed = {"precision": ("auto", "float32")}
_ALLOWED: Mapping[str, _Allowed] = {
    "random-walk": {**_BUNDLED, **_FLOAT32, "weights_sha256": ("",), "device": ("auto", "cpu")},
    "fracast": {**_BUNDLED, **_FLOAT32},
    "timesfm-3.0": _FLOAT32,
    "timesfm-2.5": {},
}
"""What a key may be where a model leaves no choice. Another value is refused: it would be ignored in silence."""


class ModelConfig(Strict):
    """Which model answers, and from what."""

    name: Literal["random-walk", "fracast", "timesfm-2.5", "timesfm-3.0"] = "random-walk"
    """Name of the model. If it cannot be loaded the server stops; it never takes another by itself."""
    checkpoint: Path | None = None
    """Folder of the weights, or their file. Absent: the hub's cache, where `foremesh models fetch` puts them. A server
    never downloads anything."""
    revision: str = "main"
    """Revision to look for in the hub's cache."""
    weights_sha256: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64})?$")] = ""
    """SHA-256 that the weights must have; empty takes any and says which."""
    device: Literal["auto", "cuda", "mps", "cpu"] = "auto"
    """Where it computes; `auto` takes the first of cuda, mps and cpu that is there."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """What it computes in, where a model has a choice; `auto` is bfloat16 on cuda and float32 elsewhere."""
    cuda_graphs: bool = True
    """Record the usual batches as CUDA graphs: a lone series is answered several times sooner."""
    accept_licence: str = ""
    """Name of the weights' licence, written out: asked for by models whose licence forbids production."""

    @model_validator(mode="after")
    def _keys_go_with_the_model(self) -> Self:
        for key, allowed in _ALLOWED[self.name].items():
            if getattr(self, key) not in allowed:
                choice = " or ".join(str(value) for value in allowed if value)
                raise ValueError(
                    f"{key} does not go with {self.name}: " + (f"it is {choice}" if choice else "leave it out")
                )
        return self


class ForecastRpc(ServerConfig):
    """How the forecast server serves: the mesh's table with its own ports."""

    listen: tuple[Address, ...] = Field(default=("127.0.0.1:8787",), min_length=1)
    """Addresses to listen on. Beyond loopback only with TLS and either client certificates or tokens."""
    metrics_listen: Address | Literal["off"] = "127.0.0.1:9101"
    """Where Prometheus may scrape, loopback only; `off` serves no metrics."""


class ForecastServerConfig(Strict):
    """One forecast server."""

    rpc: ForecastRpc = ForecastRpc()
    """How it serves."""
    model: ModelConfig = ModelConfig()
    """Which model answers."""
    policy_file: Path | None = None
    """Exit and confidence policy; absent is the one the package ships. Read again on SIGHUP."""
    queue_series: PositiveInt = 20_000
    """Most histories that may wait before new calls are refused."""
    reader_seconds: PositiveFloat = 60.0
    """How long a scan may leave answers that are ready unread before what it still waits for expires."""
    batch_cost: Annotated[NonNegativeInt, Field(le=1_000_000_000)] = 0
    """Cost that a full batch may have, in units of `cost_points`; 0 measures what suits the device at every start."""
    longest_batch_seconds: PositiveFloat = 1.0
    """Longest that a measured batch may take where little waits: urgent work waits for the batch before it. While more
    waits than two such batches, batches may take up to 1.75 times that."""
    cache_mebibytes: NonNegativeInt = 64
    """Memory for forecasts to be given out again to equal inputs; 0 keeps none."""
    canary_seconds: NonNegativeFloat = 15.0
    """Longest time between two looks at the canary, a known series, while there is work; 0 looks never."""
    record_folder: Path | None = None
    """Record every forecast there, to be made again with `foremesh replay`; absent records nothing."""
    clock: SharedClockConfig = SharedClockConfig()
    """The time of markets, for trials at a simulated exchange."""
    log: LogConfig = LogConfig()
    """How it logs."""
