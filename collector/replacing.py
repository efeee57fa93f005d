"""Whether what was collected from nothing is worth more than the committed file that it is to replace. Pure."""

import pyarrow.compute as pc

from collector.fetching import Collected
from mesh.shards import Commit, Content, HoleReason


def shortfall(replaced: Commit, collected: Collected) -> str:
    """Say why what was collected anew may not take a good file's place; empty if it may.

    Args:
        replaced: The file's commit.
        collected: What would take its place.
    """
    left = [hole for hole in collected.holes if hole.reason is not HoleReason.NO_DATA]
    if left and len(collected.holes) > replaced.hole_count:
        what = f"{len(collected.holes)} holes in the new one, {replaced.hole_count} in it"
        return f"the committed file stays: {what}; {left[0].market} is {left[0].reason.value}"
    markets = pc.count_distinct(collected.table.column("market_ticker")).as_py()
    if markets < replaced.file.market_count:
        return f"the committed file stays: it has {replaced.file.market_count} markets, and the new one {markets}"
    rows = collected.table.num_rows
    if replaced.file.content is Content.PRICES_AND_QUOTES and rows < replaced.file.row_count:
        # Of prices alone, rows say nothing: whoever recorded them may have filled the quiet hours.
        return f"the committed file stays: it has {replaced.file.row_count} rows, and the new one {rows}"
    return ""
