"""`foremesh market`: one market with the forecast drawn over it."""

import json
from pathlib import Path

import click
from foremesh.trader.v1 import market_view_pb2
from foremesh.trader.v1 import trader_service_pb2 as pb
from foremesh.trader.v1 import trader_service_pb2_grpc as rpc
from rich.console import Console

from console import trading_words as w
from console.connection import one_line_errors
from console.daemon import TRADER
from console.market_overlay import overlay
from console.trading_connection import asked

_HEIGHT = 30
_BELOW = 2
"""Lines of a terminal that the prompt takes after the picture."""


@click.command()
@click.argument("ticker")
@click.option("--height", type=click.IntRange(4, 200), help=f"Lines.  [default: the terminal's, at most {_HEIGHT}]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs: book, candles, forecasts, decision.")
@TRADER.options
def market(
    *,
    ticker: str,
    height: int | None,
    as_json: bool,
    trader: str | None,
    trader_file: Path | None,
    **identity: Path | str | None,
) -> None:
    """Draw a market as the trader sees it: bids and asks of the past, the forecast, entry, stop and target.

    Prices are cents of YES, hours New York's. The heavy line is the forecast's mean, those beside it are what one
    outcome in ten lies below and above; forecasts that are past are faint.
    """
    with one_line_errors():
        config = TRADER.config(trader_file, trader, identity)
    request = pb.GetMarketViewRequest(market_ticker=ticker)
    found = asked(config, lambda stub: _ask(stub, request))
    if as_json:
        click.echo(json.dumps(w.document(found), indent=2))
        return
    console = Console(highlight=False)
    lines = height or max(4, min(_HEIGHT, console.height - _BELOW))
    console.print(overlay(found, console.width, lines, colour=console.color_system is not None), no_wrap=True)


async def _ask(stub: "rpc.TraderServiceAsyncStub", request: pb.GetMarketViewRequest) -> market_view_pb2.MarketView:
    return (await stub.GetMarketView(request)).view
