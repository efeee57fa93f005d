"""Renewed certificates are picked up while servers and clients run; a file that cannot be used changes nothing."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import grpc
import pytest
from foremesh.forecast.v1 import forecast_service_pb2 as pb

from mesh import certs
from mesh.config import ConfigError
from mesh.rpc.channel import MeshChannel, connect
from mesh.rpc.config import ServerTls
from mesh.rpc.server import Server
from mesh.rpc.tls import IdentityFiles, server_credentials
from tests.conftest import Certificates, ForecastServer
from tests.fakes.questions import SERVICE, answer, batch, header, history, stub, until


@pytest.fixture
def own(tmp_path: Path) -> Certificates:
    """An authority that the test may do what it likes with."""
    certs.init(tmp_path)
    certs.issue(tmp_path, "server", hosts=["localhost", "127.0.0.1"])
    certs.issue(tmp_path, "trader", role="trader")
    certs.issue(tmp_path, "viewer", role="viewer")
    return Certificates(tmp_path)


@pytest.fixture
async def server(own: Certificates, forecast_server_on_loopback: ForecastServer) -> AsyncIterator[Server]:
    async with forecast_server_on_loopback(tls=own.server()) as started:
        yield started


async def shown_by(own: Certificates, address: str) -> str:
    """Fingerprint of the certificate in a new handshake, seen without gRPC."""
    host, _, port = address.rpartition(":")
    context = ssl.create_default_context(cafile=own.folder / "ca.crt")
    context.load_cert_chain(own.folder / "viewer.crt", own.folder / "viewer.key")
    context.set_alpn_protocols(["h2"])
    async with asyncio.timeout(20):
        _, writer = await asyncio.open_connection(host, int(port), ssl=context)
        connection = writer.get_extra_info("ssl_object")
        assert connection.selected_alpn_protocol() == "h2"
        shown = sha256(connection.getpeercert(binary_form=True)).hexdigest()
        writer.transport.abort()  # gRPC does not say goodbye in TLS
        return shown


def renew(own: Certificates, name: str = "server") -> str:
    """Issue again; gives the new fingerprint."""
    if name == "server":
        return certs.issue(own.folder, name, hosts=["localhost", "127.0.0.1"]).fingerprint
    return certs.issue(own.folder, name, role="trader").fingerprint


async def test_a_server_shows_its_renewed_certificate_in_new_handshakes(own: Certificates, server: Server) -> None:
    address = server.addresses[0]
    assert await shown_by(own, address) == certs.show(own.folder / "server.crt")[0].fingerprint
    for _ in range(3):
        renewed = renew(own)
        assert await shown_by(own, address) == renewed


async def test_connections_made_before_a_renewal_go_on(own: Certificates, server: Server) -> None:
    async with connect(own.client(server.addresses[0]), SERVICE) as channel:
        scan = stub(channel).StreamSignals()
        await scan.write(header())
        await scan.read()
        renewed = renew(own)
        assert await shown_by(own, server.addresses[0]) == renewed
        await scan.write(batch(history()))
        assert len((await answer(scan)).results.results) == 1
        await scan.done_writing()
        assert (await answer(scan)).summary.input_count == 1
        await stub(channel).GetModel(pb.GetModelRequest())


@pytest.mark.parametrize("damage", ["half a certificate", "another key", "empty", "missing", "no PEM"])
async def test_a_server_pair_that_cannot_be_used_leaves_the_old_one(
    own: Certificates, server: Server, damage: str
) -> None:
    address, folder = server.addresses[0], own.folder
    old = await shown_by(own, address)
    pair = folder / "server.crt", folder / "server.key"
    match damage:
        case "half a certificate":
            pair[0].write_bytes(pair[0].read_bytes()[:200])
        case "another key":
            pair[1].write_bytes((folder / "viewer.key").read_bytes())
        case "empty":
            pair[0].write_bytes(b"")
            pair[1].write_bytes(b"")
        case "missing":
            pair[1].unlink()
        case "no PEM":
            pair[0].write_bytes(b"\x00\xff" * 100)
    for _ in range(3):
        assert await shown_by(own, address) == old
    async with connect(own.client(address), SERVICE) as channel:
        await stub(channel).GetModel(pb.GetModelRequest())
    renewed = renew(own)
    assert await shown_by(own, address) == renewed


@pytest.mark.parametrize("content", [b"", b"not a certificate", None], ids=["empty", "no PEM", "half-written"])
async def test_an_authority_file_that_cannot_be_used_leaves_the_old_one(
    own: Certificates, server: Server, content: bytes | None
) -> None:
    client = own.client(server.addresses[0])
    authority = own.folder / "ca.crt"
    whole = authority.read_bytes()
    other = own.folder / "copy.crt"
    other.write_bytes(whole)
    async with connect(client.model_copy(update={"ca_file": other}), SERVICE) as channel:
        await stub(channel).GetModel(pb.GetModelRequest())
    authority.write_bytes(whole[: len(whole) // 2] if content is None else content)
    async with connect(client.model_copy(update={"ca_file": other}), SERVICE) as channel:
        await stub(channel).GetModel(pb.GetModelRequest())


async def test_a_second_authority_is_accepted_once_its_certificate_is_added(
    own: Certificates, server: Server, tmp_path: Path
) -> None:
    theirs = tmp_path / "theirs"
    certs.init(theirs, "successor")
    certs.issue(theirs, "trader", role="trader")
    old = (own.folder / "ca.crt").read_bytes()
    (own.folder / "ca.crt").write_bytes(old + (theirs / "ca.crt").read_bytes())
    config = own.client(server.addresses[0]).model_copy(
        update={"certificate_file": theirs / "trader.crt", "private_key_file": theirs / "trader.key"}
    )
    for both in (config, own.client(server.addresses[0])):
        async with connect(both, SERVICE) as channel:
            await stub(channel).GetModel(pb.GetModelRequest())


async def test_a_client_shows_its_renewed_certificate_and_calls_in_progress_finish(
    own: Certificates, server: Server
) -> None:
    config = own.client(server.addresses[0])
    async with MeshChannel(config, SERVICE) as channel:
        scan = stub(channel).StreamSignals()
        await scan.write(header())
        await scan.read()
        # The role is in the certificate, so the server's answers tell which certificate it was shown.
        certs.issue(own.folder, "trader", role="viewer")
        with pytest.raises(grpc.RpcError) as refused:
            await stub(channel).StreamSignals().read()
        assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
        await scan.write(batch(history()))
        assert len((await answer(scan)).results.results) == 1
        await scan.done_writing()
        assert (await answer(scan)).summary.signal_count == 1
        certs.issue(own.folder, "trader", role="trader")
        again = stub(channel).StreamSignals()
        await again.write(header())
        assert (await answer(again)).HasField("accepted")
        again.cancel()
    await until(lambda: server.in_flight() == 0)


async def test_a_client_pair_that_cannot_be_used_leaves_the_old_one(own: Certificates, server: Server) -> None:
    async with MeshChannel(own.client(server.addresses[0]), SERVICE) as channel:
        await stub(channel).GetModel(pb.GetModelRequest())
        key = own.folder / "trader.key"
        key.write_bytes((own.folder / "viewer.key").read_bytes())
        await stub(channel).GetModel(pb.GetModelRequest())
        key.unlink()
        await stub(channel).GetModel(pb.GetModelRequest())
        certs.issue(own.folder, "trader", role="viewer")
        with pytest.raises(grpc.RpcError) as refused:
            await stub(channel).StreamSignals().read()
        assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED


# An authority has no key beside it that would show it to be half-written.
@pytest.mark.parametrize("content", [b"", b"not a certificate", None], ids=["empty", "no PEM", "half-written"])
async def test_a_client_whose_authority_file_cannot_be_used_keeps_the_old_one(
    own: Certificates, server: Server, content: bytes | None
) -> None:
    async with MeshChannel(own.client(server.addresses[0]), SERVICE) as channel:
        await stub(channel).GetModel(pb.GetModelRequest())
        whole = (own.folder / "ca.crt").read_bytes()
        (own.folder / "ca.crt").write_bytes(whole[: len(whole) // 2] if content is None else content)
        await stub(channel).GetModel(pb.GetModelRequest())


async def test_a_role_taken_away_by_renewal_is_gone_at_the_next_connection(own: Certificates, server: Server) -> None:
    certs.issue(own.folder, "trader", role="viewer")
    async with connect(own.client(server.addresses[0]), SERVICE) as channel:
        with pytest.raises(grpc.RpcError) as refused:
            await stub(channel).StreamSignals().read()
    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED


def test_nothing_is_served_with_a_pair_that_does_not_match(own: Certificates) -> None:
    own_tls = own.server()
    wrong = ServerTls(certificate_file=own_tls.certificate_file, private_key_file=own.folder / "viewer.key")
    with pytest.raises(ConfigError, match="is not the key of"):
        server_credentials(wrong)
    with pytest.raises(ConfigError, match="nowhere"):
        server_credentials(own_tls.model_copy(update={"certificate_file": own.folder / "nowhere.crt"}))


def test_files_that_did_not_change_are_no_news_and_a_key_is_never_shown(own: Certificates) -> None:
    files = IdentityFiles(own.folder / "trader.crt", own.folder / "trader.key", own.folder / "ca.crt")
    assert not files.changed()
    before = files.current
    renew(own, "trader")
    assert files.changed()
    assert not files.changed()
    assert files.current != before
    assert "PRIVATE" not in f"{files.current} {files.current!r}"
