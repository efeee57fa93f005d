"""Signatures that the exchange's own rule verifies, from every kind of key file."""

import base64
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from mesh.config import ConfigError
from mesh.kalshi.transport.signing import load_signer
from mesh.secret import scrub

KEY_ID = "0b1f6f0e-1111-2222-3333-444455556666"
PATH = "/trade-api/v2/portfolio/orders"
PEM = serialization.Encoding.PEM
PKCS1 = serialization.PrivateFormat.TraditionalOpenSSL
PKCS8 = serialization.PrivateFormat.PKCS8


@pytest.fixture(scope="module")
def rsa_key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


def _file(
    folder: Path,
    key: RSAPrivateKey | Ed25519PrivateKey | ec.EllipticCurvePrivateKey,
    form: serialization.PrivateFormat = PKCS8,
    passphrase: bytes | None = None,
) -> Path:
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        encryption = serialization.BestAvailableEncryption(passphrase)
    return _text_file(folder, key.private_bytes(PEM, form, encryption))


def _text_file(folder: Path, content: bytes) -> Path:
    path = folder / "kalshi.key"
    path.write_bytes(content)
    path.chmod(0o600)
    return path


def _verify_rsa(key: RSAPrivateKey, signature: str, text: str) -> None:
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
    key.public_key().verify(base64.b64decode(signature, validate=True), text.encode(), pss, hashes.SHA256())


@pytest.mark.parametrize("form", [PKCS1, PKCS8])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
async def test_rsa_signs_the_documented_text(
    tmp_path: Path, rsa_key: RSAPrivateKey, form: serialization.PrivateFormat, line_end: bytes
) -> None:
    file = _file(tmp_path, rsa_key, form)
    file.write_bytes(file.read_bytes().replace(b"\n", line_end))
    headers = await load_signer(KEY_ID, file).headers("GET", PATH, 1703123456789)
    assert headers["KALSHI-ACCESS-KEY"] == KEY_ID
    assert headers["KALSHI-ACCESS-TIMESTAMP"] == "1703123456789"
    signature = headers["KALSHI-ACCESS-SIGNATURE"]
    _verify_rsa(rsa_key, signature, "1703123456789GET/trade-api/v2/portfolio/orders")
    with pytest.raises(InvalidSignature):
        _verify_rsa(rsa_key, signature, "1703123456789POST/trade-api/v2/portfolio/orders")


async def test_ed25519_signs_the_text_itself(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    headers = await load_signer(KEY_ID, _file(tmp_path, key)).headers("DELETE", PATH, 7)
    signature = base64.b64decode(headers["KALSHI-ACCESS-SIGNATURE"], validate=True)
    key.public_key().verify(signature, b"7DELETE/trade-api/v2/portfolio/orders")


async def test_the_query_is_not_signed(tmp_path: Path) -> None:
    signer = load_signer(KEY_ID, _file(tmp_path, Ed25519PrivateKey.generate()))
    assert await signer.headers("GET", PATH + "?limit=5", 1) == await signer.headers("GET", PATH, 1)


async def test_key_material_stays_hidden(tmp_path: Path, rsa_key: RSAPrivateKey) -> None:
    file = _file(tmp_path, rsa_key)
    signer = load_signer(KEY_ID, file)
    body = file.read_text().splitlines()[3]
    assert body not in f"{signer!r}{signer}{vars(signer)}"
    assert body not in scrub(f"somebody logs {body}")


def test_a_file_open_to_others_is_refused(tmp_path: Path) -> None:
    file = _file(tmp_path, Ed25519PrivateKey.generate())
    file.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        load_signer(KEY_ID, file)


def test_other_kinds_of_keys_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="RSA and Ed25519"):
        load_signer(KEY_ID, _file(tmp_path, ec.generate_private_key(ec.SECP256R1())))
    with pytest.raises(ConfigError, match="passphrase"):
        load_signer(KEY_ID, _file(tmp_path, Ed25519PrivateKey.generate(), passphrase=b"geheim"))


def test_a_public_key_is_no_private_key(tmp_path: Path) -> None:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    with pytest.raises(ConfigError, match="not a PEM private key"):
        load_signer(KEY_ID, _text_file(tmp_path, Ed25519PrivateKey.generate().public_key().public_bytes(PEM, form)))


@pytest.mark.parametrize(
    "content",
    [
        b"zzgarbagezz",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        b"-----BEGIN PRIVATE KEY-----",
        b"\0",
    ],
)
def test_junk_is_refused_without_being_repeated(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ConfigError) as refused:
        load_signer(KEY_ID, _text_file(tmp_path, content))
    assert "AAAA" not in str(refused.value)
    assert "zzgarbagezz" not in str(refused.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.key"):
        load_signer(KEY_ID, tmp_path / "nowhere.key")
