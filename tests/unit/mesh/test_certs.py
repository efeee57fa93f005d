"""The private certificate authority, judged by OpenSSL where it matters."""

import ipaddress
import os
import ssl
import string
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from mesh.certs import (
    MAX_DAYS,
    ROLES,
    CertificateError,
    CertificateInfo,
    init,
    issue,
    matches,
    parse_host,
    role_from_names,
    show,
)

NOW = datetime(2026, 7, 1, 12, 0, 0, tzinfo=UTC)
LABEL_CHARACTERS = string.ascii_letters + string.digits + "-"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    init(tmp_path / "certs")
    return tmp_path / "certs"


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def load(file: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(file.read_bytes())


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def renew(directory: Path) -> None:
    for _ in range(20):
        issue(directory, "trader", role="trader")


def context(purpose: ssl.Purpose, directory: Path, name: str, *, ca: Path | None = None) -> ssl.SSLContext:
    """As strict as OpenSSL gets; Python 3.13 made this the default."""
    made = ssl.create_default_context(purpose, cafile=str(ca or directory / "ca.crt"))
    made.load_cert_chain(directory / f"{name}.crt", directory / f"{name}.key")
    made.verify_mode = ssl.CERT_REQUIRED
    made.verify_flags |= ssl.VERIFY_X509_STRICT
    return made


def shake_hands(
    directory: Path,
    *,
    server: str = "server",
    client: str = "trader",
    host: str = "localhost",
    server_ca: Path | None = None,
    client_ca: Path | None = None,
) -> list[str]:
    """Complete mutual TLS in memory and return the client's names as the server sees them; raises what ssl raises.

    The `..._ca` is the authority that this side trusts.
    """
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server_context = context(ssl.Purpose.CLIENT_AUTH, directory, server, ca=server_ca)
    client_context = context(ssl.Purpose.SERVER_AUTH, directory, client, ca=client_ca)
    server_side = server_context.wrap_bio(to_server, to_client, server_side=True)
    client_side = client_context.wrap_bio(to_client, to_server, server_hostname=host)
    waiting = [client_side, server_side]
    for _ in range(10):
        for side in list(waiting):
            try:
                side.do_handshake()
                waiting.remove(side)
            except ssl.SSLWantReadError:
                continue
    assert not waiting
    peer = server_side.getpeercert()
    assert peer
    return [str(entry[1]) for entry in peer["subjectAltName"]]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "spark.mesh.example"])
def test_mutual_tls_succeeds_for_every_name_of_the_server_and_shows_the_role(directory: Path, host: str) -> None:
    issue(directory, "server", hosts=["localhost", "127.0.0.1", "::1", "*.mesh.example"])
    issue(directory, "trader", role="trader")

    assert role_from_names(shake_hands(directory, host=host)) == "trader"


def test_one_certificate_can_be_server_and_client(directory: Path) -> None:
    issue(directory, "both", hosts=["localhost"], role="collector")

    assert role_from_names(shake_hands(directory, server="both", client="both")) == "collector"


def test_a_server_certificate_is_refused_as_a_client(directory: Path) -> None:
    issue(directory, "server", hosts=["localhost"])

    with pytest.raises(ssl.SSLCertVerificationError, match="certificate purpose"):
        shake_hands(directory, client="server")


def test_a_client_certificate_is_refused_as_a_server(directory: Path) -> None:
    issue(directory, "trader", role="trader")

    with pytest.raises(ssl.SSLCertVerificationError, match="certificate purpose"):
        shake_hands(directory, server="trader")


def test_an_expired_client_is_refused(directory: Path) -> None:
    issue(directory, "server", hosts=["localhost"])
    issue(directory, "trader", role="trader", days=1, now=datetime.now(UTC) - timedelta(days=2))

    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        shake_hands(directory)


def test_an_expired_server_is_refused(directory: Path) -> None:
    issue(directory, "server", hosts=["localhost"], days=1, now=datetime.now(UTC) - timedelta(days=2))
    issue(directory, "trader", role="trader")

    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        shake_hands(directory)


@pytest.mark.parametrize("suspicious", ["server_ca", "client_ca"])
def test_a_certificate_of_another_authority_with_the_same_name_is_refused(
    directory: Path, tmp_path: Path, suspicious: str
) -> None:
    init(tmp_path / "other")
    issue(directory, "server", hosts=["localhost"])
    issue(directory, "trader", role="trader")

    with pytest.raises(ssl.SSLCertVerificationError, match="self-signed certificate in certificate chain"):
        shake_hands(directory, **{suspicious: tmp_path / "other" / "ca.crt"})  # type: ignore[arg-type]


@pytest.mark.parametrize("host", ["example.com", "127.0.0.2", "a.b.mesh.example", "mesh.example"])
def test_a_server_under_another_name_is_refused(directory: Path, host: str) -> None:
    issue(directory, "server", hosts=["localhost", "127.0.0.1", "*.mesh.example"])
    issue(directory, "trader", role="trader")

    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        shake_hands(directory, host=host)


def test_a_leaf_cannot_sign_for_others(directory: Path) -> None:
    leaf = load(issue(directory, "server", hosts=["localhost"]).file)

    constraints = leaf.extensions.get_extension_for_class(x509.BasicConstraints)
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage)
    assert (constraints.critical, constraints.value.ca) == (True, False)
    assert (usage.critical, usage.value.digital_signature, usage.value.key_cert_sign) == (True, True, False)


def test_the_authority_signs_leaves_only_for_ten_years(tmp_path: Path) -> None:
    info = init(tmp_path, now=NOW)

    certificate = load(info.file)
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (constraints.ca, constraints.path_length) == (True, 0)
    assert (usage.key_cert_sign, usage.crl_sign, usage.digital_signature) == (True, True, False)
    assert info.not_after - NOW == timedelta(days=3650)
    assert info.usage == ("authority",)
    assert info.problems == ()


def test_a_certificate_is_for_what_it_was_asked_for_and_nothing_else(directory: Path) -> None:
    server = load(issue(directory, "server", hosts=["Spark.Mesh", "spark.mesh", "10.0.0.1"]).file)
    client = load(issue(directory, "viewer", role="viewer").file)

    server_names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    client_names = client.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert list(server_names) == [x509.DNSName("spark.mesh"), x509.IPAddress(ipaddress.ip_address("10.0.0.1"))]
    assert list(client_names) == [x509.UniformResourceIdentifier("urn:foremesh:role:viewer")]
    purposes = x509.ExtendedKeyUsage
    assert list(server.extensions.get_extension_for_class(purposes).value) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert list(client.extensions.get_extension_for_class(purposes).value) == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_issue_says_what_it_made(directory: Path) -> None:
    now = datetime.now(UTC).replace(microsecond=0)

    info = issue(directory, "both", role="operator", hosts=["::1", "localhost"], days=30, now=now)

    assert info == CertificateInfo(
        file=directory / "both.crt",
        name="both",
        role="operator",
        hosts=("localhost", "::1"),
        issuer="foremesh CA",
        not_before=now - timedelta(minutes=5),
        not_after=now + timedelta(days=30),
        usage=("server", "client"),
        fingerprint=info.fingerprint,
        days_left=30,
        problems=(),
    )
    assert len(bytes.fromhex(info.fingerprint)) == 32


def test_private_files_are_private_whatever_the_umask(tmp_path: Path, open_umask: None) -> None:
    init(tmp_path / "certs")
    issue(tmp_path / "certs", "trader", role="trader")

    assert mode(tmp_path / "certs") == 0o700
    assert mode(tmp_path / "certs" / "ca.key") == 0o600
    assert mode(tmp_path / "certs" / "trader.key") == 0o600
    assert mode(tmp_path / "certs" / "trader.crt") == 0o644


@pytest.mark.parametrize("present", ["ca.crt", "ca.key"])
def test_an_authority_is_never_overwritten_not_even_half_of_one(tmp_path: Path, present: str) -> None:
    (tmp_path / present).write_text("precious")

    with pytest.raises(CertificateError, match="not overwritten"):
        init(tmp_path)

    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {present: "precious"}


def test_renewal_replaces_both_files_and_leaves_nothing_else(directory: Path) -> None:
    first = issue(directory, "trader", role="trader")
    old_key = (directory / "trader.key").read_bytes()

    second = issue(directory, "trader", role="trader")

    assert second.fingerprint != first.fingerprint
    assert (directory / "trader.key").read_bytes() != old_key
    assert second.problems == ()
    assert {file.name for file in directory.iterdir()} == {"ca.crt", "ca.key", "trader.crt", "trader.key"}


def test_a_reader_that_checks_and_retries_always_gets_a_pair_while_two_writers_renew(directory: Path) -> None:
    issue(directory, "trader", role="trader")
    writers = [threading.Thread(target=renew, args=(directory,)) for _ in range(2)]
    for writer in writers:
        writer.start()
    seen = set()
    while any(writer.is_alive() for writer in writers):
        certificate, key = (directory / "trader.crt").read_bytes(), (directory / "trader.key").read_bytes()
        x509.load_pem_x509_certificate(certificate)  # whole at every moment
        if matches(certificate, key):
            seen.add(certificate)
    for writer in writers:
        writer.join()

    assert len(seen) > 1
    assert matches((directory / "trader.crt").read_bytes(), (directory / "trader.key").read_bytes())


def test_a_renewal_that_stopped_half_way_is_shown_and_repaired_by_the_next(directory: Path) -> None:
    issue(directory, "trader", role="trader")
    old_certificate = (directory / "trader.crt").read_bytes()
    issue(directory, "trader", role="trader")
    (directory / "trader.crt").write_bytes(old_certificate)

    assert show(directory / "trader.crt")[0].problems == ("key file does not match",)
    assert issue(directory, "trader", role="trader").problems == ()


def test_a_certificate_is_not_replaced_before_its_key(directory: Path) -> None:
    issue(directory, "trader", role="trader")
    certificate = (directory / "trader.crt").read_bytes()
    (directory / "trader.key").unlink()
    (directory / "trader.key").mkdir()  # no file can take its place

    with pytest.raises(CertificateError, match=r"trader\.key"):
        issue(directory, "trader", role="trader")

    assert (directory / "trader.crt").read_bytes() == certificate
    assert not list(directory.glob(".*"))


def test_a_failed_renewal_changes_nothing(directory: Path) -> None:
    issue(directory, "trader", role="trader")
    before = {file.name: file.read_bytes() for file in directory.iterdir()}
    (directory / "ca.key").write_bytes((directory / "trader.key").read_bytes())

    with pytest.raises(CertificateError, match=r"not the private key of ca\.crt"):
        issue(directory, "trader", role="trader")

    (directory / "ca.key").write_bytes(before["ca.key"])
    assert {file.name: file.read_bytes() for file in directory.iterdir()} == before


@pytest.mark.parametrize(
    "damage", [b"", b"rubbish", b"-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----\n"]
)
def test_a_damaged_authority_key_is_refused_without_showing_it(directory: Path, damage: bytes) -> None:
    (directory / "ca.key").write_bytes(damage)

    with pytest.raises(CertificateError, match="not the private key") as caught:
        issue(directory, "trader", role="trader")

    assert "SECRET" not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_issuing_without_an_authority_says_so_and_makes_no_directory(tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match=r"ca\.crt: missing"):
        issue(tmp_path / "absent", "trader", role="trader")

    assert not (tmp_path / "absent").exists()


def test_a_leaf_never_outlives_its_authority(tmp_path: Path) -> None:
    init(tmp_path, years=1, now=NOW)

    with pytest.raises(CertificateError, match="the authority ends on 2027-07-01"):
        issue(tmp_path, "trader", role="trader", days=366, now=NOW)


@pytest.mark.parametrize("name", ["", "Trader", "-a", "a b", "../a", "a/b", "a.b", "a\n", "ä", "a" * 64, "ca"])
def test_names_that_are_no_safe_file_name_are_refused(directory: Path, name: str) -> None:
    with pytest.raises(CertificateError, match="name"):
        issue(directory, name, role="trader")


@pytest.mark.parametrize("days", [0, -1, MAX_DAYS + 1])
def test_lifetimes_out_of_range_are_refused(directory: Path, days: int) -> None:
    with pytest.raises(CertificateError, match="days"):
        issue(directory, "trader", role="trader", days=days)


def test_a_certificate_for_nothing_is_refused(directory: Path) -> None:
    with pytest.raises(CertificateError, match=r"role .* hosts"):
        issue(directory, "trader")


def test_an_unknown_role_is_refused(directory: Path) -> None:
    with pytest.raises(CertificateError, match="role 'king': use one of trader, collector, operator, viewer"):
        issue(directory, "trader", role="king")  # type: ignore[arg-type]


def test_the_system_saying_no_is_a_certificate_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(CertificateError, match="file"):
        init(tmp_path / "file" / "certs")
    with pytest.raises(CertificateError, match=r"absent\.crt: No such file"):
        show(tmp_path / "absent.crt")


def test_show_lists_the_authority_first_and_the_rest_by_name(directory: Path) -> None:
    for name in ("zeta", "alpha"):
        issue(directory, name, role="viewer")

    assert [info.file.name for info in show(directory)] == ["ca.crt", "alpha.crt", "zeta.crt"]


@pytest.mark.parametrize(
    ("later", "problems"),
    [
        (timedelta(minutes=-6), ("not valid yet",)),
        (timedelta(), ()),
        (timedelta(days=76), ()),
        (timedelta(days=76, seconds=1), ("expires within 14 days",)),
        (timedelta(days=90, seconds=1), ("expired",)),
    ],
)
def test_show_warns_before_a_certificate_ends(tmp_path: Path, later: timedelta, problems: tuple[str, ...]) -> None:
    init(tmp_path, now=NOW)
    issue(tmp_path, "trader", role="trader", now=NOW)

    assert show(tmp_path / "trader.crt", now=NOW + later)[0].problems == problems


def test_show_finds_keys_that_others_can_read(directory: Path) -> None:
    issue(directory, "trader", role="trader")
    (directory / "trader.key").chmod(0o644)

    assert show(directory / "trader.crt")[0].problems == ("key file is open to others (mode 0644)",)


def test_show_finds_a_foreign_signature(directory: Path, tmp_path: Path) -> None:
    init(tmp_path / "other")
    issue(tmp_path / "other", "trader", role="trader")
    (directory / "trader.crt").write_bytes((tmp_path / "other" / "trader.crt").read_bytes())

    assert show(directory / "trader.crt")[0].problems == ("not signed by this CA",)


def test_show_needs_no_key_but_says_when_it_could_not_check_the_signature(directory: Path, tmp_path: Path) -> None:
    issue(directory, "trader", role="trader")
    alone = tmp_path / "trader.crt"
    alone.write_bytes((directory / "trader.crt").read_bytes())

    assert show(alone)[0].problems == ("signature not checked: no ca.crt beside it",)


def test_show_names_a_file_that_is_no_certificate(directory: Path) -> None:
    (directory / "broken.crt").write_text("rubbish")

    with pytest.raises(CertificateError, match=r"broken\.crt: not a PEM certificate"):
        show(directory)


def test_matches_is_false_for_anything_unreadable(directory: Path) -> None:
    issue(directory, "trader", role="trader")
    certificate, key = (directory / "trader.crt").read_bytes(), (directory / "trader.key").read_bytes()

    assert matches(certificate, key)
    assert matches(certificate + (directory / "ca.crt").read_bytes(), key)
    assert not matches(certificate, (directory / "ca.key").read_bytes())
    assert not matches(certificate, b"")
    assert not matches(certificate, certificate)
    assert not matches(b"", key)


@pytest.mark.parametrize(
    "host",
    [
        *("", " ", "a b", "a\n", "a/b", "http://a", "a:80", "[::1]", "urn:foremesh:role:operator"),
        *("a.", ".a", "a..b", "-a", "a-", "a_b", "a" * 64, ".".join(["a" * 50] * 6), "münchen.de"),
        *("*", "*.com", "a.*.com", "*a.example.com", "*.*.example.com"),
        *("256.1.1.1", "1.2.3", "fe80::1%eth0"),
    ],
)
def test_hosts_that_no_client_could_check_are_refused(host: str) -> None:
    with pytest.raises(CertificateError, match="host"):
        parse_host(host)


@given(st.ip_addresses())
def test_every_address_is_a_host(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    assert parse_host(str(address)) == x509.IPAddress(address)


@given(
    st.lists(
        st.text(LABEL_CHARACTERS, min_size=1, max_size=63).map(lambda text: f"a{text[1:-1]}z"), min_size=2, max_size=3
    )
)
def test_every_dns_name_is_a_host_in_lower_case(labels: list[str]) -> None:
    name = ".".join(labels)

    assert parse_host(name) == x509.DNSName(name.lower())
    assert parse_host(f"*.{name}") == x509.DNSName(f"*.{name.lower()}")


@given(st.text() | st.text(alphabet=LABEL_CHARACTERS + ".*:/ %_\n", max_size=20))
def test_whatever_is_accepted_as_a_host_is_safe_to_sign(host: str) -> None:
    try:
        parsed = parse_host(host)
    except CertificateError:
        return
    if isinstance(parsed, x509.DNSName):
        assert set(parsed.value.removeprefix("*.")) <= set(LABEL_CHARACTERS + ".")
        assert not parsed.value.rpartition(".")[2].isdigit()
    else:
        assert ipaddress.ip_address(host) == parsed.value


@given(
    claims=st.lists(st.sampled_from(ROLES), max_size=3),
    others=st.lists(st.text().filter(lambda text: not text.lower().startswith("urn:foremesh:role:"))),
    data=st.data(),
)
def test_a_role_counts_only_if_it_is_the_only_one(claims: list[str], others: list[str], data: st.DataObject) -> None:
    names = data.draw(st.permutations([*(f"urn:foremesh:role:{role}" for role in claims), *others]))

    assert role_from_names(names) == (claims[0] if len(claims) == 1 else None)


@pytest.mark.parametrize(
    "names",
    [
        ["urn:foremesh:role:king"],
        ["urn:foremesh:role:"],
        ["urn:foremesh:role:TRADER"],
        ["URN:foremesh:role:trader"],
        ["urn:foremesh:role:trader "],
        ["urn:foremesh:role:trader", "urn:foremesh:role:trader"],
        ["urn:foremesh:role:trader", "urn:foremesh:role:king"],
        ["urn:foremesh:role:trader", "URN:FOREMESH:ROLE:OPERATOR"],
    ],
)
def test_claims_that_are_unknown_or_ambiguous_give_no_role(names: list[str]) -> None:
    assert role_from_names(names) is None
