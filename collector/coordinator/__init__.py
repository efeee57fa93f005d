"""The coordinator that leases shards to collectors."""
