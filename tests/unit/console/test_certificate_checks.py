"""Certificates as the doctor finds them: in files, and shown by a server."""

import asyncio
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from console import certificate_checks
from console.checks import Check
from mesh import certs
from mesh.rpc.config import ClientConfig
from tests.conftest import Certificates, ForecastServer

NOW = datetime.now(UTC)


@pytest.mark.parametrize(
    ("days_ago", "verdict", "said"),
    [(0, "ok", "89 days left"), (80, "warning", "expires within 14 days"), (100, "problem", "expired")],
)
def test_an_own_certificate_is_judged_by_the_days_it_has_left(
    tmp_path: Path, days_ago: int, verdict: str, said: str
) -> None:
    certs.init(tmp_path, now=NOW - timedelta(days=200))
    certs.issue(tmp_path, "me", role="viewer", now=NOW - timedelta(days=days_ago))
    check = certificate_checks.own("own certificate", tmp_path / "me.crt")

    assert check.verdict == verdict
    assert said in check.found
    assert bool(check.remedy) is (verdict != "ok")


def test_a_certificate_without_its_authority_beside_it_is_only_worth_a_warning(tmp_path: Path) -> None:
    certs.init(tmp_path)
    certs.issue(tmp_path, "me", role="viewer")
    (tmp_path / "ca.crt").unlink()

    assert certificate_checks.own("own certificate", tmp_path / "me.crt").verdict == "warning"


def test_a_key_that_is_not_the_certificates_is_a_problem(tmp_path: Path) -> None:
    certs.init(tmp_path)
    for name in ("me", "other"):
        certs.issue(tmp_path, name, role="viewer")
    (tmp_path / "me.key").write_bytes((tmp_path / "other.key").read_bytes())
    check = certificate_checks.own("own certificate", tmp_path / "me.crt")

    assert check.verdict == "problem"
    assert "key file does not match" in check.found


def test_a_file_that_is_no_certificate_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "me.crt").write_text("nothing of the kind")

    assert certificate_checks.own("own certificate", tmp_path / "me.crt").verdict == "problem"


async def test_a_server_that_proves_who_it_is_is_fine(
    forecast_server_on_loopback: ForecastServer, certificates: Certificates
) -> None:
    async with forecast_server_on_loopback(tls=certificates.server()) as server:
        check = await _shown(certificates.client(server.addresses[0]))

    assert (check.verdict, check.found) == ("ok", "CN=server, 89 days left")


async def test_what_is_wrong_with_a_servers_certificate_is_told_apart(
    forecast_server_on_loopback: ForecastServer, certificates: Certificates, tmp_path: Path
) -> None:
    certs.init(tmp_path)
    async with forecast_server_on_loopback(tls=certificates.server()) as server:
        mine = certificates.client(server.addresses[0])
        stranger = await _shown(mine.model_copy(update={"ca_file": tmp_path / "ca.crt"}))
        misnamed = await _shown(mine.model_copy(update={"server_name": "mesh.example"}))
    async with forecast_server_on_loopback() as plain:
        clear = await _shown(certificates.client(plain.addresses[0]))

    assert {stranger.verdict, misnamed.verdict, clear.verdict} == {"problem"}
    assert "unable to get local issuer certificate" in stranger.found
    assert "mesh.example" in misnamed.found
    assert "no TLS with" in clear.found


async def test_a_server_whose_certificate_has_expired_is_a_problem_of_its_own(
    forecast_server_on_loopback: ForecastServer, certificates: Certificates, tmp_path: Path
) -> None:
    certs.init(tmp_path, now=NOW - timedelta(days=200))
    certs.issue(tmp_path, "server", hosts=["127.0.0.1"], now=NOW - timedelta(days=91))
    certs.issue(tmp_path, "trader", role="trader")
    own = Certificates(tmp_path)
    async with forecast_server_on_loopback(tls=own.server()) as server:
        check = await _shown(own.client(server.addresses[0]))

    assert check.verdict == "problem"
    assert "expired 1 whole days ago; certificate has expired" in check.found
    assert check.remedy.startswith("renew it on its host")


def test_a_port_where_nobody_listens_is_told(certificates: Certificates) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        check = certificate_checks.shown(certificates.client(f"127.0.0.1:{taken.getsockname()[1]}"))

    assert check.verdict == "problem"
    assert "connection refused" in check.found


def test_own_files_that_cannot_be_used_are_not_taken_for_the_servers_fault(
    certificates: Certificates, tmp_path: Path
) -> None:
    nothing = tmp_path / "ca.crt"
    nothing.write_text("nothing of the kind")
    mine = certificates.client("127.0.0.1:1")
    for changed in ({"ca_file": nothing}, {"private_key_file": certificates.folder / "viewer.key"}):
        check = certificate_checks.shown(mine.model_copy(update=changed))

        assert check.verdict == "problem"
        assert check.found.startswith("not looked at: ")
        assert check.remedy == "see to this side's own files first"


async def _shown(config: ClientConfig) -> Check:
    return await asyncio.to_thread(certificate_checks.shown, config)
