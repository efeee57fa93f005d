"""A market's past: the candles and trades that the tape would have made of its stream. Pure."""

import numpy as np

from mesh.kalshi.terms import BookSide
from mesh.types import CENT, Hundredths, Micros
from sim_exchange.domain.types import Trade
from sim_exchange.sources.generated.arrays import MINUTE, SECOND, Bools, Ints, instant
from sim_exchange.sources.generated.quotes import NO_ASK, NO_BID
from sim_exchange.sources.generated.seeds import uuid
from sim_exchange.sources.generated.stream import Stream
from sim_exchange.tape.candle import Candle


def candles(stream: Stream, market: int, opens: int, closes: int, until: int) -> list[Candle]:
    """Give a market's one-minute candles of everything up to and including `until`; the last may be unfinished.

    Args:
        stream: The event's.
        market: Place of the market in it.
        opens: When trading began, in microseconds; what happens then belongs to the first minute.
        closes: When trading ends: the book is empty from then on.
        until: In microseconds.
    """
    at, bid, ask = _quote_changes(stream, market, closes, until)
    traded_at, cents, count, interest = _trades(stream, market, until)
    quote_minute, trade_minute = _minutes(at, opens), _minutes(traded_at, opens)
    minutes = np.union1d(quote_minute, trade_minute)
    before = np.searchsorted(quote_minute, minutes) - 1
    after = np.searchsorted(quote_minute, minutes, side="right")
    first = np.searchsorted(trade_minute, minutes)
    last = np.searchsorted(trade_minute, minutes, side="right")
    result = []
    bids, asks, prices = bid.tolist(), ask.tolist(), cents.tolist()
    counts, held = count.tolist(), interest.tolist()
    for end, lo, hi, start, stop in zip(
        minutes.tolist(), before.tolist(), after.tolist(), first.tolist(), last.tolist(), strict=True
    ):
        # The quote at the beginning is the last one before the minute; before the first there is none.
        seen_bids = bids[lo:hi] if lo >= 0 else [NO_BID, *bids[:hi]]
        seen_asks = asks[lo:hi] if lo >= 0 else [NO_ASK, *asks[:hi]]
        seen = prices[start:stop]
        sizes = counts[start:stop]
        result.append(
            Candle(
                end,
                seen_bids[0] * CENT,
                max(seen_bids) * CENT,
                min(seen_bids) * CENT,
                seen_bids[-1] * CENT,
                seen_asks[0] * CENT,
                max(seen_asks) * CENT,
                min(seen_asks) * CENT,
                seen_asks[-1] * CENT,
                seen[0] * CENT if seen else None,
                max(seen) * CENT if seen else None,
                min(seen) * CENT if seen else None,
                seen[-1] * CENT if seen else None,
                prices[start - 1] * CENT if start else None,
                sum(price * CENT * size for price, size in zip(seen, sizes, strict=True)),
                Hundredths(sum(sizes)),
                Hundredths(held[stop - 1] if stop else 0),
            )
        )
    return result


def trades(stream: Stream, market: int, ticker: str, seed: int, until: int) -> list[Trade]:
    """Give a market's trades up to and including `until` (microseconds), oldest first."""
    begin, end = _span(stream.prints.at, stream.first_print, market, until)
    prints = stream.prints
    rows = zip(
        prints.at[begin:end].tolist(),
        prints.cents[begin:end].tolist(),
        prints.count[begin:end].tolist(),
        prints.buys[begin:end].tolist(),
        strict=True,
    )
    return [
        Trade(
            trade_id=str(uuid(seed, "trade", ticker, number)),
            ticker=ticker,
            price=Micros(cents * CENT),
            count=Hundredths(count),
            taker_side=BookSide.BID if buys else BookSide.ASK,
            time=instant(at),
        )
        for number, (at, cents, count, buys) in enumerate(rows)
    ]


def figures(stream: Stream, market: int, until: int) -> tuple[Hundredths, Hundredths, Micros | None]:
    """Give a market's volume, open interest and last price as they are at `until` (microseconds)."""
    _, cents, count, interest = _trades(stream, market, until)
    if not len(count):
        return Hundredths(0), Hundredths(0), None
    return Hundredths(int(count.sum())), Hundredths(int(interest[-1])), Micros(int(cents[-1]) * CENT)


def _span(at: Ints, first: Ints, market: int, until: int) -> tuple[int, int]:
    begin, end = int(first[market]), int(first[market + 1])
    return begin, begin + int(np.searchsorted(at[begin:end], until, side="right"))


def _trades(stream: Stream, market: int, until: int) -> tuple[Ints, Ints, Ints, Ints]:
    prints = stream.prints
    begin, end = _span(prints.at, stream.first_print, market, until)
    return prints.at[begin:end], prints.cents[begin:end], prints.count[begin:end], prints.interest[begin:end]


def _quote_changes(stream: Stream, market: int, closes: int, until: int) -> tuple[Ints, Ints, Ints]:
    """Give when a best price changed, and to what; the close empties the book."""
    rows = stream.rows
    begin, end = _span(rows.at, stream.first_row, market, until)
    at, bid, ask = rows.at[begin:end], rows.bid[begin:end], rows.ask[begin:end]
    if until >= closes:
        at, bid, ask = np.append(at, closes), np.append(bid, NO_BID), np.append(ask, NO_ASK)
    moved: Bools = np.ones(len(at), dtype=np.bool_)
    moved[1:] = (bid[1:] != bid[:-1]) | (ask[1:] != ask[:-1])
    if len(at):
        moved[0] = bid[0] != NO_BID or ask[0] != NO_ASK
    return at[moved], bid[moved], ask[moved]


def _minutes(at: Ints, opens: int) -> Ints:
    """Give the ends, in Unix seconds, of the minutes that instants belong to."""
    first = (opens // MINUTE + 1) * MINUTE
    ends: Ints = np.maximum(-(-at // MINUTE) * MINUTE, first) // SECOND
    return ends
