"""`foremesh doctor --role`: everything that one machine of the mesh should have, daemon by daemon, and its peers."""

import stat
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from collector.config import CollectorConfig
from collector.coordinator.config import CoordinatorConfig
from collector.naming import names_of
from console import certificate_checks, exchange_checks, host_checks, service_checks, unit_checks
from console.checks import Check, ok, problem, warning
from console.collection.progress_watch import progress_of
from console.daemon import COORDINATOR
from console.installing.handed import Handed
from console.installing.hosts import HOSTS, Host, Service
from console.installing.writing import Tree
from forecast_server.config import ForecastServerConfig, ModelConfig
from mesh.certs import CertificateError
from mesh.config import ConfigError, Strict, load
from mesh.errors import MeshError
from mesh.kalshi.config import KalshiConfig
from mesh.rpc.config import ClientConfig
from trader.config import TraderConfig

MODELS: Mapping[str, type[Strict]] = MappingProxyType(
    {
        "forecast_server.toml": ForecastServerConfig,
        "coordinator.toml": CoordinatorConfig,
        "collector.toml": CollectorConfig,
        "trader.toml": TraderConfig,
    }
)
"""Configurations by the name of their sample."""
_PATIENCE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Daemon:
    """A daemon whose configuration could be read."""

    service: Service
    config: Any
    handed: Handed

    @property
    def short(self) -> str:
        """Its name, as checks begin with it."""
        return _short(self.service)


class Machine:
    """One machine of the mesh, as its files say it should be.

    Args:
        role: Which.
        root: `/`, or where its tree is.
    """

    def __init__(self, role: str, root: Path) -> None:
        self.host: Host = HOSTS[role]
        self._tree = Tree(root)
        self.daemons: list[Daemon] = []
        """Known once `checks` has been gone through."""

    def checks(self) -> Iterator[Check]:
        """Look at everything that is on this machine."""
        yield unit_checks.user(self.host, self._tree)
        for service in self.host.services:
            yield from self._daemon(service)

    def _daemon(self, service: Service) -> Iterator[Check]:
        short = _short(service)
        yield unit_checks.shipped(self.host, service, self._tree, f"{short}: unit")
        state, runs = unit_checks.running(self.host, service, f"{short}: state")
        yield state
        yield service_checks.disk(service, self._tree, f"{short}: disk")
        file = self._tree.place(service.config_file)
        try:
            config: Any = load(file, MODELS[service.sample])
        except ConfigError as error:
            remedy = f"docs/configuration.md lists the keys; foremesh install --role {self.host.name} writes a sample"
            yield problem(f"{short}: configuration", "; ".join(error.problems), remedy)
            return
        if not file.stat().st_mode & stat.S_IROTH:
            found = f"{file}: its daemon, which is not root, cannot read it"
            yield problem(f"{short}: configuration", found, f"chmod 644 {file}: no secret is in it")
        else:
            yield ok(f"{short}: configuration", str(file))
        handed = Handed(self._tree, self.host, service)
        self.daemons.append(Daemon(service, config, handed))
        yield service_checks.credentials(config, handed, f"{short}: credentials")
        kalshi = getattr(config, "kalshi", None)
        names = names_of(config.name) if isinstance(config, CollectorConfig) else ()
        for check in (
            service_checks.certificate(config.rpc, service, handed, f"{short}: certificate", names=names),
            kalshi and service_checks.exchange_key(kalshi.private_key_file, handed, f"{short}: exchange's key"),
        ):
            if check is not None:
                yield check
        yield service_checks.listening(config.rpc.listen, runs, f"{short}: addresses")
        if isinstance(config, ForecastServerConfig):
            yield host_checks.packages(config.model.name)
            yield host_checks.weights(self._placed(config.model))

    def _placed(self, model: ModelConfig) -> ModelConfig:
        """Look for weights in the tree: the configuration says where they are on the machine."""
        there = model.checkpoint
        if there is None or not there.is_absolute():
            return model
        return model.model_copy(update={"checkpoint": self._tree.place(str(there))})

    @property
    def exchange(self) -> KalshiConfig | None:
        """The exchange that this machine asks, without a key: what the doctor reads is public."""
        tables: list[KalshiConfig] = [
            daemon.config.kalshi for daemon in self.daemons if hasattr(daemon.config, "kalshi")
        ]
        if not tables:
            return None
        return _public(tables[0])

    @property
    def served(self) -> ForecastServerConfig | None:
        """The configuration of the forecast server, where it is this machine's."""
        return next((each.config for each in self.daemons if isinstance(each.config, ForecastServerConfig)), None)

    @property
    def forecasts(self) -> ClientConfig | None:
        """How the forecast server is reached from here; None where nobody here needs it, or a file is missing."""
        for daemon in self.daemons:
            if isinstance(daemon.config, TraderConfig):
                return _reaching(daemon.config.forecast, daemon.handed)
            if self.served is not None and isinstance(daemon.config, CollectorConfig):
                client = _reaching(daemon.config.coordinator, daemon.handed)  # its role may ask for the model, too
                return client and client.model_copy(update={"targets": self.served.rpc.listen[:1]})
        return None

    async def exchange_keys(self) -> AsyncIterator[Check]:
        """Ask the exchange whether it accepts each daemon's key, as its files are now: a restart would use them."""
        for daemon in self.daemons:
            kalshi: KalshiConfig | None = getattr(daemon.config, "kalshi", None)
            if kalshi is None or kalshi.private_key_file is None:
                continue
            if (file := daemon.handed.usable(kalshi.private_key_file)) is None:
                continue
            seconds = min(kalshi.read_seconds, _PATIENCE_SECONDS)
            asked = kalshi.model_copy(update={"private_key_file": file, "read_seconds": seconds})
            if (check := await exchange_checks.key(asked, f"{daemon.short}: key accepted")) is not None:
                yield check

    async def series(self) -> AsyncIterator[Check]:
        """Ask the exchange of each daemon for the series that it collects or trades."""
        for daemon in self.daemons:
            match daemon.config:
                case TraderConfig(series=scanned):
                    steps = {each.ticker: int(each.step.total_seconds()) for each in scanned}
                case CoordinatorConfig(series=collected):
                    steps = {each.ticker: min(each.step_seconds) for each in collected}
                case _:
                    continue
            yield await exchange_checks.series(_public(daemon.config.kalshi), steps, f"{daemon.short}: series")

    async def coordinator(self) -> AsyncIterator[Check]:
        """Ask the coordinator as this machine's collector."""
        for daemon in self.daemons:
            if not isinstance(daemon.config, CollectorConfig):
                continue
            client = _reaching(daemon.config.coordinator, daemon.handed)
            if client is None:
                yield warning("coordinator", "not asked: a certificate for it is missing", "see to the credentials")
                continue
            for target in client.targets:
                yield await _coordinator(client.model_copy(update={"targets": (target,)}), daemon.config.name)


def _public(exchange: KalshiConfig) -> KalshiConfig:
    """Leave the key out, and wait no longer than a person would."""
    seconds = min(exchange.read_seconds, _PATIENCE_SECONDS)
    return exchange.model_copy(update={"key_id": None, "private_key_file": None, "read_seconds": seconds})


def _short(service: Service) -> str:
    return service.program.removeprefix("foremesh-").replace("-", " ")


async def _coordinator(client: ClientConfig, node: str) -> Check:
    name, where = "coordinator", client.targets[0]
    try:
        progress = await progress_of(client)
    except MeshError as error:
        shown = certificate_checks.shown(client) if client.ca_file is not None else None
        if shown is not None and shown.verdict == "problem":  # says more than gRPC's `unavailable`
            return replace(shown, name=name)
        return problem(
            name,
            COORDINATOR.words(error, client, option="targets in the configuration"),
            "see to it first: nothing is collected without it",
        )
    except (CertificateError, ConfigError, OSError) as error:
        return problem(name, str(error), "see to this side's own files first")
    known = any(worker.worker_id == node for worker in progress.workers)
    return ok(name, f"answers at {where}, {'knows' if known else 'has not heard of'} {node}")


def _reaching(client: ClientConfig, handed: Handed) -> ClientConfig | None:
    """Put the files behind a client's table into it; None where one cannot be used, which another check says."""
    named = {key: path for key, path in client.model_dump().items() if isinstance(path, Path)}
    sources = {key: handed.usable(path) for key, path in named.items()}
    return None if None in sources.values() else client.model_copy(update=sources)
