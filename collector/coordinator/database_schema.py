"""Tables of the coordinator's database, version by version. Pure.

Made to be read with the `sqlite3` command too: instants are UTC text that sorts by time, shards are named by series,
event and step, and the commit in force is `commits` joined over the shard's name and `committed_epoch`.
"""

APPLICATION_ID = 0x464D4344
"""Marks the file as ours in its header: `FMCD`."""

_SHARD = "series TEXT NOT NULL, event TEXT NOT NULL, step TEXT NOT NULL"

_FIRST = (
    f"""
    CREATE TABLE commits (  -- every commit ever made, also those that are no longer in force
      sequence INTEGER PRIMARY KEY, {_SHARD}, epoch INTEGER NOT NULL,
      worker_id TEXT NOT NULL, committed TEXT NOT NULL, covered_end TEXT NOT NULL,
      sha256 TEXT NOT NULL, size_bytes INTEGER NOT NULL, row_count INTEGER NOT NULL, market_count INTEGER NOT NULL,
      first_candle TEXT, last_candle TEXT, schema TEXT NOT NULL, schema_version INTEGER NOT NULL, content TEXT NOT NULL,
      hole_count INTEGER NOT NULL,
      UNIQUE (series, event, step, epoch)
    ) STRICT""",
    """
    CREATE TABLE holes (
      sequence INTEGER NOT NULL REFERENCES commits, position INTEGER NOT NULL,
      market TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL, first_candle TEXT, last_candle TEXT,
      attempts INTEGER NOT NULL,
      PRIMARY KEY (sequence, position)
    ) STRICT, WITHOUT ROWID""",
    f"""
    CREATE TABLE shards (
      {_SHARD}, state TEXT NOT NULL, opens TEXT NOT NULL, closes TEXT NOT NULL, settled TEXT,
      epoch INTEGER NOT NULL, granted_to TEXT NOT NULL, committed_epoch INTEGER,
      lease_epoch INTEGER, lease_owner TEXT, lease_instance TEXT, lease_purpose TEXT, lease_granted TEXT,
      due TEXT, due_for TEXT NOT NULL, failures INTEGER NOT NULL, hole_retries INTEGER NOT NULL,
      holders TEXT NOT NULL,  -- JSON list of worker ids
      withdrawn INTEGER NOT NULL,
      PRIMARY KEY (series, event, step),
      FOREIGN KEY (series, event, step, committed_epoch) REFERENCES commits (series, event, step, epoch)
    ) STRICT, WITHOUT ROWID""",
    """
    CREATE TABLE workers (
      worker_id TEXT PRIMARY KEY, instance TEXT NOT NULL,
      superseded TEXT NOT NULL,  -- JSON list of its earlier processes
      software_version TEXT NOT NULL, node_index INTEGER, fetch_address TEXT,
      budget_kind TEXT NOT NULL, budget_id TEXT NOT NULL, refill_per_second REAL, capacity REAL,
      registered TEXT NOT NULL, has_left INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID""",
    """
    CREATE TABLE events (
      event TEXT PRIMARY KEY, series TEXT NOT NULL, settled TEXT, listed TEXT NOT NULL,
      markets TEXT NOT NULL  -- JSON list of [ticker, phase, opens, closes, fetch_from]
    ) STRICT""",
    """
    CREATE TABLE listings (  -- the last complete look at the exchange of each series
      series TEXT PRIMARY KEY, listed TEXT NOT NULL, steps TEXT NOT NULL,
      events TEXT NOT NULL  -- JSON object: count of markets by event
    ) STRICT""",
)

VERSIONS: tuple[tuple[str, ...], ...] = (_FIRST,)
"""What makes each version out of the one before; the first out of nothing. A version that was shipped never changes."""
