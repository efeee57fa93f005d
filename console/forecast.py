"""`foremesh forecast`: scan recorded histories and show the signals."""

import asyncio
import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from console import results
from console.histories import read
from console.recorded import HistoryError
from console.scan import PURPOSES, OptionError, Purpose, Question, Scan, client_config, scan
from mesh import log
from mesh.certs import CertificateError, show
from mesh.config import ConfigError
from mesh.errors import MeshError, Unavailable
from mesh.rpc.config import ClientConfig

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells know it."""
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_NOBODY = ("Connection refused", "Domain name not found", "Timeout", "No route", "unreachable")
_WRONG_SERVER = ("CERTIFICATE_VERIFY_FAILED", "Verification Check failed", "WRONG_VERSION_NUMBER")
_HUNG_UP = "Socket closed"
"""gRPC's words for what went wrong with a connection; it has no codes for them."""

F = TypeVar("F", bound=Callable[..., Any])


class Step(click.ParamType[timedelta]):
    """A length of time such as `60m`, `1h` or `90s`, from a second to a day."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Read it, or fail as click does."""
        if isinstance(value, timedelta):
            return value
        found = re.fullmatch(r"([0-9]{1,6})([smhd])", str(value))
        seconds = int(found[1]) * _UNITS[found[2]] if found else 0
        if not 1 <= seconds <= _UNITS["d"]:
            self.fail(f"{value!r} is not a length of time from 1s to 1d, such as 60m", param, ctx)
        return timedelta(seconds=seconds)


def scan_options(command: F, *, plots: int = 3) -> F:
    """Give a command the options that say which histories to scan, for what, and how many to plot by default."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document for programs."),
        click.option(
            "--plots",
            type=click.IntRange(0),
            default=plots,
            show_default=True,
            metavar="N",
            help="Plot the first N forecasts.",
        ),
        click.option(
            "--min-magnitude",
            type=click.FloatRange(0, 100),
            default=0.0,
            show_default=True,
            metavar="CENTS",
            help="Smallest move of the forecast that is a signal.",
        ),
        click.option(
            "--purpose",
            type=click.Choice(PURPOSES),
            default="research",
            show_default=True,
            help="What the answers are for; a model may refuse one.",
        ),
        click.option(
            "--step",
            type=Step(),
            help="Spacing of the closes, such as 60m.  [default: what the file says, else 60m]",
        ),
        click.option(
            "--horizon",
            type=click.IntRange(1, 1024),
            default=6,
            show_default=True,
            metavar="STEPS",
            help="How far to forecast.",
        ),
        click.option("--limit", type=click.IntRange(1), metavar="N", help="Scan the first N markets only."),
        click.option("--market", "market_prefix", default="", metavar="PREFIX", help="Scan tickers that start so."),
    ):
        command = option(command)
    return command


_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option("--series", "file", type=_file, required=True, help="Recorded histories: CSV, parquet, JSON, JSON lines.")
@scan_options
@click.option("--target", metavar="HOST:PORT", help="The forecast server.  [default: 127.0.0.1:8787]")
@click.option("--config", type=_file, help="TOML file with the keys of a client table.")
@click.option("--ca-file", type=_file, help="Authority of the server's certificate.")
@click.option("--certificate-file", type=_file, help="Certificate to show, with its role.")
@click.option("--private-key-file", type=_file, help="Its key.")
@click.option("--token-file", type=_file, help="File with a token, instead of a certificate.")
@click.option("--server-name", help="Name in the server's certificate, if it is not the target's.")
@click.option(
    "--timeout",
    type=click.FloatRange(1, 3600),
    default=120.0,
    show_default=True,
    metavar="SECONDS",
    help="For the whole scan; what is not answered by then expires.",
)
def forecast(
    *,
    file: Path,
    market_prefix: str,
    limit: int | None,
    horizon: int,
    step: timedelta | None,
    purpose: Purpose,
    min_magnitude: float,
    plots: int,
    as_json: bool,
    target: str | None,
    config: Path | None,
    timeout: float,
    **identity: Path | str | None,
) -> None:
    """Ask a forecast server about recorded price histories.

    \b
    A CSV or parquet file holds candles, one a row, in the columns
      market_ticker, end_period_ts (unix seconds), price_close (dollars)
    and, if it has them,
      series_ticker, period_interval_minutes, yes_bid_close, yes_ask_close.
    A candle without a close, or left out between two others, is a gap.
    The current price is the middle of the last candle's bid and ask, or else
    the last known close; the output says which.

    \b
    A JSON file holds objects, one a line (.jsonl) or in an array (.json):
      {"market_ticker": "...", "closes_cents": [41, null, 43], "current_price_cents": 44}

    Needs a running server: foremesh-forecast-server.
    """  # noqa: D301  \b is click's mark for lines to keep
    log.configure(level="warning")
    question = Question(
        horizon_steps=horizon, purpose=purpose, min_magnitude_cents=min_magnitude, timeout_seconds=timeout
    )
    options = identity | {"targets": (target,) if target else None}
    with one_line_errors():
        client = client_config(config, options)
        recording = read(file, step=step, market_prefix=market_prefix, limit=limit)
        with talking_to(client), progress(len(recording.markets), shown=not as_json) as advance:
            found = asyncio.run(scan(client, recording, question, advance))
    if as_json:
        click.echo(json.dumps({"file": str(file), **results.document(found)}, indent=2))
    else:
        report(Console(), found, plots=plots)


def report(console: Console, found: Scan, *, plots: int) -> None:
    """Print results for people."""
    results.show(console, found, plots=plots)
    console.print(f"model: {results.model_line(found.model)}", highlight=False)


@contextmanager
def progress(total: int, *, shown: bool) -> Iterator[Callable[[], object]]:
    """Show a bar on a terminal while results come; gives what to call after each."""
    console = Console(stderr=True)
    columns = (TextColumn("scanning"), BarColumn(), MofNCompleteColumn(), TextColumn("markets"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not (shown and console.is_terminal)) as bar:
        task = bar.add_task("scan", total=total)
        yield lambda: bar.advance(task)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn what can go wrong into click's one line and exit code: 1, 2 for wrong options, 130 for Ctrl-C."""
    try:
        yield
    except OptionError as error:
        raise click.UsageError(str(error)) from error
    except MeshError as error:
        raise click.ClickException(_one_line(str(error))) from error
    except (HistoryError, ConfigError, CertificateError) as error:
        raise click.ClickException(str(error)) from error
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
        if error.reason != Unavailable.default_reason:  # the server's own word, such as MODEL_LOADING
            raise
        where, said = ", ".join(config.targets), _one_line(error.message)
        if any(words in said for words in _WRONG_SERVER):
            text = f"the server at {where} cannot prove who it is (--ca-file, --server-name): {_last(said)}"
        elif _HUNG_UP in said:
            text = f"the server at {where} hung up: {_why_hung_up(config)}"
        elif any(words in said for words in _NOBODY):
            hint = "start one with foremesh-forecast-server, or name another with --target"
            text = f"no forecast server answers at {where}; {hint}"
        else:
            text = f"no answer from {where}: {_last(said)}"
        raise click.ClickException(text) from error


def _why_hung_up(config: ClientConfig) -> str:
    """Guess why a server ended the handshake; it never says."""
    if config.certificate_file is None:
        return "does it want TLS (--ca-file) or a certificate (--certificate-file)?"
    if show(config.certificate_file)[0].days_left < 0:
        return f"{config.certificate_file} has expired"
    return f"does it know the authority of {config.certificate_file}, and is that a client's certificate?"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _last(text: str) -> str:
    """Leave out gRPC's introduction."""
    return text.rpartition("last error: ")[2]
