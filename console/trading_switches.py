"""`foremesh pause`, `resume` and `flatten`: the trader's switches."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import click
from foremesh.trader.v1 import positions_pb2, switches_pb2
from foremesh.trader.v1 import trader_service_pb2 as pb
from foremesh.trader.v1 import trader_service_pb2_grpc as rpc
from google.protobuf.message import Message
from rich.console import Console

from console import trading_words as w
from console.connection import one_line_errors
from console.daemon import TRADER
from console.trading_connection import asked
from console.trading_view import all_positions, positions_table
from mesh.errors import TooLate, Unavailable
from mesh.rpc.config import ClientConfig
from mesh.types import CENT

F = TypeVar("F", bound=Callable[..., Any])


def switch_options(command: F) -> F:
    """Add what every command has that changes something at the trader."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document for programs."),
        click.option(
            "--request-id",
            default=lambda: uuid4().hex,
            help="Id of the wish: the same again changes nothing and repeats the first answer.  [default: a new one]",
        ),
        click.option("-m", "--reason", default="", metavar="TEXT", help="Why, for the journal."),
    ):
        command = option(command)
    return TRADER.options(command)


@click.command()
@switch_options
def pause(
    *,
    trader: str | None,
    trader_file: Path | None,
    reason: str,
    request_id: str,
    as_json: bool,
    **identity: Path | str | None,
) -> None:
    """Stop entries at once, and cancel resting entry orders. Exits go on.

    A cancelled order may still be filled before the exchange has ended it; then the position is guarded.
    """
    request = pb.PauseTradingRequest(request_id=request_id, reason=reason)
    answer = moved(trader_file, trader, identity, request_id, lambda stub: stub.PauseTrading(request))
    if as_json:
        printed(answer)
        return
    click.echo(f"the trader is {w.state(answer.state)}; blocked: {w.block(answer.block)}")
    for name in answer.cancelling_client_order_ids:
        click.echo(f"cancelling entry order {name}")


@click.command()
@click.option("--block", "blocks", multiple=True, metavar="ID", help="Lift this block; repeatable.")
@switch_options
def resume(
    *,
    trader: str | None,
    trader_file: Path | None,
    blocks: tuple[str, ...],
    reason: str,
    request_id: str,
    as_json: bool,
    **identity: Path | str | None,
) -> None:
    """Lift what `pause` and `flatten` blocked, or the blocks that are named.

    A protection is lifted only by its name: `foremesh status` shows the names. The exit code is 1 if a block that was
    asked for stays.
    """
    request = pb.ResumeTradingRequest(request_id=request_id, reason=reason, block_ids=dict.fromkeys(blocks))
    answer = moved(trader_file, trader, identity, request_id, lambda stub: stub.ResumeTrading(request))
    kept = [each for each in answer.outcomes if each.WhichOneof("outcome") != "lifted"]
    if as_json:
        printed(answer)
    else:
        for each in answer.outcomes:
            said = "lifted" if each not in kept else f"stays: {each.kept.detail}"
            click.echo(f"block {each.block_id}: {said}")
        click.echo(f"the trader is {w.state(answer.state)}")
        for left in answer.remaining:
            click.echo(f"still blocked: {w.block(left)}")
    sys.exit(1 if kept else 0)


@click.command()
@click.argument("markets", nargs=-1, metavar="[MARKET]...")
@click.option(
    "--floor",
    type=click.FloatRange(0, 100, min_open=True, max_open=True),
    metavar="CENTS",
    help="Lowest price to sell a contract at.  [default: the trader's own floor]",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@switch_options
def flatten(
    *,
    trader: str | None,
    trader_file: Path | None,
    markets: tuple[str, ...],
    floor: float | None,
    yes: bool,
    reason: str,
    request_id: str,
    as_json: bool,
    **identity: Path | str | None,
) -> None:
    """Sell every position at the bids, or those of the named markets, and enter nothing there until `resume`.

    The selling goes on after the answer: `foremesh positions` shows what is left. The exit code is 1 if a position
    could not be set out to be sold.
    """
    tickers = list(dict.fromkeys(markets))
    if not yes:
        if as_json:
            raise click.UsageError("--json needs --yes")
        with one_line_errors():
            config = TRADER.config(trader_file, trader, identity)
        _confirmed(config, tickers)
    request = pb.FlattenPositionsRequest(
        request_id=request_id,
        reason=reason,
        market_tickers=tickers,
        floor_price_micros=None if floor is None else round(floor * CENT),
    )
    answer = moved(trader_file, trader, identity, request_id, lambda stub: stub.FlattenPositions(request))
    if as_json:
        printed(answer)
    else:
        for each in answer.outcomes:
            click.echo(f"{each.market_ticker}: {_begun(each)}")
        if not answer.outcomes:
            click.echo("there is nothing to sell")
        click.echo(f"the trader is {w.state(answer.state)}")
        for block in answer.blocks:
            click.echo(f"blocked: {w.block(block)}")
    sys.exit(1 if any(each.HasField("refused") for each in answer.outcomes) else 0)


def _confirmed(config: ClientConfig, tickers: list[str]) -> None:
    """Show what would be sold, and ask. Raises click.Abort for no."""
    found = asked(config, lambda stub: all_positions(stub, tickers))
    own = [each for each in found if each.state != positions_pb2.POSITION_STATE_FOREIGN]
    Console().print(positions_table(own))
    what = f"{len(own)} position{'' if len(own) == 1 else 's'}"
    where = ", ".join(tickers) or "all markets"
    click.confirm(f"Sell {what} at the bids, and enter nothing in {where} until resumed?", abort=True)


def _begun(found: switches_pb2.FlattenOutcome) -> str:
    match found.WhichOneof("outcome"):
        case "accepted":
            begun = found.accepted
            what = f"selling {w.count(begun.count_hundredths)} {w.side(found.side)}"
            bid = w.cents(begun.mark, "bid_price_micros")
            return f"{what} at {w.cents(begun, 'floor_price_micros')} or better; the best bid is {bid}"
        case "no_bid":
            floor = w.cents(found.no_bid, "floor_price_micros")
            return f"nobody bids {floor} or more for {w.side(found.side)}: it is sold when somebody does"
        case "refused":
            return f"NOT SOLD: {found.refused.detail}"
        case _:
            return "the answer is newer than this program"


def moved(
    path: Path | None,
    target: str | None,
    identity: dict[str, Path | str | None],
    request_id: str,
    call: Callable[["rpc.TraderServiceAsyncStub"], Any],
) -> Any:
    """Move a switch; where no answer came, say how to ask again for the same."""

    async def work(stub: "rpc.TraderServiceAsyncStub") -> Any:
        return await call(stub)

    with one_line_errors():
        config = TRADER.config(path, target, identity)
    try:
        return asked(config, work)
    except click.ClickException as error:
        if not isinstance(error.__cause__, (Unavailable, TooLate)):
            raise
        words = f"{error.message}\nwhether it was done is not known: repeat it with --request-id {request_id}"
        raise click.ClickException(words) from error


def printed(answer: Message) -> None:
    """Print an answer for programs."""
    click.echo(json.dumps(w.document(answer), indent=2))
