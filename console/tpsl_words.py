"""What a search for better exits found, in words for people. Pure."""

from collections.abc import Iterator, Sequence

from console.amounts import gain
from console.backtest_words import PRICES, cents, in_dollars
from mesh.statistics import Estimate
from mesh.types import CENT, DOLLAR
from research.statistics import power
from research.statistics.comparison import Comparison
from research.tpsl.optimised import STOP_DISTANCE, Optimised
from research.tpsl.selection import Choice, Decision
from research.tpsl.table import Row

Lines = Iterator[tuple[str, str]]
HEADINGS = ("way out", "trades", "net", "a contract, all days", "on later days", "wins")
FOLD_HEADINGS = ("target, stop", "there", "after it", "trades", "chosen on", "tried on", "left out")


def title(found: Optimised) -> str:
    """Name it."""
    hours = found.plan.backtest.horizon.total_seconds() / 3600
    return f"Exits of {found.plan.backtest.series}, {hours:g} h ahead"


def span(found: Optimised) -> str:
    """Say what was looked at."""
    first, last = found.first_close, found.last_close
    when = "" if first is None or last is None else f", {first:%Y-%m-%d} to {last:%Y-%m-%d}"
    return f"{found.search.trades:,} trades on {len(found.search.totals.days):,} days, of {found.events:,} events{when}"


def needed(found: Optimised) -> str:
    """Say what the data could show at all."""
    said = power.words(found.search.need)
    return f"{_capital(said)}, by trades that are held to settlement."


def verdict(found: Optimised) -> str:
    """Say what is proposed, and why."""
    chosen = found.search.selection
    if chosen.decision is Decision.PROPOSED and chosen.now is not None:
        return f"Proposed: {_levels(chosen.now)}. {_capital(chosen.why)}."
    word = "No change" if chosen.decision is Decision.NO_CHANGE else "Not enough data"
    return f"{word}: {chosen.why}."


def money(found: Optimised) -> str:
    """Say whether chosen levels make money, whatever they are better than."""
    mean = found.search.selection.chosen
    if mean is None:
        return "Nothing was tried on later days."
    said = f"On days after those that they were chosen on, levels chosen so made {cents(mean)} a contract: "
    if mean.low is None or mean.high is None:
        return f"{said}too few days to say more."
    if mean.low > 0:
        return f"{said}a gain."
    if mean.high < 0:
        return f"{said}a loss. To trade nothing would have been better."
    return f"{said}not shown to be more than nothing."


def flattering(found: Optimised) -> str:
    """Say what the best cell is worth, and why that is not what it will make."""
    now = found.search.selection.now
    if now is None:
        return "No cell trades half of the contracts, so none can be chosen."
    return (
        f"The best cell of all {found.search.totals.levels.count:,}, {_levels(now)}, made {now.learned_cents:+.2f}c a "
        f"contract on the very days it was picked on: the luckiest of {found.search.selection.trials:,} tries, and no "
        "promise."
    )


def sure(found: Optimised) -> Lines:
    """Say how the choice stands to what it is held against, and how far it can be trusted."""
    chosen = found.search.selection
    yield "against holding", _against(chosen.held)
    yield "against policy", _against(chosen.current)
    over = found.search.overfitting
    if over is None:
        yield "overfitting", "too few days to cut them in halves"
    else:
        yield (
            "overfitting",
            f"{over.probability:.0%}: so often, of {over.splits:,} ways to cut the days in halves, the best cell of "
            f"one half is no better than the middle one in the other. It loses there in {over.loss_probability:.0%}; "
            f"{over.inside_cents:+.2f}c become {over.outside_cents:+.2f}c",
        )
    yield "tries", f"{chosen.trials:,} ways out, in trial {found.trial.number} of the ledger"
    yield (
        "check",
        f"{found.search.reproduced:,} of {found.search.trades:,} trades came to the same, to the micro, as in the walk",
    )


def arm_cells(row: Row) -> tuple[str, ...]:
    """Write an arm's row, as `HEADINGS`."""
    return (
        row.arm,
        f"{row.trades:,}",
        gain(round(row.net_dollars * DOLLAR)),
        _spread(row.net_cents, row.low_cents, row.high_cents),
        _spread(row.out_of_sample_cents, row.out_of_sample_low_cents, row.out_of_sample_high_cents),
        "" if row.win_rate is None else f"{row.win_rate:.0%}",
    )


def folds(found: Optimised) -> list[tuple[str, ...]]:
    """Write what was chosen and what came of it, as `FOLD_HEADINGS`."""
    return [
        (
            f"{tried.choice.target / CENT:g}c, {tried.choice.stop / CENT:g}c",
            f"{tried.choice.learned_cents:+.2f}c",
            "" if tried.cents is None else f"{tried.cents:+.2f}c",
            f"{tried.trades:,}",
            f"{tried.choice.learned_days} days",
            f"{len(tried.fold.tried)} days",
            f"{tried.fold.purged} days",
        )
        for tried in found.search.selection.tried
    ]


def conditions(found: Optimised) -> Lines:
    """Say what the result rests on."""
    plan, who = found.plan, found.answering
    walk = plan.walk
    yield "model", f"{who.model}@{who.weights_digest[:12]}, {who.precision} on {who.device}"
    yield "forecast from", PRICES[plan.backtest.price]
    yield "exit policy", f"{found.in_force.version}, {found.in_force.digest[:12]}"
    yield "entries", f"{walk.entry_policy.value}, by the trader's rules on that policy; every way out has the same"
    yield "exits", "sold to closing quotes across the spread, fees paid; what nobody buys waits for a bid or the result"
    yield (
        "stops",
        "a stop that would lie inside the spread makes no trade, as live"
        if STOP_DISTANCE not in (plan.backtest.walk.settings.rules.off)
        else "may lie inside the spread: the rule is off",
    )
    yield (
        "later days",
        f"{plan.folds.count} blocks after the first {plan.folds.first_share:.0%} of days; days count as known "
        f"{plan.folds.embargo.total_seconds() / 3600:g} h after all their results",
    )
    yield "intervals", f"of 95 %, by days of settlement; those that decide are drawn anew, seed {plan.backtest.seed}"
    yield "data", found.data_digest[:16]


def defects(found: Optimised) -> list[tuple[str, str, str]]:
    """List what was wrong or left out: name, count, an example."""
    told = found.defects
    return [(name, f"{count:,}", told.examples[name]) for name, count in sorted(told.counts.items())]


def _levels(choice: Choice) -> str:
    return f"target {choice.target / CENT:g}c, stop {choice.stop / CENT:g}c"


def _against(found: Comparison | None) -> str:
    if found is None or found.mean_cents is None:
        return "nothing to compare"
    said = f"{cents(found.mean_cents)} a contract, {in_dollars(found.dollars)}"
    return f"{said}; {_sense(found.mean_cents)}"


def _sense(mean: Estimate) -> str:
    if mean.low is None or mean.high is None:
        return "too few days to tell"
    return "better" if mean.low > 0 else "worse" if mean.high < 0 else "not told apart"


def _spread(mean: float | None, low: float | None, high: float | None) -> str:
    if mean is None:
        return ""
    return f"{mean:+.2f}c" + ("" if low is None or high is None else f" [{low:+.2f}, {high:+.2f}]")


def _capital(said: str) -> str:
    return said[:1].upper() + said[1:]


def arms(found: Optimised) -> Sequence[Row]:
    """Return the rows that are no cells."""
    return [row for row in found.search.rows if row.take_profit_cents is None]
