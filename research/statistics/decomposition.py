"""Where a result comes from: parts that add up to it, to the micro. Pure.

Of each trade, for all its contracts, in micros rounded down:

- A is its value at the *arrival mid*: the middle of the quote that the decision saw which bought it, of NO;
- X is its value at the *exit mid*: the middle of the quote at the last exit; settled trades need none;
- V is what it would have paid if held to the end, which the market's result says, whatever the exit was;
- a is what one contract of the always-NO arm (NO bought wherever prices and hours allow, whatever is forecast) made on
  average from its arrival mid to the end; b is the same average over that arm's trades in the trade's own market alone.

The result is proceeds - cost - fees, and that is

| part               |                           | asks                                                               |
| ------------------ | ------------------------- | ------------------------------------------------------------------ |
| longshot premium   | a times contracts         | what does anybody get who buys NO and waits, at mids?              |
| selection          | (b - a) times contracts   | were these markets better than the average market?                 |
| timing             | V - A - b times contracts | were these moments better than the average moment of their market? |
| exit rule          | X - V                     | was leaving then better than holding?                              |
| spread             | A - cost + proceeds - X   | what was lost to the middle at entry and exit, waiting included?   |
| fees               | -fees                     |                                                                    |

Adding these up leaves proceeds - cost - fees: nothing is left over, for any trade. What holding pays is taken from each
trade's own market and not from the hold arm of the walk, whose trades are others: who holds does not buy again.

What is not known is not shared out by a guess. Without the always-NO arm, or where it never traded the trade's market
with both sides quoted and a known result, premium, selection and timing are one part, `entry`. Without an exit mid, the
exit rule and the spread at the exit are one part, `exit`. Without an arrival mid or a result all but the fees is
`unexplained`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import partial
from math import floor
from typing import NamedTuple

from mesh.statistics import LEVEL, Estimate
from mesh.types import CONTRACT, DOLLAR, Hundredths, Micros
from research.rows import TradeRow
from research.statistics import bootstrap
from research.statistics.clusters import BY_DAY, Naming, Share, joint, of_shares
from trader.domain.words import ExitKind


class Part(StrEnum):
    """A part of the result."""

    PREMIUM = "longshot premium"
    SELECTION = "selection"
    TIMING = "timing"
    ENTRY = "entry"
    """Premium, selection and timing, not told apart."""
    EXIT_RULE = "exit rule"
    EXIT = "exit"
    """Exit rule and spread at the exit, not told apart."""
    SPREAD = "spread"
    FEES = "fees"
    UNEXPLAINED = "unexplained"


NOT_TOLD_APART = {
    Part.ENTRY: "longshot premium, selection and timing: always-NO did not trade these markets on known results",
    Part.EXIT: "exit rule and spread at the exit: no quote of both sides is known there",
    Part.UNEXPLAINED: "all but the fees: the decision saw no quote of both sides, or nobody knows the result",
}


class Quote(NamedTuple):
    """Best prices of YES, in micros."""

    bid: int
    ask: int


ExitQuotes = Callable[[TradeRow], Quote | None]
"""Gives the quote at a row's last exit; None where a side was not quoted, or nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One part over all trades that have it."""

    net: Micros
    trades: int
    contracts: Hundredths
    mean_cents: Estimate
    """Of one contract of these trades."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decomposition:
    """A result in parts."""

    net: Micros
    """The sum of all pieces, and of all rows."""
    pieces: Mapping[Part, Piece]
    """Those that some trade has, in the order of `Part`."""

    @property
    def not_identified(self) -> list[str]:
        """Say which parts are not told apart, of how many trades, and why."""
        return [
            f"{self.pieces[part].trades} trades: {why}" for part, why in NOT_TOLD_APART.items() if part in self.pieces
        ]


def decompose(
    rows: Iterable[TradeRow],
    always_no: Iterable[TradeRow] = (),
    exit_quotes: ExitQuotes = lambda _: None,
    naming: Naming = BY_DAY,
    *,
    level: float = LEVEL,
    resamples: int = bootstrap.RESAMPLES,
    seed: int = bootstrap.SEED,
) -> Decomposition:
    """Take a result apart.

    Args:
        rows: Of the policy.
        always_no: Of the always-NO arm on the same filter; none where it was not walked.
        exit_quotes: Quotes at exits, such as `research.statistics.quotes` finds.
        naming: What a row wins and loses together with.
        level: Probability that intervals claim to cover.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.
    """
    told = list(rows)
    arm = _Arm(always_no)
    shares: dict[Part, list[tuple[TradeRow, int]]] = {part: [] for part in Part}
    for row in told:
        for part, amount in _parts(row, arm, exit_quotes):
            shares[part].append((row, amount))

    sure = partial(bootstrap.mean, level=level, resamples=resamples, seed=seed)
    between = partial(bootstrap.difference, level=level, resamples=resamples, seed=seed)

    def estimate(part: Part) -> Estimate:
        if part is Part.PREMIUM:
            return sure(of_shares(arm.shares, naming))
        if part is Part.SELECTION:
            # The arm's mean is as uncertain as the markets chosen: both are drawn together. Not rounded, for the steps
            # of rounding are no spread.
            chosen = [(row, float(arm.of_market(row))) for row, _ in shares[part]]
            return between(joint(chosen, arm.shares, naming))
        return sure(of_shares(shares[part], naming))

    pieces = {
        part: Piece(
            net=Micros(sum(amount for _, amount in share)),
            trades=len(share),
            contracts=Hundredths(sum(row.contract_count for row, _ in share)),
            mean_cents=estimate(part),
        )
        for part, share in shares.items()
        if share
    }
    return Decomposition(net=Micros(sum(row.pnl_micros for row in told)), pieces=pieces)


class _Arm:
    """Always-NO, held to the end: what a contract makes from its arrival mid, in all and by market."""

    def __init__(self, rows: Iterable[TradeRow]) -> None:
        self.shares: list[Share] = []
        self._markets: dict[str, tuple[int, int]] = {}
        for row in rows:
            arrival, end = row.entry_mid_micros, _end(row)
            if arrival is None or end is None:
                continue
            self.shares.append((row, end - arrival))
            made, count = self._markets.get(row.market_ticker, (0, 0))
            self._markets[row.market_ticker] = (made + end - arrival, count + row.contract_count)
        self._made = sum(made for made, _ in self._markets.values())
        self._count = sum(count for _, count in self._markets.values())

    def knows(self, row: TradeRow) -> bool:
        return row.market_ticker in self._markets

    def of_all(self, row: TradeRow) -> Fraction:
        """Return what a row's contracts would have made at the mean of all."""
        return Fraction(self._made * row.contract_count, self._count)

    def of_market(self, row: TradeRow) -> Fraction:
        """Return what they would have made at the mean of their market."""
        made, count = self._markets[row.market_ticker]
        return Fraction(made * row.contract_count, count)


def _parts(row: TradeRow, arm: _Arm, exit_quotes: ExitQuotes) -> Iterator[tuple[Part, int]]:
    fees = row.entry_fee_micros + row.exit_fee_micros
    yield Part.FEES, -fees
    arrival, end = row.entry_mid_micros, _end(row)
    if arrival is None or end is None:
        yield Part.UNEXPLAINED, row.pnl_micros + fees
        return
    if not arm.knows(row):
        yield Part.ENTRY, end - arrival
    else:
        premium, chosen = floor(arm.of_all(row)), floor(arm.of_market(row))
        yield Part.PREMIUM, premium
        yield Part.SELECTION, chosen - premium
        yield Part.TIMING, end - arrival - chosen
    spread = arrival - row.entry_cost_micros
    left = _left(row, end, exit_quotes)
    if left is None:
        yield Part.EXIT, row.exit_proceeds_micros - end
    else:
        yield Part.EXIT_RULE, left - end
        spread += row.exit_proceeds_micros - left
    yield Part.SPREAD, spread


def _end(row: TradeRow) -> int | None:
    if row.yes_value_micros is None:
        return None
    return row.contract_count * (DOLLAR - row.yes_value_micros) // CONTRACT


def _left(row: TradeRow, end: int, exit_quotes: ExitQuotes) -> int | None:
    if row.exit_kind == ExitKind.SETTLEMENT:
        # Where parts were sold before, their mids are not known.
        return end if row.exit_proceeds_micros == end else None
    quote = exit_quotes(row)
    return None if quote is None else row.contract_count * (2 * DOLLAR - quote.bid - quote.ask) // (2 * CONTRACT)
