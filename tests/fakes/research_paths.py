"""Markets whose prices wander, and trades in them: what the grid of exits is tried on."""

from collections.abc import Iterable, Sequence
from dataclasses import replace as altered
from datetime import UTC, datetime, timedelta

import numpy as np
from msgspec.structs import replace

from mesh.types import CENT
from research.rows import TradeRow
from research.tpsl.paths import Paths, Rules, cut
from research.types import Answers, Defects, Forecasted, RecordedEvent
from research.walk import WalkPlan, walk
from tests.fakes.research import event, market, strip
from tests.fakes.trade_rows import row
from tests.fakes.trading import signal
from trader.domain.settings import ExitSettings, RuleSettings, Settings, SizeSettings

MONDAY = datetime(2026, 1, 5, 12, tzinfo=UTC)
"""No pause of the exchange for two days."""
FREE_RULES = RuleSettings(off=("stop_distance", "edge", "trades_per_series_per_scan", "spread"), min_price_cents=5)
SIZES = SizeSettings(max_series_dollars=1e5, max_event_dollars=1e5, max_total_dollars=1e5, max_settlement_dollars=1e5)


def wandering(
    count: int, *, steps: int = 20, seed: int = 0, begin: datetime = MONDAY, doubtful: bool = False
) -> list[RecordedEvent]:
    """Make events of one market each: a first quote of 44 to 46 or thereabouts, then a walk with empty sides.

    Args:
        count: Events.
        steps: Candles of an hour.
        seed: Of the prices.
        begin: Of the first candle.
        doubtful: Let some quotes cross themselves, and leave out more than a day of candles in each market.
    """
    chance = np.random.default_rng(seed)
    found = []
    for number in range(count):
        middle = np.clip(45 + np.cumsum(chance.integers(-9, 10, steps)), 0, 100).astype(float)
        middle[0] = 45
        wide = chance.integers(1, 5, steps)
        wide[0] = chance.integers(1, 4)
        gone = chance.random((2, steps)) < 0.1
        gone[:, 0] = False
        bids = [None if lost or mid <= gap else mid - gap for mid, gap, lost in zip(middle, wide, gone[0], strict=True)]
        asks = [
            None if lost or mid + gap >= 100 else mid + gap
            for mid, gap, lost in zip(middle, wide, gone[1], strict=True)
        ]
        if doubtful:
            bids = [99.0 if chance.random() < 0.2 and place else bid for place, bid in enumerate(bids)]
        gap = int(chance.integers(2, steps)) if doubtful else steps
        hours = [place + 1 + (26 if place >= gap else 0) for place in range(steps)]
        candles = strip(bids, asks, ends=[int(begin.timestamp()) + 3600 * hour for hour in hours])
        close = (
            begin
            + timedelta(hours=26 if doubtful else 0)
            + timedelta(hours=int(chance.integers(steps // 2, steps + 3)), minutes=30)
        )
        ticker = f"KXWANDER-26JAN{number:03}-T1"
        found.append(event(market(candles, ticker=ticker, close=close, pays=bool(chance.integers(2)))))
    return found


def asked(events: Iterable[RecordedEvent], target: float, stop: float) -> Answers:
    """Say of every market after its first candle that NO is to be bought, with these levels."""
    found = {}
    for each in events:
        for one in each.markets:
            end = int(one.decisions.ends[0])
            at = datetime.fromtimestamp(end, UTC)
            facts = replace(
                signal(12.0, last_candle_time=at, useful_until=at + timedelta(minutes=5)),
                take_profit_cents=target,
                stop_loss_cents=stop,
            )
            found[one.terms.ticker, end] = Forecasted(
                signal=facts,
                path_cents=np.zeros(6, np.float32),
                quantiles_cents=np.zeros((6, 9), np.float32),
                levels=(),
                model="by-hand@0",
                input_digest="0" * 8,
            )
    return found


def walked(
    events: Sequence[RecordedEvent],
    target: float,
    stop: float,
    exits: ExitSettings | None = None,
    rules: RuleSettings = FREE_RULES,
) -> list[TradeRow]:
    """Trade on events with levels, as the trader does."""
    settings = Settings(rules=rules, sizes=SIZES, exits=exits or ExitSettings())
    return list(walk(events, asked(events, target, stop), WalkPlan(settings=settings), Defects()))


def paths(
    events: Sequence[RecordedEvent], rows: Iterable[TradeRow], exits: ExitSettings | None = None, **changes: object
) -> Paths:
    """Cut out paths by the ordinary rules."""
    rules = altered(Rules(exits=exits or ExitSettings(), stop_distance=False), **changes)  # type: ignore[arg-type]
    return cut(rows, events, rules, Defects())


def cents(micros: int) -> float:
    """Return micros as cents."""
    return micros / CENT


def coins(days: int, *, siblings: int = 3, steps: int = 40, seed: int = 0, planted: bool = False) -> Paths:
    """Trades of five contracts bought at 50 on prices that are martingales, with a spread of two cents and fees.

    The middle walks two cents up or down from 49, and the market settles by the last one.

    Args:
        days: One event each.
        siblings: Trades of an event, which share most of their steps.
        steps: An hour each.
        seed: Of the prices.
        planted: Prices rise to 60 first, three times of four, and to 40 otherwise; only then do they walk, downwards.
    """
    chance = np.random.default_rng(seed)
    rows, bids, settled = [], [], []
    for day in range(days):
        shared = chance.choice([-2, 2], steps)
        for market_number in range(siblings):
            moves = np.where(chance.random(steps) < 0.3, chance.choice([-2, 2], steps), shared)
            middle = 49 + np.cumsum(moves)
            if planted:
                first = 62 if chance.random() < 0.75 else 40
                middle = first + np.cumsum(np.minimum(moves, chance.choice([-2, 0], steps)))
            middle = np.clip(middle, 2, 98)
            rows.append(row(event=day, market=market_number, contracts=5, price_cents=50.0, fees=(87_500, 0)))
            bids.append((middle - 1) * CENT)
            settled.append(5_000_000 if chance.random() < middle[-1] / 100 else 0)
    flat = np.concatenate(bids)
    fees = np.ceil(0.07 * 5 * (flat / 1e6) * (1 - flat / 1e6) * 1e4).astype(np.int64) * 100
    opened = np.array([round(each.entry_time.timestamp() * 1000) for each in rows], np.int64)
    count = len(rows)
    over = opened + 46 * 3_600_000
    return Paths(
        rows=tuple(rows),
        rules=Rules(exits=ExitSettings()),
        starts=np.arange(count + 1) * steps,
        times=(opened[:, None] + np.arange(1, steps + 1) * 3_600_000).ravel(),
        bids=flat.astype(np.int32),
        proceeds=flat * 5 - fees,
        opened=opened,
        entries=np.full(count, 50 * CENT),
        paid=np.full(count, 250 * CENT + 87_500),
        settled=np.array(settled),
        lowest=np.full(count, CENT),
        reaches=np.full(count, 49 * CENT),
        spreads=np.full(count, 2 * CENT),
        closes=over,
        ends=over,
    )
