"""Configuration of the forecast server."""

from pathlib import Path
from typing import Literal

from pydantic import Field, PositiveInt

from mesh.config import Strict
from mesh.log import LogConfig
from mesh.rpc.config import Address, ServerConfig


class ModelConfig(Strict):
    """Which model answers."""

    name: Literal["random-walk"] = "random-walk"
    """Name of the model. If it cannot be loaded the server stops; it never takes another by itself."""


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
    """Exit and confidence policy; absent is the one the package ships."""
    queue_series: PositiveInt = 20_000
    """Most histories that may wait before new calls are refused."""
    log: LogConfig = LogConfig()
    """How it logs."""
