"""Every open door is refused when the configuration is read, not when somebody walks in."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from mesh.rpc.config import ClientConfig, ServerConfig, ServerTls, is_loopback

PAIR = {"certificate_file": Path("a.crt"), "private_key_file": Path("a.key")}
TLS = ServerTls(certificate_file=Path("a.crt"), private_key_file=Path("a.key"))
MUTUAL = ServerTls(certificate_file=Path("a.crt"), private_key_file=Path("a.key"), client_ca_file=Path("ca.crt"))
TOKENS, CA = Path("tokens.toml"), Path("ca.crt")


@pytest.mark.parametrize(
    "listen",
    ["0.0.0.0:1", "[::]:1", "192.0.2.1:1", "[2001:db8::1]:1", "example.org:1", "127.0.0.1.example.org:1", "127.1:1",
     "2130706433:1", "0:1", "[::ffff:192.0.2.1]:1", "localhost.example.org:1"],
)  # fmt: skip
def test_beyond_loopback_nothing_is_served_without_tls_and_identity(listen: str) -> None:
    assert not is_loopback(listen)
    for addresses in ((listen,), ("127.0.0.1:1", listen), (listen, "127.0.0.1:1")):
        with pytest.raises(ValidationError, match="nothing is served in the clear"):
            ServerConfig(listen=addresses)
        with pytest.raises(ValidationError, match="who may call"):
            ServerConfig(listen=addresses, tls=TLS)
        ServerConfig(listen=addresses, tls=MUTUAL)
        ServerConfig(listen=addresses, tls=TLS, token_file=TOKENS)


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "127.9.9.9:1", "[::1]:1", "localhost:1"])
def test_on_loopback_plain_text_is_served(listen: str) -> None:
    assert is_loopback(listen)
    ServerConfig(listen=(listen,))


def test_a_token_is_taken_over_tls_only_and_not_beside_client_certificates() -> None:
    with pytest.raises(ValidationError, match="a token sent in the clear"):
        ServerConfig(token_file=TOKENS)
    with pytest.raises(ValidationError, match="choose token_file or"):
        ServerConfig(tls=MUTUAL, token_file=TOKENS)


@pytest.mark.parametrize("address", ["0.0.0.0:9101", "192.0.2.1:9101", "[::]:9101", "example.org:9101"])
def test_metrics_stay_on_loopback_even_with_tls(address: str) -> None:
    with pytest.raises(ValidationError, match="metrics have no authentication"):
        ServerConfig(metrics_listen=address)
    with pytest.raises(ValidationError, match="metrics have no authentication"):
        ServerConfig(listen=("0.0.0.0:1",), tls=MUTUAL, metrics_listen=address)


@pytest.mark.parametrize(
    "address",
    ["", "127.0.0.1", ":1", "127.0.0.1:", "127.0.0.1:x", "::1:1", "[::1]", "unix:/tmp/x", "http://127.0.0.1:1",
     "127.0.0.1:123456", "127.0.0.1:1\n", "a b:1"],
)  # fmt: skip
def test_what_is_no_address_is_refused_on_both_sides(address: str) -> None:
    with pytest.raises(ValidationError):
        ServerConfig(listen=(address,))
    with pytest.raises(ValidationError):
        ClientConfig(targets=(address,))


@pytest.mark.parametrize(
    "wrong",
    [
        {"listen": ()},
        {"loopback_role": "admin"},
        {"loopback_role": None},
        {"max_in_flight": 0},
        {"unary_seconds": 0.0},
        {"stream_idle_seconds": -1.0},
        {"grace_seconds": 0.0},
        {"grace_seconds": float("inf")},
        {"grace": 1.0},
        {"tls": {"certificate_file": Path("a.crt")}},
    ],
)
def test_a_server_table_with_a_wrong_value_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ServerConfig.model_validate(wrong)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"targets": ("192.0.2.1:1",)}, "nothing is sent in the clear"),
        ({"targets": ("127.0.0.1:1", "example.org:1")}, "nothing is sent in the clear"),
        ({"ca_file": CA, "certificate_file": Path("a.crt")}, "belong together"),
        ({"ca_file": CA, "private_key_file": Path("a.key")}, "belong together"),
        (PAIR, "to a proven server only"),
        ({"token_file": TOKENS}, "to a proven server only"),
        ({"ca_file": CA, "token_file": TOKENS, **PAIR}, "choose certificate_file or token_file"),
        ({"ca_file": CA, "targets": ("127.0.0.1:1", "127.0.0.1:2")}, "need server_name"),
        ({"targets": ()}, "at least 1"),
        ({"timeout_seconds": 0.0}, "greater than 0"),
        ({"retries": 3}, "not permitted"),
    ],
)
def test_a_client_that_would_talk_in_the_open_is_refused(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        ClientConfig.model_validate(wrong)


def test_a_client_that_proves_its_server_may_go_anywhere() -> None:
    far = ("192.0.2.1:1", "192.0.2.2:1")
    ClientConfig(targets=far[:1], ca_file=CA)
    ClientConfig(targets=far[:1], ca_file=CA, token_file=TOKENS)
    ClientConfig.model_validate({"targets": far, "ca_file": CA, "server_name": "forecast", **PAIR})
    ClientConfig(targets=("127.0.0.1:1", "[::1]:2"))


def test_what_was_read_does_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        ServerConfig().max_in_flight = 1


@pytest.mark.parametrize("address", ["127.0.0.1:65536", "127.0.0.1:99999", "127.0.0.1", ":1", "a b:1", "::1:8787"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ValidationError, match="host:port"):
        ServerConfig(listen=(address,))
    with pytest.raises(ValidationError, match="host:port"):
        ServerConfig(metrics_listen=address)
