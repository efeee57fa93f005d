"""A real `foremesh-exchange` in a process of its own.

with exchange_process(folder) as exchange:
    alice = exchange.member("alice")
    status, body = alice("GET", "/portfolio/balance")
"""

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.fakes.exchange_keys import Signer

BIN = Path(sys.executable).parent
PREFIX = "/trade-api/v2"
SMALL = """
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"
[source]
kind = "generated"
series = [{ ticker = "KXHIGHNY", history_hours = 24.0 }]
[log]
format = "json"
"""
"""Six to twelve weather markets."""

Call = Callable[..., tuple[int, Any]]


@dataclass
class ExchangeProcess:
    """The process, and where it answers."""

    process: "subprocess.Popen[str]"
    folder: Path
    url: str
    admin_url: str

    def add_member(self, name: str, cash: str = "1000.00") -> str:
        """Make an account with the key file NAME.key by the command; gives the key's id."""
        key_file = str(self.folder / f"{name}.key")
        made = self.command(
            "account", "add", name, "--cash", cash, "--tier", "unlimited", "--key-file", key_file, "--json"
        )
        return str(json.loads(made)["key_id"])

    def member(self, name: str, cash: str = "1000.00") -> Call:
        """A caller with an account; made by the command on the first use of the name."""
        key_file, id_file = self.folder / f"{name}.key", self.folder / f"{name}.id"
        if not id_file.exists():  # kept for those who start the exchange once more
            id_file.write_text(self.add_member(name, cash))
        key_id = id_file.read_text()
        private = load_pem_private_key(key_file.read_bytes(), None)
        assert isinstance(private, Ed25519PrivateKey)
        signer = Signer(private, key_id)

        def call(method: str, path: str, body: Any = None) -> tuple[int, Any]:
            return request(self.url + PREFIX + path, method, body, signer.headers(method, PREFIX + path))

        return call

    def command(self, *words: str) -> str:
        """Run `foremesh exchange` beside the daemon."""
        state = ("--state", str(self.folder / "exchange-state"))
        done = subprocess.run(
            [BIN / "foremesh", "exchange", *words, *state], capture_output=True, text=True, check=True
        )
        return done.stdout

    def admin(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        return request(self.admin_url + path, method, body, {})

    def get(self, path: str) -> Any:
        """Public data."""
        status, body = request(self.url + PREFIX + path, "GET", None, {})
        assert status == 200, body
        return body

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(15)


def request(url: str, method: str, body: Any, headers: dict[str, str]) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    call = urllib.request.Request(  # noqa: S310  an address of this test
        url, data, {"Content-Type": "application/json"} | headers, method=method
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(call, timeout=10) as reply:
            status, text = reply.status, reply.read()
    except urllib.error.HTTPError as error:
        with error:
            status, text = error.code, error.read()
    return status, json.loads(text) if text[:1] in {b"{", b"["} else text.decode()


@contextmanager
def exchange_process(folder: Path, config: str = SMALL, *settings: str) -> Iterator[ExchangeProcess]:
    """Start the daemon in `folder`, with its state there, and wait until it answers."""
    file = folder / "exchange.toml"
    file.write_text(config)
    words = [word for setting in settings for word in ("--set", setting)]
    process = subprocess.Popen(
        [BIN / "foremesh-exchange", "--config", file, *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        listening = _wait_for(process, "listening")
        _wait_for(process, "ready")
        yield ExchangeProcess(process, folder, listening["url"], listening["admin"])
    finally:
        process.kill()
        process.wait(10)
        assert process.stderr is not None
        process.stderr.close()


def _wait_for(process: "subprocess.Popen[str]", event: str) -> dict[str, Any]:
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if line.startswith("{") and (entry := json.loads(line))["event"] == event:
            found: dict[str, Any] = entry
            return found
    raise AssertionError("".join(lines))
