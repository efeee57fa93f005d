"""The trader's positions and trades as tables, and how they are fetched."""

from collections.abc import Sequence

from foremesh.trader.v1 import positions_pb2, trades_pb2
from foremesh.trader.v1 import trader_service_pb2 as pb
from foremesh.trader.v1 import trader_service_pb2_grpc as rpc
from rich.console import RenderableType
from rich.text import Text

from console import trading_words as w
from console.amounts import dollars, gain
from console.collection.tables import Column, Fitted
from console.collection.words import brief, plain

_PAGE = 1000


async def all_positions(
    stub: "rpc.TraderServiceAsyncStub", markets: Sequence[str] = (), series: Sequence[str] = ()
) -> list[positions_pb2.Position]:
    """Fetch every open position of some markets and series; none names all."""
    found: list[positions_pb2.Position] = []
    request = pb.ListPositionsRequest(market_tickers=markets, series_tickers=series, page_size=_PAGE)
    while True:
        answer: pb.ListPositionsResponse = await stub.ListPositions(request)
        found += answer.positions
        if not answer.next_page_token:
            return found
        request.page_token = answer.next_page_token


async def some_trades(
    stub: "rpc.TraderServiceAsyncStub", request: pb.ListTradesRequest, most: int
) -> list[trades_pb2.Trade]:
    """Fetch closed trades, the latest first, so many at most."""
    found: list[trades_pb2.Trade] = []
    while len(found) < most:
        request.page_size = min(_PAGE, most - len(found))
        answer: pb.ListTradesResponse = await stub.ListTrades(request)
        found += answer.trades
        if not answer.next_page_token:
            break
        request.page_token = answer.next_page_token
    return found


def positions_table(positions: Sequence[positions_pb2.Position]) -> RenderableType:
    """Draw open positions."""
    return Fitted(positions, _POSITIONS) if positions else Text("no open positions")


def trades_table(trades: Sequence[trades_pb2.Trade]) -> RenderableType:
    """Draw closed trades."""
    return Fitted(trades, _TRADES) if trades else Text("no closed trades")


def result(micros: int) -> Text:
    """Draw a gain or a loss; sign and colour say the same."""
    return Text(gain(micros), style="green" if micros > 0 else "red" if micros < 0 else "")


def _bid(found: positions_pb2.Position) -> str:
    return w.cents(found.mark, "bid_price_micros") if found.HasField("mark") else "?"


def _age(found: positions_pb2.Position) -> str:
    return brief(found.mark.confirmed_age) if found.HasField("mark") else "?"


def _unrealised(found: positions_pb2.Position) -> Text:
    known = found.HasField("mark") and found.mark.HasField("unrealised_micros")
    return result(found.mark.unrealised_micros) if known else Text("?")


_POSITIONS: tuple[Column[positions_pb2.Position], ...] = (
    Column("market", lambda found: plain(found.market_ticker)),
    Column("side", lambda found: w.side(found.side)),
    Column("count", lambda found: w.count(found.count_hundredths), justify="right"),
    Column("entry", lambda found: f"{found.mean_entry_price_cents:.4g}c", justify="right"),
    Column("bid", _bid, justify="right"),
    Column("of", _age, justify="right", spare=2),
    Column("if sold", _unrealised, justify="right"),
    Column("target", lambda found: w.cents(found.plan, "take_profit_price_micros"), justify="right", spare=1),
    Column("stop", lambda found: w.cents(found.plan, "stop_loss_price_micros"), justify="right", spare=1),
    Column("cost", lambda found: dollars(found.cost_micros), justify="right", spare=3),
    Column("state", lambda found: w.position_state(found.state)),
)
_TRADES: tuple[Column[trades_pb2.Trade], ...] = (
    Column("closed", lambda found: w.instant(found.close_time)),
    Column("market", lambda found: plain(found.market_ticker)),
    Column("side", lambda found: w.side(found.side), spare=3),
    Column("count", lambda found: w.count(found.count_hundredths), justify="right"),
    Column("entry", lambda found: f"{found.mean_entry_price_cents:.4g}c", justify="right", spare=2),
    Column("exit", lambda found: f"{found.mean_exit_price_cents:.4g}c", justify="right", spare=2),
    Column("fees", lambda found: dollars(found.fees_micros), justify="right", spare=4),
    Column("net", lambda found: result(found.net_micros), justify="right"),
    Column("by", lambda found: w.exit_kind(found.exit_kind)),
)
