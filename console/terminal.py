"""`foremesh terminal`: the trader on one screen."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import click
from rich.console import RenderableType

from console.connection import client_config, connection_options, one_line_errors
from console.daemon import COORDINATOR, TRADER
from console.status import Finder, collection_section, drawn, forecast_section, trader_section
from mesh import log


@click.command()
@click.option("--hz", type=click.FloatRange(0.2, 20), default=4.0, show_default=True, help="Most changes a second.")
@connection_options
@COORDINATOR.where_options
@TRADER.where_options
def terminal(
    *,
    hz: float,
    client_file: Path | None,
    coordinator: str | None,
    coordinator_file: Path | None,
    trader: str | None,
    trader_file: Path | None,
    **identity: Path | str | None,
) -> None:
    """Show what the trader holds, sees and decides, as it changes, with the forecast drawn over the market.

    A viewer's certificate is enough to look; an operator's may stop entries and sell. Prices that are not known to be
    so now are left out.
    """
    if find_spec("textual") is None:
        raise click.ClickException("the terminal needs Textual: pip install 'foremesh[terminal]'")
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM", "dumb") == "dumb":
        raise click.ClickException("this is no terminal that can be drawn on; foremesh status --watch prints lines")
    from console.desk.app import Desk  # noqa: PLC0415  # Textual comes with an extra
    from console.desk.calls import TraderCalls, acts  # noqa: PLC0415
    from console.desk.feed import feed  # noqa: PLC0415

    log.configure(level="error")  # a line in between would lie on the screen
    with one_line_errors():
        client = client_config(client_file, identity)
        others = {**client.model_dump(), "server_name": None}
        config = TRADER.config(trader_file, trader, others)
        collecting = COORDINATOR.config(coordinator_file, coordinator, others)
        forecasts = [partial(forecast_section, client.model_copy(update={"targets": (at,)})) for at in client.targets]
        collection = partial(collection_section, collecting, needed=bool(coordinator or coordinator_file))
        desk = Desk(
            lambda tell, away: feed(config, hz, tell, away),
            TraderCalls(config),
            {
                "mesh": _looking([*forecasts, partial(trader_section, config, needed=True), collection]),
                "collection": _looking([collection]),
            },
            hz=hz,
            acts=acts(config),
        )
        wrong = desk.run()
    if wrong:
        raise click.ClickException(wrong)
    sys.exit(desk.return_code)  # not zero where it broke: it has said so


def _looking(finders: Sequence[Finder]) -> Callable[[], Awaitable[RenderableType]]:
    async def look() -> RenderableType:
        return drawn(await asyncio.gather(*(find() for find in finders)))

    return look
