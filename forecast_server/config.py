"""Configuration of the forecast server."""

from pathlib import Path
from typing import Literal

from pydantic import Field, PositiveInt

from mesh.config import Strict
from mesh.log import LogConfig
from mesh.rpc.config import ServerConfig


class ModelConfig(Strict):
    """Which model answers."""

    name: Literal["random-walk"] = "random-walk"
    """Name of the model. If it cannot be loaded the server stops; it never takes another by itself."""


class ForecastServerConfig(Strict):
    """One forecast server."""

    rpc: ServerConfig = Field(default=ServerConfig(listen=("127.0.0.1:8787",), metrics_listen="127.0.0.1:9101"))
    """How it serves."""
    model: ModelConfig = ModelConfig()
    """Which model answers."""
    policy_file: Path | None = None
    """Exit and confidence policy; absent is the one the package ships."""
    queue_series: PositiveInt = 20_000
    """Most histories that may wait before new calls are refused."""
    log: LogConfig = LogConfig()
    """How it logs."""
