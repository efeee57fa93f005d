"""A small store made from real recordings, where this checkout has them."""

from collections.abc import Collection
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from console.collection.importing import Import
from mesh.store.folder import open_folder
from tests.conftest import ROOT

SHARED = ROOT.parent / "shared" / "data"
KALSHI, HIGHS = SHARED / "kalshi", SHARED / "underlying" / "daily_high_temperature.parquet"


def imported(root: Path, files: Collection[str], events: Collection[str]) -> Path:
    """Import some events of recorded files; all markets of a series, because they prove what observations are worth."""
    chosen = root / "chosen"
    chosen.mkdir()
    for name in files:
        table = pq.read_table(KALSHI / name)
        if not name.startswith("markets"):
            table = table.filter(
                pc.is_in(table.column("event_ticker"), pc.cast(list(events), table.schema.field(1).type))
            )
        pq.write_table(table, chosen / name)
    with open_folder(root / "store") as folder:
        outcomes = list(Import(root=root / "store", folder=folder).run(sorted(chosen.iterdir())))
    assert not [outcome.problems for outcome in outcomes if outcome.problems]
    return root / "store"
