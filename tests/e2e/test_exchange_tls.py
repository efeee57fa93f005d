"""The simulated exchange over TLS with a private authority, and the client that believes that authority alone."""

from pathlib import Path

import pytest

from mesh.config import ConfigError
from mesh.kalshi.client import connect
from mesh.kalshi.config import KalshiConfig
from mesh.kalshi.errors import NotConnected
from mesh.kalshi.stream.channels import Channel
from mesh.kalshi.stream.events import Connected
from mesh.kalshi.stream.streaming import streaming
from mesh.types import dollars
from tests.conftest import Certificates
from tests.fakes.exchange_process import SMALL, ExchangeProcess, exchange_process


def config(exchange: ExchangeProcess, ca_file: Path | None, **settings: object) -> KalshiConfig:
    return KalshiConfig.model_validate(
        {"environment": "custom", "host": exchange.url, "ca_file": ca_file, "connect_seconds": 2.0, **settings}
    )


async def test_rest_and_stream_over_tls(certificates: Certificates, tmp_path: Path) -> None:
    folder = certificates.folder
    tls = f'tls={{certificate_file="{folder}/server.crt", private_key_file="{folder}/server.key"}}'
    with exchange_process(tmp_path, SMALL, tls) as exchange:
        assert exchange.url.startswith("https://")
        key_id = exchange.add_member("alice")
        known = config(exchange, folder / "ca.crt", key_id=key_id, private_key_file=tmp_path / "alice.key")
        async with connect(known) as client:
            assert (await client.exchange.status()).exchange_active
            assert dollars((await client.portfolio.balance()).cash) == "1000.0000"
            async with streaming(known, client.transport.sender) as stream:
                heard = stream.events()
                stream.subscribe(Channel.TICKER)
                async for event in heard:  # a first ticker may be a minute away
                    if isinstance(event, Connected):
                        break
        async with connect(config(exchange, None, read_seconds=3.0)) as stranger:
            with pytest.raises(NotConnected):
                await stranger.exchange.status()
        with pytest.raises(ConfigError, match="ca_file"):
            async with connect(config(exchange, tmp_path / "missing.crt")):
                pass
