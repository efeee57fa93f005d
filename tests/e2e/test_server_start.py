"""A forecast server whose files cannot be used says which, and exits so that systemd does not try for ever."""

import subprocess
import sys
from pathlib import Path

import pytest

from mesh import certs
from tests.conftest import Certificates

DAEMON = Path(sys.executable).parent / "foremesh-forecast-server"
BAD_CONFIG = 78


def start(*settings: str) -> subprocess.CompletedProcess[str]:
    words = [word for setting in settings for word in ("--set", setting)]
    listening = ["--set", 'rpc.listen=["127.0.0.1:0"]', "--set", "rpc.metrics_listen=off"]
    return subprocess.run([DAEMON, *listening, *words], capture_output=True, text=True, check=False, timeout=30)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (["certificate_file=missing.crt", "private_key_file={folder}/server.key"], "missing.crt"),
        (["certificate_file={folder}/server.crt", "private_key_file=missing.key"], "missing.key"),
        (["certificate_file={folder}/server.crt", "private_key_file={folder}/viewer.key"], "viewer.key is not the key"),
        (
            [
                "certificate_file={folder}/server.crt",
                "private_key_file={folder}/server.key",
                "client_ca_file=/dev/null",
            ],
            "/dev/null",
        ),
    ],
)
def test_files_that_cannot_be_used_are_named_and_end_it_for_good(
    settings: list[str], named: str, certificates: Certificates
) -> None:
    result = start(*(f"rpc.tls.{setting.format(folder=certificates.folder)}" for setting in settings))
    assert result.returncode == BAD_CONFIG, result.stderr
    assert named in result.stderr
    assert "Traceback" not in result.stderr


def test_a_token_file_that_cannot_be_used_is_named(certificates: Certificates, tmp_path: Path) -> None:
    folder = certificates.folder
    tls = [f"rpc.tls.certificate_file={folder}/server.crt", f"rpc.tls.private_key_file={folder}/server.key"]
    (tmp_path / "broken.toml").write_text("not toml at all")
    (tmp_path / "broken.toml").chmod(0o600)
    for name in ("missing.toml", "broken.toml"):
        result = start(*tls, f"rpc.token_file={tmp_path / name}")
        assert result.returncode == BAD_CONFIG, result.stderr
        assert name in result.stderr


def test_a_certificate_that_clients_will_refuse_is_told_in_the_log(tmp_path: Path) -> None:
    certs.init(tmp_path)
    certs.issue(tmp_path, "viewer", role="viewer")
    settings = [f"rpc.tls.certificate_file={tmp_path}/viewer.crt", f"rpc.tls.private_key_file={tmp_path}/viewer.key"]
    # The same address twice ends the server right after it has looked at its files.
    result = start(*settings, 'rpc.listen=["127.0.0.1:1", "127.0.0.1:1"]')
    assert "no server's certificate" in result.stderr
