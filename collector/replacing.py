"""Whether what was collected from nothing is worth more than the committed file that it is to replace. Pure."""

import pyarrow.compute as pc

from collector.fetching import Collected
from mesh.shards import Commit, HoleReason


def shortfall(held: Commit | None, collected: Collected) -> str:
    """Say why what was collected anew may not replace a good file; empty if it may.

    Args:
        held: The commit whose file is here; None where it is elsewhere, and only the holes tell.
        collected: What would take its place.
    """
    if left := [hole for hole in collected.holes if hole.reason is not HoleReason.NO_DATA]:
        return f"the committed file stays: {len(left)} holes in the new one, as {left[0].market} {left[0].reason.value}"
    markets = pc.count_distinct(collected.table.column("market_ticker")).as_py()
    if held is not None and markets < held.file.market_count:
        return f"the committed file stays: it has {held.file.market_count} markets, and the new one {markets}"
    return ""
