"""Candlesticks as the exchange's JSON, in the live schema and in the archive's.

Written by hand: it is what thousands of candles a second cost. Keys are in the order of the recorded replies. Without a
trade the live schema leaves prices out, the archive's has nulls.
"""

from collections.abc import Callable
from functools import lru_cache

from msgspec import Raw

from mesh.types import Micros, count_text, dollars
from sim_exchange.tape.candle import Candle


@lru_cache(maxsize=16_384)
def _text(price: int) -> str:
    return f'"{dollars(Micros(price))}"'


def _optional(price: int | None) -> str:
    return "null" if price is None else _text(price)


def live(candle: Candle) -> Raw:
    """Encode for `/markets/candlesticks` and its kin."""
    if candle.price_close is None:
        price = ""
    else:
        price = (
            f'"close_dollars":{_text(candle.price_close)},"high_dollars":{_optional(candle.price_high)},'
            f'"low_dollars":{_optional(candle.price_low)},"mean_dollars":{_optional(candle.mean)},'
            f'"open_dollars":{_optional(candle.price_open)}'
        )
    if candle.previous is not None:
        price += f'{"," if price else ""}"previous_dollars":{_text(candle.previous)}'
    return Raw(
        f'{{"end_period_ts":{candle.end_ts},"open_interest_fp":"{count_text(candle.open_interest)}","price":{{{price}}},'
        f'"volume_fp":"{count_text(candle.volume)}","yes_ask":{{"close_dollars":{_text(candle.ask_close)},'
        f'"high_dollars":{_text(candle.ask_high)},"low_dollars":{_text(candle.ask_low)},'
        f'"open_dollars":{_text(candle.ask_open)}}},"yes_bid":{{"close_dollars":{_text(candle.bid_close)},'
        f'"high_dollars":{_text(candle.bid_high)},"low_dollars":{_text(candle.bid_low)},'
        f'"open_dollars":{_text(candle.bid_open)}}}}}'.encode()
    )


def historical(candle: Candle) -> Raw:
    """Encode for `/historical/markets/{ticker}/candlesticks`."""
    return Raw(
        f'{{"end_period_ts":{candle.end_ts},"open_interest":"{count_text(candle.open_interest)}",'
        f'"price":{{"close":{_optional(candle.price_close)},"high":{_optional(candle.price_high)},'
        f'"low":{_optional(candle.price_low)},"mean":{_optional(candle.mean)},"open":{_optional(candle.price_open)},'
        f'"previous":{_optional(candle.previous)}}},"volume":"{count_text(candle.volume)}",'
        f'"yes_ask":{{"close":{_text(candle.ask_close)},"high":{_text(candle.ask_high)},"low":{_text(candle.ask_low)},'
        f'"open":{_text(candle.ask_open)}}},"yes_bid":{{"close":{_text(candle.bid_close)},'
        f'"high":{_text(candle.bid_high)},"low":{_text(candle.bid_low)},"open":{_text(candle.bid_open)}}}}}'.encode()
    )


Encoder = Callable[[Candle], Raw]
