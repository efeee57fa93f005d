"""Who is calling: key id, timestamp and signature in three headers, for REST and for the WebSocket's upgrade.

A private key signs timestamp, method and path (from the root, without query), and nothing else: not the body. RSA keys
sign with PSS over SHA-256 and a salt of 32 bytes, Ed25519 keys sign the text itself. Every request is verified anew.
"""

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from msgspec import Struct

from sim_exchange.api.replies import Problem, problem
from sim_exchange.api.text import unix_ms
from sim_exchange.quirks import Quirks

PublicKey: TypeAlias = RSAPublicKey | Ed25519PublicKey

KEY_HEADER = "KALSHI-ACCESS-KEY"
TIMESTAMP_HEADER = "KALSHI-ACCESS-TIMESTAMP"
SIGNATURE_HEADER = "KALSHI-ACCESS-SIGNATURE"

_SHA256 = SHA256()
_PSS = PSS(mgf=MGF1(_SHA256), salt_length=_SHA256.digest_size)
_TIMESTAMP_DIGITS = 15  # milliseconds far beyond any life of this program


class Key(Struct, frozen=True):
    """An API key as the exchange knows it."""

    key_id: str
    account_id: str
    public_key: PublicKey
    scopes: frozenset[str]
    """`read`, `write`, or children such as `write::trade`."""

    def allows(self, scope: str) -> bool:
        """Tell whether the key has this scope, or the parent that includes it."""
        return scope in self.scopes or scope.partition("::")[0] in self.scopes


class Keys(Protocol):
    """Where API keys are known."""

    def find(self, key_id: str, /) -> Key | None:
        """Give the key of this id; parsing it once is the finder's business."""
        ...


def authenticate(
    headers: Mapping[str, str], method: str, path: str, *, keys: Keys, quirks: Quirks, now: datetime
) -> Key:
    """Verify a request's signature.

    Args:
        headers: Of the request; names in any case, as aiohttp's are.
        method: Upper case.
        path: As sent, without the query.
        keys: Where keys are known.
        quirks: How old or early a timestamp may be.
        now: The wall clock, whatever time the exchange lives in.

    Raises:
        Problem: 401, with the body that the exchange sends in this case.
    """
    key_id = headers.get(KEY_HEADER)
    if not key_id:
        raise problem(401, "token_authentication_failure")
    signature = headers.get(SIGNATURE_HEADER)
    if not signature:
        raise problem(401, "signature_is_missing_from_headers")
    timestamp = headers.get(TIMESTAMP_HEADER)
    if not timestamp:
        raise problem(401, "timestamp_is_missing_from_headers")
    if not _is_recent(timestamp, now, quirks):
        raise problem(401, "header_timestamp_expired")
    key = keys.find(key_id) if key_id.isascii() else None
    if key is None:
        raise _refused("NOT_FOUND")
    if not _is_signed(key.public_key, signature, f"{timestamp}{method}{path}"):
        raise _refused("INCORRECT_API_KEY_SIGNATURE")
    return key


def _refused(details: str) -> Problem:
    return problem(401, "authentication_error", details, message="authentication_error")


def _is_recent(timestamp: str, now: datetime, quirks: Quirks) -> bool:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _TIMESTAMP_DIGITS):
        return False
    age_seconds = (unix_ms(now) - int(timestamp)) / 1000
    return -quirks.timestamp_newest_seconds <= age_seconds <= quirks.timestamp_oldest_seconds


def _is_signed(key: PublicKey, signature: str, text: str) -> bool:
    try:
        raw = base64.b64decode(signature, validate=True)
        message = text.encode()
        if isinstance(key, RSAPublicKey):
            key.verify(raw, message, _PSS, _SHA256)
        else:
            key.verify(raw, message)
    except (InvalidSignature, binascii.Error, ValueError):  # ValueError: bytes that no header should carry
        return False
    return True
