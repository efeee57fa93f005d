"""Getting a request to the exchange and its answer back: signatures, budgets, the exchange's time, retries of reads."""
