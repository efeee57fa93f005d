"""What `foremesh status` shows of a trader."""

from collections.abc import Iterable, Iterator

from foremesh.trader.v1 import rules_pb2, status_pb2
from foremesh.trader.v1 import trader_service_pb2 as pb
from foremesh.trader.v1 import trader_service_pb2_grpc as rpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from rich.columns import Columns
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from console import trading_words as w
from console.amounts import dollars, gain
from console.collection.words import duration_words, plain
from console.daemon import TRADER
from mesh.rpc.channel import connect
from mesh.rpc.config import ClientConfig
from mesh.rpc.errors import raising_mesh_errors

LINK_HEALTH_WORDS = {
    status_pb2.LINK_HEALTH_UP: "",
    status_pb2.LINK_HEALTH_LATE: "LATE",
    status_pb2.LINK_HEALTH_DOWN: "DOWN",
    status_pb2.LINK_HEALTH_UNSPECIFIED: "not known",
}


async def trader_status(config: ClientConfig) -> pb.GetStatusResponse:
    """Ask a trader how it is; it answers while it is starting, too.

    Raises:
        MeshError: it stays away or refuses.
        OSError: a certificate or token file cannot be read.
        CertificateError: key and certificate are not a pair.
    """
    async with connect(config, TRADER.service) as channel:
        with raising_mesh_errors():
            # Unlike a call of its own this one is not tried again: where nobody listens that is known at once.
            await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=TRADER.service))
            answer: pb.GetStatusResponse = await rpc.TraderServiceStub(channel).GetStatus(pb.GetStatusRequest())
    return answer


def summary(status: status_pb2.Status) -> str:
    """Say in a few words how a trader is: the first says how well it goes."""
    words = [w.state(status.state), w.word(status_pb2.TradingMode, status.mode, "TRADING_MODE_")]
    words.append(f"{status.position_count} position{'' if status.position_count == 1 else 's'}")
    words.append(f"{gain(status.pnl_today.net_realised_micros)} today")
    return ", ".join(words)


def rows(status: status_pb2.Status) -> Iterator[tuple[str, str]]:
    """Say how a trader is, a line for each thing."""
    for number, block in enumerate(status.blocks):
        yield ("" if number else "no entries in"), w.block(block)
    exchange = w.word(status_pb2.ExchangeState, status.exchange_state, "EXCHANGE_STATE_")
    resumes = f", resumes {w.instant(status.exchange_resume_time)}" if status.HasField("exchange_resume_time") else ""
    yield "exchange", f"{exchange}{resumes}"
    yield "links", ", ".join(_link(link) for link in status.links)
    yield "orders", f"{status.working_order_count} working, {status.unknown_order_count} of unknown outcome"
    if status.HasField("balance"):
        yield "money", _balance(status.balance)
    yield "today", _pnl(status.pnl_today)
    yield "in all", _pnl(status.pnl_total)
    if status.HasField("last_scan"):
        scan = status.last_scan
        found = f"{scan.market_count} markets, {scan.signal_count} signals, {scan.entry_count} entered"
        yield "last scan", f"{found}, {duration_words(scan.age)} ago"
    yield "up", f"{duration_words(status.uptime)}, foremesh {plain(status.code_version)}"


def limits_table(status: status_pb2.Status) -> RenderableType:
    """Draw the limits of which something is used, or can be; in two columns where there is room."""
    shown = [limit for limit in status.limits if limit.HasField("used") or not limit.enabled]
    half = (len(shown) + 1) // 2
    return Columns([_limits(part) for part in (shown[:half], shown[half:]) if part])


def _limits(limits: Iterable[rules_pb2.Limit]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 2), pad_edge=True, header_style="dim")
    for heading in ("limit", "allows", "used"):
        table.add_column(heading, no_wrap=True)
    for limit in limits:
        used = _used(limit.used) if limit.HasField("used") else ""
        off = "" if limit.enabled else " (off)"
        table.add_row(Text(limit.rule.replace("_", " ") + off), Text(_bounds(limit)), Text(used))
    return table


def _used(found: rules_pb2.Figure) -> str:
    return dollars(found.micros) if found.HasField("micros") else w.figure(found)


def _bounds(limit: rules_pb2.Limit) -> str:
    ends = (("at_least", "≥ "), ("at_most", "≤ "), ("equal_to", ""))
    bounds = limit.bounds
    return ", ".join(f"{sign}{w.figure(getattr(bounds, end))}" for end, sign in ends if bounds.HasField(end))


def _link(link: status_pb2.Link) -> str:
    kind = w.word(status_pb2.LinkKind, link.kind, "LINK_KIND_")
    age = f" {duration_words(link.age)} ago" if link.HasField("age") else ""
    health = LINK_HEALTH_WORDS.get(link.health, "?")
    why = f" ({plain(link.detail)})" if link.detail else ""
    return f"{kind}{f' {health}' if health else ''}{age}{why}"


def _balance(balance: status_pb2.Balance) -> str:
    held = f"{dollars(balance.stake_micros)} in positions, worth {dollars(balance.liquidation_micros)} at the bids"
    age = f"; account read {duration_words(balance.confirmed_age)} ago" if balance.HasField("confirmed_age") else ""
    reserved = f"{dollars(balance.reserved_micros)} reserved"
    return f"{dollars(balance.available_micros)} available, {reserved}, {held}{age}"


def _pnl(pnl: status_pb2.Pnl) -> str:
    said = f"{gain(pnl.net_realised_micros)} after fees of {dollars(pnl.fees_micros)}"
    if pnl.HasField("unrealised_micros"):
        said += f"; open positions {gain(pnl.unrealised_micros)} if sold now"
    return said + (f", {pnl.unpriced_position_count} without a price" if pnl.unpriced_position_count else "")
