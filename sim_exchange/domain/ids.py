"""Numbers and ids, each given out once and derived from the seed alone. Pure."""

from hashlib import blake2b


class Ids:
    """A counter, and UUIDs hashed from it."""

    def __init__(self, seed: int) -> None:
        self._key = b"%d:" % seed
        self.issued = 0

    def number(self) -> int:
        """Give the next number."""
        self.issued += 1
        return self.issued

    def uuid(self) -> str:
        """Give the next id, in the form of a random UUID."""
        self.issued += 1
        digits = blake2b(self._key + b"%d" % self.issued, digest_size=16).hexdigest()
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
