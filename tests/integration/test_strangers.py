"""Who can reach a port and has no certificate, or one that is for something else: what little they can do there."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import grpc
import pytest

from mesh import certs
from mesh.rpc import limits
from tests.conftest import Certificates, ForecastServer
from tests.fakes.questions import secure, signals, stub


@pytest.fixture
async def port(
    certificates: Certificates, forecast_server_on_loopback: ForecastServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[int]:
    """Of a server that asks every client for a certificate, and has less patience than usual."""
    monkeypatch.setattr(limits, "HANDSHAKE_SECONDS", 1)
    async with forecast_server_on_loopback(tls=certificates.server()) as server:
        yield int(server.addresses[0].rpartition(":")[2])


async def assert_others_are_served(certificates: Certificates, port: int) -> None:
    async with secure(certificates, f"127.0.0.1:{port}", "trader") as channel:
        await stub(channel).GenerateSignals(signals())


def offer(certificates: Certificates, name: str, version: ssl.TLSVersion) -> ssl.SSLContext:
    """A client that proves who it is and speaks one version of TLS, however old."""
    context = ssl.create_default_context(cafile=certificates.folder / "ca.crt")
    context.load_cert_chain(certificates.folder / f"{name}.crt", certificates.folder / f"{name}.key")
    context.set_alpn_protocols(["h2"])
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    return context


async def shake_hands(port: int, context: ssl.SSLContext) -> str | None:
    """Name the version that was agreed on; None where the server would not."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    except OSError:  # ssl.SSLError among them
        return None
    spoken: ssl.SSLObject = writer.get_extra_info("ssl_object")
    version = spoken.version()
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return version


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_no_version_of_tls_before_1_2_is_spoken(certificates: Certificates, port: int) -> None:
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        assert await shake_hands(port, offer(certificates, "trader", version)) is None
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        assert await shake_hands(port, offer(certificates, "trader", version)) is not None


@contextmanager
def connections(port: int, count: int) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        yield [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(count)]


async def test_whoever_connects_and_says_nothing_is_hung_up_on_and_keeps_nobody_waiting(
    certificates: Certificates, port: int
) -> None:
    with connections(port, 100) as silent:
        await assert_others_are_served(certificates, port)
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(20):
            for each in silent:
                each.setblocking(False)
                with suppress(ConnectionError):
                    assert await loop.sock_recv(each, 100) == b"", "closed, without a word"
    await assert_others_are_served(certificates, port)


async def test_headers_beyond_the_limit_end_the_call_and_nothing_else(certificates: Certificates, port: int) -> None:
    async with secure(certificates, f"127.0.0.1:{port}", "trader") as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub(channel).GenerateSignals(signals(), metadata=(("x-padding", "x" * 2 * limits.METADATA_BYTES),))
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        await stub(channel).GenerateSignals(signals())


async def test_a_client_certificate_is_no_server_certificate(
    tmp_path: Path, forecast_server_on_loopback: ForecastServer
) -> None:
    """A stolen collector cannot stand in for the forecast server."""
    certs.init(tmp_path)
    certs.issue(tmp_path, "collector", role="collector")
    certs.issue(tmp_path, "trader", role="trader")
    stolen = Certificates(tmp_path)
    async with forecast_server_on_loopback(tls=stolen.server("collector")) as server:
        port = int(server.addresses[0].rpartition(":")[2])
        async with secure(stolen, f"127.0.0.1:{port}", "trader") as channel:
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await stub(channel).GenerateSignals(signals())
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
