"""Which processes run on which machine, and where on it their files are. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mesh.certs import Role

PROGRAMS = "/opt/foremesh/bin"
CONFIGS = "/etc/foremesh"
CERTIFICATES = f"{CONFIGS}/certs"
CREDENTIALS = f"{CONFIGS}/credentials"
UNITS = "/etc/systemd/system"
DAEMONS = "/Library/LaunchDaemons"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A daemon of a host."""

    program: str
    """Such as `foremesh-collector`."""
    sample: str
    """Its configuration, as in deploy/config."""
    config: str
    """Name of its configuration on the host."""
    unit: str
    """Its unit, or property list, as in deploy/ and on the host."""
    instance: str
    """What is enabled and started: another name than the unit's where that is a template."""
    certificate: str
    """Name of its certificate."""
    role: Role | None = None
    """What it may do as a client of others; None calls nobody."""
    state: str
    """Its folder on the host."""

    @property
    def config_file(self) -> str:
        """Where its configuration is."""
        return f"{CONFIGS}/{self.config}"

    @property
    def check(self) -> str:
        """The command that checks its configuration."""
        return f"{PROGRAMS}/{self.program} --config {self.config_file} --check-config"


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A machine of the mesh."""

    name: str
    what: str
    """For people."""
    address: str
    """In the private network, as in the samples."""
    services: tuple[Service, ...]
    folders: tuple[tuple[str, int], ...]
    """That nobody else makes, with their modes."""
    mac: bool = False

    @property
    def user(self) -> str:
        """Whom its daemons run as, but for those with a user that systemd makes."""
        return "_foremesh" if self.mac else "foremesh"

    def unit_file(self, service: Service) -> str:
        """Where a unit or property list goes."""
        return f"{DAEMONS if self.mac else UNITS}/{service.unit}"


def _collector(node: str, *, mac: bool = False) -> Service:
    return Service(
        program="foremesh-collector",
        sample="collector.toml",
        config=f"collector-{node}.toml",
        unit="foremesh.collector.plist" if mac else "foremesh-collector@.service",
        instance="foremesh.collector" if mac else f"foremesh-collector@{node}.service",
        certificate=f"collector-{node}",
        role="collector",
        state=f"{'/usr/local/var' if mac else '/var/lib'}/foremesh-collector/{node}",
    )


FORECAST = Service(
    program="foremesh-forecast-server",
    sample="forecast_server.toml",
    config="forecast_server.toml",
    unit="foremesh-forecast-server.service",
    instance="foremesh-forecast-server.service",
    certificate="forecast",
    state="/var/lib/foremesh",
)
COORDINATOR = Service(
    program="foremesh-coordinator",
    sample="coordinator.toml",
    config="coordinator.toml",
    unit="foremesh-coordinator.service",
    instance="foremesh-coordinator.service",
    certificate="coordinator",
    state="/var/lib/foremesh-coordinator",
)
TRADER = Service(
    program="foremesh-trader",
    sample="trader.toml",
    config="trader.toml",
    unit="foremesh-trader.service",
    instance="foremesh-trader.service",
    certificate="trader",
    role="trader",
    state="/var/lib/foremesh-trader",
)
_EVERYWHERE = ((CONFIGS, 0o755), (CERTIFICATES, 0o700))

HOSTS: Mapping[str, Host] = MappingProxyType(
    {
        host.name: host
        for host in (
            Host(
                name="spark",
                what="the forecast server, the coordinator, a collector that copies what all nodes commit",
                address="10.8.0.1",
                services=(FORECAST, COORDINATOR, _collector("spark")),
                folders=(*_EVERYWHERE, ("/var/lib/foremesh", 0o755), ("/var/lib/foremesh/models", 0o755)),
            ),
            Host(
                name="ec2",
                what="the trader, a collector",
                address="10.8.0.2",
                services=(TRADER, _collector("ec2")),
                folders=_EVERYWHERE,
            ),
            Host(
                name="mini",
                what="a collector, on a Mac, under launchd",
                address="10.8.0.3",
                services=(_collector("mini", mac=True),),
                folders=(
                    *_EVERYWHERE,
                    ("/usr/local/var/foremesh-collector", 0o755),
                    ("/usr/local/var/foremesh-collector/mini", 0o755),
                    ("/usr/local/var/log/foremesh", 0o755),
                ),
                mac=True,
            ),
        )
    }
)
"""By name; the coordinator numbers the nodes of its stable split in this order."""
HUB = HOSTS["spark"]
"""Where forecast server, coordinator and the mesh's authority are."""
