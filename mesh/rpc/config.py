"""How a process serves and how it connects: the `[rpc]` and client tables of every configuration file."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, FiniteFloat, PositiveInt, model_validator

from mesh.certs import Role
from mesh.config import Strict

_HOST_PORT = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})")
_PORTS = 65_536


def _address(text: str) -> str:
    found = _HOST_PORT.fullmatch(text)
    if found is None or int(found[2]) >= _PORTS:
        raise ValueError("must be host:port with a port of 0 to 65535, and an IPv6 host in brackets")
    return text


Address = Annotated[str, AfterValidator(_address)]
"""`host:port`, with an IPv6 host in brackets; port 0 lets the system choose."""
Seconds = Annotated[FiniteFloat, Field(gt=0)]


def is_loopback(address: str) -> bool:
    """Tell whether `host:port` (or `[host]:port`) can be reached from this machine only. Unknown names cannot."""
    host = address.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class ServerTls(Strict):
    """Certificate of a server, and who may connect."""

    certificate_file: Path
    """PEM certificate chain of this server."""
    private_key_file: Path
    """PEM private key of the certificate, mode 0600."""
    client_ca_file: Path | None = None
    """PEM certificate authority of the clients: with it every client must show a certificate with a role."""


class ServerConfig(Strict):
    """How a process serves."""

    listen: tuple[Address, ...] = Field(default=("127.0.0.1:0",), min_length=1)
    """Addresses to listen on. Beyond loopback only with TLS and either client certificates or tokens."""
    tls: ServerTls | None = None
    """Certificate; without it plain text, loopback only."""
    token_file: Path | None = None
    """Bearer tokens of callers that have no certificate; needs TLS, and excludes client certificates."""
    loopback_role: Role = "operator"
    """Role of callers over plain-text loopback: whoever is on this machine."""
    metrics_listen: Address | Literal["off"] = "off"
    """Where Prometheus may scrape, loopback only; `off` serves no metrics."""
    max_in_flight: PositiveInt = 256
    """Calls worked on at once; one more is refused with the advice to retry."""
    unary_seconds: Seconds = 60.0
    """Time a unary call without a deadline of its own may take."""
    stream_idle_seconds: Seconds = 300.0
    """A client stream that sends nothing for this long is ended."""
    grace_seconds: Annotated[FiniteFloat, Field(gt=0, le=25)] = 20.0
    """What calls in progress get to finish when the server stops; at most 25, because a daemon must be gone in 30."""

    @model_validator(mode="after")
    def _refuse_open_doors(self) -> Self:
        open_addresses = [address for address in self.listen if not is_loopback(address)]
        if open_addresses and self.tls is None:
            raise ValueError(f"{open_addresses[0]} needs tls: beyond loopback nothing is served in the clear")
        if open_addresses and self.tls and not (self.tls.client_ca_file or self.token_file):
            raise ValueError(f"{open_addresses[0]} needs tls.client_ca_file or token_file: who may call?")
        if self.token_file and not self.tls:
            raise ValueError("token_file needs tls: a token sent in the clear is everybody's")
        if self.token_file and self.tls and self.tls.client_ca_file:
            raise ValueError(
                "choose token_file or tls.client_ca_file: gRPC asks every client or none for a certificate"
            )
        if self.metrics_listen != "off" and not is_loopback(self.metrics_listen):
            raise ValueError("metrics_listen must be a loopback address: metrics have no authentication")
        return self


class ClientConfig(Strict):
    """How a process connects to a service."""

    targets: tuple[Address, ...] = Field(default=("127.0.0.1:8787",), min_length=1)
    """Servers of the service. With several, calls go to those whose health says SERVING."""
    ca_file: Path | None = None
    """PEM certificate authority of the server; without it plain text, loopback only."""
    certificate_file: Path | None = None
    """PEM certificate of this client, with its role."""
    private_key_file: Path | None = None
    """PEM private key of the certificate, mode 0600."""
    token_file: Path | None = None
    """File with a bearer token, mode 0600, for servers that take tokens."""
    server_name: str | None = None
    """Name in the server's certificate, where it is not the target's host."""
    timeout_seconds: Seconds = 30.0
    """Deadline of a call that names none."""

    @model_validator(mode="after")
    def _refuse_open_talk(self) -> Self:
        distant = [target for target in self.targets if not is_loopback(target)]
        if distant and self.ca_file is None:
            raise ValueError(f"connecting to {distant[0]} needs ca_file: beyond loopback nothing is sent in the clear")
        if (self.certificate_file is None) != (self.private_key_file is None):
            raise ValueError("certificate_file and private_key_file belong together")
        if (self.certificate_file or self.token_file) and self.ca_file is None:
            raise ValueError("certificate_file and token_file need ca_file: identity is shown to a proven server only")
        if self.certificate_file and self.token_file:
            raise ValueError("choose certificate_file or token_file: a server takes one of them")
        if len(self.targets) > 1 and self.ca_file and self.server_name is None:
            raise ValueError("several targets need server_name: the one name that all their certificates carry")
        return self
