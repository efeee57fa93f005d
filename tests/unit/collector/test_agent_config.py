"""The collector's configuration and its words on the command line."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from collector.__main__ import main
from collector.config import CollectorConfig, worker_id_from
from mesh.config import ConfigError, load


def problems(*overrides: str) -> str:
    with pytest.raises(ConfigError) as refused:
        load(None, CollectorConfig, overrides)
    return str(refused.value)


@given(st.text(max_size=80))
def test_every_host_name_makes_a_worker_id(host: str) -> None:
    assert load(None, CollectorConfig, [f'worker_id = "{worker_id_from(host)}"']).name == worker_id_from(host)


@pytest.mark.parametrize(
    ("host", "worker"),
    [("Spark.local", "spark"), ("ip-10-8-0-2", "ip-10-8-0-2"), ("--Mini_1", "mini_1"), ("日本", "collector")],
)
def test_a_worker_is_named_as_its_host_is(host: str, worker: str) -> None:
    assert worker_id_from(host) == worker


def test_a_budget_is_the_accounts_with_a_key_and_the_workers_own_without() -> None:
    own = load(None, CollectorConfig, ["worker_id=mini"])
    keyed = load(None, CollectorConfig, ["kalshi.key_id=k", "kalshi.private_key_file=f", "kalshi.environment=demo"])
    shared = load(None, CollectorConfig, ["worker_id=mini", "budget_id=home"])
    assert (own.budget, keyed.budget, shared.budget) == ("mini", "account", "home")


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("worker_id=Spark 1", "worker_id: must be lower-case"),
        ("budget_id=a b", "budget_id: must be letters"),
        ("concurrent_leases=0", "concurrent_leases"),
        ("static.total_nodes=2001", "static.total_nodes"),
        ('coordinator.targets=["10.0.0.1:8788"]', "needs ca_file"),
        ('rpc.listen=["0.0.0.0:8791"]', "needs tls"),
        ("drain_seconds=60", "drain_seconds"),
        ("kopy=true", "unknown key"),
    ],
)
def test_what_cannot_be_is_refused_by_name(override: str, said: str) -> None:
    assert said in problems(override)


def test_a_node_beyond_the_split_is_refused() -> None:
    assert "node_id counts from 0" in problems("static.total_nodes=3", "static.node_id=3")


def test_the_command_line_takes_the_split_as_options(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["--check-config", "--node-id", "3", "--total-nodes", "3"])
    assert done.exit_code == 78
    assert "node_id counts from 0" in done.output
    fine = CliRunner().invoke(main, ["--check-config", "--node-id", "2", "--total-nodes", "3", "--once"])
    assert fine.exit_code == 0, fine.output


def test_help_names_the_options() -> None:
    text = CliRunner().invoke(main, ["--help"]).output
    assert all(option in text for option in ("--once", "--loop", "--node-id", "--total-nodes", "--config", "--set"))
