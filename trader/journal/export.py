"""The trade log: closed trades as JSON, a file a day, recomputed from the journal's own fills.

`trades_2026-11-23.json` holds the trades that closed on that day of UTC, oldest first. Money is in dollars and prices
are in cents of the trade's side, as decimals that are exact; only an average price may have been rounded, to 0.0001
cents, and the totals beside it are not.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import msgspec

from mesh.files import locked, os_errors_as, replace_files
from mesh.types import Hundredths, Micros, Price
from trader.domain.entries import PositionClosed
from trader.domain.state import Books, Position
from trader.domain.words import ExitKind
from trader.journal.errors import JournalError
from trader.journal.reading import Reader
from trader.journal.replaying import folded
from trader.ports import Recorded

_FILE = 0o600
_FINEST = Decimal("0.0001")


class LoggedLeg(msgspec.Struct, frozen=True, kw_only=True):
    """One step out of a trade."""

    exit: ExitKind
    contracts: Decimal
    price_cents: Decimal
    """Average, before fees."""
    fees_dollars: Decimal
    trigger_cents: Decimal | None
    time: datetime


class LoggedTrade(msgspec.Struct, frozen=True, kw_only=True):
    """One closed trade, as the log shows it."""

    ticker: str
    event: str
    series: str
    side: str
    contracts: Decimal
    entry_price_cents: Decimal
    """Average."""
    exit_price_cents: Decimal
    """Average."""
    take_profit_cents: Decimal | None
    """As the plan stood at the entry."""
    stop_loss_cents: Decimal | None
    exit: ExitKind
    """Of the last step out."""
    cost_dollars: Decimal
    proceeds_dollars: Decimal
    fees_dollars: Decimal
    pnl_dollars: Decimal
    """Net: proceeds less cost and fees."""
    open_time: datetime
    close_time: datetime
    legs: tuple[LoggedLeg, ...]
    position_id: str
    decision_id: str | None
    sequence: int
    """Journal entry that closed it."""


def trades(reader: Reader) -> list[LoggedTrade]:
    """Recompute every closed trade, in the order in which they closed. Raises JournalError."""
    found: list[LoggedTrade] = []

    def closing(books: Books, recorded: Recorded) -> None:
        if isinstance(recorded.entry, PositionClosed):
            found.append(_logged(books.positions[recorded.entry.trade.position_id], recorded.entry, recorded.sequence))

    folded(reader.journal_id, reader.read(), audited=True, before=closing)
    return found


def export(reader: Reader, folder: Path, day: date | None = None) -> list[tuple[Path, int]]:
    """Write the trade log.

    Args:
        reader: The journal.
        folder: Where to; made if absent. Files of the same days are replaced, whole.
        day: Only this one, also where nothing closed then; None writes every day on which something closed.

    Returns:
        Each file with its count of trades, in order of time.

    Raises:
        JournalError: The journal is broken, or the files cannot be written.
    """
    days: dict[date, list[LoggedTrade]] = defaultdict(list)
    for trade in trades(reader):
        days[trade.close_time.date()].append(trade)
    chosen = sorted(days) if day is None else [day]
    with os_errors_as(JournalError):
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder):
            replace_files([(_path(folder, each), _document(days[each]), _FILE) for each in chosen])
    return [(_path(folder, each), len(days[each])) for each in chosen]


def _path(folder: Path, day: date) -> Path:
    return folder / f"trades_{day.isoformat()}.json"


def _document(found: Sequence[LoggedTrade]) -> bytes:
    return msgspec.json.format(msgspec.json.Encoder(decimal_format="number").encode(found), indent=2) + b"\n"


def _logged(position: Position, entry: PositionClosed, sequence: int) -> LoggedTrade:
    trade, plan = entry.trade, position.plan
    return LoggedTrade(
        ticker=trade.ticker,
        event=trade.event_ticker,
        series=trade.series_ticker,
        side=trade.side.value,
        contracts=_contracts(position.bought),
        entry_price_cents=_average(position.total_cost, position.bought),
        exit_price_cents=_average(position.proceeds, position.bought),
        take_profit_cents=_cents(plan.take_profit),
        stop_loss_cents=_cents(plan.stop_loss),
        exit=trade.exit_kind,
        cost_dollars=_dollars(position.total_cost),
        proceeds_dollars=_dollars(position.proceeds),
        fees_dollars=_dollars(position.total_fees),
        pnl_dollars=_dollars(Micros(position.proceeds - position.total_cost - position.total_fees)),
        open_time=trade.open_time,
        close_time=trade.close_time,
        legs=tuple(
            LoggedLeg(
                exit=leg.kind,
                contracts=_contracts(leg.count),
                price_cents=_average(leg.proceeds, leg.count),
                fees_dollars=_dollars(leg.fees),
                trigger_cents=_cents(leg.trigger),
                time=leg.time,
            )
            for leg in position.legs
        ),
        position_id=trade.position_id,
        decision_id=trade.decision_id,
        sequence=sequence,
    )


def _dollars(amount: Micros) -> Decimal:
    return Decimal(amount).scaleb(-6)


def _contracts(count: Hundredths) -> Decimal:
    return Decimal(count).scaleb(-2)


def _cents(price: Price | None) -> Decimal | None:
    return None if price is None else Decimal(int(price)).scaleb(-4)


def _average(amount: Micros, count: Hundredths) -> Decimal:
    """Return the price of one contract in cents: exact where it has four decimals at most."""
    return (Decimal(amount) / Decimal(count) / 100).quantize(_FINEST) if count else Decimal(0)
