"""Randomness by name: every part of the world draws from its own generator, so order of computation does not matter.

Pure.
"""

import hashlib
from uuid import UUID

import numpy as np


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """Give the generator of one part of the world; the same seed and names give the same draws."""
    return np.random.Generator(np.random.PCG64(int.from_bytes(_digest(seed, names))))


def uuid(seed: int, *names: str | int) -> UUID:
    """Give a version 4 UUID that depends on nothing but seed and names."""
    return UUID(bytes=_digest(seed, names), version=4)


def _digest(seed: int, names: tuple[str | int, ...]) -> bytes:
    return hashlib.blake2b(repr((seed, *names)).encode(), digest_size=16).digest()
