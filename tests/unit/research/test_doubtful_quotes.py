"""A quote that cannot be says nothing: never that nobody was there. From the store to the last figure."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from mesh.types import Micros
from research.altered import altered
from research.loading import load
from research.quality.targets import ASK, BID, targets
from research.types import ABSENT, CLOSE, DOUBTFUL, Defects, Outcome, RecordedMarket, doubtful
from research.types import Origin as ResultOrigin
from tests.fakes.recorded_stores import EVENT, SERIES, candle, hour, ladder, write_candles, write_markets
from tests.fakes.research import event
from tests.fakes.research_walk import plan, rows, said
from trader.domain.settings import Settings

TICKER = f"{EVENT}-B40.5"
IMPOSSIBLE = [(600_000, 550_000), (605_000, 620_000), (600_000, 1_010_000), (-1, 620_000)]
each_impossible = pytest.mark.parametrize(("bid", "ask"), IMPOSSIBLE)


def recorded(folder: Path, bid: int, ask: int, **moments: int) -> RecordedMarket:
    """A market that pays NO, as it is loaded: bought at 44 and 46, then the quote, then as before."""
    quiet = (440_000, 460_000)
    write_candles(
        folder,
        [
            candle(TICKER, hour(1), *quiet),
            candle(TICKER, hour(2), bid, ask, **moments),
            candle(TICKER, hour(3), *quiet),
        ],
    )
    write_markets(folder, ladder())
    ((market,),) = (found.markets for found in load(folder, SERIES, step_seconds=3600, defects=Defects()))
    known = datetime.fromtimestamp(int(market.path.ends[-1]) + 86_400, UTC)
    return replace(market, outcome=Outcome(yes_value=Micros(0), origin=ResultOrigin.RECORDED, known_at=known))


@each_impossible
def test_it_sets_off_no_stop(tmp_path: Path, bid: int, ask: int) -> None:
    market = recorded(tmp_path, bid, ask)
    (row,) = rows([event(market)], said(market, 0), plan())
    assert row.exit_kind == "settlement"
    assert row.pnl_pessimistic_micros == row.pnl_micros == row.pnl_optimistic_micros


@each_impossible
def test_no_reading_of_a_candle_sells_to_it(tmp_path: Path, bid: int, ask: int) -> None:
    market = recorded(tmp_path, bid, ask, yes_ask_high_micros=990_000, yes_ask_low_micros=10_000)
    (row,) = rows([event(market)], said(market, 0), plan(Settings()))
    assert row.pnl_pessimistic_micros == row.pnl_micros == row.pnl_optimistic_micros


@each_impossible
def test_no_forecast_is_held_against_it(tmp_path: Path, bid: int, ask: int) -> None:
    missing: Counter[str] = Counter()
    found = targets(recorded(tmp_path, bid, ask), 1, missing)
    assert np.isnan(found.prices[BID][0, 0])
    assert np.isnan(found.prices[ASK][0, 0])
    assert (missing["quote_not_known"], missing["no_bid"], missing["no_ask"]) == (1, 0, 0)
    assert np.isnan(found.now[BID][1])
    assert np.isnan(found.now[ASK][1])


def test_it_stays_unknown_where_every_quote_is_a_tick_worse(tmp_path: Path) -> None:
    (worse,) = altered(event(recorded(tmp_path, 600_000, 590_000)), Decimal(1), 1).markets
    quotes = list(zip(worse.path.bids[:, CLOSE].tolist(), worse.path.asks[:, CLOSE].tolist(), strict=True))
    assert quotes == [(430_000, 470_000), DOUBTFUL, (430_000, 470_000)]
    assert doubtful(worse.path.bids, worse.path.asks)[:, CLOSE].tolist() == [False, True, False]


def test_a_high_that_cannot_be_takes_the_low_with_it(tmp_path: Path) -> None:
    """Alone, a lowest ask without a highest says that for a while nobody offered anything."""
    market = recorded(tmp_path, 440_000, 460_000, yes_ask_high_micros=465_000, yes_ask_low_micros=450_000)
    assert market.path.asks[1].tolist() == [ABSENT, ABSENT, ABSENT, 460_000]
