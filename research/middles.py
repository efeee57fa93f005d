"""What candles say a YES is worth when they end, in cents. Pure."""

import numpy as np
from numpy.typing import NDArray

from mesh.types import CENT
from research.types import ABSENT, CLOSE, Strip, doubtful


def current_cents(strip: Strip) -> list[float]:
    """Return [candles] the middle of the closing quotes, else the last trade up to then, else NaN; cents of YES."""
    trades, middle = strip.trades[:, CLOSE], middle_cents(strip)
    traded = np.maximum.accumulate(np.where(trades == ABSENT, -1, np.arange(len(trades))))
    last = np.where(traded < 0, np.nan, trades[traded] / CENT)
    return np.where(np.isnan(middle), last, middle).tolist()  # type: ignore[no-any-return]  # numpy's


def middle_cents(strip: Strip) -> NDArray[np.float64]:
    """Return [candles] the middle of the closing quotes, cents of YES.

    NaN where one is absent, or they cross: then both are doubtful.
    """
    bids, asks = strip.bids[:, CLOSE], strip.asks[:, CLOSE]
    return np.where((bids == ABSENT) | (asks == ABSENT) | doubtful(bids, asks), np.nan, (bids / CENT + asks / CENT) / 2)
