"""What trades could have been sold at, from their entry to the end: by what was quoted, less fees, to the micro.

A path is what the trader would have seen. Quotes that repeat the one before change nothing and are left out; what came
in a pause of the exchange is seen when it ends; where nobody bids there is a step that says so, and where nobody knows
there is one that says that. All trades lie one after the other in flat arrays, so that memory is what there is to know.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mesh.kalshi.fees import FeeTerms, charge
from mesh.types import CONTRACT, DOLLAR, Hundredths, Micros, Price, cost
from research.rows import TradeRow
from research.types import ABSENT, CLOSE, Defects, Ints, RecordedEvent, RecordedMarket, doubtful
from trader.domain.plans import grid
from trader.domain.settings import EntrySettings, ExitSettings, price
from trader.domain.slippage import DEFAULTS, entry_limit
from trader.domain.words import EntryStyle

NOBODY: Final = -1
"""Instead of a bid: nobody buys. It is below every stop, and nothing can be sold to it."""
UNKNOWN: Final = -2
"""Instead of a bid: nobody knows. Nothing is decided on it."""
_PRECISION: Final = Micros(100)
Bids = NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How trades are sold; the same as in a walk."""

    exits: ExitSettings
    entries: EntrySettings = DEFAULTS
    latency_seconds: float = 1.0
    """Until an order meets the book."""
    stale_seconds: int = 24 * 3600
    """So long after its candle nobody knows a quote to hold."""
    precision: Micros = _PRECISION
    """Steps of the account's balance."""
    pauses: tuple[tuple[int, int], ...] = ()
    """Begin and end of times without trading, Unix seconds, in their order."""
    stop_distance: bool = True
    """No trade whose stop would lie inside the spread is made."""

    @property
    def latency(self) -> int:
        """Milliseconds."""
        return round(self.latency_seconds * 1000)

    @property
    def confirmation(self) -> int:
        """Milliseconds from a stop's first check to its last, which comes a moment after it is due."""
        return (self.exits.stop_checks - 1) * (round(self.exits.check_seconds * 1000) + 1)


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """Trades and what they could have been sold at. Times are Unix milliseconds, prices micros of one NO contract."""

    rows: tuple[TradeRow, ...]
    rules: Rules
    starts: Ints
    """[trades + 1] where each trade's steps begin in the arrays of steps."""
    times: Ints
    """[steps] from when on it was so; the first of each trade is its entry."""
    bids: Bids
    """[steps] best bid, or NOBODY, or UNKNOWN."""
    proceeds: Ints
    """[steps] what selling all came to, less its fee; 0 where nobody bids the least that is sold at."""
    opened: Ints
    """[trades] time of the entry."""
    entries: Ints
    """[trades] price paid."""
    paid: Ints
    """[trades] cost of all contracts, with its fee."""
    settled: Ints
    """[trades] what the market's result paid for all contracts."""
    lowest: Ints
    """[trades] lowest price that the market takes: no stop lies below it."""
    reaches: Ints
    """[trades] the greatest distance of a target: from what was offered for a contract to the highest price. Where the
    order was filled for less than it offered, no target lies above that all the same."""
    spreads: Ints
    """[trades] distance of bid and ask at the decision; -1 where there was none."""
    closes: Ints
    """[trades] when trading ended."""
    ends: Ints
    """[trades] when the result was known."""

    @property
    def floor(self) -> int:
        """Lowest price at which is sold."""
        return int(price(self.rules.exits.floor_cents))

    @property
    def places(self) -> Ints:
        """[trades] the number of each."""
        return np.arange(len(self), dtype=np.int64)

    @property
    def contracts(self) -> Ints:
        """[trades] hundredths."""
        return np.array([row.contract_count for row in self.rows], np.int64)

    def __len__(self) -> int:
        """Count the trades."""
        return len(self.entries)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was seen of one market, in order."""

    times: Ints
    bids: Bids


def cut(rows: Iterable[TradeRow], events: Iterable[RecordedEvent], rules: Rules, defects: Defects) -> Paths:
    """Cut out what trades could have been sold at.

    Args:
        rows: Trades with one entry. Others, and those whose market's result nobody knows, are counted and left out.
        events: Read once; theirs are the quotes.
        rules: How trades are sold.
        defects: Told of trades that are left out.

    Returns:
        The trades in the order of their decisions.

    Raises:
        ValueError: A market's candles follow each other faster than a stop is confirmed.
    """
    wanted: dict[str, list[TradeRow]] = {}
    for row in rows:
        if row.entry_count == 1:
            wanted.setdefault(row.market_ticker, []).append(row)
        else:
            defects.note("trade_of_several_entries", row.market_ticker)
    found: list[tuple[TradeRow, _Part]] = []
    for event in events:
        for market in event.markets:
            found += _of_market(wanted.pop(market.terms.ticker, []), market, rules, defects)
    for ticker, left in wanted.items():
        defects.note("trade_without_market", ticker, len(left))
    found.sort(key=lambda pair: (pair[0].decision_time, pair[0].market_ticker, pair[0].entry_time))
    return _joined(found, rules)


@dataclass(frozen=True, slots=True)
class _Part:
    """One trade's."""

    times: Ints
    bids: Bids
    proceeds: Ints
    settled: int
    lowest: int
    reach: int
    closes: int
    ends: int


def _of_market(
    rows: Sequence[TradeRow], market: RecordedMarket, rules: Rules, defects: Defects
) -> Iterator[tuple[TradeRow, _Part]]:
    if not rows:
        return
    ticker, outcome = market.terms.ticker, market.outcome
    if outcome is None:
        defects.note("trade_without_result", ticker, len(rows))
        return
    if rules.confirmation + rules.latency >= market.path.step_seconds * 1000:
        raise ValueError(f"candles of {market.path.step_seconds} seconds end before a stop is confirmed: {ticker}")
    seen = _seen(market, rules)
    lowest, highest = grid(market.terms).round_up(1), grid(market.terms).round_down(DOLLAR)
    closes, ends = (round(at.timestamp() * 1000) for at in (market.terms.close_time, outcome.known_at))
    for row in rows:
        opened = round(row.entry_time.timestamp() * 1000)
        first = max(int(np.searchsorted(seen.times, opened, side="right")) - 1, 0)
        times, bids = seen.times[first:].copy(), seen.bids[first:]
        times[:1] = np.maximum(times[:1], opened)
        terms, count = market.terms.fees, row.contract_count
        value = (DOLLAR - outcome.yes_value) * count // (CONTRACT * rules.precision) * rules.precision
        proceeds = _proceeds(times, bids, terms, count, rules)
        reach = (highest or 0) - _offered(row, market, rules)
        yield row, _Part(times, bids, proceeds, value, lowest or 1, reach, closes, ends)


def _offered(row: TradeRow, market: RecordedMarket, rules: Rules) -> int:
    """Return the limit of the entry: a resting order is filled at it, one that takes may be filled for less."""
    if rules.entries.style is EntryStyle.REST or row.yes_bid_micros is None:
        return row.entry_price_micros
    ask, magnitude = Price(row.yes_bid_micros).complement, min(max(row.magnitude_cents, 0.0), 100.0)
    return grid(market.terms).round_down(entry_limit(ask, magnitude, rules.entries)) or row.entry_price_micros


def _seen(market: RecordedMarket, rules: Rules) -> _Seen:
    """List what the trader sees, as long as it can act on it."""
    strip = market.path
    yes_bids, asks = strip.bids[:, CLOSE], strip.asks[:, CLOSE]
    bids = np.where(asks == ABSENT, NOBODY, DOLLAR - asks)
    bids[doubtful(yes_bids, asks)] = UNKNOWN
    lost = np.diff(strip.ends, append=np.iinfo(np.int64).max) > rules.stale_seconds
    times = np.concatenate([strip.ends, strip.ends[lost] + rules.stale_seconds])
    bids = np.concatenate([bids, np.full(int(lost.sum()), UNKNOWN)])
    order = np.argsort(times, kind="stable")
    times, bids = _awake(times[order], bids[order], rules.pauses)
    times *= 1000
    last = round(market.terms.close_time.timestamp() * 1000)
    known = last if market.outcome is None else round(market.outcome.known_at.timestamp() * 1000)
    open_still = (times + rules.latency < last) & (times < known)
    times, bids = times[open_still], bids[open_still]
    changed = np.ones(len(bids), bool)
    changed[1:] = np.diff(bids) != 0
    return _Seen(times[changed], bids[changed].astype(np.int32))


def _awake(times: Ints, bids: Ints, pauses: Iterable[tuple[int, int]]) -> tuple[Ints, Ints]:
    """Let what comes in a pause be seen when it ends, if it holds then."""
    kept, moved = np.ones(len(times), bool), times.copy()
    for begin, end in pauses:
        first, after = (int(np.searchsorted(times, at)) for at in (begin, end))
        kept[first:after] = False
        if first < after and (after == len(times) or times[after] > end):
            kept[after - 1], moved[after - 1] = True, end
    return moved[kept], bids[kept]


def _proceeds(times: Ints, bids: Bids, terms: FeeTerms, count: Hundredths, rules: Rules) -> Ints:
    found = np.zeros(len(bids), np.int64)
    places = np.flatnonzero(bids >= int(price(rules.exits.floor_cents)))
    for place, bid in zip(places.tolist(), bids[places].tolist(), strict=True):
        at = None if terms.waived_until is None else datetime.fromtimestamp(int(times[place]) / 1000, UTC)
        found[place] = _sold(terms, bid, count, rules.precision, at)
    return found


@lru_cache(maxsize=65_536)
def _sold(terms: FeeTerms, bid: int, count: Hundredths, precision: Micros, at: datetime | None) -> int:
    """Return what selling NO to a bid as one order comes to: it buys YES."""
    no, free = Price(bid), Micros(0)
    fee = charge(
        terms,
        price=no.complement,
        count=count,
        buys_yes=True,
        maker=False,
        carried=free,
        precision=precision,
        at=at,
    ).net
    return cost(no, count) - fee


def _joined(found: Sequence[tuple[TradeRow, _Part]], rules: Rules) -> Paths:
    rows, parts = tuple(row for row, _ in found), [part for _, part in found]

    def numbers(values: Iterable[int]) -> Ints:
        return np.fromiter(values, np.int64, len(parts))

    return Paths(
        rows=rows,
        rules=rules,
        starts=np.concatenate([[0], np.cumsum(numbers(len(part.bids) for part in parts))]).astype(np.int64),
        times=np.concatenate([np.zeros(0, np.int64), *(part.times for part in parts)]),
        bids=np.concatenate([np.zeros(0, np.int32), *(part.bids for part in parts)]),
        proceeds=np.concatenate([np.zeros(0, np.int64), *(part.proceeds for part in parts)]),
        opened=numbers(round(row.entry_time.timestamp() * 1000) for row in rows),
        entries=numbers(row.entry_price_micros for row in rows),
        paid=numbers(row.entry_cost_micros + row.entry_fee_micros for row in rows),
        settled=numbers(part.settled for part in parts),
        lowest=numbers(part.lowest for part in parts),
        reaches=numbers(part.reach for part in parts),
        spreads=numbers(_spread(row) for row in rows),
        closes=numbers(part.closes for part in parts),
        ends=numbers(part.ends for part in parts),
    )


def _spread(row: TradeRow) -> int:
    if row.yes_bid_micros is None or row.yes_ask_micros is None:
        return -1
    return row.yes_ask_micros - row.yes_bid_micros
