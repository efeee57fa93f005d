"""How the markets of an event ended: as recorded, else as inferred, else as observed; all of them consistent."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from mesh.types import DOLLAR, Micros
from research.listing import Listed
from research.strikes import agree
from research.tickers import named
from research.types import Defects, Origin, Outcome

DAY_SETTLES_AFTER: Final = timedelta(hours=12)
"""From the close to the pay-out of an event that is named by a day, where it was not recorded."""
CLOCK_SETTLES_AFTER: Final = timedelta(minutes=5)
"""The same of an event that is named by a time of day."""
_WORDS = {"yes": DOLLAR, "no": Micros(0)}


def outcomes(
    event: str,
    markets: Mapping[str, Listed],
    closes: Mapping[str, datetime],
    high: int | None,
    defects: Defects,
    *,
    inferred: bool = True,
) -> dict[str, Outcome]:
    """Return how markets ended, by ticker; a market of which nobody knows is not among them.

    Args:
        event: Ticker.
        markets: All markets of the event.
        closes: When each stopped trading.
        high: What decides the event by observation, if that is proven.
        defects: Told of results that cannot be: then none of the event is believed.
        inferred: Whether results that were read off last prices count.
    """
    found = {ticker: end for ticker, each in markets.items() if (end := _end(each, high, defects, inferred=inferred))}
    pairs = [(markets[ticker].strikes, value) for ticker, (value, _) in found.items()]
    answers = [(strikes, value == DOLLAR) for strikes, value in pairs if strikes and value in _WORDS.values()]
    if not agree(answers):
        defects.note("results_contradict", event, len(found))
        return {}
    return {
        ticker: Outcome(yes_value=value, origin=origin, known_at=_known_at(event, markets[ticker], closes[ticker]))
        for ticker, (value, origin) in found.items()
        if ticker in closes
    }


def _end(market: Listed, high: int | None, defects: Defects, *, inferred: bool) -> tuple[Micros, Origin] | None:
    if market.result is not None or market.settlement_value is not None:
        value = _recorded(market, defects)
        return None if value is None else (value, Origin.RECORDED)
    if inferred and market.result_inferred in _WORDS:
        return _WORDS[market.result_inferred], Origin.INFERRED
    if high is not None and market.strikes is not None:
        return (DOLLAR if market.strikes.answer(high) else Micros(0)), Origin.DERIVED
    return None


def _recorded(market: Listed, defects: Defects) -> Micros | None:
    """Return what YES paid by the exchange's word; a scalar market pays what its value says, as a void one does."""
    word, value = market.result, market.settlement_value
    if word not in {None, "scalar", *_WORDS}:
        defects.note("result_unknown_word", f"{market.ticker}: {word[:20] if word else ''}")
        return None
    if value is not None and not 0 <= value <= DOLLAR:
        defects.note("settlement_value_outside", market.ticker)
        return None
    implied = _WORDS.get(word or "")
    if implied is not None and value is not None and implied != value:
        defects.note("result_against_value", market.ticker)
        return None
    if implied is None and value is None:
        defects.note("scalar_without_value", market.ticker)
    return value if implied is None else implied


def _known_at(event: str, market: Listed, close: datetime) -> datetime:
    if market.settlement_time is not None:
        return market.settlement_time
    name = named(event)
    return close + (DAY_SETTLES_AFTER if name is None or name.clock is None else CLOCK_SETTLES_AFTER)
