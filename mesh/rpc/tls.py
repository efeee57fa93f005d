"""Certificate files as gRPC credentials, which follow the files: renewed certificates need no restart.

A file that cannot be used (unreadable, half-written, key and certificate not a pair) never replaces one that works;
it is logged, and looked at again at the next connection.
"""

from dataclasses import dataclass
from pathlib import Path

import grpc
from cryptography import x509

from mesh import log
from mesh.certs import CertificateError, matches, show
from mesh.config import ConfigError
from mesh.rpc.config import ServerTls
from mesh.secret import read_secret

_log = log.get(__name__)
_SOON_DAYS = 14


@dataclass(frozen=True, slots=True)
class Identity:
    """What is in the files of one side of a connection."""

    certificate: bytes | None
    key: bytes | None
    ca: bytes | None

    def __repr__(self) -> str:
        """Show nothing: a key is among it."""
        return "Identity(...)"


class IdentityFiles:
    """Reads certificate, key and authority, and notices when they change."""

    def __init__(self, certificate: Path | None, key: Path | None, ca: Path | None) -> None:
        self._certificate, self._key, self._ca = certificate, key, ca
        self._stamps = self._look()
        self.current = self._read()

    def changed(self) -> bool:
        """Tell whether the files hold a new usable identity; if so, it is `current` from now on."""
        try:
            stamps = self._look()
            if stamps == self._stamps:
                return False
            fresh = self._read()
        except (OSError, CertificateError, ConfigError) as error:
            _log.warning("certificate files cannot be used yet; the old ones stay", problem=str(error))
            return False
        self._stamps, self.current = stamps, fresh
        _log.info("certificate files renewed", certificate=str(self._certificate))
        return True

    def _look(self) -> tuple[tuple[int, int], ...]:
        statuses = [path.stat() for path in (self._certificate, self._key, self._ca) if path]
        return tuple((status.st_mtime_ns, status.st_ino) for status in statuses)

    def _read(self) -> Identity:
        certificate, ca = (path.read_bytes() if path else None for path in (self._certificate, self._ca))
        key = read_secret(self._key).reveal().encode() if self._key else None
        if certificate is not None and key is not None and not matches(certificate, key):
            raise CertificateError(f"{self._key} is not the key of {self._certificate}")
        if ca is not None:
            try:
                x509.load_pem_x509_certificates(ca)
            except ValueError as error:
                raise CertificateError(f"{self._ca} holds no certificate of an authority") from error
        return Identity(certificate, key, ca)


def server_credentials(tls: ServerTls) -> grpc.ServerCredentials:
    """Build credentials that look at the files before every handshake.

    With `client_ca_file` each client must show a certificate of that authority.

    Raises:
        ConfigError: a file cannot be read, others can read the key, or key and certificate are not a pair.
    """
    try:
        files = IdentityFiles(tls.certificate_file, tls.private_key_file, tls.client_ca_file)
    except OSError as error:
        raise ConfigError(f"rpc.tls: {error.filename}: {error.strerror}") from error
    except CertificateError as error:
        raise ConfigError(f"rpc.tls: {error}") from error
    _warn(tls.certificate_file)

    def configuration() -> grpc.ServerCertificateConfiguration:
        now = files.current
        pairs = [(now.key or b"", now.certificate or b"")]
        return grpc.ssl_server_certificate_configuration(pairs, root_certificates=now.ca)

    def renewed() -> grpc.ServerCertificateConfiguration | None:
        if not files.changed():
            return None
        _warn(tls.certificate_file)
        return configuration()

    return grpc.dynamic_ssl_server_credentials(
        configuration(),
        renewed,  # type: ignore[arg-type]  # None is gRPC's word for "no change"; the stub does not know it
        require_client_authentication=tls.client_ca_file is not None,
    )


def _warn(certificate: Path) -> None:
    """Say in the log what makes clients refuse a server's certificate, today or soon. It is served all the same."""
    try:
        info = show(certificate)[0]
    except CertificateError:  # replaced again this very moment: the next look will tell
        return
    if "server" not in info.usage:
        _log.error("this is no server's certificate: clients will refuse it", certificate=str(certificate))
    if info.days_left < _SOON_DAYS:
        level = _log.error if info.days_left < 0 else _log.warning
        level("certificate expires or has expired", certificate=str(certificate), days_left=info.days_left)
