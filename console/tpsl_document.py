"""A search for better exits as one JSON document for programs; the grid is in the CSV file that it names."""

import json
from dataclasses import asdict
from typing import Any

from mesh.statistics import Estimate
from research.statistics.comparison import Comparison
from research.tpsl.optimised import Optimised


def text(found: Optimised) -> str:
    """Write it."""
    return json.dumps(document(found), indent=2)


def document(found: Optimised) -> dict[str, Any]:
    """Return it."""
    chosen, over = found.search.selection, found.search.overfitting
    return {
        "trial": found.trial.number,
        "csv": str(found.csv),
        "policy": None if found.policy is None else str(found.policy),
        "parameters": found.plan.parameters(),
        "data": found.data_digest,
        "events": found.events,
        "days": len(found.search.totals.days),
        "trades": found.search.trades,
        "reproduced": found.search.reproduced,
        "decision": chosen.decision.value,
        "why": chosen.why,
        "trials": chosen.trials,
        "chosen_cents": _estimate(chosen.chosen),
        "less_held": _comparison(chosen.held),
        "less_current": _comparison(chosen.current),
        "now": None if chosen.now is None else asdict(chosen.now),
        "folds": [
            {
                "target_micros": tried.choice.target,
                "stop_micros": tried.choice.stop,
                "learned_days": tried.choice.learned_days,
                "learned_cents": tried.choice.learned_cents,
                "tried_days": len(tried.fold.tried),
                "purged_days": tried.fold.purged,
                "trades": tried.trades,
                "cents": tried.cents,
            }
            for tried in chosen.tried
        ],
        "overfitting": None if over is None else asdict(over),
        "arms": [asdict(row) for row in found.search.rows if row.take_profit_cents is None],
        "defects": dict(found.defects.counts),
    }


def _estimate(found: Estimate | None) -> dict[str, Any] | None:
    return None if found is None else asdict(found)


def _comparison(found: Comparison | None) -> dict[str, Any] | None:
    return None if found is None else asdict(found)
