"""Checks of this machine: its Python, its packages, a daemon's configuration file, weights."""

import re
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from console.checks import Check, ok, problem, warning
from forecast_server.checkpoints import INSTALL, NEEDS, CheckpointError, check, locate, needs, weights_file
from forecast_server.config import ForecastServerConfig, ModelConfig
from mesh.config import ConfigError, load

_OLDEST_PYTHON = (3, 11)
_GRPC_LEAST, _GRPC_LEAKS = (1, 82, 3), (1, 83)
_GRPC_REMEDY = "pip install 'grpcio>=1.82.3,<1.83'"


def python(running: tuple[int, ...] = tuple(sys.version_info[:3])) -> Check:
    """Look at the interpreter."""
    text = ".".join(map(str, running))
    if running < _OLDEST_PYTHON:
        return problem("python", f"{text} is too old", "make the environment anew with Python 3.11 or newer")
    return ok("python", text)


def grpc(installed: str | None = None) -> Check:
    """Look at the installed gRPC, which the mesh holds within a range."""
    text = installed or version("grpcio")
    numbers = tuple(int(part) for part in re.findall(r"\d+", text)[:3])
    if numbers >= _GRPC_LEAKS:
        return problem("grpcio", f"{text}: an abandoned stream is never cancelled (grpc/grpc#43462)", _GRPC_REMEDY)
    if numbers < _GRPC_LEAST:
        return problem("grpcio", f"{text} is older than the generated code", _GRPC_REMEDY)
    return ok("grpcio", text)


def packages(model: str | None) -> Check:
    """Look for the packages of a model, without importing any; None is no model in particular, so none must be here."""
    named = [model] if model is not None else list(NEEDS)
    wanted = list(dict.fromkeys(package for name in named for package in needs(name).packages))
    missing = [name for name in wanted if find_spec(name) is None]
    here = ", ".join(_with_version(name) for name in wanted if name not in missing)
    if model is None:
        return ok("packages", here or f"none of {', '.join(missing)}: this host serves no model that needs torch")
    if missing:
        return problem("packages", f"{model} needs {', '.join(missing)}, which this Python lacks", INSTALL)
    return ok("packages", here or f"{model} needs none beyond those of every host")


def configuration(path: Path) -> tuple[Check, ForecastServerConfig | None]:
    """Read the file of a forecast server; None where it cannot be used."""
    try:
        config = load(path, ForecastServerConfig)
    except ConfigError as error:
        return problem("configuration", "; ".join(error.problems), "docs/configuration.md lists the keys"), None
    return ok("configuration", f"{path}: model {config.model.name}"), config


def weights(config: ModelConfig) -> Check:
    """Look for the weights that a configuration asks for, and read them from the first byte to the last."""
    if not needs(config.name).files:
        return ok("weights", f"{config.name} has none")
    fetch = f"foremesh models fetch {config.name}" + (f" --to {config.checkpoint}" if config.checkpoint else "")
    try:
        file = weights_file(locate(config.name, checkpoint=config.checkpoint, revision=config.revision))
        checked = check(file, {"model.weights_sha256": config.weights_sha256})
    except CheckpointError as error:
        return problem("weights", str(error), fetch)
    if checked.problems:
        found = f"{file} has SHA-256 {checked.sha256}, but {'; '.join(checked.problems)}"
        return problem("weights", found, f"fetch them anew: {fetch}")
    return ok("weights", f"{file}, SHA-256 {checked.sha256[:12]}")


def served_weights(digest: str, source: str) -> Check:
    """Compare the weights that a server on this machine says it read with what lies there now.

    Args:
        digest: SHA-256 that the server states.
        source: Where it read them; empty where the model has none.
    """
    name = "weights served"
    if not source:
        return ok(name, "the model has none")
    try:
        checked = check(weights_file(Path(source)))
    except (CheckpointError, OSError) as error:
        return warning(name, f"cannot be compared: {error}", "run doctor as a user who may read them")
    if checked.sha256 != digest:
        return problem(
            name,
            f"{source} has SHA-256 {checked.sha256[:12]} now, the server read {digest[:12]}",
            "find out who changed them, then restart the server",
        )
    return ok(name, f"{source} is what the server read, SHA-256 {digest[:12]}")


def has_gpu() -> bool:
    """Tell whether an NVIDIA GPU seems to be here."""
    return shutil.which("nvidia-smi") is not None or any(Path("/dev").glob("nvidia[0-9]*"))


def _with_version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:  # its distribution has another name
        return package
