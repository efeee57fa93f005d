"""How a process reaches the exchange: the `[kalshi]` table of its configuration."""

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, FiniteFloat, model_validator
from yarl import URL

from mesh.config import Strict
from mesh.rpc.config import Seconds, is_loopback

_ENCRYPTED = {"https", "wss"}
_KEY_ID = re.compile(r"[!-~]{1,128}")
_HOSTS = {
    "production": ("https://external-api.kalshi.com", "wss://external-api-ws.kalshi.com"),
    "demo": ("https://external-api.demo.kalshi.co", "wss://external-api-ws.demo.kalshi.co"),
}
_REST_PATH = "/trade-api/v2"
_STREAM_PATH = "/trade-api/ws/v2"


def _origin(schemes: set[str], text: str) -> str:
    example = " or ".join(f"{scheme}://host[:port]" for scheme in sorted(schemes))
    try:
        url = URL(text)
        bare = url.host is not None and url == url.origin() and text.rstrip("/") == str(url.origin())
    except ValueError:
        bare = False
    if not bare or url.scheme not in schemes:
        raise ValueError(f"must be {example}, and nothing more")
    if url.scheme not in _ENCRYPTED and not is_loopback(f"{url.host}:{url.port}"):
        raise ValueError("must be encrypted: only a simulator on this machine may be spoken to in the clear")
    return str(url.origin())


def _rest_origin(text: str) -> str:
    return _origin({"http", "https"}, text)


def _stream_origin(text: str) -> str:
    return _origin({"ws", "wss"}, text)


def _key_id(text: str) -> str:
    if not _KEY_ID.fullmatch(text):
        raise ValueError("must be printable ASCII without spaces")
    return text


class KalshiConfig(Strict):
    """Which exchange, who asks, and how long things may take."""

    environment: Literal["production", "demo", "custom"] = "demo"
    """`production` trades real money; `custom` is the simulator, or another host of the exchange."""
    host: Annotated[str, AfterValidator(_rest_origin)] | None = None
    """With `custom`: such as `http://127.0.0.1:8790`. Plain http reaches this machine only."""
    stream_host: Annotated[str, AfterValidator(_stream_origin)] | None = None
    """With `custom`: host of the WebSocket, such as `ws://127.0.0.1:8790`, where it is not `host`."""
    ca_file: Path | None = None
    """With `custom`: PEM certificate authority of the host, where it is not one that this machine trusts anyway."""
    key_id: Annotated[str, AfterValidator(_key_id)] | None = None
    """Id of the API key. Without a key only public market data can be read."""
    private_key_file: Path | None = None
    """PEM private key of that id, RSA or Ed25519, mode 0600."""
    unauthenticated_per_second: Annotated[FiniteFloat, Field(gt=0, le=100)] = 3.0
    """Requests a second without a key. The exchange's limit for an address is not documented; 4 to 8 were refused."""
    connect_seconds: Seconds = 5.0
    """Time to get a connection. Failing here is harmless: nothing was sent."""
    answer_seconds: Seconds = 10.0
    """How long a write waits for its answer, and how long a read bears silence."""
    read_seconds: Seconds = 30.0
    """Deadline of a read that names none, retries and waiting for tokens included."""
    max_reply_bytes: Annotated[int, Field(ge=1_000_000, le=1_000_000_000)] = 67_108_864
    """Larger replies are refused; the list of all series has 18 MB."""

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        if (self.key_id is None) != (self.private_key_file is None):
            raise ValueError("key_id and private_key_file belong together")
        if (self.environment == "custom") != (self.host is not None):
            raise ValueError("host and environment 'custom' belong together")
        if self.stream_host is not None and self.host is None:
            raise ValueError("stream_host needs environment 'custom'")
        if self.ca_file is not None and self.host is None:
            raise ValueError("ca_file needs environment 'custom': Kalshi's certificates are public")
        return self

    @property
    def rest_url(self) -> str:
        """Base of every REST path, without a slash at its end."""
        return (self.host or _HOSTS[self.environment][0]) + _REST_PATH

    @property
    def stream_url(self) -> str:
        """URL of the WebSocket."""
        beside = self.host.replace("http", "ws", 1) if self.host else _HOSTS[self.environment][1]
        return (self.stream_host or beside) + _STREAM_PATH


class SimulatorFirstConfig(KalshiConfig):
    """The same for daemons that speak to the simulated exchange on this machine until they are told otherwise."""

    environment: Literal["production", "demo", "custom"] = "custom"
    """`production` trades real money; `custom` is the simulator, or another host of the exchange."""
    host: Annotated[str, AfterValidator(_rest_origin)] | None = "http://127.0.0.1:8790"
    """With `custom`: such as `http://127.0.0.1:8790`. Plain http reaches this machine only."""

    @model_validator(mode="before")
    @classmethod
    def _host_goes_with_custom(cls, given: object) -> object:
        if isinstance(given, dict) and given.get("environment", "custom") != "custom":
            return {"host": None} | given
        return given
