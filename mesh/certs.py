"""A small private certificate authority: who a process is, and what it may do, as files in one directory.

`ca.crt` and `ca.key` are the authority; `NAME.crt` and `NAME.key` belong to one process. Only `ca.crt` and a process's
own pair go to its host; `ca.key` stays where certificates are issued.

**Renewal while others read.** Two files cannot be replaced in one step. Both are written in full under other names and
synced, then the key is renamed, then the certificate: whoever sees the new certificate finds the new key. A reader may
still meet the moment between, or read one file before and one after it, so a reader checks `matches` and, if it is
false, keeps the pair it has and reads both again later. If the issuing machine stops between the two renames, the pair
stays unmatched; `show` says so, and issuing again repairs it.
"""

import contextlib
import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal, TypeVar, get_args

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mesh.files import locked, os_errors_as, replace_files

Role = Literal["trader", "collector", "operator", "viewer"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
Usage = Literal["authority", "server", "client"]

DEFAULT_DAYS: Final = 90
MAX_DAYS: Final = 825  # the longest that Apple's TLS stack accepts for a server, private authorities included
_CA_YEARS: Final = 10
_MAX_CA_YEARS: Final = 30
_SOON: Final = timedelta(days=14)
_CLOCK_SKEW: Final = timedelta(minutes=5)

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_LABEL: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_MAX_HOST_LENGTH: Final = 253
_ROLE_PREFIX: Final = "urn:foremesh:role:"
_ROLE_BY_URI: Final = {_ROLE_PREFIX + role: role for role in ROLES}

_OPEN_TO_OTHERS: Final = 0o077  # what a daemon refuses to start with

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


class CertificateError(Exception):
    """A certificate cannot be made or read; the text is one line for a person and never holds key material."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateInfo:
    """What a certificate says, and what is wrong with it today."""

    file: Path
    name: str
    """Common name of the subject."""
    role: Role | None
    hosts: tuple[str, ...]
    """DNS names, then addresses."""
    issuer: str
    not_before: datetime
    not_after: datetime
    usage: tuple[Usage, ...]
    fingerprint: str
    """SHA-256 of the DER form, lower case hex."""
    days_left: int
    """Whole days, rounded down: negative once expired."""
    problems: tuple[str, ...]


def check_name(name: str) -> str:
    """Return `name` if it can name a file, a subject and a token; raise CertificateError."""
    if not _NAME.fullmatch(name):
        raise CertificateError(f"name {name!r}: use 1 to 63 of a-z, 0-9 and '-', not '-' first")
    return name


def parse_host(host: str) -> x509.GeneralName:
    """Return a DNS name (lower case; `*.` allowed before at least two labels) or IP address; raise CertificateError."""
    with contextlib.suppress(ValueError):
        address = ipaddress.ip_address(host)
        if getattr(address, "scope_id", None):
            raise CertificateError(f"host {host!r}: an address in a certificate has no zone")
        return x509.IPAddress(address)
    labels = host.lower().removeprefix("*.").split(".")
    problem = None
    if not host.isascii():
        problem = "write international names in their ASCII form (xn--)"
    elif len(host) > _MAX_HOST_LENGTH or not all(_LABEL.fullmatch(label) for label in labels):
        problem = "not a DNS name or IP address (no scheme, port, path or final dot)"
    elif labels[-1].isdigit():
        problem = "looks like an IP address, but is none"
    elif host.startswith("*.") and len(labels) == 1:
        problem = "a wildcard needs at least two labels after it, or clients ignore it"
    if problem:
        raise CertificateError(f"host {host!r}: {problem}")
    return x509.DNSName(host.lower())


def role_from_names(names: Iterable[str]) -> Role | None:
    """Return the role among the alternative names of a peer; None unless exactly one name claims a role we know.

    Pass URI names where the transport tells them apart: another authority could put the same text in a DNS name.
    """
    claims = [name for name in names if name.lower().startswith(_ROLE_PREFIX)]
    return _ROLE_BY_URI.get(claims[0]) if len(claims) == 1 else None


def matches(certificate_pem: bytes, key_pem: bytes) -> bool:
    """Whether both can be read and the key is the certificate's own; of a chain, the first certificate counts."""
    try:
        certified = x509.load_pem_x509_certificate(certificate_pem).public_key()
        held = serialization.load_pem_private_key(key_pem, password=None).public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
    encoding = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return certified.public_bytes(*encoding) == held.public_bytes(*encoding)


@os_errors_as(CertificateError)
def init(
    directory: Path, name: str = "foremesh", *, years: int = _CA_YEARS, now: datetime | None = None
) -> CertificateInfo:
    """Make a new authority, `ca.crt` and `ca.key`; raises CertificateError where one exists, whole or in part."""
    check_name(name)
    if not 1 <= years <= _MAX_CA_YEARS:
        raise CertificateError(f"years {years}: use 1 to {_MAX_CA_YEARS}")
    now = now or datetime.now(UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    # No leaf can be named so: one whose subject equals its issuer's would read as self-signed.
    subject = _subject(f"{name} CA")
    certificate = (
        _builder(subject, subject, key.public_key(), now, now + timedelta(days=365 * years))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(directory):
        for existing in (directory / "ca.key", directory / "ca.crt"):
            if existing.exists():
                raise CertificateError(f"{existing}: an authority is here already and is not overwritten")
        _replace_pair(directory, "ca", certificate, key)
    return _inspect(directory / "ca.crt", now)


@os_errors_as(CertificateError)
def issue(
    directory: Path,
    name: str,
    *,
    role: Role | None = None,
    hosts: Sequence[str] = (),
    days: int = DEFAULT_DAYS,
    now: datetime | None = None,
) -> CertificateInfo:
    """Make or renew `name.crt` and `name.key`: a server's for its `hosts`, a client's for its `role`, or both in one.

    Raises CertificateError if a value is refused or the authority is missing, damaged or ends sooner than `days`.
    """
    if check_name(name) == "ca":
        raise CertificateError("name 'ca' is the authority's own")
    if role is not None and role not in ROLES:
        raise CertificateError(f"role {role!r}: use one of {', '.join(ROLES)}")
    if not 1 <= days <= MAX_DAYS:
        raise CertificateError(f"days {days}: use 1 to {MAX_DAYS}")
    names = list(dict.fromkeys(parse_host(host) for host in hosts))
    purposes = [ExtendedKeyUsageOID.SERVER_AUTH] if names else []
    if role is not None:
        names.append(x509.UniformResourceIdentifier(_ROLE_PREFIX + role))
        purposes.append(ExtendedKeyUsageOID.CLIENT_AUTH)
    if not names:
        raise CertificateError("name a role (for a client), hosts (for a server) or both")
    now = now or datetime.now(UTC)
    not_after = now + timedelta(days=days)
    authority, authority_key = _load_authority(directory)
    if not_after > authority.not_valid_after_utc:
        raise CertificateError(f"the authority ends on {authority.not_valid_after_utc:%Y-%m-%d}: ask for fewer days")
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder(_subject(name), authority.subject, key.public_key(), now, not_after)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    with locked(directory):
        _replace_pair(directory, name, certificate, key)
    return _inspect(directory / f"{name}.crt", now)


@os_errors_as(CertificateError)
def show(path: Path, *, now: datetime | None = None) -> list[CertificateInfo]:
    """Describe one certificate, or all `*.crt` of a directory with the authority first.

    The key is looked for beside the certificate, and so is the `ca.crt` that should have signed it. A missing key is
    no problem (it may live on its host alone). Raises CertificateError for a file that is not a certificate.
    """
    files = [path]
    if path.is_dir():
        found = (file for file in path.iterdir() if file.suffix == ".crt")
        files = sorted(found, key=lambda file: (file.name != "ca.crt", file.name))
    return [_inspect(file, now or datetime.now(UTC)) for file in files]


def _inspect(file: Path, now: datetime) -> CertificateInfo:
    certificate = _load_certificates(file)[0]
    names = _extension(certificate, x509.SubjectAlternativeName) or x509.SubjectAlternativeName([])
    purposes = _extension(certificate, x509.ExtendedKeyUsage) or ()
    constraints = _extension(certificate, x509.BasicConstraints)
    uses: dict[Usage, bool] = {
        "authority": constraints is not None and constraints.ca,
        "server": ExtendedKeyUsageOID.SERVER_AUTH in purposes,
        "client": ExtendedKeyUsageOID.CLIENT_AUTH in purposes,
    }
    role = role_from_names(names.get_values_for_type(x509.UniformResourceIdentifier))
    addresses = [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    problems = [*_date_problems(certificate, now), *_key_problems(file), *_issuer_problems(certificate, file)]
    if uses["client"] and role is None:
        problems.append("names no role: its holder may call nothing but health")
    return CertificateInfo(
        file=file,
        name=_common_name(certificate.subject),
        role=role,
        hosts=(*names.get_values_for_type(x509.DNSName), *addresses),
        issuer=_common_name(certificate.issuer),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        usage=tuple(use for use, granted in uses.items() if granted),
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        days_left=(certificate.not_valid_after_utc - now).days,
        problems=tuple(problems),
    )


def _date_problems(certificate: x509.Certificate, now: datetime) -> Iterator[str]:
    if now < certificate.not_valid_before_utc:
        yield "not valid yet"
    if now > certificate.not_valid_after_utc:
        yield "expired"
    elif now + _SOON > certificate.not_valid_after_utc:
        yield "expires within 14 days"


def _key_problems(file: Path) -> Iterator[str]:
    key = file.with_suffix(".key")
    if not key.exists():
        return
    mode = key.stat().st_mode & 0o777
    if mode & _OPEN_TO_OTHERS:
        yield f"key file is open to others (mode {mode:04o})"
    try:
        if not matches(file.read_bytes(), key.read_bytes()):
            yield "key file does not match"
    except PermissionError:
        yield "key file cannot be read by this user"


def _issuer_problems(certificate: x509.Certificate, file: Path) -> Iterator[str]:
    authority_file = file.with_name("ca.crt")
    if not authority_file.exists():
        yield "signature not checked: no ca.crt beside it"
    # Several authorities in one ca.crt are how one is replaced by another.
    elif not any(_signed_by(certificate, authority) for authority in _load_certificates(authority_file)):
        yield "not signed by this CA"


def _signed_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _load_certificates(file: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(file.read_bytes())
    except ValueError:
        raise CertificateError(f"{file}: not a PEM certificate") from None


def _load_authority(directory: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    certificate_file, key_file = directory / "ca.crt", directory / "ca.key"
    for file in (certificate_file, key_file):
        if not file.exists():
            raise CertificateError(f"{file}: missing; an authority must be made first")
    pem = key_file.read_bytes()
    if not matches(certificate_file.read_bytes(), pem):
        raise CertificateError(f"{key_file}: not the private key of {certificate_file.name}")
    key = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise CertificateError(f"{key_file}: not an ECDSA key")
    return _load_certificates(certificate_file)[0], key


def _replace_pair(directory: Path, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    certificate_pem = certificate.public_bytes(serialization.Encoding.PEM)
    replace_files([(directory / f"{name}.key", key_pem, 0o600), (directory / f"{name}.crt", certificate_pem, 0o644)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, not_after: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(not_after)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    signs, never = authority, False
    # In the order of RFC 5280: a leaf makes signatures, an authority signs certificates and revocation lists.
    return x509.KeyUsage(not authority, never, never, never, never, signs, signs, never, never)


def _extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _subject(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _common_name(name: x509.Name) -> str:
    attributes = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(attributes[0].value) if attributes else name.rfc4514_string()
