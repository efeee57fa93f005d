"""Which markets the demo shows: made up by the simulated exchange, or recorded ones, replayed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pyarrow.compute as pc
import pyarrow.parquet as pq

from console.connection import OptionError
from console.mesh_demo.settings import Settings
from sim_exchange.sources.recorded_markets import event_day, read_markets

GENERATED = "generated"
_RECORDED = "recorded:"
_KINDS = ("quotes", "candles_1m", "candles_60m")
"""Kinds of files with quotes; any of them will do."""
_FEWEST = 100
"""Quotes of an event that somebody can trade on."""
_PAST_DAYS = 4
"""Days before, for the collectors."""
_OBSERVED = "daily_high_temperature.parquet"
_CLOSE_HOUR = 5
"""New York's daily highs close at five in the morning of UTC, or at four."""


@dataclass(frozen=True, slots=True)
class Markets:
    """What is shown."""

    source: Settings
    """The exchange's table `source`."""
    close: datetime
    """When the last market of the day closes: the demo lives up to it and a little beyond."""
    words: str
    """For people."""


class _Day(NamedTuple):
    close: datetime
    """As the exchange will have it."""
    quotes: int


def generated(series: Sequence[str]) -> Markets:
    """Make markets up: quotes that follow late, so that a forecast has something to find."""
    today = datetime.now(UTC).replace(hour=_CLOSE_HOUR, minute=0, second=0, microsecond=0)
    table = [{"ticker": ticker, "volatility": 2.0, "trend": 0.5, "spread_cents": 1.0} for ticker in series]
    words = "SIMULATED markets: made up by the simulated exchange, with prices that can be forecast on purpose"
    return Markets({"kind": "generated", "series": table}, today, words)


def recorded(text: str, series: Sequence[str], day: date | None) -> Markets:
    """Take recorded markets: those of a day, and of the days before for the collectors.

    Args:
        text: `recorded:DIR`.
        series: Which of them.
        day: In the events' tickers; None takes the one of which most was recorded.

    Raises:
        OptionError: There is no such folder, series or day.
    """
    folder = Path(text.removeprefix(_RECORDED)).absolute()
    if not folder.is_dir():
        raise OptionError(f"--source: {folder} is no folder")
    found = [_days(folder, ticker) for ticker in series]
    days = sorted(set.intersection(*map(set, found)))
    if not days or (day is not None and day not in days):
        which = "a day" if day is None else str(day)
        raise OptionError(f"--source: {folder} has no quotes of {' and '.join(series)} for {which}")
    shown = day or max(days, key=lambda each: min(of[each].quotes for of in found))
    wanted = [each for each in days if shown - timedelta(days=_PAST_DAYS) <= each <= shown]
    source: dict[str, object] = {
        "kind": "recorded",
        "folder": folder,
        "series": list(series),
        "days": [each.isoformat() for each in wanted],
    }
    observed = [path for path in (folder / _OBSERVED, folder.parent / "underlying" / _OBSERVED) if path.is_file()]
    if observed:
        source["observations"] = observed[0]
    return Markets(source, max(of[shown].close for of in found), f"RECORDED markets of {shown} from {folder}, replayed")


def _days(folder: Path, series: str) -> dict[date, _Day]:
    """Say what there is of each day of which there are enough quotes."""
    path = folder / f"markets_{series}.parquet"
    if not path.is_file():
        raise OptionError(f"--source: {path} is not there")
    quotes = Counter[str]()
    for kind in _KINDS:
        file = folder / f"{kind}_{series}.parquet"
        if file.is_file():
            names = pq.read_table(file, columns=["market_ticker"])["market_ticker"]
            for each in pc.value_counts(names).to_pylist():
                quotes[str(each["values"]).rpartition("-")[0]] += int(each["counts"])
    days: dict[date, _Day] = {}
    for recorded in read_markets(pq.read_table(path).to_pylist(), Counter(), {}):
        event, close = recorded.market.event_ticker, recorded.market.close_time
        if quotes[event] >= _FEWEST and (day := event_day(event)) is not None:
            known = days.get(day, _Day(close, 0))
            days[day] = _Day(max(close, known.close), max(quotes[event], known.quotes))
    return days
