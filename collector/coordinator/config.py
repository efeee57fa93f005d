"""Configuration of the coordinator."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, FiniteFloat, model_validator

from collector.coordinator.policy import LeasePolicy
from mesh.certs import Role
from mesh.config import Strict
from mesh.kalshi.config import SimulatorFirstConfig
from mesh.log import LogConfig
from mesh.rpc.config import Address, Seconds, ServerConfig
from mesh.shards import STEPS
from mesh.types import utc

_DEFAULTS = LeasePolicy()
_STEP_SECONDS = {name: seconds for seconds, name in STEPS.items()}
_HOUR, _DAY = 3600, 86_400
_MISSED = 2
"""Heartbeats that may be lost before a lease runs out, at least."""


class CoordinatorRpc(ServerConfig):
    """How the coordinator serves: the mesh's table with its own ports."""

    listen: tuple[Address, ...] = Field(default=("127.0.0.1:8788",), min_length=1)
    """Addresses to listen on. Beyond loopback only with TLS and either client certificates or tokens."""
    metrics_listen: Address | Literal["off"] = "127.0.0.1:9102"
    """Where Prometheus may scrape, loopback only; `off` serves no metrics."""
    loopback_role: Role = "collector"
    """Role of callers over plain-text loopback: whoever is on this machine. A collector may call everything here."""


class CollectedSeries(Strict):
    """One series to collect."""

    ticker: str = Field(pattern=r"^[A-Z0-9][A-Z0-9._-]{0,63}$")
    """Ticker of the series, such as `KXHIGHNY`."""
    steps: tuple[Literal["1m", "60m", "1d"], ...] = Field(default=("60m",), min_length=1)
    """Candle steps; each makes a file of its own for every event."""
    since: Annotated[datetime, AfterValidator(utc)] | None = None
    """Events that closed before this are left out; absent collects all that the exchange lists."""

    @model_validator(mode="after")
    def _each_step_once(self) -> Self:
        if len(set(self.steps)) < len(self.steps):
            raise ValueError("steps: each once")
        return self

    @property
    def step_seconds(self) -> tuple[int, ...]:
        """Candle steps in seconds."""
        return tuple(_STEP_SECONDS[step] for step in self.steps)


_SERIES = (
    CollectedSeries(ticker="KXHIGHNY"),
    CollectedSeries(ticker="KXHIGHCHI"),
    CollectedSeries(ticker="KXHIGHLAX"),
    CollectedSeries(ticker="KXINX"),
    CollectedSeries(ticker="KXBTC", steps=("1m",)),
    CollectedSeries(ticker="KXETH", steps=("1m",)),
)


class LeaseConfig(Strict):
    """The numbers that leases, refreshes and retries go by."""

    lease_seconds: Annotated[Seconds, Field(le=_DAY)] = _DEFAULTS.lease
    """How long a lease runs without a heartbeat: what a worker that died costs."""
    heartbeat_seconds: Annotated[Seconds, Field(le=_HOUR)] = _DEFAULTS.heartbeat
    """Longest time between two heartbeats; two of them fit into a lease."""
    min_heartbeat_seconds: Annotated[FiniteFloat, Field(ge=0, le=_HOUR)] = _DEFAULTS.min_heartbeat
    """Shortest time between two heartbeats, for workers that have room for more."""
    grace_seconds: Annotated[FiniteFloat, Field(ge=0, le=_HOUR)] = _DEFAULTS.grace
    """After a restart of the coordinator, added to every lease: workers may have tried to reach it in vain."""
    drain_seconds: Annotated[Seconds, Field(le=_DAY)] = _DEFAULTS.drain
    """What a lease that is asked back has to be committed or released."""
    stuck_seconds: Seconds = _DEFAULTS.stuck
    """A lease without progress for this long is asked back."""
    refresh_seconds: Seconds = _DEFAULTS.refresh
    """Between two collections of an event that still trades, at least; never less than its candle step."""
    settle_delay_seconds: Annotated[FiniteFloat, Field(ge=0)] = _DEFAULTS.settle_delay
    """From the end of an event's last candle to its last collection: what reads of the exchange may lag behind."""
    retry_holes_seconds: tuple[Seconds, ...] = _DEFAULTS.retry_holes
    """Waits before each retry of the holes of a closed event; after the last it is sealed with them."""
    backoff_seconds: Seconds = _DEFAULTS.backoff
    """Before a shard whose lease failed is granted again; doubles with each failure, up to an hour."""
    steal_after_seconds: Annotated[FiniteFloat, Field(ge=0)] = _DEFAULTS.steal_after
    """How long a due shard waits for its preferred worker while that worker is active and has no room."""
    max_leases: Annotated[int, Field(ge=1, le=512)] = _DEFAULTS.max_leases
    """Leases that one worker may hold."""
    max_file_bytes: Annotated[int, Field(ge=2**20, le=2**36)] = _DEFAULTS.max_file_bytes
    """Largest file that is committed, and so copied by others; a shard of few candles may have less."""

    @model_validator(mode="after")
    def _hold_together(self) -> Self:
        if self.lease_seconds <= _MISSED * self.heartbeat_seconds:
            raise ValueError("lease_seconds: above twice heartbeat_seconds, or one lost heartbeat costs a lease")
        if self.min_heartbeat_seconds > self.heartbeat_seconds:
            raise ValueError("min_heartbeat_seconds: at most heartbeat_seconds")
        if self.lease_seconds + self.grace_seconds > _DAY:
            raise ValueError("lease_seconds and grace_seconds: at most a day together")
        return self

    @property
    def policy(self) -> LeasePolicy:
        """The same as the rules take them."""
        values = {name.removesuffix("_seconds"): value for name, value in self}
        return LeasePolicy(**values)


class CoordinatorConfig(Strict):
    """One coordinator."""

    rpc: CoordinatorRpc = CoordinatorRpc()
    """How it serves."""
    state_folder: Path = Path("coordinator-state")
    """Where its database is kept; made if absent. A local disk: SQLite is not for network file systems."""
    data_folder: Path | None = None
    """Where `markets/SERIES.parquet` is written, the markets as they were listed; absent writes none."""
    total_nodes: Annotated[int, Field(ge=1, le=1000)] = 3
    """Nodes of the stable split, md5(event ticker) modulo this: which node an event prefers."""
    listing_seconds: Annotated[Seconds, Field(ge=1, le=_DAY)] = 300.0
    """Between two looks at what the exchange lists."""
    series: tuple[CollectedSeries, ...] = Field(default=_SERIES, min_length=1)
    """What to collect. A series that is taken out keeps its files; nothing more of it is leased."""
    kalshi: SimulatorFirstConfig = SimulatorFirstConfig()
    """Which exchange is listed: the one that the collectors ask."""
    lease: LeaseConfig = LeaseConfig()
    """The numbers that leases go by."""
    log: LogConfig = LogConfig()
    """How it logs."""

    @model_validator(mode="after")
    def _each_series_once(self) -> Self:
        tickers = [series.ticker for series in self.series]
        if len(set(tickers)) < len(tickers):
            raise ValueError("series: each ticker once")
        return self

    @property
    def steps(self) -> dict[str, tuple[int, ...]]:
        """Candle steps in seconds by series."""
        return {series.ticker: series.step_seconds for series in self.series}

    @property
    def since(self) -> dict[str, datetime]:
        """By series: events that closed before are left out."""
        return {series.ticker: series.since for series in self.series if series.since is not None}
