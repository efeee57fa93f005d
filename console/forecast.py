"""`foremesh forecast`: the signals of recorded histories, or of a series' open markets."""

import asyncio
import os
import re
from contextlib import nullcontext
from datetime import timedelta
from functools import partial
from pathlib import Path

import click

from console.asking import Asking
from console.connection import FILE, OptionError, client_config, connection_options, one_line_errors
from console.durations import DAY, Duration
from console.exchange_connection import exchange_config, exchange_options
from console.histories import SUFFIXES
from console.markets import Wanted
from console.recorded import DEFAULT_STEP, MAX_POINTS
from console.scan import Purpose, Question
from console.scan_options import scan_options
from console.sources import FileSource, series_source
from console.watch import watch_option
from mesh import log
from mesh.kalshi.pasts import PRICE_KINDS, STEPS, PriceKind

_POINTS = 512
_TICKER = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,63}")


@click.command()
@click.argument("subject", metavar="SERIES_OR_FILE", required=False)
@click.option("--series", "file", type=FILE, hidden=True, help="The file, as it was named before it was an argument.")
@scan_options
@click.option(
    "--max-age",
    type=Duration(365 * DAY),
    help="Give no forecast where the last candle is older, such as 3h.  [default: any age, which is said]",
)
@click.option(
    "--points",
    type=click.IntRange(3, MAX_POINTS),
    metavar="N",
    help="Of a series: most candles of a history.  [default: 512]",
)
@click.option(
    "--price",
    type=click.Choice(PRICE_KINDS),
    help="Of a series: a candle's last trade, or the middle of its last bid and ask.  [default: trade]",
)
@exchange_options
@connection_options
@click.option(
    "--timeout",
    type=click.FloatRange(1, 3600),
    default=120.0,
    show_default=True,
    metavar="SECONDS",
    help="For the whole scan; what is not answered by then expires.",
)
@partial(watch_option, seconds=60)
def forecast(
    *,
    subject: str | None,
    file: Path | None,
    market_prefix: str,
    limit: int | None,
    horizon: int,
    step: timedelta | None,
    purpose: Purpose,
    min_magnitude: float,
    max_age: timedelta | None,
    points: int | None,
    price: PriceKind | None,
    exchange_file: Path | None,
    environment: str | None,
    host: str | None,
    client_file: Path | None,
    timeout: float,
    every: float | None,
    plots: int,
    as_json: bool,
    **identity: Path | str | None,
) -> None:
    """Show the signal of every open market of a series, or of every market in a file, or why there is none.

    \b
    SERIES is a ticker such as KXHIGHNY: its open markets and their candles are
    fetched from the exchange, which is Kalshi's demo unless --environment or
    --host names another. No key is needed. A candle without a trade is a gap.
    The current price is the middle of the best bid and ask, or the last trade
    where one side is empty; the output says which.

    \b
    FILE holds recorded candles as CSV or parquet, one a row, in the columns
      market_ticker, end_period_ts (unix seconds), price_close (dollars)
    and, if it has them,
      series_ticker, period_interval_minutes, yes_bid_close, yes_ask_close;
    or JSON objects, one a line (.jsonl) or in an array (.json):
      {"market_ticker": "...", "closes_cents": [41, null, 43], "current_price_cents": 44}
    A candle without a close, or left out between two others, is a gap.

    Needs a running server: foremesh-forecast-server.
    """  # noqa: D301  \b is click's mark for lines to keep
    log.configure(level="error" if every else "warning")  # a line of the log would spoil a screen
    question = Question(
        horizon_steps=horizon,
        purpose=purpose,
        min_magnitude_cents=min_magnitude,
        max_data_age=max_age,
        timeout_seconds=timeout,
    )
    of_series = {"--points": points, "--price": price, "--environment": environment, "--host": host}
    with one_line_errors():
        named = _named(subject, file)
        client = client_config(client_file, identity)
        if isinstance(named, Path):
            _refuse_for_a_file(of_series | {"--exchange-config": exchange_file})
            recorded = FileSource(file=named, step=step, market_prefix=market_prefix, limit=limit)
            asking = Asking(client, question, plots=plots, as_json=as_json)
            asyncio.run(asking.run(nullcontext(recorded), every, str(named)))
            return
        wanted = Wanted(
            series_ticker=named,
            step=_candle_step(step),
            points=points or _POINTS,
            price=price or "trade",
            market_prefix=market_prefix,
            limit=limit,
        )
        exchange = exchange_config(exchange_file, {"environment": environment, "host": host})
        asking = Asking(client, question, exchange, plots=plots, as_json=as_json)
        asyncio.run(asking.run(series_source(wanted, exchange), every, named))


def _named(subject: str | None, file: Path | None) -> Path | str:
    """Tell a file from the ticker of a series: a file exists, or its name has a suffix or a folder."""
    if (subject is None) == (file is None):
        raise OptionError("name one series, such as KXHIGHNY, or one file")
    if subject is None or file is not None:
        return file or Path()
    path = Path(subject)
    if path.is_file():
        return path
    if path.suffix.lower() in SUFFIXES or "/" in subject or os.sep in subject:
        raise OptionError(f"file '{subject}' does not exist")
    if not _TICKER.fullmatch(subject):
        raise OptionError(f"'{subject}' is no file, and no ticker of a series: those are in capitals, as KXHIGHNY")
    return subject


def _refuse_for_a_file(options: dict[str, object]) -> None:
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise OptionError(f"{', '.join(given)}: only with a series; a file is read as it is")


def _candle_step(step: timedelta | None) -> timedelta:
    if step is None:
        return DEFAULT_STEP
    if step not in STEPS:
        raise OptionError("--step: the exchange has candles of 1m, 60m and 1d")
    return step
