"""Configuration of the collector."""

import re
import socket
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, FiniteFloat, NonNegativeFloat, model_validator

from collector.coordinator.config import CollectedSeries, CoordinatorConfig
from mesh.config import Strict
from mesh.kalshi.config import SimulatorFirstConfig
from mesh.log import LogConfig
from mesh.rpc.config import Address, ClientConfig, Seconds, ServerConfig

_WORKER_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_MOST_NODES = 1000


def _worker_id(text: str) -> str:
    if not _WORKER_ID.fullmatch(text):
        raise ValueError("must be lower-case letters, digits, '.', '_' and '-', at most 63, no sign first")
    return text


def _label(text: str) -> str:
    if text and not _LABEL.fullmatch(text):
        raise ValueError("must be letters, digits, '.', '_', ':' and '-', at most 64, no sign first")
    return text


def worker_id_from(host: str) -> str:
    """Make the name of a worker from the name of its host."""
    first = host.partition(".")[0].lower()
    return re.sub(r"[^a-z0-9._-]", "-", first).strip("-._")[:63] or "collector"


class CoordinatorClient(ClientConfig):
    """How the coordinator is reached."""

    targets: tuple[Address, ...] = Field(default=("127.0.0.1:8788",), min_length=1, max_length=1)
    """The coordinator. Everybody's certificate files go here too: other nodes are reached with the same ones."""


class CollectorRpc(ServerConfig):
    """How the node serves its committed files: the mesh's table with its own ports."""

    listen: tuple[Address, ...] = Field(default=("127.0.0.1:8791",), min_length=1)
    """Addresses to listen on. Beyond loopback only with TLS and either client certificates or tokens."""
    grace_seconds: Annotated[FiniteFloat, Field(gt=0, le=10)] = 5.0
    """What calls in progress get to finish when the process stops, after its leases: a file that is broken off is
    resumed."""
    metrics_listen: Address | Literal["off"] = "127.0.0.1:9105"
    """Where Prometheus may scrape, loopback only; `off` serves no metrics."""


class StaticConfig(Strict):
    """Collecting by the stable split, without a coordinator: for emergencies."""

    total_nodes: Annotated[int, Field(ge=0, le=_MOST_NODES)] = 0
    """How many nodes share the work; 0 works for a coordinator."""
    node_id: Annotated[int, Field(ge=0, lt=_MOST_NODES)] = 0
    """Which of them this is, from 0."""
    series: tuple[CollectedSeries, ...] = CoordinatorConfig().series
    """What to collect, as the coordinator's table has it."""
    refresh_seconds: Seconds = 900.0
    """Between two collections of an event that still trades, and between two looks at what is listed."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.total_nodes and self.node_id >= self.total_nodes:
            raise ValueError("node_id counts from 0, so it is less than total_nodes")
        return self

    @property
    def steps(self) -> dict[str, tuple[int, ...]]:
        """Candle steps in seconds by series."""
        return {series.ticker: series.step_seconds for series in self.series}

    @property
    def since(self) -> dict[str, datetime]:
        """By series: events that closed before are left out."""
        return {series.ticker: series.since for series in self.series if series.since}


class RecordConfig(Strict):
    """Recording live order books and tickers, which nobody sells afterwards. It needs an API key."""

    series: tuple[Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9._-]{0,63}$")], ...] = ()
    """Series whose open markets are recorded; none: nothing is. One node is enough for each."""
    look_seconds: Seconds = 60.0
    """Between two looks at which markets are open."""
    flush_seconds: Seconds = 300.0
    """Longest that a row waits in memory for its file: that much a killed process loses."""


class CollectorConfig(Strict):
    """One collector."""

    worker_id: Annotated[str, AfterValidator(_worker_id)] | None = None
    """Name of this node, stable over restarts; absent is the host's name. No two collectors share one. Its certificate
    is named so, or `collector-` and so."""
    node_index: Annotated[int, Field(ge=0, lt=_MOST_NODES)] | None = None
    """Place in the stable split, from 0; absent takes what is left over."""
    data_folder: Path = Path("data")
    """Where the files go. One collector per folder."""
    fetch_address: Address | None = None
    """`host:port` where other nodes reach this one; absent is the first address of `rpc.listen`."""
    coordinator: CoordinatorClient = CoordinatorClient()
    """Where the coordinator is."""
    rpc: CollectorRpc = CollectorRpc()
    """How committed files are served to other nodes."""
    kalshi: SimulatorFirstConfig = SimulatorFirstConfig()
    """Which exchange, and with which key."""
    budget_id: Annotated[str, AfterValidator(_label)] = ""
    """Label of whose API budget the calls count against: nodes of one account, or behind one internet address, name the
    same. Empty: `account` with a key, this worker's name without. Never a key id."""
    concurrent_leases: Annotated[int, Field(ge=1, le=64)] = 4
    """Events collected at once; the API budget is shared among them."""
    held_leases: Annotated[int, Field(ge=1, le=512)] = 16
    """Events held at most, waiting ones included."""
    once: bool = False
    """End when nothing has been due for `once_seconds`, instead of going on for ever."""
    once_seconds: Seconds = 30.0
    """See `once`."""
    copy_files: bool = False
    """Keep a copy of every committed file of all nodes, as the research machine does."""
    copy_seconds: Seconds = 5.0
    """Between two looks at what was committed elsewhere."""
    concurrent_copies: Annotated[int, Field(ge=1, le=16)] = 2
    """Files fetched from other nodes at once."""
    checks_per_hour: NonNegativeFloat = 60.0
    """Committed files read again each hour to see that they are intact; 0 looks never."""
    stall_seconds: Seconds = 30.0
    """How long a disk that refused a file is left alone before more work is taken."""
    drain_seconds: Annotated[FiniteFloat, Field(gt=0, le=15)] = 12.0
    """What leases get to be committed when the process stops; what is not done by then is given back."""
    static: StaticConfig = StaticConfig()
    """Collecting without a coordinator."""
    record: RecordConfig = RecordConfig()
    """Recording live books and tickers."""
    log: LogConfig = LogConfig()
    """How it logs."""

    @model_validator(mode="after")
    def _recording_needs_a_key(self) -> Self:
        if self.record.series and self.kalshi.key_id is None:
            raise ValueError("record.series needs kalshi.key_id: the exchange streams to members only")
        return self

    @property
    def name(self) -> str:
        """Name of this worker."""
        return self.worker_id or worker_id_from(socket.gethostname())

    @property
    def budget(self) -> str:
        """Label of the API budget."""
        return self.budget_id or ("account" if self.kalshi.key_id else self.name)
