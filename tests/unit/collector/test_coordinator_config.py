"""What the coordinator's configuration refuses, and what its rules are given."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from collector.coordinator.config import CoordinatorConfig
from collector.coordinator.policy import LeasePolicy
from mesh.config import ConfigError, load


def test_the_defaults_are_those_of_the_rules_on_this_machine() -> None:
    config = CoordinatorConfig()
    assert config.lease.policy == LeasePolicy()
    assert config.rpc.listen == ("127.0.0.1:8788",)
    assert config.kalshi.rest_url.startswith("http://127.0.0.1:8790/")
    assert config.steps["KXHIGHNY"] == (3600,)
    assert config.steps["KXBTC"] == (60,)
    assert config.since == {}


def test_who_is_on_this_machine_may_collect() -> None:
    assert CoordinatorConfig().rpc.loopback_role == "collector"


def test_a_file_says_what_to_collect_and_by_which_numbers(tmp_path: Path) -> None:
    file = tmp_path / "coordinator.toml"
    file.write_text(
        'state_folder = "state"\n'
        '[[series]]\nticker = "KXBTC"\nsteps = ["1m", "60m"]\nsince = 2026-01-01T00:00:00+01:00\n'
        '[[series]]\nticker = "KXINX"\n'
        "[lease]\nlease_seconds = 30.0\nheartbeat_seconds = 5.0\nretry_holes_seconds = []\n"
    )
    config = load(file, CoordinatorConfig)
    assert config.state_folder == tmp_path / "state"
    assert config.steps == {"KXBTC": (60, 3600), "KXINX": (3600,)}
    assert config.since == {"KXBTC": datetime(2025, 12, 31, 23, tzinfo=UTC)}
    assert config.lease.policy == LeasePolicy(lease=30.0, heartbeat=5.0, retry_holes=())


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("lease.heartbeat_seconds=30.0", "above twice heartbeat_seconds"),
        ("lease.lease_seconds=20.0", "above twice heartbeat_seconds"),
        ("lease.min_heartbeat_seconds=11.0", "at most heartbeat_seconds"),
        ("lease.lease_seconds=86400.0", "at most a day together"),
        ("lease.lease_seconds=86401.0", "less than or equal"),
        ("lease.max_leases=513", "less than or equal to 512"),
        ("lease.grace_seconds=nan", "finite"),
        ("lease.backoff_seconds=0.0", "greater than 0"),
        ("lease.retry_holes_seconds=[0.0]", "greater than 0"),
        ("total_nodes=0", "greater than or equal to 1"),
        ("listing_seconds=0.5", "greater than or equal to 1"),
        ("series=[{ ticker = 'KXINX' }, { ticker = 'KXINX', steps = ['1m'] }]", "each ticker once"),
        ("series=[{ ticker = '../x' }]", "pattern"),
        ("series=[]", "at least 1"),
        ("series=[{ ticker = 'KXINX', steps = [] }]", "at least 1"),
        ("series=[{ ticker = 'KXINX', steps = ['2m'] }]", "'1m', '60m' or '1d'"),
        ("series=[{ ticker = 'KXINX', steps = ['1m', '1m'] }]", "each once"),
        ("series=[{ ticker = 'KXINX', since = 2026-01-01T00:00:00 }]", "without a zone"),
        ("rpc.listen=['10.8.0.1:8788']", "needs tls"),
        ("leases.max_leases=1", "did you mean 'lease'"),
    ],
)
def test_what_cannot_work_is_refused_with_its_place(override: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(None, CoordinatorConfig, [override])
    assert problem in str(caught.value)
