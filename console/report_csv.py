"""A report as CSV files: its trades, its groups, its rules. Amounts are exact decimals of dollars.

The files are what the sums were made of: whoever adds up `trades.csv` finds `groups.csv`.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path

from mesh.files import replace_files
from mesh.types import Hundredths
from trader.reporting.figures import Figures, Row
from trader.reporting.report import Report

_FILE = 0o600


def write(report: Report, folder: Path) -> list[Path]:
    """Write `trades.csv`, `groups.csv` and `rules.csv` into a folder, made if absent; files of these names go.

    Raises:
        OSError: They cannot be written; those before stay as they were.
        ValueError: The report has only sums, and no trades.
    """
    if report.rows is None:
        raise ValueError("a report without its trades")
    files = {
        "trades.csv": _lines(trade_records(report), _TRADE_COLUMNS),
        "groups.csv": _lines(group_records(report), _GROUP_COLUMNS),
        "rules.csv": _lines(rule_records(report), _RULE_COLUMNS),
    }
    folder.mkdir(parents=True, exist_ok=True)
    replace_files([(folder / name, content, _FILE) for name, content in files.items()])
    return [folder / name for name in files]


def trade_records(report: Report) -> list[dict[str, object]]:
    """Return a record for every trade, in the order in which they closed."""
    return [_trade(row) for row in report.rows or ()]


def group_records(report: Report) -> Iterator[dict[str, object]]:
    """Give a record for every group, the total last."""
    found = report.groups
    named: list[tuple[str, Iterable[tuple[object, Figures]]]] = [
        ("day", found.by_day.items()),
        ("series", found.by_series.items()),
        ("exit", ((kind.value, figures) for kind, figures in found.by_exit_kind.items())),
        ("hour", found.by_hour.items()),
        ("total", [("", report.total)]),
    ]
    for name, rows in named:
        for key, figures in rows:
            yield {"group": name, "key": key} | _figures(figures)


def rule_records(report: Report) -> Iterator[dict[str, object]]:
    """Give a record for every rule, in their order; bounds in the rule's own unit."""
    for step in report.funnel.steps:
        bounds = step.bounds
        yield {
            "rule": step.rule,
            "reached": step.reached,
            "refused_first": step.refused_first,
            "refused": step.refused,
            "unit": "" if bounds is None else bounds.unit,
            "at_least": None if bounds is None else bounds.at_least,
            "at_most": None if bounds is None else bounds.at_most,
            "equal_to": None if bounds is None else bounds.equal_to,
        }


_TRADE_COLUMNS = (
    "sequence",
    "position_id",
    "decision_id",
    "ticker",
    "event",
    "series",
    "side",
    "contracts",
    "cost_dollars",
    "proceeds_dollars",
    "fees_dollars",
    "net_dollars",
    "entry_slippage_dollars",
    "exit",
    "open_time",
    "close_time",
    "day_of_closing",
    "hour_of_entry",
    "cluster",
    "patience_contracts",
    "patience_net_dollars",
)
_GROUP_COLUMNS = (
    "group",
    "key",
    "trades",
    "gains",
    "losses",
    "contracts",
    "cost_dollars",
    "gross_dollars",
    "fees_dollars",
    "net_dollars",
    "mean_net_cents",
)
_RULE_COLUMNS = ("rule", "reached", "refused_first", "refused", "unit", "at_least", "at_most", "equal_to")


def _trade(row: Row) -> dict[str, object]:
    trade = row.trade
    return {
        "sequence": row.sequence,
        "position_id": trade.position_id,
        "decision_id": trade.decision_id,
        "ticker": trade.ticker,
        "event": trade.event_ticker,
        "series": trade.series_ticker,
        "side": trade.side.value,
        "contracts": _contracts(trade.count),
        "cost_dollars": _dollars(trade.cost),
        "proceeds_dollars": _dollars(trade.proceeds),
        "fees_dollars": _dollars(trade.fees),
        "net_dollars": _dollars(trade.net),
        "entry_slippage_dollars": None if trade.entry_slippage is None else _dollars(trade.entry_slippage),
        "patience_contracts": None if trade.patience is None else _contracts(trade.patience.filled),
        "patience_net_dollars": None
        if trade.patience is None or trade.patience.net is None
        else _dollars(trade.patience.net),
        "exit": trade.exit_kind.value,
        "open_time": trade.open_time.isoformat(),
        "close_time": trade.close_time.isoformat(),
        "day_of_closing": row.date.isoformat(),
        "hour_of_entry": row.hour,
        "cluster": row.cluster,
    }


def _figures(found: Figures) -> dict[str, object]:
    return {
        "trades": found.trades,
        "gains": found.gains,
        "losses": found.losses,
        "contracts": _contracts(found.count),
        "cost_dollars": _dollars(found.cost),
        "gross_dollars": _dollars(found.gross),
        "fees_dollars": _dollars(found.fees),
        "net_dollars": _dollars(found.net),
        "mean_net_cents": found.mean_net_cents,
    }


def _lines(records: Iterable[Mapping[str, object]], columns: tuple[str, ...]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue().encode()


def _dollars(amount: int) -> str:
    return f"{Decimal(amount).scaleb(-6):f}"


def _contracts(count: Hundredths) -> str:
    return f"{Decimal(count).scaleb(-2):f}"
