"""The promise that live trades are held against: a TOML file, written from a backtest's rows (docs/reports.md)."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from mesh.errors import NotReady
from mesh.files import replace_files
from mesh.statistics import LEVEL, Estimate
from research.rows import TradeRow
from research.statistics import bootstrap
from research.statistics.clusters import of_rows, underlying_and_day

_WORST_CENTS = 100.0  # of one contract, as far as the file allows
_MODE = 0o644


class NoPromise(NotReady):
    """No series has data enough for an interval: there is nothing that live trades could be held against."""

    default_reason = "NOT_ENOUGH_DATA"


def promises(
    rows: Iterable[TradeRow],
    backtest_digest: str,
    underlyings: Mapping[str, str] = MappingProxyType({}),
    *,
    level: float = LEVEL,
    seed: int = bootstrap.SEED,
) -> str:
    """Write what rows promise, as TOML.

    Args:
        rows: Of the policy that is to be traded.
        backtest_digest: SHA-256 of the backtest's result, in hexadecimal.
        underlyings: Of series whose underlying is not the series itself.
        level: Probability that intervals claim to cover.
        seed: Of the bootstrap.

    Returns:
        The file's text; series without data enough for an interval are not in it.

    Raises:
        NoPromise: No series has enough.
    """
    series: dict[str, list[TradeRow]] = {}
    for row in rows:
        series.setdefault(row.series_ticker, []).append(row)
    naming = underlying_and_day(underlyings)
    lines = [f"backtest_digest = {json.dumps(backtest_digest)}", f"confidence_level = {level!r}"]
    promised = []
    for name in sorted(series):
        sums = of_rows(series[name], naming)
        found = None if sums is None else bootstrap.mean(sums, level=level, seed=seed)
        if found is not None and found.low is not None and found.high is not None:
            promised.append(name)
            lines += ["", f"[series.{json.dumps(name)}]", *_promise(found, found.low, found.high)]
    if not promised:
        raise NoPromise("no series of the backtest has data enough for an interval")
    common = {name: underlyings[name] for name in promised if name in underlyings}
    if common:
        lines += ["", "[underlyings]", *(f"{json.dumps(name)} = {json.dumps(of)}" for name, of in common.items())]
    return "\n".join(lines) + "\n"


def write(path: Path, text: str) -> None:
    """Replace the file whole. Raises OSError."""
    replace_files([(path, text.encode(), _MODE)])


def _promise(found: Estimate, low: float, high: float) -> list[str]:
    ends = max(min(low, found.mean), -_WORST_CENTS), min(max(high, found.mean), _WORST_CENTS)
    values = {"net_cents": found.mean, "low_cents": ends[0], "high_cents": ends[1]}
    return [f"{key} = {value!r}" for key, value in values.items()]
