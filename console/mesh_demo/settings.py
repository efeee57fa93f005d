"""What each daemon of the demo is told: one table of settings a daemon, and TOML of it. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

Settings = Mapping[str, object]
"""Values by dotted key, as `--set` takes them."""

COLLECTORS = 3
ACCOUNT = "trader"
"""The trader's account at the exchange, and the id of its key."""
CASH_DOLLARS = 1000.0

POLICY = """\
# The demo's own levels: a position shall come to its end while somebody watches.
version = "demo"

[[exits]]
asset = "All"
series_prefix = ""
take_profit_cents = 8.0
stop_loss_cents = 8.0

[[confidence]]
asset = "All"
series_prefix = ""
rule = "magnitude"
medium = 2.0
medium_high = 5.0
high = 10.0
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the demo shows."""

    source: Settings
    """The exchange's table `source`."""
    series: Sequence[str]
    model: str
    speed: float
    """How many times faster than real time the markets live."""
    start: datetime
    """Their time at `since`."""
    since: datetime
    mode: Literal["paper", "demo"]
    """The trader's: an account in a file, or one at the simulated exchange."""

    @property
    def clock(self) -> Settings:
        """The table that exchange, forecast server and trader share."""
        return {
            "clock.speed": self.speed,
            "clock.start": self.start.isoformat(),
            "clock.since": self.since.isoformat(),
        }


def exchange(plan: Plan, folder: Path) -> Settings:
    """Tell the simulated exchange."""
    tls = {"certificate_file": folder / "exchange.crt", "private_key_file": folder / "exchange.key"}
    account = {
        "name": ACCOUNT,
        "key_id": ACCOUNT,
        "public_key_file": folder / "account.pub",
        "cash_dollars": f"{CASH_DOLLARS:.2f}",
        "tier": "unlimited",
    }
    return {
        "listen": "127.0.0.1:0",
        "admin_listen": "127.0.0.1:0",
        "state_folder": folder / "exchange-state",
        "weekly_pause": False,
        "tls": tls,
        "accounts": [account],
        "source": plan.source,
        **plan.clock,
        **_LOG,
    }


def forecast_server(plan: Plan, folder: Path) -> Settings:
    """Tell the forecast server."""
    return {
        "policy_file": folder / "policy.toml",
        "model.name": plan.model,
        **_rpc(folder, "forecast-server"),
        **plan.clock,
        **_LOG,
    }


def collected(folder: Path) -> Path:
    """Name the data folder that holds everything, as the research machine's does."""
    return folder / "data-0"


def coordinator(plan: Plan, folder: Path, exchange_url: str) -> Settings:
    """Tell the coordinator: it and the collectors live in real time and ask the exchange for its own."""
    return {
        "state_folder": folder / "coordinator-state",
        "data_folder": collected(folder),
        "total_nodes": COLLECTORS,
        "listing_seconds": 2.0,
        "series": [{"ticker": ticker} for ticker in plan.series],
        "lease.lease_seconds": 10.0,
        "lease.heartbeat_seconds": 2.0,
        "lease.min_heartbeat_seconds": 0.2,
        "lease.settle_delay_seconds": 0.0,
        "lease.refresh_seconds": 3600.0,
        **_rpc(folder, "coordinator"),
        **_kalshi(folder, exchange_url),
        **_LOG,
    }


def collector(number: int, folder: Path, exchange_url: str, coordinator_address: str) -> Settings:
    """Tell one collector."""
    name = f"collector-{number}"
    return {
        "worker_id": name,
        "node_index": number,
        "data_folder": folder / f"data-{number}",
        "copy_files": number == 0,
        "copy_seconds": 1.0,
        "checks_per_hour": 0.0,
        **_client(folder, "coordinator", name, coordinator_address),
        **_rpc(folder, name),
        **_kalshi(folder, exchange_url),
        **_LOG,
    }


_LEAST_EXPIRE_SECONDS = 2.0
_LEAST_RETRY_SECONDS, _MOST_RETRY_SECONDS = 0.1, 60.0
"""What the trader takes: beyond these it would not start at the slowest and the fastest speeds."""


def trader(plan: Plan, folder: Path, exchange_url: str, forecast_address: str) -> Settings:
    """Tell the trader. At such a speed a second is minutes: what is measured in seconds is told in markets' time."""
    real_second = plan.speed
    return {
        "mode": plan.mode,
        "state_folder": folder / "trader-state",
        "series": [{"ticker": ticker, "price": "mid"} for ticker in plan.series],
        "scan_seconds": 2 * real_second,
        "useful_seconds": 1.5 * real_second,
        "group_contracts": 0,
        "paper.file": folder / "trader-state" / "paper.sqlite",
        "paper.starting_cash_dollars": CASH_DOLLARS,
        "paper.max_book_age_seconds": real_second,
        "rules.min_magnitude_cents": 2.0,
        "rules.min_edge_cents": -5.0,
        "entries.expire_seconds": max(real_second / 2, _LEAST_EXPIRE_SECONDS),
        "exits.retry_seconds": min(max(real_second / 20, _LEAST_RETRY_SECONDS), _MOST_RETRY_SECONDS),
        "protections.cooldown_seconds": 0.0,
        "protections.max_forecast_age_seconds": 3 * real_second,
        "protections.max_book_age_seconds": real_second,
        "protections.max_exit_silence_seconds": 4 * real_second,
        "kalshi.key_id": ACCOUNT,
        "kalshi.private_key_file": folder / "account.key",
        **_client(folder, "forecast", "trader", forecast_address),
        **_rpc(folder, "trader"),
        **_kalshi(folder, exchange_url),
        **plan.clock,
        **_LOG,
    }


def toml(settings: Settings) -> str:
    """Write settings as TOML: dotted keys, one a line."""
    return "".join(f"{key} = {_value(value)}\n" for key, value in settings.items())


def _value(value: object) -> str:
    match value:
        case Mapping():
            return "{ " + ", ".join(f"{key} = {_value(each)}" for key, each in value.items()) + " }"
        case list() | tuple():
            return "[" + ", ".join(map(_value, value)) + "]"
        case bool() | int() | float():
            return json.dumps(value)
        case _:
            return json.dumps(str(value))  # a JSON string is a TOML string


_LOG: Settings = {"log.format": "json"}


def _rpc(folder: Path, name: str) -> Settings:
    return {
        "rpc.listen": ["127.0.0.1:0"],
        "rpc.metrics_listen": "127.0.0.1:0",
        "rpc.tls.certificate_file": folder / f"{name}.crt",
        "rpc.tls.private_key_file": folder / f"{name}.key",
        "rpc.tls.client_ca_file": folder / "ca.crt",
    }


def _client(folder: Path, table: str, name: str, address: str) -> Settings:
    return {
        f"{table}.targets": [address],
        f"{table}.ca_file": folder / "ca.crt",
        f"{table}.certificate_file": folder / f"{name}.crt",
        f"{table}.private_key_file": folder / f"{name}.key",
    }


def _kalshi(folder: Path, url: str) -> Settings:
    return {
        "kalshi.environment": "custom",
        "kalshi.host": url,
        "kalshi.ca_file": folder / "ca.crt",
        "kalshi.unauthenticated_per_second": 50.0,
    }
