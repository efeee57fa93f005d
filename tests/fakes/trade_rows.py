"""Rows of trades as a walk gives them, and markets without any edge that such rows can come from."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from mesh.types import CENT, CONTRACT, DOLLAR, Hundredths, Micros
from research.rows import TradeRow
from research.statistics.decomposition import Quote
from trader.domain.words import ExitKind

FIRST_DAY = datetime(2026, 1, 5, 12, tzinfo=UTC)


def row(
    net_cents: float = 1.0,
    *,
    event: int = 0,
    market: int = 0,
    contracts: int = 1,
    series: str = "KXA",
    price_cents: float = 60.0,
    fees: tuple[int, int] = (0, 0),
    **changes: object,
) -> TradeRow:
    """Return a trade of a market of an event, one a day, that made so much a contract after fees (micros)."""
    entry = FIRST_DAY + timedelta(days=event)
    cost = round(price_cents * CENT) * contracts
    net = round(net_cents * CENT) * contracts
    proceeds = cost + net + sum(fees)
    whole = TradeRow(
        series_ticker=series,
        event_ticker=f"{series}-{entry:%y%b%d}".upper(),
        market_ticker=f"{series}-{entry:%y%b%d}-T{market}".upper(),
        decision_time=entry,
        entry_time=entry + timedelta(seconds=1),
        entry_style="take",
        entry_count=1,
        contract_count=Hundredths(100 * contracts),
        yes_bid_micros=Micros(DOLLAR - cost // contracts),
        yes_ask_micros=Micros(DOLLAR - cost // contracts + 2 * CENT),
        entry_price_micros=Micros(cost // contracts),
        entry_cost_micros=Micros(cost),
        entry_fee_micros=Micros(fees[0]),
        exit_time=entry + timedelta(hours=5),
        exit_kind=ExitKind.TAKE_PROFIT.value,
        exit_price_micros=Micros(proceeds // contracts),
        exit_proceeds_micros=Micros(proceeds),
        exit_fee_micros=Micros(fees[1]),
        pnl_micros=Micros(net),
        pnl_pessimistic_micros=Micros(net),
        pnl_optimistic_micros=Micros(net),
        direction="down",
        magnitude_cents=7.5,
        confidence="medium",
        current_price_cents=41.0,
        forecast_mean_cents=33.5,
        tp_cents=20.0,
        sl_cents=8.0,
        model="random-walk",
        policy_version="1",
        input_digest="0" * 64,
        close_time=entry + timedelta(hours=20),
        settlement_day=f"{entry + timedelta(hours=20):%Y-%m-%d}",
        result_origin="",
        path_step_seconds=60,
        yes_value_micros=Micros(0),
    )
    return quoted(replace(whole, **changes))  # type: ignore[arg-type]  # by name, as the test says


def quoted(made: TradeRow) -> TradeRow:
    """Return a trade of one decision, with its value in the middle of the quote that this saw."""
    bid, ask = made.yes_bid_micros, made.yes_ask_micros
    mid = None if bid is None or ask is None else made.contract_count * (2 * DOLLAR - bid - ask) // (2 * CONTRACT)
    return replace(made, entry_mid_micros=None if mid is None else Micros(mid))


def traded(
    seed: int, *, events: int = 120, siblings: int = 3, edge_cents: int = 0, hold: bool = False, moments: int = 1
) -> list[tuple[TradeRow, Quote]]:
    """Trade on prices that are martingales, with a spread of two cents and taker's fees; each with its exit's quote.

    The YES price walks two cents up or down, even chances, 120 steps, stays at 0 and 100, and settles by its last
    value; markets of an event walk together. NO is bought and sold 20 cents higher, 12 lower, or held.

    Args:
        seed: Of the prices.
        events: One a day.
        siblings: Markets of each.
        edge_cents: NO is quoted so much below what it is worth when it is bought.
        hold: Never sell.
        moments: Trades in each market, at moments one after the other.
    """
    chance = np.random.default_rng(seed)
    found = []
    for event in range(events):
        steps = chance.choice([-2, 2], 120 + moments)
        for market in range(siblings):
            path = _path(int(chance.integers(12, 36)) * 2, steps)
            value = 100 if chance.random() < path[-1] / 100 else 0
            found += [
                _trade(path[begin:], value, event, market, edge_cents=edge_cents, hold=hold, contracts=1 + event % 3)
                for begin in range(moments)
            ]
    return found


def _path(start: int, steps: np.ndarray) -> list[int]:
    path = [start]
    for step in steps.tolist():
        path.append(path[-1] + step if 0 < path[-1] < 100 else path[-1])
    return path


def _trade(
    path: list[int], value: int, event: int, market: int, *, edge_cents: int, hold: bool, contracts: int
) -> tuple[TradeRow, Quote]:
    mid = min(max(path[0], 2), 98) + edge_cents
    bought = 100 - (mid - 1)
    sold, kind, quote = 100 - value, ExitKind.SETTLEMENT, Quote(0, 0)
    for yes in path[1:]:
        bid = 100 - (yes + 1)
        if not hold and 0 < yes < 100 and not -12 < bid - bought < 20:
            kind = ExitKind.TAKE_PROFIT if bid > bought else ExitKind.STOP_LOSS
            sold, quote = bid, Quote((yes - 1) * CENT, (yes + 1) * CENT)
            break
    entry_fee = _fee(bought, contracts)
    exit_fee = 0 if kind is ExitKind.SETTLEMENT else _fee(sold, contracts)
    net = (sold - bought) * CENT * contracts - entry_fee - exit_fee
    made = row(
        net / CENT / contracts,
        event=event,
        market=market,
        contracts=contracts,
        price_cents=bought,
        fees=(entry_fee, exit_fee),
        yes_bid_micros=Micros((mid - 1) * CENT),
        yes_ask_micros=Micros((mid + 1) * CENT),
        exit_kind=kind.value,
        exit_proceeds_micros=Micros(sold * CENT * contracts),
        pnl_micros=Micros(net),
        pnl_pessimistic_micros=Micros(net),
        pnl_optimistic_micros=Micros(net),
        yes_value_micros=Micros(value * CENT),
    )
    return made, quote


def _fee(price: int, contracts: int) -> int:
    return -(-7 * contracts * price * (100 - price) // 100) * 100
