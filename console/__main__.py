"""foremesh: the command people use."""

import atexit
import contextlib
import gc
import io
import os
import sys
from importlib.metadata import version

import click

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # read on import; else its C core writes lines of its own between ours

from console.certs import certs
from console.collection.data import data
from console.demo import demo
from console.doctor import doctor
from console.exchange import exchange
from console.forecast import forecast
from console.journal import journal
from console.models import models
from console.parity import parity
from console.replay import replay
from console.report import report
from console.status import status
from console.trading import events, positions, trades
from console.trading_adopt import adopt
from console.trading_switches import flatten, pause, resume


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(version("foremesh"), prog_name="foremesh")
def cli() -> None:
    """foremesh: forecasts, signals and trades for Kalshi's markets, on machines of your own."""


cli.add_command(certs)
cli.add_command(data)
cli.add_command(demo)
cli.add_command(doctor)
cli.add_command(exchange)
cli.add_command(forecast)
cli.add_command(journal)
cli.add_command(models)
cli.add_command(parity)
cli.add_command(replay)
cli.add_command(report)
cli.add_command(status)
for command in (adopt, events, flatten, pause, positions, resume, trades):
    cli.add_command(command)


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
