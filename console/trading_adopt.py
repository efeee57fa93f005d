"""`foremesh adopt`: the trader takes over contracts on the account that it did not buy."""

import sys
from pathlib import Path

import click
from foremesh.trader.v1 import positions_pb2
from foremesh.trader.v1 import trader_service_pb2 as pb
from rich.console import Console

from console import trading_words as w
from console.amounts import dollars
from console.connection import one_line_errors
from console.daemon import TRADER
from console.trading_connection import asked
from console.trading_switches import moved, printed, switch_options
from console.trading_view import all_positions, positions_table
from mesh.rpc.config import ClientConfig
from mesh.types import CENT

_LEVEL = click.FloatRange(0, 100, min_open=True, max_open=True)


@click.command()
@click.argument("market", metavar="MARKET")
@click.option("--target", type=_LEVEL, metavar="CENTS", help="Sell at this bid.  [default: as its series would]")
@click.option("--stop", type=_LEVEL, metavar="CENTS", help="Sell at this bid or below.  [default: as its series would]")
@click.option("--hold", is_flag=True, help="Hold it to settlement: neither target nor stop.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@switch_options
def adopt(
    *,
    trader: str | None,
    trader_file: Path | None,
    market: str,
    target: float | None,
    stop: float | None,
    hold: bool,
    yes: bool,
    reason: str,
    request_id: str,
    as_json: bool,
    **identity: Path | str | None,
) -> None:
    """Make a `foreign` position of MARKET the trader's own: guarded, and counted in every limit from then on.

    Prices are of one NO contract. The exit code is 1 if it is not adopted.
    """
    if hold and (target is not None or stop is not None):
        raise click.UsageError("--hold means neither --target nor --stop")
    if target is not None and stop is not None and stop >= target:
        raise click.UsageError("--stop must be below --target")
    if not yes:
        if as_json:
            raise click.UsageError("--json needs --yes")
        with one_line_errors():
            config = TRADER.config(trader_file, trader, identity)
        _confirmed(config, market, _wanted(target, stop, hold=hold))
    request = pb.AdoptPositionRequest(
        request_id=request_id,
        reason=reason,
        market_ticker=market,
        take_profit_price_micros=None if target is None else round(target * CENT),
        stop_loss_price_micros=None if stop is None else round(stop * CENT),
        hold_to_settlement=hold,
    )
    answer = moved(trader_file, trader, identity, request_id, lambda stub: stub.AdoptPosition(request))
    adopted: bool = answer.HasField("adopted")
    if as_json:
        printed(answer)
    elif adopted:
        click.echo(f"{market}: adopted {_held(answer.adopted)}; {_plan(answer.adopted.plan)}")
    else:
        click.echo(f"{market}: NOT ADOPTED: {answer.refused.detail or 'for a reason newer than this program'}")
    sys.exit(0 if adopted else 1)


def _confirmed(config: ClientConfig, market: str, wanted: str) -> None:
    """Show what would be adopted, and ask. Raises click.Abort for no."""
    found = asked(config, lambda stub: all_positions(stub, [market]))
    foreign = [each for each in found if each.state == positions_pb2.POSITION_STATE_FOREIGN]
    if not foreign:
        raise click.ClickException(f"no foreign position in {market}: foremesh positions shows what there is")
    Console().print(positions_table(foreign))
    click.confirm(f"Adopt {_held(foreign[0])}? It is {wanted}, and counts in the trader's limits", abort=True)


def _held(found: positions_pb2.Position) -> str:
    held = f"{w.count(found.count_hundredths)} {w.side(found.side)}"
    return f"{held}, bought for {dollars(found.cost_micros)}"


def _wanted(target: float | None, stop: float | None, *, hold: bool) -> str:
    if hold:
        return "held to settlement"
    levels = (("target", target), ("stop", stop))
    named = [f"at a {what} of {level:g}c" for what, level in levels if level is not None]
    return f"sold {' and '.join(named if len(named) > 1 else [*named, 'as its series would'])}"


def _plan(plan: positions_pb2.ExitPlan) -> str:
    levels = [w.cents(plan, f"{name}_price_micros") for name in ("take_profit", "stop_loss")]
    until = f", sold at {w.instant(plan.time_stop_time)} UTC at the latest" if plan.HasField("time_stop_time") else ""
    return f"target {levels[0]}, stop {levels[1]}{until}"
