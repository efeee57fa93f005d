"""What it costs, in API tokens, to collect the candles of a whole series: market by market, and by the client's plan.

Markets and their lifetimes are real, read from recorded `markets_*.parquet` files; nothing is asked of the exchange.
Collecting is taken to happen on the day of the series' last close: what closed more than `--live-days` before is in
the archive, which answers for one market a call; the rest is live, where the client asks for many markets at once. Both
ways pay the same for listing the markets first.

    python -m benchmarks.collection_cost DATA_FOLDER [--series KXBTC ...] [--live-days 90] [--json]
"""

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq

from mesh.kalshi.rest.candle_plan import CallCosts, life, one_by_one, together, tokens
from mesh.kalshi.rest.reading import PAGE

PERIODS = (1, 60)
COSTS = CallCosts()
LIST_COST = 10  # tokens a page
BASIC_TOKENS_PER_SECOND = 200


@dataclass(frozen=True, slots=True)
class Lifetime:
    """When one market traded."""

    ticker: str
    event_ticker: str
    opened: datetime
    closed: datetime


@dataclass(frozen=True, slots=True)
class Cost:
    """What one series costs at one length of candles."""

    series: str
    events: int
    markets: int
    """With known times; others are left out."""
    left_out: int
    median_hours: float
    live_markets: int
    period_minutes: int
    listing_tokens: int
    single_tokens: int
    """Listing included."""
    plan_tokens: int
    """Listing included."""
    plan_calls: int
    planning_seconds: float


def lifetimes(path: Path) -> tuple[list[Lifetime], int]:
    """Read the markets of one series, and count those without times."""
    columns = ["market_ticker", "event_ticker", "open_time", "close_time"]
    rows = pq.read_table(path, columns=columns).to_pylist()
    found = [
        Lifetime(
            row["market_ticker"],
            row["event_ticker"],
            datetime.fromisoformat(row["open_time"]),
            datetime.fromisoformat(row["close_time"]),
        )
        for row in rows
        if row["open_time"] and row["close_time"]
    ]
    return found, len(rows) - len(found)


def cost(series: str, markets: Sequence[Lifetime], left_out: int, period: int, live_days: float) -> Cost:
    """Plan the collection of a series, and add up what it costs."""
    cutoff = max(market.closed for market in markets) - timedelta(days=live_days)
    spans = {market.ticker: life(market.ticker, market.opened, market.closed, period) for market in markets}
    live = [spans[market.ticker] for market in markets if market.closed >= cutoff]
    archived = [spans[market.ticker] for market in markets if market.closed < cutoff]
    started = time.perf_counter()
    plan = together(live, period, COSTS) + one_by_one(archived, period)
    planning_seconds = time.perf_counter() - started
    listing = LIST_COST * sum(-(-len(part) // PAGE) for part in (live, archived))
    return Cost(
        series=series,
        events=len({market.event_ticker for market in markets}),
        markets=len(markets),
        left_out=left_out,
        median_hours=statistics.median((market.closed - market.opened) / timedelta(hours=1) for market in markets),
        live_markets=len(live),
        period_minutes=period,
        listing_tokens=listing,
        single_tokens=listing + tokens(one_by_one(spans.values(), period), COSTS),
        plan_tokens=listing + tokens(plan, COSTS),
        plan_calls=len(plan),
        planning_seconds=planning_seconds,
    )


def conditions(folder: Path, live_days: float) -> dict[str, object]:
    """State what the figures depend on."""
    return {
        "data": str(folder),
        "live_days": live_days,
        "tokens_per_call": f"{COSTS.single} single, {COSTS.batch} batch, {LIST_COST} a page of {PAGE} markets",
        "tokens_per_second": f"{BASIC_TOKENS_PER_SECOND} (basic tier)",
        "candles": "from the opening to one period after the close",
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="with markets_SERIES.parquet files")
    parser.add_argument("--series", nargs="*", help="only these")
    parser.add_argument("--live-days", type=float, default=90.0)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows: list[Cost] = []
    for path in sorted(arguments.folder.glob("markets_*.parquet")):
        series = path.stem.removeprefix("markets_")
        markets, left_out = lifetimes(path)
        if markets and (not arguments.series or series in arguments.series):
            rows += [cost(series, markets, left_out, period, arguments.live_days) for period in PERIODS]
    if not rows:
        parser.error(f"no markets with known times in {arguments.folder}")
    facts = conditions(arguments.folder, arguments.live_days)
    if arguments.json:
        print(json.dumps({"conditions": facts, "rows": [asdict(row) for row in rows]}, indent=2))
        return
    print(", ".join(f"{key} {value}" for key, value in facts.items()))
    print(
        f"{'series':<10}{'events':>8}{'markets':>9}{'no times':>9}{'hours':>7}{'live':>8}{'candle':>8}{'listing':>9}"
        f"{'single':>10}{'plan':>9}{'saved':>8}{'plan takes':>12}"
    )
    for row in rows:
        seconds = row.plan_tokens / BASIC_TOKENS_PER_SECOND
        print(
            f"{row.series:<10}{row.events:>8,}{row.markets:>9,}{row.left_out:>9,}{row.median_hours:>7.1f}"
            f"{row.live_markets:>8,}{row.period_minutes:>5} min{row.listing_tokens:>9,}{row.single_tokens:>10,}"
            f"{row.plan_tokens:>9,}{1 - row.plan_tokens / row.single_tokens:>8.1%}{seconds:>10,.1f} s"
        )


if __name__ == "__main__":
    main()
