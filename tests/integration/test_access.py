"""Who gets in, and to what: every door tried from outside, over real TLS."""

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from foremesh.forecast.v1 import forecast_service_pb2 as pb
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from mesh import certs, tokens
from mesh.errors import Denied
from mesh.rpc.auth import Access, service_descriptor
from mesh.rpc.call import Caller
from mesh.rpc.channel import connect
from mesh.rpc.config import ClientConfig
from tests.conftest import Certificates, ForecastServer
from tests.fakes.questions import (
    SERVICE,
    Refusal,
    batch,
    forecasts,
    header,
    history,
    plain,
    refusal,
    refused,
    scanned,
    secure,
    signals,
    stub,
    until,
)

# The contract's `access` options, said again: a role that slips into a method's list fails here.
MAY_CALL = {
    "StreamSignals": {"trader", "operator"},
    "GenerateSignals": {"trader", "operator", "viewer"},
    "GenerateForecasts": {"trader", "operator", "viewer"},
    "GetModel": {"trader", "collector", "operator", "viewer"},
    "ListExitPolicies": {"trader", "operator", "viewer"},
}

CALLS: dict[str, Callable[[grpc.aio.Channel], Awaitable[object]]] = {
    "StreamSignals": lambda channel: scanned(channel, header(), batch(history())),
    "GenerateSignals": lambda channel: stub(channel).GenerateSignals(signals()),
    "GenerateForecasts": lambda channel: stub(channel).GenerateForecasts(forecasts()),
    "GetModel": lambda channel: stub(channel).GetModel(pb.GetModelRequest()),
    "ListExitPolicies": lambda channel: stub(channel).ListExitPolicies(pb.ListExitPoliciesRequest()),
}


def get_model(channel: grpc.aio.Channel) -> Awaitable[object]:
    return CALLS["GetModel"](channel)


def scan_unasked(channel: grpc.aio.Channel) -> Awaitable[object]:
    """A scan refused before anything is written: a write could lose the refusal (see `scanned`)."""
    return stub(channel).StreamSignals().read()


REFUSED_CALLS = CALLS | {"StreamSignals": scan_unasked}


def health(channel: grpc.aio.Channel) -> Awaitable[health_pb2.HealthCheckResponse]:
    answer: Awaitable[health_pb2.HealthCheckResponse] = health_pb2_grpc.HealthStub(channel).Check(
        health_pb2.HealthCheckRequest(service=SERVICE)
    )
    return answer


def channelz(channel: grpc.aio.Channel) -> Awaitable[object]:
    answer: Awaitable[object] = channelz_pb2_grpc.ChannelzStub(channel).GetServers(channelz_pb2.GetServersRequest())
    return answer


async def reflection(channel: grpc.aio.Channel) -> list[str]:
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    answers = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([request]))
    return [service.name async for answer in answers for service in answer.list_services_response.service]


def make_certificate(folder: Path, name: str, purpose: x509.ObjectIdentifier, names: list[x509.GeneralName]) -> None:
    """What our own command refuses to issue, signed by the folder's authority all the same."""
    authority = x509.load_pem_x509_certificate((folder / "ca.crt").read_bytes())
    signer = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), password=None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    pem, plain_key = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / f"{name}.crt").write_bytes(builder.sign(signer, hashes.SHA256()).public_bytes(pem))
    (folder / f"{name}.key").touch(0o600)
    (folder / f"{name}.key").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain_key))


@pytest.fixture
def own_certificates(tmp_path: Path) -> Certificates:
    """An authority that the test may do what it likes with."""
    certs.init(tmp_path)
    certs.issue(tmp_path, "server", hosts=["localhost", "127.0.0.1"])
    certs.issue(tmp_path, "trader", role="trader")
    return Certificates(tmp_path)


@pytest.fixture
async def mutual(certificates: Certificates, forecast_server_on_loopback: ForecastServer) -> AsyncIterator[str]:
    async with forecast_server_on_loopback(tls=certificates.server()) as server:
        yield server.addresses[0]


async def assert_others_are_served(certificates: Certificates, address: str) -> None:
    async with secure(certificates, address, "trader") as channel:
        await CALLS["GenerateSignals"](channel)


@pytest.mark.parametrize("role", certs.ROLES)
async def test_a_role_may_call_what_the_contract_says_and_nothing_else(
    role: str, certificates: Certificates, mutual: str
) -> None:
    assert set(CALLS) == {method.name for method in service_descriptor(SERVICE).methods}
    async with secure(certificates, mutual, role) as channel:
        for method, roles in MAY_CALL.items():
            if role in roles:
                await CALLS[method](channel)
                continue
            denied = await refused(REFUSED_CALLS[method](channel))
            assert denied.code is grpc.StatusCode.PERMISSION_DENIED
            assert (denied.reason, denied.domain) == ("ROLE_FORBIDDEN", "foremesh")
            assert denied.metadata["role"] == role
            assert denied.metadata["allowed"] == ",".join(sorted(roles))
            assert denied.has_no_private_text(str(certificates.folder))
    await assert_others_are_served(certificates, mutual)


async def test_without_a_certificate_there_is_no_connection(certificates: Certificates, mutual: str) -> None:
    async with secure(certificates, mutual) as channel:
        for call in (get_model, health, channelz):
            stranger = await refused(call(channel))
            assert stranger.code is grpc.StatusCode.UNAVAILABLE
            assert stranger.has_no_private_text(str(certificates.folder))
    await assert_others_are_served(certificates, mutual)


async def test_an_expired_certificate_makes_no_connection(
    own_certificates: Certificates, forecast_server_on_loopback: ForecastServer
) -> None:
    certs.issue(own_certificates.folder, "late", role="trader", days=1, now=datetime.now(UTC) - timedelta(days=2))
    async with forecast_server_on_loopback(tls=own_certificates.server()) as server:
        address = server.addresses[0]
        async with secure(own_certificates, address, "late") as channel:
            late = await refused(get_model(channel))
        assert late.code is grpc.StatusCode.UNAVAILABLE
        await assert_others_are_served(own_certificates, address)


async def test_a_certificate_of_another_authority_makes_no_connection(
    certificates: Certificates, mutual: str, own_certificates: Certificates
) -> None:
    (own_certificates.folder / "ca.crt").write_bytes((certificates.folder / "ca.crt").read_bytes())
    async with secure(own_certificates, mutual, "trader") as channel:
        foreign = await refused(get_model(channel))
    assert foreign.code is grpc.StatusCode.UNAVAILABLE
    await assert_others_are_served(certificates, mutual)


async def test_a_server_of_another_authority_is_not_talked_to(own_certificates: Certificates, mutual: str) -> None:
    async with secure(own_certificates, mutual, "trader") as channel:
        foreign = await refused(get_model(channel))
    assert foreign.code is grpc.StatusCode.UNAVAILABLE


async def test_a_server_certificate_is_no_client_certificate(certificates: Certificates, mutual: str) -> None:
    async with secure(certificates, mutual, "server") as channel:
        misused = await refused(get_model(channel))
    assert misused.code is grpc.StatusCode.UNAVAILABLE
    await assert_others_are_served(certificates, mutual)


@pytest.mark.parametrize(
    "names",
    [
        [],
        [x509.UniformResourceIdentifier("urn:foremesh:role:admin")],
        [x509.UniformResourceIdentifier("urn:foremesh:role:Operator")],
        [x509.DNSName("urn:foremesh:role:operator")],
        [
            x509.UniformResourceIdentifier("urn:foremesh:role:operator"),
            x509.UniformResourceIdentifier("urn:foremesh:role:viewer"),
        ],
    ],
    ids=["none", "unknown", "other case", "as a DNS name", "two at once"],
)
async def test_a_certificate_without_one_clear_role_may_call_nothing_but_health(
    names: list[x509.GeneralName], own_certificates: Certificates, forecast_server_on_loopback: ForecastServer
) -> None:
    make_certificate(own_certificates.folder, "nobody", ExtendedKeyUsageOID.CLIENT_AUTH, names)
    async with forecast_server_on_loopback(tls=own_certificates.server()) as server:
        async with secure(own_certificates, server.addresses[0], "nobody") as channel:
            for call in (*REFUSED_CALLS.values(), reflection, channelz):
                denied = await refused(call(channel))
                if (
                    denied.message == "Internal error from Core"
                ):  # grpc.aio lost the status: it wrote to a call that was over
                    denied = await refused(call(channel))
                assert denied.code is grpc.StatusCode.PERMISSION_DENIED
                assert (denied.reason, denied.domain) == ("ROLE_MISSING", "foremesh")
                assert denied.has_no_private_text(str(own_certificates.folder))
            assert (await health(channel)).status == health_pb2.HealthCheckResponse.SERVING
        await assert_others_are_served(own_certificates, server.addresses[0])


async def test_plain_text_to_a_tls_port_is_no_connection(certificates: Certificates, mutual: str) -> None:
    async with plain(mutual) as channel:
        assert (await refused(get_model(channel))).code is grpc.StatusCode.UNAVAILABLE
    await assert_others_are_served(certificates, mutual)


async def test_tls_to_a_plain_port_is_no_connection(
    certificates: Certificates, forecast_server_on_loopback: ForecastServer
) -> None:
    async with forecast_server_on_loopback() as server:
        async with secure(certificates, server.addresses[0], "trader") as channel:
            assert (await refused(get_model(channel))).code is grpc.StatusCode.UNAVAILABLE
        async with plain(server.addresses[0]) as channel:
            await get_model(channel)


async def test_bytes_that_are_no_handshake_are_answered_with_a_closed_connection(
    certificates: Certificates, mutual: str
) -> None:
    host, _, port = mutual.rpartition(":")
    for sent in (b"GET / HTTP/1.1\r\n\r\n", bytes(range(256)) * 64, b"\x16\x03\x01\xff\xff" + b"\0" * 500):
        reader, writer = await asyncio.open_connection(host, int(port))
        answer = b""
        async with asyncio.timeout(20):
            with contextlib.suppress(OSError):  # how a connection closes is its own affair
                writer.write(sent)
                writer.write_eof()
                answer = await reader.read()
        assert b"foremesh" not in answer
        writer.close()
    await assert_others_are_served(certificates, mutual)


async def test_on_plain_loopback_everybody_has_the_configured_role(forecast_server_on_loopback: ForecastServer) -> None:
    async with (
        forecast_server_on_loopback(loopback_role="viewer") as server,
        plain(server.addresses[0]) as channel,
    ):
        await get_model(channel)
        denied = await refused(scan_unasked(channel))
    assert (denied.code, denied.metadata["role"]) == (grpc.StatusCode.PERMISSION_DENIED, "viewer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """A server that takes tokens, its token file, and a token of each role."""

    file: Path
    certificates: Certificates
    address: str
    of: dict[str, str]

    def channel(self, token: str | None = None) -> AbstractAsyncContextManager[grpc.aio.Channel]:
        return secure(self.certificates, self.address, token=token)


@pytest.fixture
async def with_tokens(
    tmp_path: Path, certificates: Certificates, forecast_server_on_loopback: ForecastServer
) -> AsyncIterator[Tokens]:
    file = tmp_path / "tokens.toml"
    of: dict[str, str] = {role: tokens.create(file, role, role) for role in certs.ROLES}
    async with forecast_server_on_loopback(tls=certificates.server(mutual=False), token_file=file) as server:
        yield Tokens(file=file, certificates=certificates, address=server.addresses[0], of=of)


async def first_refusal(channel: grpc.aio.Channel) -> Refusal:
    """Call until the call is refused."""
    async with asyncio.timeout(20):
        while True:
            try:
                await get_model(channel)
            except grpc.RpcError as error:
                return refusal(error)
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("role", certs.ROLES)
async def test_a_token_has_the_rights_of_its_role(role: str, with_tokens: Tokens) -> None:
    async with with_tokens.channel(with_tokens.of[role]) as channel:
        for method, roles in MAY_CALL.items():
            if role in roles:
                await CALLS[method](channel)
                continue
            denied = await refused(REFUSED_CALLS[method](channel))
            assert (denied.code, denied.reason) == (grpc.StatusCode.PERMISSION_DENIED, "ROLE_FORBIDDEN")
            assert denied.metadata["role"] == role
            assert denied.has_no_private_text(with_tokens.of[role])


@pytest.mark.parametrize(
    ("authorization", "reason"),
    [
        (None, "TOKEN_MISSING"),
        ("", "TOKEN_MISSING"),
        ("not-a-token-0123456789-0123456789-0123456789", "TOKEN_MISSING"),
        ("Basic not-a-token-0123456789-0123456789-0123456789", "TOKEN_MISSING"),
        ("Bearer ", "TOKEN_UNKNOWN"),
        ("Bearer not-a-token-0123456789-0123456789-0123456789", "TOKEN_UNKNOWN"),
    ],
)
async def test_a_missing_and_a_wrong_token_are_refused_without_repeating_it(
    authorization: str | None, reason: str, with_tokens: Tokens
) -> None:
    metadata = () if authorization is None else (("authorization", authorization),)
    async with with_tokens.channel() as channel:
        unknown = await refused(stub(channel).GetModel(pb.GetModelRequest(), metadata=metadata))
        assert unknown.code is grpc.StatusCode.UNAUTHENTICATED
        assert (unknown.reason, unknown.domain) == (reason, "foremesh")
        assert unknown.has_no_private_text("not-a-token-", str(with_tokens.file.parent))
    async with with_tokens.channel(with_tokens.of["viewer"]) as channel:
        await get_model(channel)


async def test_a_token_of_any_role_is_needed_for_reflection(with_tokens: Tokens) -> None:
    async with with_tokens.channel() as channel:
        assert (await refused(reflection(channel))).code is grpc.StatusCode.UNAUTHENTICATED
    async with with_tokens.channel(with_tokens.of["collector"]) as channel:
        assert SERVICE in await reflection(channel)


async def test_health_needs_no_token(with_tokens: Tokens) -> None:
    async with with_tokens.channel() as channel:
        assert (await health(channel)).status == health_pb2.HealthCheckResponse.SERVING


# gRPC's own health check brings no token: if it needed one, no server would count as healthy.
async def test_a_client_with_a_token_and_several_servers_finds_those_that_serve(
    with_tokens: Tokens, tmp_path: Path, certificates: Certificates, forecast_server_on_loopback: ForecastServer
) -> None:
    own = tmp_path / "own.token"
    own.touch(0o600)
    own.write_text(with_tokens.of["viewer"])
    tls = certificates.server(mutual=False)
    async with forecast_server_on_loopback(tls=tls, token_file=with_tokens.file) as second:
        config = ClientConfig(
            targets=(with_tokens.address, *second.addresses),
            ca_file=certificates.folder / "ca.crt",
            token_file=own,
            server_name="localhost",
            timeout_seconds=10,
        )
        async with connect(config, SERVICE) as channel:
            await get_model(channel)


async def test_a_revoked_token_stops_working_without_a_restart(with_tokens: Tokens) -> None:
    async with with_tokens.channel(with_tokens.of["viewer"]) as channel:
        await get_model(channel)
        tokens.revoke(with_tokens.file, "viewer")
        gone = await first_refusal(channel)
    assert (gone.code, gone.reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_UNKNOWN")
    async with with_tokens.channel(with_tokens.of["operator"]) as channel:
        await get_model(channel)


async def test_a_damaged_token_file_keeps_the_tokens_that_were_until_it_is_whole_again(with_tokens: Tokens) -> None:
    whole = with_tokens.file.read_text()
    with_tokens.file.write_text(whole[:-20])
    async with with_tokens.channel(with_tokens.of["viewer"]) as channel:
        for _ in range(15):  # more than the second after which the file is looked at again
            await get_model(channel)
            await asyncio.sleep(0.1)
        with_tokens.file.write_text(whole)
        tokens.revoke(with_tokens.file, "viewer")
        assert (await first_refusal(channel)).reason == "TOKEN_UNKNOWN"


def other_address() -> str | None:
    """An address of this machine that is not loopback, if it has one; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("203.0.113.1", 9))
        except OSError:
            return None
        found = str(probe.getsockname()[0])
        return None if found.startswith("127.") or found == "0.0.0.0" else found  # noqa: S104


async def test_channelz_answers_on_loopback_only(
    own_certificates: Certificates, forecast_server_on_loopback: ForecastServer
) -> None:
    address = other_address()
    if address is None:
        pytest.skip("this machine has no address but loopback")
    certs.issue(own_certificates.folder, "server", hosts=["127.0.0.1", address])
    certs.issue(own_certificates.folder, "operator", role="operator")
    listen = (f"{address}:0", "127.0.0.1:0")
    async with forecast_server_on_loopback(listen=listen, tls=own_certificates.server()) as server:
        outside, inside = server.addresses
        async with secure(own_certificates, outside, "operator") as channel:
            denied = await refused(channelz(channel))
            assert (denied.code, denied.reason) == (grpc.StatusCode.PERMISSION_DENIED, "LOOPBACK_ONLY")
            await get_model(channel)
        async with secure(own_certificates, inside, "operator") as channel:
            await channelz(channel)


@pytest.mark.parametrize(
    ("peer", "near"),
    [
        ("ipv4:127.0.0.1:4711", True),
        ("ipv4:127.8.9.10:4711", True),
        ("ipv6:%5B::1%5D:4711", True),
        ("ipv6:[::1]:4711", True),
        ("unix:/run/foremesh.sock", True),
        ("ipv4:192.0.2.7:4711", False),
        ("ipv6:%5B2001:db8::1%5D:4711", False),
        ("ipv4:127.0.0.1.example.org:4711", False),
        ("", False),
    ],
)
def test_channelz_knows_near_from_far(peer: str, near: bool) -> None:
    access = Access({SERVICE: service_descriptor(SERVICE)})
    method, operator = "/grpc.channelz.v1.Channelz/GetServers", Caller("somebody", "operator")
    if near:
        access.admits(method, operator, peer)
        return
    with pytest.raises(Denied) as caught:
        access.admits(method, operator, peer)
    assert caught.value.reason == "LOOPBACK_ONLY"


def test_a_method_without_roles_cannot_be_served() -> None:
    with pytest.raises(ValueError, match=re.escape("grpc.health.v1.Health.Check names no role")):
        Access({"grpc.health.v1.Health": service_descriptor("grpc.health.v1.Health")})


async def test_a_refused_caller_holds_nothing(
    certificates: Certificates, forecast_server_on_loopback: ForecastServer
) -> None:
    async with forecast_server_on_loopback(tls=certificates.server(), max_in_flight=2) as server:
        async with secure(certificates, server.addresses[0], "viewer") as channel:
            calls = [stub(channel).StreamSignals() for _ in range(5)]
            for call in calls:
                assert (await refused(call.read())).code is grpc.StatusCode.PERMISSION_DENIED
        await until(lambda: server.in_flight() == 0)
        await assert_others_are_served(certificates, server.addresses[0])
