"""The coordinator and the trader, as commands reach them: options, what they come to, and words for what goes wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from console.connection import FILE, identity_options, server_words, validated
from mesh.config import load
from mesh.errors import MeshError
from mesh.rpc.config import ClientConfig

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Daemon:
    """A daemon that commands ask, beside or instead of the forecast server."""

    name: str
    """Of its options, which give the parameters `name` and `name_file`; its program is `foremesh-name`."""
    service: str
    default: str
    """Where it is unless told otherwise, host:port."""

    def where_options(self, command: F) -> F:
        """Give a command the options that say where the daemon is."""
        for option in (
            click.option(
                f"--{self.name}-config",
                f"{self.name}_file",
                type=FILE,
                help="TOML file with the keys of a client table for it; without one the certificate options are its.",
            ),
            click.option(f"--{self.name}", metavar="HOST:PORT", help=f"The {self.name}.  [default: {self.default}]"),
        ):
            command = option(command)
        return command

    def options(self, command: F) -> F:
        """Give a command that asks no other server the options that say where it is, and as whom it is asked."""
        return self.where_options(identity_options(command, server=self.name))

    def config(self, path: Path | None, target: str | None, identity: Mapping[str, object]) -> ClientConfig:
        """Say how the daemon is reached: by `path`, or else as whom other servers are asked.

        Args:
            path: TOML with the keys of a client table.
            target: `host:port`, instead of the file's or the default.
            identity: Keys of a client table that are used where there is no file; None is none.

        Raises:
            ConfigError: the file is wrong.
            OptionError: the options are.
        """
        if path is None:
            given = {name: value for name, value in identity.items() if value is not None} | {
                "targets": (self.default,)
            }
        else:
            table = load(path, ClientConfig)
            given = table.model_dump()
            if "targets" not in table.model_fields_set:
                given["targets"] = (self.default,)
        if target is not None:
            given["targets"] = (target,)
        return validated(given, f"--{self.name}", self.default)

    def words(self, error: MeshError, config: ClientConfig, *, option: str | None = None) -> str:
        """Say in one line what a failed call to the daemon means, and what to do where nothing answers.

        `option` names another one where it is not the usual one.
        """
        return server_words(error, config, name=self.name, option=option or f"--{self.name}")


COORDINATOR = Daemon("coordinator", "foremesh.coordinator.v1.CoordinatorService", "127.0.0.1:8788")
TRADER = Daemon("trader", "foremesh.trader.v1.TraderService", "127.0.0.1:8789")
