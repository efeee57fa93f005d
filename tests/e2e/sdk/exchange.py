"""Exchanges for SDKs to call: real daemons, with members whose keys are files."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from tests.fakes.exchange_process import PREFIX, ExchangeProcess, exchange_process
from tests.fakes.sdk_environment import Access

NOW = "2026-07-10T15:00:00Z"
"""A Friday morning in New York: the weather's markets are open, Bitcoin's of the next hour have just opened."""
WEATHER = "KXHIGHNY-26JUL10"
"""An event with a day of quotes and trades behind it."""
PAST = "KXHIGHNY-26JUL08"
"""An event of which everything is archived."""
FRESH = "KXBTC-26JUL1012"
"""An event whose books are still empty, for orders that shall meet nobody else's."""

STANDING_STILL = f"""
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"
clock = {{ start = "{NOW}", speed = 0.001 }} # a minute of a test is 60 ms: nothing but the SDK's calls happens
[source]
kind = "generated"
series = [{{ ticker = "KXHIGHNY", history_hours = 48.0 }}, {{ ticker = "KXBTC", markets = 24, history_hours = 2.0 }}]
[log]
format = "json"
"""
HURRYING = f"""
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"
clock = {{ start = "{NOW}", speed = 1800.0 }} # the hour between a result and its money takes two seconds
[source]
kind = "generated"
series = [{{ ticker = "KXHIGHNY", history_hours = 24.0, ticks_per_minute = 1 }}]
[log]
format = "json"
"""


@dataclass
class SdkExchange:
    """A daemon and the keys of its members."""

    process: ExchangeProcess
    key_ids: dict[str, str]

    def access(self, member: str) -> Access:
        url = self.process.url + PREFIX
        ws_url = self.process.url.replace("http", "ws", 1) + "/trade-api/ws/v2"
        return Access(url, ws_url, self.key_ids[member], self.process.folder / f"{member}.key")

    def fresh(self, number: int) -> str:
        """A market with an empty book; one for every test."""
        markets = self.process.get(f"/markets?event_ticker={FRESH}")["markets"]
        ticker: str = markets[number]["ticker"]
        book = self.process.get(f"/markets/{ticker}/orderbook")["orderbook_fp"]
        assert book == {"yes_dollars": [], "no_dollars": []}, "somebody is in this market already"
        return ticker

    def archive_until(self, instant: str) -> None:
        """Archive all markets settled, and all trades made, before an instant."""
        status, body = self.process.admin("POST", "/cutoff", {"market_settled": instant, "trades_created": instant})
        assert status == 200, body

    def wait_for_settlement(self, ticker: str) -> None:
        deadline = time.monotonic() + 20
        while self.process.get(f"/markets/{ticker}")["market"]["status"] != "finalized":
            assert time.monotonic() < deadline, "the market was not settled"
            time.sleep(0.1)


@contextmanager
def sdk_exchange(folder: Path, config: str, **members: str) -> Iterator[SdkExchange]:
    """Start an exchange; members by name, with `rsa` or `ed25519` and their tier: `alice="rsa unlimited"`."""
    key_ids = {name: str(uuid.uuid4()) for name in members}
    for name, words in members.items():
        kind, tier = words.split()
        _write_keys(folder, name, kind)
        config += f"""
[[accounts]]
name = "{name}"
key_id = "{key_ids[name]}"
public_key_file = "{name}.pem"
tier = "{tier}"
"""
    with exchange_process(folder, config) as process:
        yield SdkExchange(process, key_ids)


def _write_keys(folder: Path, name: str, kind: str) -> None:
    encoding, public = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    private: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
    if kind == "rsa":  # PKCS#1, as some of Kalshi's key files are
        private, form = rsa.generate_private_key(65537, 2048), serialization.PrivateFormat.TraditionalOpenSSL
    else:
        private, form = ed25519.Ed25519PrivateKey.generate(), serialization.PrivateFormat.PKCS8
    (folder / f"{name}.key").write_bytes(private.private_bytes(encoding, form, serialization.NoEncryption()))
    (folder / f"{name}.pem").write_bytes(private.public_key().public_bytes(encoding, public))
