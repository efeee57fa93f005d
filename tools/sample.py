"""Make tests/sample/simulated.csv: bounded random walks with which tests meet every kind of verdict.

    python -m tools.sample

Nothing in the file was recorded: prices are drawn from a seeded generator, and every market ticker says SIM. The series
tickers are real prefixes, because they choose the exit policy. Python promises that `random.Random(seed).random()`
gives the same numbers in every version, so the file can be made again byte by byte; a test does.
"""

import csv
import io
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SEED = 20260105
FILE = Path(__file__).resolve().parent.parent / "tests" / "sample" / "simulated.csv"
COLUMNS = (
    "series_ticker",
    "market_ticker",
    "period_interval_minutes",
    "end_period_ts",
    "price_close",
    "yes_bid_close",
    "yes_ask_close",
)
_STEP_SECONDS = 3600
_LAST_END = 1_767_614_400
"""2026-01-05 12:00 UTC."""
_LOWEST, _HIGHEST = 2, 98
"""The walks stay within these cents, so that both sides can be quoted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """One simulated market."""

    series: str
    name: str
    start: int
    """First price, cents."""
    jump: int
    """Largest move of one candle, cents; 0 never moves."""
    drift: float = 0.0
    """Added to every candle, cents."""
    candles: int = 48
    traded: float = 1.0
    """Probability that a candle has a trade, and so a close."""
    quoted: bool = True


WALKS = (
    Walk(series="KXHIGHNY", name="SIM-01", start=42, jump=3),
    Walk(series="KXHIGHNY", name="SIM-02", start=9, jump=4, drift=1.6, traded=0.8),
    Walk(series="KXHIGHNY", name="SIM-03", start=8, jump=2),
    Walk(series="KXHIGHCHI", name="SIM-04", start=61, jump=4, drift=-0.8),
    Walk(series="KXHIGHCHI", name="SIM-05", start=33, jump=3, traded=0.6),
    Walk(series="KXHIGHAUS", name="SIM-06", start=74, jump=2, quoted=False),
    Walk(series="KXHIGHMIA", name="SIM-07", start=50, jump=0),
    Walk(series="KXHIGHDEN", name="SIM-08", start=27, jump=3, candles=2),
    Walk(series="KXINX", name="SIM-09", start=55, jump=6),
    Walk(series="KXINX", name="SIM-10", start=18, jump=5, drift=0.8),
    Walk(series="KXINX", name="SIM-11", start=92, jump=5, drift=-1.6, traded=0.9),
    Walk(series="KXBTC", name="SIM-12", start=47, jump=9),
    Walk(series="KXBTC", name="SIM-13", start=6, jump=8, drift=2.5, candles=30),
    Walk(series="KXETH", name="SIM-14", start=94, jump=9, drift=-2.4, candles=30),
    Walk(series="KXETH", name="SIM-15", start=36, jump=7, traded=0.7),
    Walk(series="KXETH", name="SIM-16", start=40, jump=4, traded=0.0),
)


def sample() -> str:
    """Return the file's text."""
    chance = random.Random(SEED)  # noqa: S311  a simulation, reproducible on purpose
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for walk in WALKS:
        writer.writerows(_candles(walk, chance))
    return text.getvalue()


def _candles(walk: Walk, chance: random.Random) -> Iterator[tuple[object, ...]]:
    """Move once a candle; whether somebody traded at the price is drawn apart, so gaps do not change the walk."""
    level = float(walk.start)
    for place in range(walk.candles):
        move, trade, width = chance.random(), chance.random(), chance.random()
        level = min(_HIGHEST, max(_LOWEST, level + walk.drift + walk.jump * (2 * move - 1)))
        cents = round(level)
        bid, ask = cents - 1, cents + (1 if width < 1 / 2 else 2)
        yield (
            walk.series,
            f"{walk.series}-{walk.name}",
            _STEP_SECONDS // 60,
            _LAST_END - (walk.candles - 1 - place) * _STEP_SECONDS,
            _dollars(cents) if trade < walk.traded else "",
            _dollars(bid) if walk.quoted else "",
            _dollars(min(ask, 99)) if walk.quoted else "",
        )


def _dollars(cents: int) -> str:
    return f"{cents / 100:.2f}"


def main() -> None:
    """Write the file."""
    FILE.write_text(sample(), encoding="ascii")
    print(f"{FILE}: {len(WALKS)} simulated markets, {FILE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
