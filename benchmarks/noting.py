"""Diaries of shipped daemons, which a benchmark starts in processes of its own: when a method ran."""

import time
from array import array
from functools import wraps
from typing import Any

DIARY = "diary.json"
"""What such a process writes into its working folder at its end."""


def noted(owner: type, method: str) -> "array[float]":
    """Have a method of a class note its calls; gives what grows: wall times of beginning and end, in turn."""
    shipped, times = getattr(owner, method), array("d")

    @wraps(shipped)
    def timed(*given: Any, **named: Any) -> Any:
        began = time.time()
        try:
            return shipped(*given, **named)
        finally:
            times.extend((began, time.time()))

    setattr(owner, method, timed)
    return times
