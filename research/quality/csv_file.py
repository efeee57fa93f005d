"""All scores of an evaluation as one CSV file: what the tables and plots show is read off its rows."""

import csv
import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mesh.files import staged_files
from research.quality.evaluation import Evaluation

COLUMNS = (
    "series_ticker", "model", "target", "step", "step_seconds", "score", "level", "against", "mean", "low", "high",
    "count", "cluster_count", "effective_clusters",
)  # fmt: skip
"""`step` 0 is all steps together, or the result. Without an interval `low` and `high` are empty."""
_MODE = 0o644


@contextmanager
def staged(found: Evaluation, folder: Path) -> Iterator[tuple[Path, str]]:
    """Write `evaluate_<SERIES>.csv` into a folder, made if absent: it stands there when the block ends.

    Gives the path and the SHA-256 of its content. Raises OSError.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(records(found))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"evaluate_{found.series_ticker}.csv"
    content = text.getvalue().encode()
    with staged_files([(path, content, _MODE)]):
        yield path, hashlib.sha256(content).hexdigest()


def records(found: Evaluation) -> Iterator[dict[str, object]]:
    """Give a record for every score: cents of YES, or shares."""
    for one in found.scores:
        estimate = one.estimate
        yield {
            "series_ticker": found.series_ticker,
            "model": one.model,
            "target": one.target,
            "step": one.step,
            "step_seconds": round(found.plan.step.total_seconds()),
            "score": one.score,
            "level": one.level,
            "against": one.against,
            "mean": estimate.mean,
            "low": estimate.low,
            "high": estimate.high,
            "count": estimate.count,
            "cluster_count": estimate.cluster_count,
            "effective_clusters": estimate.effective_clusters,
        }
