"""An evaluation as one JSON document for programs."""

import json
from dataclasses import asdict
from typing import Any

from research.quality import csv_file
from research.quality.evaluation import Evaluation


def text(found: Evaluation) -> str:
    """Write it."""
    return json.dumps(document(found), indent=2)


def document(found: Evaluation) -> dict[str, Any]:
    """Return it; scores are the rows of the CSV file."""
    plan = found.plan
    return {
        "series_ticker": found.series_ticker,
        "data_digest": found.data_digest,
        "horizon_steps": plan.horizon_steps,
        "step_seconds": plan.step.total_seconds(),
        "price": plan.price,
        "event_count": found.events,
        "sealed_event_count": found.sealed,
        "market_count": found.markets,
        "cluster_count": found.clusters,
        "first_day": found.days[0],
        "last_day": found.days[1],
        "defects": {
            name: {"count": count, "example": found.defects.examples[name]}
            for name, count in sorted(found.defects.counts.items())
        },
        **judged(found),
    }


def judged(found: Evaluation) -> dict[str, Any]:
    """Return what was judged, and how."""
    return {
        "quantile_levels": list(found.levels),
        "question_count": found.questions,
        "shared_count": found.shared,
        "alone_count": found.alone,
        "models": [
            {
                "name": one.name,
                "model": one.provenance,
                "forecast_count": one.forecasts,
                "cached_count": one.tally.cached,
                "asked_count": one.tally.asked,
                "unsaid": dict(one.tally.unsaid),
            }
            for one in found.spoken
        ],
        "unavailable": dict(found.unavailable),
        "verdicts": list(found.verdicts),
        "missing": dict(found.missing),
        "results": dict(found.results),
        "spot_implied": None if found.spot is None else asdict(found.spot),
        "scores": [
            {name: value for name, value in record.items() if name not in ("series_ticker", "step_seconds")}
            for record in csv_file.records(found)
        ],
    }
