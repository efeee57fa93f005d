"""Which things a list shall hold: filters as query parameters. Pure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from mesh.kalshi.terms import MarketFilter, Word
from mesh.types import utc

_WITH_STATUS: dict[str, set[MarketFilter | None]] = {
    "created": {None, MarketFilter.UNOPENED, MarketFilter.OPEN},
    "close": {None, MarketFilter.CLOSED},
    "settled": {None, MarketFilter.SETTLED},
    "updated": {None},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketQuery:
    """Filters of the list of live markets; all that are given must hold.

    Times come in four families, of which one query may use one: `created` with the states unopened, open or none,
    `close` with closed or none, `settled` with settled or none, `updated` with no state and no other filter than the
    series. ValueError for other mixtures, which the exchange refuses.
    """

    series_ticker: str | None = None
    event_ticker: str | None = None
    tickers: Sequence[str] | None = None
    status: MarketFilter | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    close_from: datetime | None = None
    close_to: datetime | None = None
    settled_from: datetime | None = None
    settled_to: datetime | None = None
    updated_from: datetime | None = None
    updated_to: datetime | None = None
    combos: bool = False
    """Multivariate combination markets too."""

    def __post_init__(self) -> None:
        """Refuse what the exchange would refuse."""
        known(self.status)
        families = [family for family in _WITH_STATUS if self._bounds(family) != (None, None)]
        if len(families) > 1:
            raise ValueError(f"times of {' and '.join(families)} cannot be asked for together")
        for family in families:
            if self.status not in _WITH_STATUS[family]:
                raise ValueError(f"times of {family} cannot be asked for together with the state {self.status}")
        if families == ["updated"] and (self.combos or self.event_ticker or self.tickers):
            raise ValueError("times of updated cannot be asked for together with anything but a series")

    def params(self) -> dict[str, str | int | None]:
        """Return the query's parameters."""
        params: dict[str, str | int | None] = {
            "series_ticker": self.series_ticker,
            "event_ticker": self.event_ticker,
            "tickers": listed(self.tickers),
            "status": self.status,
            "mve_filter": None if self.combos else "exclude",
        }
        for family in _WITH_STATUS:
            first, last = self._bounds(family)
            params |= {f"min_{family}_ts": since(first), f"max_{family}_ts": until(last)}
        return params

    def _bounds(self, family: str) -> tuple[datetime | None, datetime | None]:
        return getattr(self, f"{family}_from"), getattr(self, f"{family}_to")


def since(instant: datetime | None) -> int | None:
    """Return the second in which a span begins, for a query. ValueError for a time without a zone."""
    return None if instant is None else math.floor(utc(instant).timestamp())


def until(instant: datetime | None) -> int | None:
    """Return the second in which a span is over, for a query: a part of a second more is better than one less.

    ValueError for a time without a zone.
    """
    return None if instant is None else math.ceil(utc(instant).timestamp())


def known(word: Word | None) -> str | None:
    """Return a word as a parameter. ValueError for UNKNOWN, which stands for words of the exchange, not for one."""
    if word is not None and word.name == "UNKNOWN":
        raise ValueError("an unknown state cannot be asked for")
    return word


def listed(names: Iterable[str] | None) -> str | None:
    """Return names as one parameter with commas between; None where there are none to filter by.

    Raises:
        ValueError: An empty list, which the exchange would read as no filter at all.
    """
    if names is None:
        return None
    if not (text := ",".join(names)):
        raise ValueError("an empty filter would mean everything")
    return text
