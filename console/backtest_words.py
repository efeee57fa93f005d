"""A backtest in words: the same on the terminal and on the page. Pure."""

from collections.abc import Iterator, Mapping, Sequence

from console.amounts import dollars, gain
from console.durations import span_words
from console.evaluate_words import spot
from mesh.statistics import Estimate
from mesh.types import DOLLAR, Micros
from research.arms import LATENCY
from research.backtest import Backtest, Conditions
from research.baselines import POLICY
from research.looking import Looking
from research.quality.evaluation import Evaluation
from research.quality.scoring import RANDOM_WALK
from research.reliability import Reliability
from research.scanning import Tally
from research.statistics import power
from research.statistics.headline import Headline
from research.statistics.verdict import Judgement
from research.summary import Summary
from research.types import Defects
from research.walked import Walked

Lines = Iterator[tuple[str, str]]

HEADINGS = ("trades", "contracts", "net", "a contract", "95 % of chance")
QUALITY = "The forecasts, judged by the prices and results that came"
NOTHING_FORECAST = "Nothing was forecast."
PRICES = {"trade": "last trades", "mid": "the middle of bid and ask"}
"""What is forecast from."""
_NO_INTERVAL = "too few"


def title(conditions: Conditions) -> str:
    """Name the run."""
    plan = conditions.plan
    hours = plan.horizon.total_seconds() / 3600
    return f"Backtest of {plan.series}, {hours:g} h ahead"


def span(conditions: Conditions) -> str:
    """Say what was walked."""
    first, last = conditions.first_close, conditions.last_close
    dates = "" if first is None or last is None else f", closing {first:%Y-%m-%d} to {last:%Y-%m-%d}"
    left = f"; {conditions.sealed_events} sealed events left out" if conditions.sealed_events else ""
    if conditions.plan.open_sealed:
        seen = () if conditions.seal is None else conditions.seal.seen
        left = "; the sealed period, opened by this run"
        left += f"; {len(seen)} runs had seen events of it before it was sealed" if seen else ""
    return f"{conditions.events:,} events, {conditions.markets:,} markets{dates}{left}"


def needed(judgement: Judgement) -> str:
    """Say what the data could show at all."""
    said = power.words(judgement.need)
    return f"{said[0].upper()}{said[1:]}."


def verdict(judgement: Judgement) -> str:
    """Say what comes of it."""
    return f"{judgement.verdict.value}: {judgement.reason}"


def net(found: Headline) -> str:
    """Say what it came to, in dollars."""
    if not found.trades:
        return "No trade."
    contracts = f"{found.contracts / 100:,.0f}" if found.contracts % 100 == 0 else f"{found.contracts / 100:,.2f}"
    trades = "1 trade" if found.trades == 1 else f"{found.trades:,} trades"
    return f"{gain(found.net)} after {dollars(found.fees)} of fees, {trades}, {contracts} contracts"


def net_lines(found: Summary) -> Lines:
    """Say how sure the result is."""
    judgement, head = found.judgement, found.judgement.headline
    if not head.trades:
        return
    yield "a contract", cents(head.mean_cents)
    yield "in dollars", in_dollars(head.dollars)
    worst, best = gain(head.pessimistic), gain(head.optimistic)
    told = f"; {found.bounds_differ:,} of {head.trades:,} trades have candles that leave anything open"
    yield "candles allow", f"{worst} to {best}{told}"
    if head.mean_cents is not None:
        effective = "" if head.effective_trades is None else f"; as good as {head.effective_trades:,.0f} trades alone"
        yield (
            "rests on",
            f"{head.mean_cents.cluster_count:,} days of settlement, as good as "
            f"{head.mean_cents.effective_clusters:,.0f} equal ones{effective}",
        )
    yield "gains", f"{head.gains:,} of {head.trades:,} trades"
    if (deflated := judgement.deflated) is not None:
        yield (
            "Sharpe, a day",
            f"{deflated.record.sharpe:+.3f}; above what the best of {deflated.trials:,} worthless "
            f"{'trial' if deflated.trials == 1 else 'trials'} would show ({deflated.expected_best:+.3f}) with "
            f"probability {deflated.probability:.2f}",
        )
    if (tail := judgement.tail) is not None:
        yield "worst day", f"{gain(tail.day.net)} on {tail.day.name}"
        yield "worst event", f"{gain(tail.event.net)} in {tail.event.name}"
        yield "deepest fall", dollars(tail.drawdown)
        yield "most at risk", f"{dollars(tail.at_risk)} at once, on {tail.at_risk_time:%Y-%m-%d %H:%M} UTC"


def cells(found: Headline) -> tuple[str, ...]:
    """Write a group of trades, by `HEADINGS`."""
    mean = found.mean_cents
    each = "" if mean is None else f"{mean.mean:+.2f}c"
    return (f"{found.trades:,}", f"{found.contracts / 100:,.0f}", gain(found.net), each, interval(mean))


def beside(found: Summary) -> list[tuple[str, ...]]:
    """Write what other walks came to: name, trades, net, a contract, and what the policy made more of a contract."""
    own = found.judgement.headline.mean_cents
    rows: list[tuple[str, ...]] = [("do nothing", "0", gain(0), "", cents(own))]
    for name, other in found.beside.items():
        head = other.headline
        each = "" if head.mean_cents is None else f"{head.mean_cents.mean:+.2f}c"
        rows.append((name, f"{head.trades:,}", gain(head.net), each, cents(other.comparison.mean_cents)))
    return rows


def silent(found: Backtest) -> list[str]:
    """Say which walks tell nothing: of each without a trade, which rule refused so much more there."""
    own = {step.rule: step.refused for step in found.walked[POLICY.name].looking.funnel()}
    said = list[str]()
    for name, other in found.summary.beside.items():
        more = {step.rule: step.refused - own.get(step.rule, 0) for step in found.walked[name].looking.funnel()}
        rule = max(more, key=more.__getitem__, default=None)
        if not other.headline.trades and rule is not None and more[rule] > 0:
            said.append(f"{name} makes no trade: {_plain(rule)} refuses {more[rule]:,} signals more")
    return [*said, *_unmoved(found)]


def _unmoved(found: Backtest) -> Iterator[str]:
    """Say of which latencies the candles tell nothing."""
    own = _sums(found.summary.judgement.headline)
    same = [
        name
        for name, other in found.summary.beside.items()
        if name.startswith(LATENCY) and own[0] and _sums(other.headline) == own
    ]
    if same:
        yield f"{', '.join(same)} change nothing: a candle's quote holds until the next, and nobody knows more"


def _sums(head: Headline) -> tuple[int, int, int]:
    return head.trades, head.contracts, head.net


def parts(found: Summary) -> list[tuple[str, Micros, str, str]]:
    """Write where the result comes from: part, amount, in dollars, and of one contract."""
    return [
        (part.value, piece.net, gain(piece.net), cents(piece.mean_cents))
        for part, piece in found.decomposition.pieces.items()
    ]


def funnel(walked: Walked) -> list[tuple[str, int]]:
    """Count from what was looked at to trades; refusals by rule in between."""
    looking: Looking = walked.looking
    steps = [("forecasts", looking.looked)]
    steps += [(f"- {_plain(reason)}", -count) for reason, count in looking.unsaid.most_common()]
    steps.append(("signals", looking.signals))
    steps += [(f"- {_plain(step.rule)}", -step.refused) for step in looking.funnel()]
    steps.append(("decided to enter", looking.entries))
    steps.append(("- never filled", looking.filled - looking.entries))
    steps.append(("bought", looking.filled))
    steps.append(("trades", len(walked.rows)))
    return steps


def defects(found: Defects) -> list[tuple[str, str, str]]:
    """Write what is wrong with the data: name, count, an example."""
    return [(name, f"{count:,}", found.examples[name]) for name, count in sorted(found.counts.items())]


def reliability(found: Reliability) -> Lines:
    """Say how the forecast's prices stood to what came, beside the market's own."""
    if found.forecast_brier is None or found.market_brier is None or found.difference is None:
        yield "compared", "nothing: no forecast of a market whose result is known"
        return
    yield "forecast's Brier score", f"{found.forecast_brier.mean:.4f}"
    yield "market's", f"{found.market_brier.mean:.4f}"
    low, high = found.difference.low, found.difference.high
    if low is None or high is None:
        yield "difference", f"{found.difference.mean:+.4f} [{_NO_INTERVAL}]"
        return
    words = "the forecast knew more" if high < 0 else "the market knew more" if low > 0 else "neither is shown better"
    yield "difference", f"{found.difference.mean:+.4f} [{low:+.4f}, {high:+.4f}]: {words}"


def quality(found: Evaluation) -> Lines:
    """Say what the judgement rests on."""
    alone = f"; {found.alone:,} that only some forecast are left out" if found.alone else ""
    yield "judged", f"{found.shared:,} of {found.questions:,} questions{alone}"
    for one in found.spoken:
        yield one.name, f"{one.provenance}: {one.forecasts:,} forecasts"
    for name, why in found.unavailable.items():
        yield name, f"is not here: {why}"
    if RANDOM_WALK not in {*found.models, *found.unavailable}:
        yield RANDOM_WALK, "was not asked: --baselines does"
    yield "spot", spot(found).partition(": ")[2]


def conditions(found: Backtest) -> Lines:
    """Say what the result rests on."""
    told, plan = found.conditions, found.conditions.plan
    walk, settings = plan.walk, plan.walk.settings
    sizes, who = settings.sizes, told.answering
    yield "model", f"{who.model}@{who.weights_digest[:12]}, {who.precision} on {who.device}"
    yield "forecast from", PRICES[plan.price]
    yield "exit policy", f"{who.policy_digest[:12]}"
    yield "entries", f"{walk.entry_policy.value}, {settings.entries.style.value}; candles of {span_words(plan.step)}"
    yield (
        "sizes",
        f"${sizes.dollars_per_trade:g} a trade, ${sizes.max_event_dollars:g} an event, "
        f"${sizes.max_total_dollars:g} in all; {walk.assumed_size / 100:g} contracts at a quote",
    )
    yield "protections", "as configured" if walk.protections else "off: every trade is taken"
    yield "latency", span_words(walk.latency)
    yield "fees", told.fees
    origins = ", ".join(f"{count:,} {origin}" for origin, count in sorted(told.results.items()))
    yield "results of markets", origins or "none"
    for agreement in told.agreements:
        yield "observations", agreement
    tally = told.tally
    yield "questions", _asked(tally)
    if tally.again:
        why = ", ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in tally.again.most_common())
        yield "asked again", why
    for one in () if found.quality is None else found.quality.spoken:
        if one.name == RANDOM_WALK != who.model:
            yield f"to {RANDOM_WALK}", _asked(one.tally)
    yield "intervals", f"of 95 %, by drawing days of settlement anew, seed {plan.seed}"
    yield "data", told.data_digest[:16]
    yield "code", told.code_version
    yield "trial", f"{found.trial.number} of the ledger"


def cents(found: Estimate | None) -> str:
    """Write a mean of one contract with its interval."""
    return "" if found is None else f"{found.mean:+.2f}c {interval(found)}"


def in_dollars(found: Estimate | None) -> str:
    """Write a sum in dollars with its interval."""
    if found is None:
        return ""
    if found.low is None or found.high is None:
        return f"{gain(round(found.mean * DOLLAR))} [{_NO_INTERVAL}]"
    low, high = (gain(round(end * DOLLAR)) for end in (found.low, found.high))
    return f"{gain(round(found.mean * DOLLAR))} [{low}, {high}]"


def interval(found: Estimate | None) -> str:
    """Write the interval alone."""
    if found is None or found.low is None or found.high is None:
        return f"[{_NO_INTERVAL}]"
    return f"[{found.low:+.2f}, {found.high:+.2f}]"


def tables(found: Summary) -> Mapping[str, Sequence[tuple[str, Headline]]]:
    """Return the groups that say more than the whole."""
    return {name: list(rows.items()) for name, rows in found.tables.items() if len(rows) > 1}


def _asked(tally: Tally) -> str:
    return f"{tally.questions:,}: {tally.asked:,} asked, {tally.cached:,} known from before"


def _plain(word: str) -> str:
    return word.replace("_", " ")
