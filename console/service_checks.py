"""Checks of one daemon's files, disk and ports on the machine that it runs on."""

import errno
import shutil
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from console import certificate_checks
from console.checks import Check, ok, problem, warning
from console.installing.handed import Handed
from console.installing.hosts import Service
from console.installing.writing import Tree
from mesh.certs import CertificateError, show
from mesh.config import ConfigError
from mesh.kalshi.transport.signing import private_key
from mesh.rpc.config import ServerConfig
from mesh.secret import read_secret

_PRIVATE = {"private_key_file", "token_file", "url_file", "heartbeat_file"}
_NAMED = {*_PRIVATE, "ca_file", "client_ca_file", "certificate_file"}
_GIBIBYTE = 2**30
_BAD_FREE, _LOW_FREE = _GIBIBYTE, 5 * _GIBIBYTE
_PATIENCE_SECONDS = 1.0


def credentials(config: Any, handed: Handed, name: str) -> Check:
    """Look whether every certificate, key and secret that a configuration names is handed over, there and private."""
    found: list[str] = []
    remedies: list[str] = []
    files = dict(_files(config.model_dump()))
    for path, key in files.items():
        source = handed.source(path)
        if source is None:
            found.append(f"{path} is named, and the unit hands over no such credential")
            remedies.append("add LoadCredential= by systemctl edit, or foremesh install --import-env")
            continue
        try:
            status = source.stat()
        except PermissionError:
            return warning(name, f"{source} cannot be looked at by this user", "run doctor as root")
        except OSError as error:
            found.append(f"{source}: {error.strerror}")
            remedies.append("docs/certificates.md says how certificates are made, docs/runbook.md the rest")
            continue
        if key in _PRIVATE and status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            found.append(f"{source} is open to others")
            remedies.append(f"chmod 600 {source}")
    if found:
        return problem(name, "; ".join(found), "; ".join(dict.fromkeys(remedies)))
    return ok(name, f"{len(files)} files, the private ones for their owner alone")


def _files(table: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    """Yield the files that a configuration names for identity, with the name of their key."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _files(value)
        elif isinstance(value, Path) and key in _NAMED:
            yield value, key


def certificate(
    rpc: ServerConfig, service: Service, handed: Handed, name: str, *, names: tuple[str, ...] = ()
) -> Check | None:
    """Look at a daemon's certificate: valid, with its key, its role and where it listens; None where there is none.

    `names` are those that it may have, where others go by its name.
    """
    source = None if rpc.tls is None else handed.usable(rpc.tls.certificate_file)
    if source is None:
        return None
    check = certificate_checks.own(name, source)
    if check.verdict == "problem":
        return check
    try:
        info = show(source)[0]
    except CertificateError as error:  # it went in between
        return problem(name, str(error), "foremesh certs show says what is there")
    lacking = [host for host in (_host(address) for address in rpc.listen) if host not in info.hosts]
    anew = f"foremesh certs issue {service.certificate} with all its options: foremesh install --dry-run has them"
    if info.role != service.role:
        return problem(name, f"{source} has the role {info.role or 'of none'}, not {service.role or 'of none'}", anew)
    if names and info.name not in names:
        found = f"{source} is named {info.name}, which the coordinator refuses as the worker {names[0]}"
        return problem(name, found, anew)
    if lacking:
        return problem(name, f"{source} does not name {', '.join(lacking)}, where the daemon listens", anew)
    return check


def exchange_key(file: Path | None, handed: Handed, name: str) -> Check | None:
    """Look whether the exchange's key can be used; None where there is none to look at."""
    source = None if file is None else handed.usable(file)
    if source is None:
        return None
    try:
        private_key(read_secret(source), source)
    except ConfigError as error:
        return problem(name, str(error), "foremesh install --import-env brings it from the owner's kalshi.env")
    return ok(name, f"{source} is a private key")


def disk(service: Service, tree: Tree, name: str) -> Check:
    """Look at the room where a daemon keeps its state."""
    folder = tree.place(service.state)
    there = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(there).free
    found = f"{free / _GIBIBYTE:.1f} GiB free for {service.state}"
    remedy = "make room: what cannot be written cannot be kept"
    if free < _BAD_FREE:
        return problem(name, found, remedy)
    return warning(name, found, remedy) if free < _LOW_FREE else ok(name, found)


def listening(addresses: tuple[str, ...], runs: bool | None, name: str) -> Check:
    """Look whether a daemon's addresses are this machine's, and whether it, or somebody else, listens there.

    Args:
        addresses: `host:port` each.
        runs: Whether the daemon runs; None is not known.
        name: Of the check.
    """
    away = [address for address in addresses if not _is_here(_host(address))]
    if away:
        found = f"{', '.join(away)}: no address of this machine, so nobody can listen there"
        return problem(name, found, "is the private network up? else give rpc.listen the address that it has here")
    answering = [address for address in addresses if _answers(address)]
    silent = [address for address in addresses if address not in answering]
    if runs and silent:
        return problem(name, f"nobody listens on {', '.join(silent)}, though the daemon runs", "its log says why")
    if runs is False and answering:
        return problem(name, f"somebody else listens on {', '.join(answering)}", "ss --listening --tcp --processes")
    words = [*(f"{address} answers" for address in answering), *(f"{address} is free" for address in silent)]
    return ok(name, ", ".join(words))


def _host(address: str) -> str:
    return address.rpartition(":")[0].strip("[]")


def _is_here(host: str) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as trial:
            trial.bind((host, 0))
    except OSError as error:
        return error.errno != errno.EADDRNOTAVAIL
    return True


def _answers(address: str) -> bool:
    try:
        with socket.create_connection((_host(address), int(address.rpartition(":")[2])), timeout=_PATIENCE_SECONDS):
            return True
    except OSError:
        return False
