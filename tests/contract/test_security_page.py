"""docs/security.md says what is so: its tests exist, its table of roles is the contracts', its sums the defaults."""

import json
import math
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from collector.config import CollectorConfig
from collector.coordinator.config import CoordinatorConfig, LeaseConfig
from forecast_server.config import ForecastServerConfig
from mesh.config import Strict
from mesh.rpc import limits
from mesh.rpc.config import ServerConfig
from sim_exchange.config import ExchangeConfig
from tests.conftest import ROOT
from tests.contract.test_docs import ARCHITECTURE
from trader.config import TraderConfig
from trader.domain.settings import ProtectionSettings, RuleSettings, SizeSettings

PAGE = (ROOT / "docs" / "security.md").read_text()
DAEMONS: tuple[type[Strict], ...] = (
    TraderConfig, CollectorConfig, CoordinatorConfig, ForecastServerConfig, ExchangeConfig,
)  # fmt: skip
_TEST = re.compile(r"`((?:unit|contract|integration|e2e|sim|chaos)/[\w/]+\.py)(?:::(\w+))?`")
_SECRET = re.compile("token|secret|password|private|credential|api_key")


@cache
def source(path: str) -> str:
    return (ROOT / "tests" / path).read_text()


def test_every_test_that_the_page_names_exists() -> None:
    named = _TEST.findall(PAGE)
    assert len(named) > 40
    for path, name in named:
        assert not name or re.search(rf"^(?:async )?def {name}\(", source(path), re.MULTILINE), f"{path}::{name}"


def test_every_claim_of_a_table_names_a_test() -> None:
    claims = re.findall(r"^\| .* \| .*\|$", PAGE.partition("## What a role may do")[2], re.MULTILINE)
    claims = [line for line in claims if not line.startswith(("| claim |", "| role |", "| ---", "| `"))]
    assert len(claims) > 30
    assert [line for line in claims if not _TEST.search(line)] == []


@pytest.mark.parametrize("role", ["trader", "collector", "operator", "viewer"])
def test_what_the_page_gives_a_role_is_what_the_contracts_give_it(role: str) -> None:
    """The architecture's table is held against the contracts themselves."""
    columns = ("trader", "collector", "operator", "viewer")
    rows = re.findall(r"^\| `(\w+)Service/(\w+)` \|(.*)\|$", ARCHITECTURE, re.MULTILINE)
    may = {
        f"{service}.{method}"
        for service, method, cells in rows
        if dict(zip(columns, cells.split("|"), strict=True))[role].strip() == "yes"
    }
    [said] = re.findall(rf"^\| `{role}` \| (.*?) \|", PAGE, re.MULTILINE)
    listed: set[str] = set()
    for service, methods in re.findall(r"(Forecast|Coordinator|Trader): ([\w, ]+)", said):
        listed |= {f"{service}.{method}" for method in methods.split(", ")}
    assert listed == may


def test_the_sums_of_the_page_are_the_default_limits() -> None:
    sizes, protections, rules, page = SizeSettings(), ProtectionSettings(), RuleSettings(), " ".join(PAGE.split())
    for said, limit in (
        ("a trade", sizes.dollars_per_trade),
        ("an event", sizes.max_event_dollars),
        ("a series", sizes.max_series_dollars),
        ("what settles together", sizes.max_settlement_dollars),
        ("in all", sizes.max_total_dollars),
        ("net loss of a day", protections.max_daily_loss_dollars),
        ("below the peak", protections.max_drawdown_dollars),
        ("before a person has to act", sizes.max_total_dollars + protections.max_drawdown_dollars),
    ):
        assert f"${limit:g} {said}" in page, said
    assert f"{rules.max_trades_per_series_per_scan} entries of a series in a scan" in page
    assert f"prices of {rules.min_price_cents:g} to {rules.max_price_cents:g} cents" in page
    assert f"{ServerConfig().max_in_flight} calls at once" in page
    assert f"nor than {LeaseConfig().max_file_bytes // 2**30} GiB (`lease.max_file_bytes`)" in page


def test_the_time_that_a_connection_lives_is_what_both_pages_say() -> None:
    age, grace = limits.CONNECTION_AGE_SECONDS, limits.CONNECTION_GRACE_SECONDS
    longest = f"out within {math.ceil((age + age // 10 + grace) / 60)} minutes"  # gRPC spreads ages by a tenth
    certificates = " ".join((ROOT / "docs" / "certificates.md").read_text().split())
    for page in (" ".join(PAGE.split()), certificates):
        assert longest in page
        assert f"at {age // 60}" in page
        assert f"progress on it {grace // 60} minutes later" in page


@pytest.mark.parametrize("daemon", DAEMONS, ids=lambda daemon: daemon.__name__)
def test_no_key_of_a_configuration_holds_a_secret_itself(daemon: type[Strict]) -> None:
    """Secrets are files: a configuration may be shown, printed, committed, and stand on a command line."""
    holding = [name for name in _keys(daemon.model_json_schema()) if _SECRET.search(name)]
    assert [name for name in holding if not name.endswith("_file") and "tokens_per_second" not in name] == []


def test_every_package_is_pinned_and_every_direct_one_has_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    project: dict[str, Any] = tomllib.loads(text)["project"]
    pinned = {
        line.partition("==")[0].replace("_", "-").lower()
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    optional = project["optional-dependencies"]
    for group in (project["dependencies"], *(optional[name] for name in ("forecast", "trader", "research", "dev"))):
        for wanted in group:
            name = re.split(r"[<>=!~;\s\[]", wanted)[0].replace("_", "-").lower()
            assert name in pinned, name
            assert re.search(rf"^\s*{re.escape(json.dumps(wanted))},\s+# \w", text, re.MULTILINE), wanted


def _keys(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        properties = schema.get("properties", {})
        yield from properties
        for part in schema.values():
            yield from _keys(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _keys(part)
