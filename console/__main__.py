"""foremesh: the command people use."""

import atexit
import contextlib
import gc
import io
import os
import sys
from importlib import import_module
from importlib.metadata import version

import click

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # read on import; else its C core writes lines of its own between ours

COMMANDS = {
    "adopt": "console.trading_adopt",
    "backtest": "console.backtest",
    "certs": "console.certs",
    "data": "console.collection.data",
    "demo": "console.demo",
    "doctor": "console.doctor",
    "evaluate": "console.evaluate",
    "events": "console.trading",
    "exchange": "console.exchange",
    "flatten": "console.trading_switches",
    "forecast": "console.forecast",
    "install": "console.install",
    "journal": "console.journal",
    "market": "console.market",
    "models": "console.models",
    "parity": "console.parity",
    "pause": "console.trading_switches",
    "positions": "console.trading",
    "replay": "console.replay",
    "report": "console.report",
    "resume": "console.trading_switches",
    "status": "console.status",
    "trades": "console.trading",
    "terminal": "console.terminal",
    "tpsl": "console.tpsl",
    "trials": "console.trials",
}
"""The module of each command, in which it is the function of its own name."""


class Commands(click.Group):
    """Commands whose modules are imported when they are asked for: all of them together take most of a second."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the names in order."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command of that name; None if there is none."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(COMMANDS[cmd_name]), cmd_name)
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(version("foremesh"), prog_name="foremesh")
def cli() -> None:
    """foremesh: forecasts, signals and trades for Kalshi's markets, on machines of your own."""


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show an arrow gets a question mark instead of a crash.
        with contextlib.suppress(ValueError):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")
    # A failed call's traceback is a cycle that holds gRPC objects; found only as the interpreter ends, they delay its
    # end by a second or more.
    atexit.register(gc.collect)
    cli(prog_name="foremesh")


if __name__ == "__main__":
    main()
