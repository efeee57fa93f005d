"""Who may trade: accounts and the public halves of their API keys.

`foremesh exchange account add` writes into the state file, beside a running daemon or without one; the daemon looks
there when it meets a key that it does not know.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from mesh.types import Micros
from sim_exchange.api.auth import Key
from sim_exchange.domain.types import Account
from sim_exchange.store import Store

_OPENING = "opening"
_NAMES = uuid.UUID("6f0a4d3e-6a5b-4d0e-9c1e-6b1f6f726d65")


class Opening(msgspec.Struct, frozen=True):
    """An account and its first money, by shard; opened by the daemon once."""

    account: Account
    deposits: Mapping[int, Micros]


class UnusableKey(ValueError):
    """A public key that the exchange does not accept."""


def account_id(name: str) -> str:
    """Give the id of the account of this name."""
    return str(uuid.uuid5(_NAMES, name))


def register(store: Store, opening: Opening, key_id: str, public_key_pem: str, scopes: Sequence[str]) -> bool:
    """Write an account and a key of it; tells whether the account is new. A known one keeps its money and its tier.

    Raises:
        UnusableKey: Not a PEM public key of RSA or Ed25519, or the id is another account's.
    """
    parse(public_key_pem)
    known = store.key(key_id)
    if known is not None and known[0] != opening.account.account_id:
        raise UnusableKey(f"key {key_id} belongs to another account")
    is_new = all(known.account.account_id != opening.account.account_id for known in openings(store))
    if is_new:
        store.put(_OPENING, [(opening.account.account_id, opening)])
    store.add_key(key_id, opening.account.account_id, public_key_pem, scopes)
    return is_new


def openings(store: Store) -> list[Opening]:
    """Read every account that was ever registered."""
    return list(store.records(_OPENING, Opening))


def parse(public_key_pem: str) -> RSAPublicKey | Ed25519PublicKey:
    """Read a public key. UnusableKey if it is none of the two kinds."""
    try:
        key = load_pem_public_key(public_key_pem.encode())
    except (ValueError, TypeError) as error:
        raise UnusableKey("not a PEM public key") from error
    if not isinstance(key, RSAPublicKey | Ed25519PublicKey):
        raise UnusableKey("neither RSA nor Ed25519")
    return key


class Members:
    """API keys as the REST and WebSocket sides look them up."""

    def __init__(self, store: Store, admit: Callable[[Opening], None]) -> None:
        """`admit` opens an account on the exchange unless it is open."""
        self._store = store
        self._admit = admit
        self._version = store.version()
        self._keys: dict[str, Key] = {}
        self._openings = {opening.account.account_id: opening for opening in openings(store)}
        for opening in self._openings.values():
            admit(opening)

    def find(self, key_id: str) -> Key | None:
        """Give the key of this id, reading the file when the id is new or the file has changed."""
        if (version := self._store.version()) != self._version:
            self._version = version
            self._keys.clear()
        if (known := self._keys.get(key_id)) is not None:
            return known
        row = self._store.key(key_id)
        if row is None:
            return None
        owner, pem, scopes = row
        if owner not in self._openings:
            found = {opening.account.account_id: opening for opening in openings(self._store)}
            for name in sorted(found.keys() - self._openings.keys()):  # others may have come with the owner
                self._admit(found[name])
            self._openings = found
        key = self._keys[key_id] = Key(key_id, owner, parse(pem), frozenset(scopes))
        return key
