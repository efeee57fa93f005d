"""Which values of candles can be, which candles a market was open in, and what the finest candles of a market are."""

from collections.abc import Mapping

import numpy as np

from mesh.kalshi.grid import Band
from mesh.types import DOLLAR
from research.shard_rows import Rows, Truths
from research.types import ABSENT, CLOSE, DOUBTFUL, HIGH, LOW, OPEN, Defects, Ints, Strip, doubtful


def drop_impossible(rows: Rows, bands_of: Mapping[str, tuple[Band, ...]], defects: Defects) -> None:
    """Take out the values that cannot be, and count them.

    These are prices outside a dollar or off the grid; a bid that is not below the ask of the same moment; highs and
    lows that their own candle contradicts. A quote with such a value is DOUBTFUL; of highs and lows both are ABSENT,
    which is not recorded. Never does it come to mean that nobody was there: that is said by a bid of nothing and an ask
    of a dollar, as by null, and is no fault.

    Args:
        rows: Changed in place.
        bands_of: The prices that each market takes.
        defects: Told.
    """
    bids, asks = rows.bids, rows.asks
    bids[bids == 0] = ABSENT
    asks[asks == DOLLAR] = ABSENT
    grids = [(bands, _of(rows, bands_of, bands)) for bands in {bands_of[ticker] for ticker in rows.tickers}]
    wrong = {name: np.zeros(bids.shape, bool) for name in ("bids", "asks", "trades")}
    for name, prices in (("bids", bids), ("asks", asks), ("trades", rows.trades)):
        outside = (prices != ABSENT) & ((prices <= 0) | (prices >= DOLLAR))
        wrong[name] |= _dropped(prices, outside, "price_outside", rows, defects)
        for bands, theirs in grids:
            off = (prices != ABSENT) & ~_on_grid(prices, bands) & theirs[:, None]
            wrong[name] |= _dropped(prices, off, "price_off_grid", rows, defects)
    quoted = wrong["bids"] | wrong["asks"]
    for moment in (OPEN, CLOSE):
        crossed = doubtful(bids[:, moment], asks[:, moment])
        bids[crossed, moment] = asks[crossed, moment] = ABSENT  # for a while: they contradict no high and no low
        quoted[:, moment] |= crossed
        rows.note(crossed, "crossed_quote", defects)
    for name, prices in (("bids", bids), ("asks", asks), ("trades", rows.trades)):
        contradicted = _contradicted(prices)
        rows.note(contradicted, "high_low_contradicted", defects)
        halved = contradicted | wrong[name][:, HIGH] | wrong[name][:, LOW]
        prices[halved, HIGH] = prices[halved, LOW] = ABSENT
    for moment in (OPEN, CLOSE):
        bids[quoted[:, moment], moment], asks[quoted[:, moment], moment] = DOUBTFUL
    _dropped(rows.volumes, rows.volumes < ABSENT, "volume_below_zero", rows, defects)
    rows.note(rows.ends % rows.step_seconds != 0, "end_off_step", defects)


def before(strip: Strip, close: int, ticker: str, defects: Defects) -> Strip:
    """Leave out the candles that began when the market had closed, and count them.

    Args:
        strip: Of the market.
        close: When it stopped trading, Unix seconds.
        ticker: The market's.
        defects: Told.
    """
    kept = int(np.searchsorted(strip.ends - strip.step_seconds, close, side="left"))
    if kept < len(strip.ends):
        defects.note("candle_after_close", ticker, len(strip.ends) - kept)
    return strip.until(int(strip.ends[kept - 1]) if kept else -1)


def finest(strip_of: Mapping[int, Strip]) -> Strip:
    """Join the strips of one market: at every end the candle of the shortest step that has one.

    Args:
        strip_of: By step, at least one.
    """
    ordered = [strip_of[step] for step in sorted(strip_of)]
    if len(ordered) == 1:
        return ordered[0]
    ends = np.concatenate([strip.ends for strip in ordered])
    _, chosen = np.unique(ends, return_index=True)  # the first of equals: the finest

    def joined(columns: list[Ints]) -> Ints:
        return np.concatenate(columns)[chosen]

    return Strip(
        step_seconds=ordered[0].step_seconds,
        ends=ends[chosen],
        bids=joined([strip.bids for strip in ordered]),
        asks=joined([strip.asks for strip in ordered]),
        trades=joined([strip.trades for strip in ordered]),
        volumes=joined([strip.volumes for strip in ordered]),
    )


def _on_grid(prices: Ints, bands: tuple[Band, ...]) -> Truths:
    fits = np.zeros(prices.shape, dtype=bool)
    for start, end, step in bands:
        fits |= (prices >= start) & (prices <= end) & ((prices - start) % step == 0)
    return fits


def _contradicted(prices: Ints) -> Truths:
    """Find candles whose high is not the highest or whose low is not the lowest of what they say."""
    high, low = prices[:, HIGH], prices[:, LOW]
    inside = prices[:, (OPEN, CLOSE, HIGH, LOW)]
    there = inside != ABSENT
    above = there & (high != ABSENT)[:, None] & (inside > high[:, None])
    below = there & (low != ABSENT)[:, None] & (inside < low[:, None])
    return (above | below).any(axis=1)  # type: ignore[no-any-return]


def _of(rows: Rows, bands_of: Mapping[str, tuple[Band, ...]], bands: tuple[Band, ...]) -> Truths:
    return np.array([bands_of[ticker] == bands for ticker in rows.tickers], dtype=bool)[rows.codes]


def _dropped(values: Ints, wrong: Truths, name: str, rows: Rows, defects: Defects) -> Truths:
    values[wrong] = ABSENT
    rows.note(wrong, name, defects)
    return wrong
