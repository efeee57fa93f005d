"""The order of markets on a screen: people think in ladders. Pure."""

import re

_STRIKE = re.compile(r"[A-Z]*?(\d+(?:\.\d+)?)$")


def place(event: str, ticker: str) -> tuple[str, bool, float, str]:
    """Return what markets are sorted by: their event, then their strike, as the ticker's end names it.

    Markets whose ticker ends in no number stand behind the others of their event, by ticker.
    """
    found = _STRIKE.match(ticker.rpartition("-")[2])
    return (event, found is None, 0.0 if found is None else float(found[1]), ticker)
