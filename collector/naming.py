"""Whose certificate, or token, speaks for a worker. Pure."""


def names_of(worker_id: str) -> tuple[str, str]:
    """Name the identities that may call as a worker: its own name, and the one that `foremesh install` gives it."""
    return worker_id, f"collector-{worker_id}"
