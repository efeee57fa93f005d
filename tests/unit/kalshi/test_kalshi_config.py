"""The `[kalshi]` table: which hosts, and what is refused."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from mesh.config import ConfigError, load
from mesh.kalshi.config import KalshiConfig, SimulatorFirstConfig


def config(*settings: str) -> KalshiConfig:
    return load(None, KalshiConfig, settings)


def test_nobody_trades_real_money_by_leaving_a_line_out() -> None:
    assert config().rest_url == "https://external-api.demo.kalshi.co/trade-api/v2"
    assert config().stream_url == "wss://external-api-ws.demo.kalshi.co/trade-api/ws/v2"


def test_production() -> None:
    chosen = config("environment=production")
    assert chosen.rest_url == "https://external-api.kalshi.com/trade-api/v2"
    assert chosen.stream_url == "wss://external-api-ws.kalshi.com/trade-api/ws/v2"


@pytest.mark.parametrize(
    ("host", "rest", "stream"),
    [
        ("http://127.0.0.1:8480", "http://127.0.0.1:8480/trade-api/v2", "ws://127.0.0.1:8480/trade-api/ws/v2"),
        ("http://localhost:1", "http://localhost:1/trade-api/v2", "ws://localhost:1/trade-api/ws/v2"),
        ("http://[::1]:8480/", "http://[::1]:8480/trade-api/v2", "ws://[::1]:8480/trade-api/ws/v2"),
        (
            "https://api.elections.kalshi.com",
            "https://api.elections.kalshi.com/trade-api/v2",
            "wss://api.elections.kalshi.com/trade-api/ws/v2",
        ),
        ("https://http.example", "https://http.example/trade-api/v2", "wss://http.example/trade-api/ws/v2"),
    ],
)
def test_another_host(host: str, rest: str, stream: str) -> None:
    chosen = config("environment=custom", f"host={host}")
    assert (chosen.rest_url, chosen.stream_url) == (rest, stream)


def test_the_stream_may_live_elsewhere() -> None:
    chosen = config("environment=custom", "host=https://one.example", "stream_host=wss://two.example:8443")
    assert chosen.stream_url == "wss://two.example:8443/trade-api/ws/v2"


@pytest.mark.parametrize(
    "settings",
    [
        ["environment=custom"],
        ["host=https://one.example"],
        ["environment=production", "host=https://one.example"],
        ["environment=production", "stream_host=wss://one.example"],
        ["environment=custom", "host=http://one.example"],
        ["environment=custom", "host=http://127.0.0.1.one.example"],
        ["environment=custom", "host=http://192.168.1.5:80"],
        ["environment=custom", "host=https://one.example/trade-api/v2"],
        ["environment=custom", "host=https://user:pass@one.example"],
        ["environment=custom", "host=https://one.example?x=1"],
        ["environment=custom", "host=https://one.example#x"],
        ["environment=custom", "host=one.example:80"],
        ["environment=custom", "host=wss://one.example"],
        ["environment=custom", "host=https://"],
        ["environment=custom", "host=https://one.example", "stream_host=https://one.example"],
        ["environment=custom", "host=https://one.example", "stream_host=ws://one.example"],
        ["environment=custom", "host=https://one.example:99999"],
        ["environment=production", "ca_file=ca.crt"],
        ["environment=paper"],
        ["key_id=only"],
        ["private_key_file=only.key"],
        ["key_id='with space'", "private_key_file=x.key"],
        ['key_id="line\\nbreak"', "private_key_file=x.key"],
        ["unauthenticated_per_second=0"],
        ["unauthenticated_per_second=inf"],
        ["connect_seconds=-1"],
        ["hosts=https://one.example"],
    ],
)
def test_refused(settings: list[str]) -> None:
    with pytest.raises(ConfigError):
        config(*settings)


def test_the_key_file_is_found_from_the_configurations_folder(tmp_path: Path) -> None:
    file = tmp_path / "trader.toml"
    file.write_text('key_id = "0b1f6f0e"\nprivate_key_file = "kalshi.key"\n')
    assert load(file, KalshiConfig).private_key_file == tmp_path / "kalshi.key"


def test_a_daemon_that_begins_with_the_simulator_stays_there_when_only_a_key_is_named() -> None:
    named = SimulatorFirstConfig(key_id="me", private_key_file=Path("me.key"))
    assert named.rest_url == "http://127.0.0.1:8790/trade-api/v2"
    assert SimulatorFirstConfig(environment="production").rest_url.startswith("https://external-api.kalshi.com")
    with pytest.raises(ValidationError, match="host and environment"):
        SimulatorFirstConfig(environment="demo", host="http://127.0.0.1:8790")
