"""Checks of certificates: files of this machine, and what a server shows to whoever connects."""

import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from console.checks import Check, ok, problem, warning
from mesh.certs import CertificateError, CertificateInfo, show
from mesh.rpc.config import ClientConfig

_SOON_DAYS = 14
_PATIENCE_SECONDS = 5.0
_UNHURRIED = ("expires within", "signature not checked")
"""How the problems of a certificate begin that do not make it useless today."""


def own(name: str, file: Path) -> Check:
    """Look at a certificate file and what lies beside it."""
    try:
        info = show(file)[0]
    except CertificateError as error:
        return problem(name, str(error), "foremesh certs show says what is there")
    found = f"{file}: {_who(info)}, {_days(info.days_left)}"
    if info.problems:
        found += f"; {'; '.join(info.problems)}"
    serious = [text for text in info.problems if not text.startswith(_UNHURRIED)]
    if serious:
        return problem(name, found, "issue it anew: foremesh certs issue")
    if info.problems:
        return warning(name, found, "renew it in time: foremesh certs issue")
    return ok(name, found)


def shown(config: ClientConfig) -> Check:
    """Connect to a server by TLS alone, and look at the certificate it shows and whether it proves who it is.

    gRPC says `unavailable` to everything that is wrong with a handshake; this tells what it was.
    """
    name, target = "server's certificate", config.targets[0]
    try:
        reading, proving = _context(config, verified=False), _context(config, verified=True)
    except OSError as error:
        return problem(name, f"not looked at: {_reason(error)}", "see to this side's own files first")
    try:
        certificate = x509.load_der_x509_certificate(_handshake(config, reading))
    except ssl.SSLError as error:
        return problem(name, f"no TLS with {target}: {_reason(error)}", "leave --ca-file out if it serves in the clear")
    except OSError as error:
        return problem(name, f"no connection to {target}: {_reason(error)}", "is it running, on that port?")
    left = (certificate.not_valid_after_utc - datetime.now(UTC)).days
    found = f"{certificate.subject.rfc4514_string()}, {_days(left)}"
    renew = "renew it on its host: foremesh certs issue; the server follows the file"
    try:
        _handshake(config, proving)
    except ssl.SSLCertVerificationError as error:
        remedy = "ca_file (--ca-file) must be its authority; its hosts must name the target, or server_name one of them"
        return problem(name, f"{found}; {error.verify_message}", renew if left < 0 else remedy)
    except OSError as error:
        return problem(name, f"{found}; {_reason(error)}", "is the server all right? look at its log")
    return warning(name, found, renew) if left < _SOON_DAYS else ok(name, found)


def _context(config: ClientConfig, *, verified: bool) -> ssl.SSLContext:
    """Prepare a connection. Raises OSError, of which ssl.SSLError is one, for files that cannot be used."""
    context = ssl.create_default_context(cafile=config.ca_file)
    if not verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # only to read the certificate: nothing is sent here
    context.set_alpn_protocols(["h2"])
    if config.certificate_file is not None:
        context.load_cert_chain(config.certificate_file, config.private_key_file)
    return context


def _handshake(config: ClientConfig, context: ssl.SSLContext) -> bytes:
    """Return the server's certificate, DER. Raises OSError, of which ssl.SSLError is one."""
    host, _, port = config.targets[0].rpartition(":")
    host = host.strip("[]")
    with (
        socket.create_connection((host, int(port)), timeout=_PATIENCE_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=config.server_name or host) as secure,
    ):
        return secure.getpeercert(binary_form=True) or b""


def _who(info: CertificateInfo) -> str:
    return f"{info.name}{f' ({info.role})' if info.role else ''}"


def _days(left: int) -> str:
    """Say how many whole days are left, or over."""
    return f"{left} days left" if left >= 0 else f"expired {-left - 1} whole days ago"


def _reason(error: OSError) -> str:
    return str(getattr(error, "reason", "") or error.strerror or error).replace("_", " ").lower()
