"""How the exchange writes prices, money and instants in its replies. Pure."""

from datetime import UTC, datetime
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=16_384)
def price_text(micros: int) -> str:
    """Format a price with four decimals: `0.4700`. All prices lie on a grid of 0.0001."""
    return f"{micros // 1_000_000}.{micros % 1_000_000 // 100:04d}"


def money_text(micros: int) -> str:
    """Format money with six decimals: `-1.230000`."""
    whole, rest = divmod(abs(micros), 1_000_000)
    return f"{'-' if micros < 0 else ''}{whole}.{rest:06d}"


@lru_cache(maxsize=16_384)
def instant(time: datetime) -> str:
    """Format an aware UTC instant as the exchange's Go code does: no trailing zeros in the fraction, and a `Z`."""
    text = time.isoformat()[:-6]
    return (text.rstrip("0") if "." in text else text) + "Z"


def unix_seconds(time: datetime) -> int:
    """Give whole seconds since 1970."""
    return unix_micros(time) // 1_000_000


def unix_ms(time: datetime) -> int:
    """Give whole milliseconds since 1970."""
    return unix_micros(time) // 1000


def unix_micros(time: datetime) -> int:
    """Give microseconds since 1970, exactly."""
    since = time - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
