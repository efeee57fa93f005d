"""An evaluation's tables, for a terminal or a page."""

from collections.abc import Iterator

from console.evaluate_words import FEW_WORDS, Found, Sheet, cents, counted, percent, spread
from research.quality.evaluation import Evaluation
from research.quality.gathering import LAST_VALUE
from research.quality.scoring import ALL, RANDOM_WALK, SPOT
from research.quality.targets import ASK, BID, MID, RESULT

_MOST_STEPS = 12


def sheets(found: Found) -> Iterator[Sheet]:
    """Give all tables."""
    yield from brief(found)
    yield _positions(found)
    yield _directions(found)
    for model in found.evaluation.models:
        if (curve := _reliability(found, model)).rows:
            yield curve


def brief(found: Found) -> Iterator[Sheet]:
    """Give those that matter most: CRPS, errors, pinball, coverage, and the result."""
    yield _steps(found)
    for other, words in ((RANDOM_WALK, "the random walk"), (SPOT, "the spot-implied digital")):
        if other in found.evaluation.models:
            yield _against(found, other, words)
    yield _losses(found)
    yield _pinball(found)
    yield _coverage(found)
    yield _results(found)


def _shown(evaluation: Evaluation) -> list[int]:
    """Choose the steps that fit a table, and all together; the CSV file has every one."""
    steps = range(1, evaluation.plan.horizon_steps + 1)
    every = -(-len(steps) // _MOST_STEPS)
    return [*steps[every - 1 :: every], ALL]


def _steps(found: Found) -> Sheet:
    evaluation = found.evaluation
    rows = []
    for step in _shown(evaluation):
        figures = [cents(found.get(model, "crps", step=step)) for model in evaluation.models]
        first = found.get(LAST_VALUE, "crps", step=step)
        count = "" if first is None else f"{first.count:,}"
        effective = "" if first is None else f"{first.effective_clusters:.0f}"
        rows.append((str(step) if step else "all", *figures, count, effective))
    return Sheet(
        "CRPS of the middle by step, cents",
        ("step", *evaluation.models, "n", "eff."),
        rows,
        "Less is better. last-value stays where the price is: its CRPS is its absolute error. eff.: so many equal "
        "clusters would say as much.",
    )


def _against(found: Found, other: str, words: str) -> Sheet:
    models = found.evaluation.models
    later = models[models.index(other) + 1 :]
    rows = [
        (
            str(step) if step else "all",
            *(spread(found.get(model, "crps", step=step, against=other)) for model in later),
            spread(found.get(other, "crps", step=step, against=LAST_VALUE)),
        )
        for step in _shown(found.evaluation)
    ]
    return Sheet(
        f"CRPS less that of {words}, cents",
        ("step", *later, f"{other} less last-value"),
        rows,
        "Below zero is better. Paired, settlement days drawn anew (Diebold-Mariano). That over all steps "
        f"decides, with that of the ask: of many lines one may stand out by chance. {FEW_WORDS}",
    )


def _losses(found: Found) -> Sheet:
    rows = []
    last, walk = found.get(LAST_VALUE, "mae"), found.get(RANDOM_WALK, "mae")
    for model in found.evaluation.models:
        mae = found.get(model, "mae")
        skills = ["" if mae is None or base is None or not base.mean else f"{(1 - mae.mean / base.mean) * 100:+.1f}"
                  for base in (last, walk)]  # fmt: skip
        rest = [cents(found.get(model, "crps", target)) for target in (BID, ASK)]
        rows.append((model, cents(mae), spread(found.get(model, "mae", against=LAST_VALUE)), *skills, *rest))
    counts = ", ".join(
        f"{target} {'' if (one := found.get(LAST_VALUE, 'crps', target)) is None else f'{one.count:,}'}"
        for target in (MID, BID, ASK)
    )
    return Sheet(
        "Errors over all steps, cents",
        ("model", "MAE", "less last-value", "skill %\nlast-v.", "skill %\nwalk", "CRPS\nbid", "CRPS\nask"),
        rows,
        "Of the point against the middle; skill is 1 - MAE / MAE of the other. YES sells at the bid, NO at a dollar "
        f"less the ask. Prices: {counts}. {counted(found.get(LAST_VALUE, 'mae'))}",
    )


def _pinball(found: Found) -> Sheet:
    rows = [
        (f"{level:g}", *(cents(found.get(model, "pinball", level=level)) for model in found.evaluation.models))
        for level in found.levels("pinball")
    ]
    return Sheet(
        "Pinball loss by quantile, all steps, cents",
        ("quantile", *found.evaluation.models),
        rows,
        "CRPS is twice their sum, each weighted by the part of 0 to 1 that is nearest to its level. "
        f"{counted(found.get(LAST_VALUE, 'crps'))}",
    )


def _coverage(found: Found) -> Sheet:
    models = [name for name in found.evaluation.models if name != LAST_VALUE]
    rows = [
        (
            f"{claim * 100:.0f}",
            *(percent(found.get(model, "coverage", level=claim)) for model in models),
            " / ".join(cents(found.get(model, "width", level=claim)) for model in models),
        )
        for claim in reversed(found.levels("coverage"))
    ]
    return Sheet(
        "Coverage of central intervals, per cent, all steps",
        ("claimed", *models, "mean widths, c"),
        rows,
        f"Of the middle; the ends count as inside, and prices are round. {counted(found.get(LAST_VALUE, 'crps'))}",
    )


def _positions(found: Found) -> Sheet:
    models = [name for name in found.evaluation.models if name != LAST_VALUE]
    rows, start = [], 0.0
    for end in found.levels("pit"):
        parts = (percent(found.get(model, "pit", level=end)) for model in models)
        rows.append((f"{start:g}-{end:g}", *parts, f"{(end - start) * 100:.1f}"))
        start = end
    return Sheet(
        "Where in the forecast the middle came to lie (PIT), per cent, all steps",
        ("part", *models, "if right"),
        rows,
        f"Much in the outer parts: too narrow. {counted(found.get(LAST_VALUE, 'crps'))}",
    )


def _directions(found: Found) -> Sheet:
    rows: list[tuple[str, ...]] = []
    for model in found.evaluation.models:
        right = found.get(model, "direction")
        if right is not None:
            falls, better = found.get(model, "falls"), found.get(model, "direction", against="falls")
            share = "" if falls is None else f"{falls.mean * 100:.1f}"
            rows.append((model, percent(right), share, spread(better, 1, 100), f"{right.count:,}"))
    return Sheet(
        "Direction of the middle, per cent right, all steps",
        ("model", "right", '"falls"', "better by", "n"),
        rows,
        'Beside it who always says "falls", on the same moves: where a market is near its end that alone is right most '
        f"of the time. {counted(found.get(RANDOM_WALK, 'direction'), 'moves')}",
    )


def _results(found: Found) -> Sheet:
    rows: list[tuple[str, ...]] = []
    for model in found.evaluation.models:
        name = "market's middle" if model == LAST_VALUE else model
        brier, log = (found.get(model, score, RESULT) for score in ("brier", "log"))
        less = (spread(found.get(model, score, RESULT, against=LAST_VALUE)) for score in ("brier", "log"))
        rows.append((name, *(part for pair in zip((cents(brier), cents(log)), less, strict=True) for part in pair)))
    return Sheet(
        "The result, where the horizon runs to the close: Brier and log score",
        ("model", "Brier", "less market", "log", "less market"),
        rows,
        "Forecasts of which the last whole step before the close is one of those asked for; the point at that step is "
        f"the probability. {counted(found.get(LAST_VALUE, 'brier', RESULT), 'forecasts')}",
    )


def _reliability(found: Found, model: str) -> Sheet:
    rows: list[tuple[str, ...]] = []
    for end in found.levels("reliability_said", RESULT):
        said = found.get(model, "reliability_said", RESULT, level=end)
        came = found.get(model, "reliability_came", RESULT, level=end)
        if said is not None and came is not None:
            share = (f"{said.mean * 100:.1f}", percent(came), f"{said.count:,}", f"{said.effective_clusters:.0f}")
            rows.append((f"{end * 100 - 10:.0f}-{end * 100:.0f}", *share))
    name = "the market's middle" if model == LAST_VALUE else model
    return Sheet(f"Reliability of {name}: said and came, per cent", ("said", "mean", "came YES", "n", "eff."), rows)
