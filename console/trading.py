"""`foremesh positions`, `trades` and `events`: what the trader holds, held and does."""

import asyncio
import json
from functools import partial
from pathlib import Path
from typing import Any

import click
from foremesh.trader.v1 import events_pb2
from foremesh.trader.v1 import trader_service_pb2 as pb
from rich.console import Console
from rich.text import Text

from console import trading_words as w
from console.connection import one_line_errors
from console.daemon import TRADER
from console.trading_connection import asked, talking
from console.trading_follow import followed
from console.trading_view import all_positions, positions_table, result, some_trades, trades_table
from console.watch import View, watch, watch_option
from mesh import log
from mesh.errors import MeshError
from mesh.rpc.config import ClientConfig

KINDS: dict[str, Any] = {
    name.removeprefix("EVENT_KIND_").lower(): number for name, number in events_pb2.EventKind.items() if number
}
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
_series = click.option("--series", multiple=True, metavar="TICKER", help="Only this series; repeatable.")


@click.command()
@click.argument("markets", nargs=-1, metavar="[MARKET]...")
@_series
@_json
@TRADER.options
@partial(watch_option, seconds=5)
def positions(
    *,
    markets: tuple[str, ...],
    series: tuple[str, ...],
    as_json: bool,
    every: float | None,
    trader: str | None,
    trader_file: Path | None,
    **identity: Path | str | None,
) -> None:
    """Show open positions, oldest first: what they cost, what selling them into the bids would bring after fees.

    `?` is not known: no book was seen, or its bids do not take all of it. `foreign` ones are on the account and not the
    trader's: nobody guards them.
    """
    with one_line_errors():
        config = TRADER.config(trader_file, trader, identity)

    async def look() -> View:
        async with talking(config) as stub:
            found = await all_positions(stub, markets, series)
        return View(
            lambda console: console.print(positions_table(found)),
            lambda: {"positions": [w.document(each) for each in found]},
        )

    log.configure(level="error" if every else "warning")
    with one_line_errors():
        if every is not None:
            words = partial(_words, config)
            asyncio.run(watch(look, words, every=every, what="positions", as_json=as_json))
        try:
            view = asyncio.run(look())
        except MeshError as error:
            raise click.ClickException(TRADER.words(error, config)) from error
    if as_json:
        click.echo(json.dumps(view.document(), indent=2))
    else:
        view.show(Console())


@click.command()
@click.argument("markets", nargs=-1, metavar="[MARKET]...")
@_series
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, help="Most trades.  [default: 100]")
@_json
@TRADER.options
def trades(
    *,
    markets: tuple[str, ...],
    series: tuple[str, ...],
    limit: int,
    as_json: bool,
    trader: str | None,
    trader_file: Path | None,
    **identity: Path | str | None,
) -> None:
    """Show closed trades, last closed first, with what they earned after fees."""
    request = pb.ListTradesRequest(market_tickers=markets, series_tickers=series)
    with one_line_errors():
        config = TRADER.config(trader_file, trader, identity)
    found = asked(config, lambda stub: some_trades(stub, request, limit))
    if as_json:
        click.echo(json.dumps({"trades": [w.document(each) for each in found]}, indent=2))
        return
    console = Console()
    console.print(trades_table(found))
    if found:
        net = result(sum(each.net_micros for each in found))
        console.print(Text.assemble(f"{len(found)} trade{'' if len(found) == 1 else 's'} shown, net ", net))


@click.command()
@click.option("--after", type=click.IntRange(0), metavar="N", help="Go on after journal entry N; 0 is everything.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(sorted(KINDS)), help="Only this kind; repeatable.")
@click.option("--market", "markets", multiple=True, metavar="TICKER", help="Only about this market; repeatable.")
@click.option("--count", type=click.IntRange(1), metavar="N", help="End after so many events.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line for programs.")
@TRADER.options
def events(
    *,
    after: int | None,
    kinds: tuple[str, ...],
    markets: tuple[str, ...],
    count: int | None,
    as_json: bool,
    trader: str | None,
    trader_file: Path | None,
    **identity: Path | str | None,
) -> None:
    """Follow what the trader does: scans, decisions with their reasons, orders, fills, exits.

    Begins now, or after an entry of the journal, and goes on where it was when the trader has been away. No event is
    left out. Ends with Ctrl-C.
    """
    request = pb.WatchEventsRequest(after_sequence=after, kinds=[KINDS[kind] for kind in kinds], market_tickers=markets)

    def tell(found: events_pb2.Event) -> None:
        click.echo(json.dumps(w.document(found)) if as_json else w.event(found))

    def away(problem: str) -> None:
        click.echo(problem, err=True)

    log.configure(level="error")
    with one_line_errors():
        config = TRADER.config(trader_file, trader, identity)
        try:
            asyncio.run(followed(config, request, tell, away, most=count))
        except MeshError as error:
            raise click.ClickException(_words(config, error)) from error


def _words(config: ClientConfig, error: Exception) -> str:
    return TRADER.words(error, config) if isinstance(error, MeshError) else str(error)
