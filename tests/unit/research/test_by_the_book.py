"""Trades by docs/backtest.md alone, written a second time, are the walk's to the micro."""

from datetime import UTC, datetime, timedelta

import numpy as np

from research.rows import TradeRow
from research.types import ABSENT, CLOSE, EntryPolicy, Forecasted, RecordedMarket
from tests.fakes import by_the_book
from tests.fakes.by_the_book import Done, Quotes
from tests.fakes.research import BEGIN, Cents, event, market, strip
from tests.fakes.research_walk import Said, forecast, plan, rows


def test_random_markets_give_the_same_trades_by_the_book() -> None:
    walked: list[Done] = []
    written: list[Done] = []
    for seed in range(4):
        recorded, answers = wild(seed)
        walked += [done(row) for row in rows([event(recorded)], answers, plan(entry_policy=EntryPolicy.INDEPENDENT))]
        quoted = quotes(recorded)
        for (_, at), said in sorted(answers.items(), key=lambda each: each[0][1]):
            made = by_the_book.trade(quoted, at, told(said))
            written += [] if made is None else [made]
    assert {each.kind for each in walked} == {"take_profit", "stop_loss", "settlement"}
    assert len(walked) > 40
    assert walked == written


def wild(seed: int) -> tuple[RecordedMarket, Said]:
    """A market of quarter hours that wanders, jumps, and often has only one side; forecasts at every end."""
    rng = np.random.default_rng(seed)
    middles = np.clip(50 + np.cumsum(rng.choice([-15, -3, -1, 0, 1, 3, 15], 60)), 4, 96)
    halves = rng.integers(1, 4, 60)

    def side(prices: list[int]) -> list[Cents]:
        return [None if rng.random() < 0.1 else float(min(max(price, 1), 99)) for price in prices]

    candles = strip(side((middles - halves).tolist()), side((middles + halves).tolist()), step_seconds=900)
    recorded = market(candles, close=BEGIN + timedelta(hours=14), pays=bool(rng.integers(2)))
    answers: Said = {}
    for end, middle in zip(candles.ends.tolist(), middles.tolist(), strict=True):
        magnitude = float(rng.uniform(3, 20))
        answers[recorded.terms.ticker, end] = forecast(
            datetime.fromtimestamp(end, UTC),
            magnitude,
            current_cents=float(middle),
            forecast_mean_cents=middle - magnitude,
            take_profit_cents=float(rng.choice([8, 20, 33.3])),
            stop_loss_cents=float(rng.choice([5, 8, 12.5])),
        )
    return recorded, answers


def quotes(recorded: RecordedMarket) -> Quotes:
    assert recorded.outcome is not None
    bids, asks = (
        [None if price == ABSENT else price for price in side[:, CLOSE].tolist()]
        for side in (recorded.path.bids, recorded.path.asks)
    )
    return Quotes(
        recorded.path.ends.tolist(),
        bids,
        asks,
        close=int(recorded.terms.close_time.timestamp()),
        known=int(recorded.outcome.known_at.timestamp()),
        yes_value=recorded.outcome.yes_value,
    )


def told(said: Forecasted) -> by_the_book.Said:
    signal = said.signal
    ends = signal.last_candle_time + signal.step * signal.horizon_steps
    return by_the_book.Said(
        signal.magnitude_cents,
        signal.forecast_mean_cents,
        signal.take_profit_cents,
        signal.stop_loss_cents,
        int(ends.timestamp()),
    )


def done(row: TradeRow) -> Done:
    return Done(
        row.contract_count // 100,
        round(row.entry_time.timestamp() * 1000),
        row.entry_cost_micros,
        row.entry_fee_micros,
        row.exit_kind,
        round(row.exit_time.timestamp() * 1000),
        row.exit_proceeds_micros,
        row.exit_fee_micros,
    )
