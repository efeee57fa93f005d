"""Reports: what a span of time came to, recomputed from the journal's rows."""
