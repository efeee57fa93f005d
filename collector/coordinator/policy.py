"""The numbers that leases, refreshes and retries go by. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LeasePolicy:
    """All in seconds unless the name says otherwise."""

    lease: float = 60.0
    """How long a lease runs without a heartbeat."""
    heartbeat: float = 10.0
    """Longest between two heartbeats."""
    min_heartbeat: float = 0.5
    grace: float = 30.0
    """After a restart of the coordinator, added to every lease: workers may have tried to reach it in vain."""
    drain: float = 30.0
    """What a revoked lease has to be committed or released."""
    stuck: float = 300.0
    """A lease without progress for this long is asked back."""
    refresh: float = 900.0
    """Between two collections of an event that still trades, at least; never less than its candle step."""
    settle_delay: float = 30.0
    """From the end of an event's last candle to its last collection: reads of the exchange lag behind a little."""
    retry_holes: tuple[float, ...] = (600.0, 7200.0, 86400.0)
    """Waits before each retry of the holes of a closed event; after the last it is sealed with them."""
    backoff: float = 30.0
    """Before a shard whose lease failed is granted again; doubles with each failure, up to an hour."""
    steal_after: float = 20.0
    """How long a due shard waits for its preferred worker while that worker is active and has no room."""
    max_file_bytes: int = 2**30
    """Largest file that is committed."""
    max_leases: int = 32
    """Leases that one worker may hold."""
