"""What `foremesh install` says: what becomes of each file, and the commands that come next. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any

from console.installing.hosts import CERTIFICATES, HUB, PROGRAMS, TRADER, Host
from console.installing.plan import Step

_AUTHORITY = "/root/.config/foremesh/certs"
_WEIGHTS = "/var/lib/foremesh/models/timesfm-2.5"


def next_commands(host: Host, *, address: str, hub: str) -> Iterator[str]:
    """Yield what to type now, in this order, as root; lines that begin with `#` say where and why.

    Args:
        host: Which machine.
        address: Its own, in the private network.
        hub: That of the machine with the authority.
    """
    if host.mac:
        yield "# the user of the daemons, with any number from 200 to 400 that is free"
        yield f"sysadminctl -addUser {host.user} -UID 350 -roleAccount"
        yield f"chown -R {host.user} {CERTIFICATES} /usr/local/var/foremesh-collector /usr/local/var/log/foremesh"
    else:
        yield "# the user of the daemons"
        yield f"useradd --system --user-group --no-create-home --shell /usr/sbin/nologin {host.user}"
    yield from _certificates(host, address, hub)
    if host is HUB:
        yield "# the weights, which everybody may read"
        yield f"{PROGRAMS}/foremesh models fetch timesfm-2.5 --to {_WEIGHTS}"
    yield "# read the configurations, change what is yours, then check them"
    for service in host.services:
        yield service.check
    yield "# start them, now and at every boot"
    if host.mac:
        for service in host.services:
            yield f"launchctl bootstrap system {host.unit_file(service)}"
    else:
        yield "systemctl daemon-reload"
        yield "systemctl enable --now " + " ".join(service.instance for service in host.services)
    yield "# look whether all is well"
    yield f"{PROGRAMS}/foremesh doctor --role {host.name}"


def _certificates(host: Host, address: str, hub: str) -> Iterator[str]:
    foremesh = f"{PROGRAMS}/foremesh"
    if host is HUB:
        yield "# the authority of the mesh, once and only here, and this machine's certificates"
        yield f"{foremesh} certs init --dir {_AUTHORITY}"
    else:
        yield f"# this machine's certificates: these commands on the machine of the authority, {HUB.name}"
    for service in host.services:
        role = f" --role {service.role}" if service.role else ""
        hosts = " ".join(f"--host {name}" for name in (address, "localhost", "127.0.0.1"))
        yield f"{foremesh} certs issue {service.certificate}{role} {hosts} --dir {_AUTHORITY}"
    names = ["ca.crt", *(f"{service.certificate}.{kind}" for service in host.services for kind in ("crt", "key"))]
    owned = f"-o {host.user} " if host.mac else ""
    files = " ".join(f"{_AUTHORITY}/{name}" for name in names)
    if host is HUB:
        yield f"install -m 0600 {files} {CERTIFICATES}/"
        return
    yield f"scp -p {files} {address}:"
    yield "# and here, in the folder that they came to"
    yield f"install {owned}-m 0600 {' '.join(names)} {CERTIFICATES}/"
    yield f"rm {' '.join(names)}"


def commands_after_import() -> Iterator[str]:
    """Yield what to type after an import of credentials alone."""
    yield "# once the lines above are in the configuration"
    yield TRADER.check
    yield "systemctl daemon-reload"
    yield f"systemctl restart {TRADER.instance}"


def document(
    steps: Sequence[Step], owner: str, commands: Sequence[str], settings: Sequence[str], warnings: Sequence[str]
) -> dict[str, Any]:
    """Say everything for programs, with what is in each file but the secret ones."""
    return {
        "files": [
            {
                "path": step.path,
                "kind": "folder" if step.wanted.content is None else "file",
                "mode": f"{step.wanted.mode:04o}",
                "owner": owner,
                "state": step.state.value,
                "written": step.target if step.written else None,
                "content": None if step.wanted.secret else (step.wanted.content or b"").decode() or None,
            }
            for step in steps
        ],
        "settings": list(settings),
        "warnings": list(warnings),
        "next": list(commands),
    }


def line(step: Step, owner: str) -> str:
    """Say in one line what becomes of one path."""
    folder = "/" if step.wanted.content is None else ""
    beside = f" ({step.target})" if step.target != step.path else ""
    return f"{step.state.value:<10}  {step.wanted.mode:04o}  {owner}  {step.path}{folder}{beside}"
