"""What a search for better exits leaves behind: the grid as CSV, the policy it proposes, its line in the ledger."""

import csv
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple
from typing import Any

from mesh.files import staged_files
from mesh.store.listing import shard_files
from mesh.types import CENT
from research.code_version import code_version
from research.tpsl import policy_file, table
from research.tpsl.optimised import Optimised

_MODE = 0o644


@contextmanager
def staged(found: Optimised) -> Iterator[None]:
    """Write the files, which stand there when the block ends: nobody sees what the ledger does not know.

    Raises OSError, and StoreError where other series cannot be listed.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.COLUMNS)
    writer.writerows(astuple(row) for row in found.search.rows)
    files = [(found.csv, text.getvalue().encode(), _MODE)]
    now = found.search.selection.now
    if found.policy is not None and now is not None:
        asked = found.plan.backtest
        levels = policy_file.ExitLevels(
            asset=f"{asked.series}, by foremesh tpsl",
            series_prefix=asked.series,
            take_profit_cents=now.target / CENT,
            stop_loss_cents=now.stop / CENT,
        )
        alike = {key.series for key in shard_files(asked.root)}
        content = policy_file.write(found.in_force, levels, provenance(found), alike)
        files.append((found.policy, content.encode(), _MODE))
    found.csv.parent.mkdir(parents=True, exist_ok=True)
    with staged_files(files):
        yield


def provenance(found: Optimised) -> list[str]:
    """Say where proposed levels come from."""
    chosen, trial, who = found.search.selection, found.trial, found.answering
    mean = chosen.chosen
    return [
        f"Trial {trial.number} of the ledger, {trial.time:%Y-%m-%d %H:%M} UTC; data {found.data_digest[:16]}; "
        f"code {code_version()}; model {who.model}@{who.weights_digest[:12]}.",
        f"Chosen among {chosen.trials} ways out on {len(found.search.totals.days)} days with {found.search.trades} "
        "trades.",
        *(
            []
            if mean is None or mean.low is None or mean.high is None
            else [
                f"On days after those that they were chosen on, levels chosen so made {mean.mean:+.2f}c a contract "
                f"[{mean.low:+.2f}, {mean.high:+.2f}]."
            ]
        ),
    ]


def told(found: Optimised, begun: int) -> Mapping[str, Any]:
    """Return what the ledger is told of the run that it knows by a number."""
    chosen = found.search.selection
    mean = chosen.chosen
    return {
        "begun": begun,
        "data": found.data_digest,
        "events": found.events,
        "last_close": None if found.last_close is None else found.last_close.isoformat(),
        "trades": sum(block.trades for block in chosen.tried),
        "ways_out": chosen.trials,
        "mean_cents": None if mean is None else mean.mean,
        "low_cents": None if mean is None else mean.low,
        "high_cents": None if mean is None else mean.high,
        "sharpe": chosen.sharpe,
        "overfitting": None if found.search.overfitting is None else found.search.overfitting.probability,
        "verdict": chosen.decision.value,
    }
