"""Which node prefers which event. Pure.

The split is the predecessor's, so that files collected under it stay where they are: the md5 of the event's ticker,
as a number, modulo the count of nodes. It is a preference only; the coordinator's lease is the authority.
"""

from hashlib import md5


def preferred_node(event_ticker: str, total_nodes: int) -> int:
    """Return the number of the node, from 0, that prefers an event. ValueError for fewer than one node."""
    if total_nodes < 1:
        raise ValueError(f"there must be at least one node, not {total_nodes}")
    return int(md5(event_ticker.encode(), usedforsecurity=False).hexdigest(), 16) % total_nodes
