"""Signs requests as a member would, written without the client's code so that the two check each other."""

import base64
import time
import uuid
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from sim_exchange.api.auth import Key, PublicKey


@dataclass(frozen=True)
class Signer:
    """An API key with its private half."""

    private: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
    key_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @classmethod
    def rsa(cls) -> "Signer":
        return cls(rsa.generate_private_key(public_exponent=65537, key_size=2048))

    @classmethod
    def ed25519(cls) -> "Signer":
        return cls(ed25519.Ed25519PrivateKey.generate())

    @property
    def public(self) -> PublicKey:
        return self.private.public_key()

    def headers(self, method: str, path: str, *, ahead_seconds: float = 0.0) -> dict[str, str]:
        """The three headers; `path` is from the root, a query is left out of the signature."""
        stamp = str(int((time.time() + ahead_seconds) * 1000))
        return {
            "KALSHI-ACCESS-KEY": self.key_id,
            "KALSHI-ACCESS-TIMESTAMP": stamp,
            "KALSHI-ACCESS-SIGNATURE": self.sign(f"{stamp}{method}{path.split('?', maxsplit=1)[0]}"),
        }

    def sign(self, text: str) -> str:
        if isinstance(self.private, rsa.RSAPrivateKey):
            pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
            raw = self.private.sign(text.encode(), pss, hashes.SHA256())
        else:
            raw = self.private.sign(text.encode())
        return base64.b64encode(raw).decode()


class KeyRing:
    """API keys in memory, as the exchange looks them up."""

    def __init__(self) -> None:
        self._keys: dict[str, Key] = {}

    def add(self, signer: Signer, account_id: str, scopes: frozenset[str] = frozenset({"read", "write"})) -> None:
        self._keys[signer.key_id] = Key(signer.key_id, account_id, signer.public, scopes)

    def find(self, key_id: str, /) -> Key | None:
        return self._keys.get(key_id)
