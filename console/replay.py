"""`foremesh replay`: recorded forecasts are asked for again, and must come out the same."""

import asyncio
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path

import click
import numpy as np
from foremesh.forecast.v1 import forecast_pb2
from rich.console import Console

from console.asking import progress
from console.comparison import Replay, add, document, maker_of, show
from console.connection import client_config, connection_options, one_line_errors, talking_to
from console.records import Maker, Row, files_of, rows_of, survey
from mesh import log
from mesh.forecasts import forecasting
from mesh.rpc.config import ClientConfig


class OtherModel(click.ClickException):
    """The server's model did not make the recording."""

    exit_code = 2


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@connection_options
@click.option(
    "--timeout",
    type=click.FloatRange(1, 3600),
    default=120.0,
    show_default=True,
    metavar="SECONDS",
    help="For each call of at most 256 forecasts.",
)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Replay the first N forecasts only.")
@click.option(
    "--other-model",
    is_flag=True,
    help="Also compare with a model that did not make the recording, and say how far apart the two are.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document for programs.")
def replay(
    *,
    paths: tuple[Path, ...],
    client_file: Path | None,
    timeout: float,
    limit: int | None,
    other_model: bool,
    as_json: bool,
    **identity: Path | str | None,
) -> None:
    """Ask a forecast server again for the forecasts it recorded, and compare.

    PATH is a file that foremesh-forecast-server wrote (record_folder in its configuration), or a folder of them.
    Forecasts are the same if they are as close as the model promises for one series in two batches.

    Exit code: 0 if all are the same, 1 if not, 2 if another model made the recording.
    """
    log.configure(level="warning")
    with one_line_errors():
        client = client_config(client_file, identity)
        chosen, makers = survey(files_of(paths), limit)
        with talking_to(client), progress(sum(chosen.values()), shown=not as_json) as advance:
            asking = _asked_again(client, chosen, makers, timeout=timeout, other_model=other_model, on_result=advance)
            found = asyncio.run(asking)
    if as_json:
        click.echo(json.dumps(document(found, makers), indent=2))
    else:
        show(Console(), found, makers)
    sys.exit(1 if found.problems else 0)


async def _asked_again(
    config: ClientConfig,
    chosen: dict[Path, int],
    makers: set[Maker],
    *,
    timeout: float,
    other_model: bool,
    on_result: Callable[[], object],
) -> Replay:
    """Ask for every row again. Raises MeshError, HistoryError, or OtherModel before anything is asked."""
    async with forecasting(config) as client:
        found = Replay(await client.model())
        serves = maker_of(found.model)
        others = sorted(str(maker) for maker in makers - {serves})
        if others and not other_model:
            raise OtherModel(
                f"the server has {serves}, but {', '.join(others)} made the recording; "
                "--other-model says how far apart they are"
            )
        for file, count in chosen.items():
            for options, rows in _questions(rows_of(file, count)):
                histories = [_history(row) for row in rows]
                async for result in client.forecasts(histories, options, timeout=timeout):
                    add(found, rows[result.input_index], result)
                    on_result()
    return found


def _questions(rows: Iterable[Row]) -> Iterator[tuple[forecast_pb2.ForecastOptions, list[Row]]]:
    """Put together what can be asked together."""
    groups: dict[tuple[timedelta, int, tuple[float, ...]], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.step, row.horizon_steps, row.levels].append(row)
    for (step, horizon, levels), group in groups.items():
        options = forecast_pb2.ForecastOptions(
            horizon_steps=horizon,
            purpose=forecast_pb2.PURPOSE_RESEARCH,
            quantile_levels=levels,
            bypass_cache=True,
        )
        options.step.FromTimedelta(step)
        yield options, group


def _history(row: Row) -> forecast_pb2.MarketHistory:
    return forecast_pb2.MarketHistory(
        market_ticker=row.market_ticker,
        series_ticker=row.series_ticker,
        closes_cents=row.closes,
        current_price_cents=float(np.clip(row.closes[-1], 0, 100)),  # raw forecasts do not look at it
    )
