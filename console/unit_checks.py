"""Checks of what systemd, or launchd, says of a daemon, and of the user that it runs as."""

import pwd
import subprocess
from collections.abc import Mapping
from pathlib import Path

from console.checks import Check, ok, problem, warning
from console.installing import samples
from console.installing.hosts import CERTIFICATES, Host, Service
from console.installing.plan import State, Wanted, plan
from console.installing.writing import Tree

_BOOTED = Path("/run/systemd/system")
_ASKED = ("LoadState", "ActiveState", "SubState", "UnitFileState", "NRestarts", "Result", "NeedDaemonReload")
_MANY_RESTARTS = 3


def user(host: Host, tree: Tree) -> Check:
    """Look whether the daemons' user is here and, on a Mac, owns the certificates."""
    name = "user"
    try:
        number = pwd.getpwnam(host.user).pw_uid
    except KeyError:
        return problem(name, f"there is no user {host.user}", f"foremesh install --role {host.name} --dry-run says how")
    folder = tree.place(CERTIFICATES)
    if host.mac and folder.exists() and folder.stat().st_uid != number:
        return problem(name, f"{folder} is not {host.user}'s", f"chown -R {host.user} {folder}")
    return ok(name, host.user)


def shipped(host: Host, service: Service, tree: Tree, name: str) -> Check:
    """Look whether the unit is here, and that of this version."""
    path = host.unit_file(service)
    [step] = plan([Wanted(path, 0o644, samples.unit(service).encode())], tree.look, tree.noted().files)
    install = f"foremesh install --role {host.name}"
    if step.state is State.CREATE:
        return problem(name, f"{path} is not there", install)
    if step.state in {State.REPLACE, State.BESIDE}:
        return warning(name, f"{path} is not that of this version", f"{install}; then systemctl daemon-reload")
    return ok(name, f"{path}{'' if step.state is State.SAME else ', changed here'}")


def running(host: Host, service: Service, name: str) -> tuple[Check, bool | None]:
    """Ask the service manager how a daemon is; also whether it runs, None where nobody can say."""
    if host.mac:
        return _launchd(service, name)
    if not _BOOTED.is_dir():
        return warning(name, "not looked at: systemd does not run here", "on the machine itself it does"), None
    asked = ["systemctl", "show", f"--property={','.join(_ASKED)}", service.instance]
    said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout  # noqa: S603  our own words
    return judged(dict(line.partition("=")[::2] for line in said.splitlines()), service.instance, name)


def judged(said: Mapping[str, str], unit: str, name: str) -> tuple[Check, bool]:
    """Judge what `systemctl show` says."""
    state, log = said.get("ActiveState", "unknown"), f"journalctl --unit {unit}"
    if said.get("LoadState") == "masked":
        return problem(name, f"{unit} is masked", f"systemctl unmask {unit}"), False
    if said.get("LoadState") != "loaded":
        return problem(name, f"systemd does not know {unit}", "systemctl daemon-reload"), False
    if state == "failed":
        return problem(name, f"{unit} has failed: {said.get('Result', '')}", log), False
    if said.get("SubState") == "auto-restart":
        restarts = said.get("NRestarts", "")
        return problem(name, f"{unit} fails again and again, {restarts} times so far", log), False
    if state == "activating":
        return warning(name, f"{unit} is starting", f"wait; {log}"), True
    if state != "active":
        return problem(name, f"{unit} does not run: {state}", f"systemctl enable --now {unit}"), False
    if said.get("NeedDaemonReload") == "yes":
        remedy = f"systemctl daemon-reload && systemctl restart {unit}"
        return warning(name, f"{unit} runs as it was before its file changed", remedy), True
    if said.get("UnitFileState") not in {"enabled", "enabled-runtime"}:
        return warning(name, f"{unit} runs, but is not started at boot", f"systemctl enable {unit}"), True
    if int(said.get("NRestarts") or 0) > _MANY_RESTARTS:
        return warning(name, f"{unit} runs, after {said['NRestarts']} restarts", log), True
    return ok(name, f"{unit} runs, and is started at boot"), True


def _launchd(service: Service, name: str) -> tuple[Check, bool | None]:
    label = f"system/{service.instance}"
    try:
        said = subprocess.run(["launchctl", "print", label], capture_output=True, text=True, check=False)  # noqa: S603, S607  the system's own
    except FileNotFoundError:
        return warning(name, "not looked at: launchd does not run here", "on the Mac itself it does"), None
    if said.returncode:
        remedy = f"launchctl bootstrap system /Library/LaunchDaemons/{service.unit}"
        return problem(name, f"launchd does not know {service.instance}", remedy), False
    if "state = running" not in said.stdout:
        return problem(name, f"{service.instance} does not run", f"launchctl kickstart {label}; see its log"), False
    return ok(name, f"{service.instance} runs"), True
