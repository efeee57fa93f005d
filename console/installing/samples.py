"""The units and sample configurations of deploy/, and what becomes of a sample on a host."""

import re
from pathlib import Path

from console.installing.hosts import CERTIFICATES, HOSTS, HUB, Host, Service

_CONSOLE = Path(__file__).parent.parent
_ADDRESS = re.compile(r"\b10\.8\.0\.[123]\b(?=:(\d+))?")
_TWICE = re.compile(r'\["([^"]+)", "\1"\]')
"""Listening at one address twice, which is what loopback beside the private address 127.0.0.1 comes to."""
_PORTS_OF_THE_HUB = {"8787", "8788"}


def folder() -> Path:
    """Find deploy/: in the package where it is installed, beside it in a clone."""
    inside = _CONSOLE / "deploy"
    return inside if inside.is_dir() else _CONSOLE.parent / "deploy"


def unit(service: Service) -> str:
    """Read the unit, or property list, of a service."""
    kind = "launchd" if service.unit.endswith(".plist") else "systemd"
    return (folder() / kind / service.unit).read_text()


def config(service: Service, host: Host, *, address: str, hub: str) -> str:
    """Read the sample of a service's configuration and make it that of a host.

    It asks the exchange's own public prices: the simulated exchange of the sample does not run there.

    Args:
        service: Whose.
        host: Where.
        address: Of the host in the private network.
        hub: Of the host with forecast server and coordinator.
    """
    text = (folder() / "config" / service.sample).read_text()
    if service.sample == "collector.toml":
        text = _of_node(text, service, host)
    text = _ADDRESS.sub(lambda found: hub if found[1] in _PORTS_OF_THE_HUB else address, text)
    text = _TWICE.sub(r'["\1"]', text)
    if "\n[kalshi]\n" in text:
        text = _set(text, "environment", '"production"')
        text = _set(text, "host", None)
    return text


def _of_node(text: str, service: Service, host: Host) -> str:
    """Make the collector's sample that of a node."""
    text = text.replace(HUB.name, host.name)
    text = _set(text, "node_index", str(list(HOSTS).index(host.name)))
    text = _set(text, "copy_files", "true" if host is HUB else "false")
    text = _set(text, "data_folder", f'"{service.state}"')
    if host.mac:  # no service manager hands it copies: it reads the files themselves
        handed = f"/run/credentials/{service.program}@{host.name}.service"
        text = text.replace(f"{handed}/collector.", f"{CERTIFICATES}/{service.certificate}.")
        text = text.replace(handed, CERTIFICATES)
    return text


def _set(text: str, key: str, value: str | None) -> str:
    """Give a key, which stands once, another value; None puts it into a comment."""
    changed, found = re.subn(
        rf"^{key} = .*$",
        lambda line: f"# {line[0]}" if value is None else f"{key} = {value}",
        text,
        flags=re.MULTILINE,
    )
    if found != 1:
        raise AssertionError(f"{key} stands {found} times in a sample")
    return changed
