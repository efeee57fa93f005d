"""A hash of everything that a run read of the recorded events, whatever files it lay in."""

import hashlib
from collections.abc import Iterable

import msgspec

from research.types import RecordedEvent, RecordedMarket, Strip


class DataDigest:
    """Takes in events as they stream by; their order makes no difference."""

    def __init__(self) -> None:
        self._events: list[bytes] = []

    def add(self, event: RecordedEvent) -> None:
        """Take in an event."""
        hashed = hashlib.sha256(_text([event.series_ticker, event.event_ticker, len(event.markets)]))
        for market in sorted(event.markets, key=lambda each: each.terms.ticker):
            hashed.update(_market(market))
        self._events.append(hashed.digest())

    def hexdigest(self) -> str:
        """Return SHA-256 of all that was taken in so far, hexadecimal."""
        return hashlib.sha256(b"".join(sorted(self._events))).hexdigest()


def digest(events: Iterable[RecordedEvent]) -> str:
    """Return the same of events at once."""
    taken = DataDigest()
    for event in events:
        taken.add(event)
    return taken.hexdigest()


def _market(market: RecordedMarket) -> bytes:
    terms, outcome = market.terms, market.outcome
    fees, strikes = terms.fees, market.strikes
    said = [
        terms.ticker, terms.event_ticker, terms.series_ticker, terms.title, terms.close_time, terms.bands,
        terms.exchange_index, fees.fee_type, fees.multiplier, fees.waived_until, market.open_time,
        None if outcome is None else [outcome.yes_value, outcome.origin, outcome.known_at],
        None if strikes is None else [strikes.kind, strikes.floor, strikes.cap],
    ]  # fmt: skip
    hashed = hashlib.sha256(_text(said))
    for strip in (market.decisions, market.path):
        hashed.update(_strip(strip))
    if (prints := market.prints) is not None:
        for column in (prints.times, prints.prices, prints.counts, prints.taker_buys_yes):
            hashed.update(column.astype("<i8").tobytes())
    return hashed.digest()


def _strip(strip: Strip) -> bytes:
    hashed = hashlib.sha256(_text([strip.step_seconds, len(strip.ends)]))
    for column in (strip.ends, strip.bids, strip.asks, strip.trades, strip.volumes):
        hashed.update(column.astype("<i8").tobytes())
    return hashed.digest()


def _text(values: list[object]) -> bytes:
    return msgspec.json.encode(values)
