"""How commands reach a forecast server: their options, and what to say to people when it does not work."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
from pydantic import ValidationError

from console.collection.words import plain
from console.recorded import HistoryError
from mesh.certs import CertificateError, show
from mesh.config import ConfigError, load
from mesh.errors import Denied, MeshError, Unavailable
from mesh.rpc.config import ClientConfig

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells know it."""
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_DEFAULT = "127.0.0.1:8787"
_NOBODY = ("Connection refused", "Domain name not found", "Timeout", "No route", "unreachable")
_WRONG_SERVER = ("CERTIFICATE_VERIFY_FAILED", "Verification Check failed", "WRONG_VERSION_NUMBER")
_HUNG_UP = "Socket closed"
"""gRPC's words for what went wrong with a connection; it has no codes for them."""

F = TypeVar("F", bound=Callable[..., Any])


class OptionError(Exception):
    """Connection options that do not fit together; one line."""


def identity_options(command: F, *, server: str = "server") -> F:
    """Give a command the options that say as whom a server is asked; `server` is what the help calls it."""
    for option in (
        click.option("--server-name", help=f"Name in the {server}'s certificate, if it is not the target's."),
        click.option("--token-file", type=FILE, help="File with a token, instead of a certificate."),
        click.option("--private-key-file", type=FILE, help="Its key."),
        click.option("--certificate-file", type=FILE, help="Certificate to show, with its role."),
        click.option("--ca-file", type=FILE, help=f"Authority of the {server}'s certificate."),
    ):
        command = option(command)
    return command


def connection_options(
    command: F, *, table: str = "--config", target: str = f"The forecast server.  [default: {_DEFAULT}]"
) -> F:
    """Give a command the options that `client_config` takes.

    Args:
        command: Whose they are.
        table: What the option for a file is called.
        target: Help of `--target`.
    """
    command = identity_options(command)
    for option in (
        click.option(table, "client_file", type=FILE, help="TOML file with the keys of a client table."),
        click.option("--target", metavar="HOST:PORT", help=target),
    ):
        command = option(command)
    return command


def client_config(path: Path | None, options: Mapping[str, object]) -> ClientConfig:
    """Read the client table of `path`, if any, and let options that are not None win.

    Args:
        path: TOML with the keys of a client table.
        options: What `connection_options` gave, `target` among it.

    Raises:
        ConfigError: the file is wrong.
        OptionError: the options are.
    """
    base = load(path, ClientConfig)
    given = {name: value for name, value in options.items() if value is not None}
    if target := given.pop("target", None):
        given["targets"] = (target,)
    return validated(base.model_dump() | given, "--target", _DEFAULT)


def validated(keys: Mapping[str, object], option: str, example: str) -> ClientConfig:
    """Make a client table of what options gave. Raises OptionError, which names the `option` of a wrong target."""
    try:
        return ClientConfig.model_validate(keys)
    except ValidationError as error:
        detail = error.errors(include_url=False, include_input=False)[0]
        if "targets" in detail["loc"]:
            raise OptionError(f"{option}: expected host:port, such as {example}") from None
        raise OptionError(detail["msg"].removeprefix("Value error, ")) from None


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn what can go wrong into click's one line and exit code: 1, 2 for wrong options, 130 for Ctrl-C."""
    try:
        yield
    except OptionError as error:
        raise click.UsageError(str(error)) from error
    except MeshError as error:
        raise click.ClickException(one_line(str(error))) from error
    except (HistoryError, ConfigError, CertificateError) as error:
        raise click.ClickException(str(error)) from error
    except BrokenPipeError:
        raise  # whoever read has gone: click ends quietly
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}" if error.filename else str(error)) from error
    except KeyboardInterrupt:
        click.echo("stopped", err=True)
        sys.exit(INTERRUPTED)


@contextmanager
def talking_to(config: ClientConfig) -> Iterator[None]:
    """Say what to do when nothing answers; what a server itself says is passed on."""
    try:
        yield
    except Unavailable as error:
        raise click.ClickException(server_words(error, config)) from error


def server_words(
    error: MeshError, config: ClientConfig, *, name: str = "forecast server", option: str = "--target"
) -> str:
    """Say in one line what a failed call to the server means, and what to do where nothing answers.

    Args:
        error: What the call raised.
        config: How the server was to be reached.
        name: Of the server; with hyphens it is its program's.
        option: Names another one.
    """
    if isinstance(error, Denied) and (allowed := error.metadata.get("allowed")):
        needed = allowed.replace(",", " or ")
        return f"{one_line(str(error))}; that takes the role {needed}: show another certificate or token"
    if not isinstance(error, Unavailable) or error.reason != Unavailable.default_reason:
        return one_line(str(error))  # the server's own word, such as MODEL_LOADING
    where, said = ", ".join(config.targets), one_line(error.message)
    if any(words in said for words in _WRONG_SERVER):
        return f"the server at {where} cannot prove who it is (--ca-file, --server-name): {_last(said)}"
    if _HUNG_UP in said:
        return f"the server at {where} hung up: {_why_hung_up(config)}"
    if any(words in said for words in _NOBODY):
        hint = f"start one with foremesh-{name.replace(' ', '-')}, or name another with {option}"
        return f"no {name} answers at {where}; {hint}"
    return f"no answer from {where}: {_last(said)}"


def one_line(text: str) -> str:
    """Put a text that may have several lines, and that somebody else may have chosen, into one for a terminal."""
    return plain(" ".join(text.split()))


def _why_hung_up(config: ClientConfig) -> str:
    """Guess why a server ended the handshake; it never says."""
    if config.certificate_file is None:
        return "does it want TLS (--ca-file) or a certificate (--certificate-file)?"
    if show(config.certificate_file)[0].days_left < 0:
        return f"{config.certificate_file} has expired"
    return f"does it know the authority of {config.certificate_file}, and is that a client's certificate?"


def _last(text: str) -> str:
    """Leave out gRPC's introduction."""
    return text.rpartition("last error: ")[2]
