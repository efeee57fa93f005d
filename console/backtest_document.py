"""A backtest as one JSON document for programs: money in micros, counts in hundredths of a contract."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from console import evaluate_document
from research.backtest import Backtest
from research.baselines import POLICY
from research.scanning import Tally


def text(found: Backtest) -> str:
    """Write it."""
    return json.dumps(document(found), indent=2)


def document(found: Backtest) -> dict[str, Any]:
    """Return it; the rows are in the CSV file that it names."""
    conditions, policy = found.conditions, found.walked[POLICY.name]
    who = conditions.answering
    return {
        "trial": found.trial.number,
        "csv": str(found.csv),
        "conditions": {
            "code": conditions.code_version,
            "data": conditions.data_digest,
            "model": who.model,
            "weights_digest": who.weights_digest,
            "policy_digest": who.policy_digest,
            "parameters": conditions.plan.parameters(),
            "seed": conditions.plan.seed,
            "fees": conditions.fees,
            "agreements": list(conditions.agreements),
            "events": conditions.events,
            "markets": conditions.markets,
            "sealed_events": conditions.sealed_events,
            "seen_before_sealed": [] if conditions.seal is None else list(conditions.seal.seen),
            "first_close": _plain(conditions.first_close),
            "last_close": _plain(conditions.last_close),
            "results": dict(conditions.results),
        },
        "questions": _tally(conditions.tally),
        "funnel": {
            "looked": policy.looking.looked,
            "unsaid": dict(policy.looking.unsaid),
            "signals": policy.looking.signals,
            "refused": [_built(step) for step in policy.looking.funnel()],
            "entries": policy.looking.entries,
            "filled": policy.looking.filled,
            "trades": len(policy.rows),
        },
        "defects": {
            name: {"count": count, "example": found.defects.examples[name]}
            for name, count in sorted(found.defects.counts.items())
        },
        "reliability": _built(found.reliability),
        "forecasts": None if found.quality is None else evaluate_document.judged(found.quality),
        **_built(found.summary),
    }


def _tally(tally: Tally) -> Mapping[str, Any]:
    found: dict[str, Any] = _built(tally)
    return found


def _built(value: object) -> Any:
    return msgspec.to_builtins(value, str_keys=True, enc_hook=_plain)


def _plain(value: object) -> Any:
    return None if value is None else str(value)
