"""How commands reach the exchange for its public data: their options, and what to say when it does not work."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click
from pydantic import ValidationError

from console.connection import FILE, OptionError, one_line
from mesh.config import load
from mesh.kalshi.config import KalshiConfig
from mesh.kalshi.errors import ExchangeError, NotConnected

ENVIRONMENTS = ("production", "demo", "custom")
BY_OPTIONS = "--host or --environment"
"""What names another exchange to a command."""
_OF_ONE_EXCHANGE = ("host", "stream_host", "ca_file", "key_id", "private_key_file")
_PATIENCE_SECONDS = 10.0
"""How long people wait to hear that nobody answers; a file may say otherwise."""

F = TypeVar("F", bound=Callable[..., Any])


def exchange_options(command: F) -> F:
    """Give a command the options that `exchange_config` takes."""
    for option in (
        click.option("--host", metavar="URL", help="A simulated exchange, such as http://127.0.0.1:8790."),
        click.option(
            "--environment",
            type=click.Choice(ENVIRONMENTS),
            help="Which exchange: Kalshi's own, its demo, or the one at --host.  [default: demo; custom with --host]",
        ),
        click.option(
            "--exchange-config",
            "exchange_file",
            type=FILE,
            help="TOML file with the keys of a [kalshi] table. Prices are public: no key is needed.",
        ),
    ):
        command = option(command)
    return command


def exchange_config(path: Path | None, options: Mapping[str, object]) -> KalshiConfig:
    """Read the table in `path`, if any, and let options that are not None win.

    Another exchange than the file's is asked without the file's key, which belongs to that one.

    Args:
        path: TOML with the keys of KalshiConfig.
        options: `environment` and `host`.

    Raises:
        ConfigError: the file is wrong.
        OptionError: the options are.
    """
    base = load(path, KalshiConfig) if path else KalshiConfig(read_seconds=_PATIENCE_SECONDS)
    given = {name: value for name, value in options.items() if value is not None}
    if "host" in given:
        given.setdefault("environment", "custom")
    keys = base.model_dump()
    if any(keys[name] != value for name, value in given.items()):
        keys |= dict.fromkeys(_OF_ONE_EXCHANGE)
    try:
        return KalshiConfig.model_validate(keys | given)
    except ValidationError as error:
        detail = error.errors(include_url=False, include_input=False)[0]
        where = "--host: " if "host" in detail["loc"] else ""
        raise OptionError(where + detail["msg"].removeprefix("Value error, ")) from None


def exchange_words(error: ExchangeError, config: KalshiConfig, *, other: str = BY_OPTIONS) -> str:
    """Say in one line what a failed call to the exchange means, and what to do where nothing answers.

    Args:
        error: What the call raised.
        config: How the exchange was to be reached.
        other: How another one is named.
    """
    if isinstance(error, NotConnected):
        simulated = "start one with foremesh-exchange, or " if config.environment == "custom" else ""
        said = one_line(error.message).removeprefix(f"{error.request}: ").partition(": ")[2]  # without an error's class
        return f"no exchange answers at {config.rest_url}; {simulated}name another with {other}: {said}"
    return f"the exchange at {config.rest_url}: {one_line(str(error))}"
