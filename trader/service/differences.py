"""What two sides say in words, as figures again. Pure.

The journal keeps both sides of a difference as text: money in dollars, contracts with their side, or a state in words.
"""

import re

from foremesh.trader.v1 import rules_pb2

from mesh.types import hundredths_from_count, micros_from_dollars

_MONEY = re.compile(r"-?[0-9]{1,12}\.(?:[0-9]{4}|[0-9]{6})")
_CONTRACTS = re.compile(r"([0-9]{1,12}\.[0-9]{2}) (YES|NO)")
_WORD = 64


def figure_of(words: str) -> rules_pb2.Figure:
    """Return what a side says: micros, contracts (NO ones below zero), or else its words, which are not empty."""
    if _MONEY.fullmatch(words):
        return rules_pb2.Figure(micros=micros_from_dollars(words))
    if found := _CONTRACTS.fullmatch(words):
        count = hundredths_from_count(found[1])
        return rules_pb2.Figure(contracts_hundredths=count if found[2] == "YES" else -count)
    return rules_pb2.Figure(word=words[:_WORD])
