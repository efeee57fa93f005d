"""The policy that research writes is one that the forecast server loads, and tells of itself over the contract."""

from dataclasses import replace
from pathlib import Path

from foremesh.forecast.v1 import forecast_service_pb2 as pb

from forecast_server import convert
from forecast_server.policy import Policy, read_policy
from research.tpsl import policy_file, policy_in_force
from research.tpsl.policy_file import ExitLevels, InForce

LEVELS = ExitLevels(asset='High "NY" \\ é', series_prefix="KXHIGHNY", take_profit_cents=12.0, stop_loss_cents=7.5)


def told(policy: Policy) -> InForce:
    """What a server with this policy tells, a rule a page."""
    first = pb.ListExitPoliciesResponse(
        exit_policies=convert.exit_policies(policy.file.exits[:1]),
        confidence_policies=convert.confidence_policies(policy.file.confidence),
        policy_version=policy.version,
        policy_digest=policy.digest,
    )
    rest = pb.ListExitPoliciesResponse(exit_policies=convert.exit_policies(policy.file.exits[1:]))
    return policy_in_force.read([first, rest])


def loaded(text: str, tmp_path: Path) -> Policy:
    path = tmp_path / "policy.toml"
    path.write_text(text)
    return read_policy(path)


def levels(policy: Policy, series: str, magnitude: float = 7.0) -> tuple[float, float]:
    rule = policy.rules_of(series).exit_for(magnitude)
    return rule.take_profit_cents, rule.stop_loss_cents


def test_the_server_loads_the_new_levels_and_keeps_everything_else(tmp_path: Path) -> None:
    shipped = read_policy(None)
    found = loaded(policy_file.write(told(shipped), LEVELS, ["Chosen on 100 days.\nTried on 60."]), tmp_path)
    assert [levels(found, "KXHIGHNY", size) for size in (0.0, 7.0, 99.0)] == [(12.0, 7.5)] * 3
    assert found.file.exits[0].asset == LEVELS.asset
    assert found.file.exits[1:] == shipped.file.exits
    assert found.file.confidence == shipped.file.confidence
    assert found.version != shipped.version


def test_levels_of_the_same_series_are_replaced_and_the_version_follows_the_content(tmp_path: Path) -> None:
    once = policy_file.write(told(read_policy(None)), LEVELS, ["here"])
    first = loaded(once, tmp_path)
    again = loaded(policy_file.write(told(first), LEVELS, ["there"]), tmp_path)
    other = loaded(policy_file.write(told(first), replace(LEVELS, stop_loss_cents=8), []), tmp_path)
    assert again.file.exits == first.file.exits
    assert again.version == first.version != other.version
    assert again.digest != first.digest


def test_other_series_whose_tickers_begin_alike_keep_their_levels(tmp_path: Path) -> None:
    shipped = read_policy(None)
    new = replace(LEVELS, series_prefix="KXBTC")
    alike = ["KXBTC", "KXBTCD", "KXBTC15M", "KXETH"]
    found = loaded(policy_file.write(told(shipped), new, [], alike), tmp_path)
    assert levels(found, "KXBTC") == (12.0, 7.5)
    for series in ("KXBTCD", "KXBTC15M", "KXETH", "KXHIGHNY", "ELSE"):
        assert levels(found, series) == levels(shipped, series)
    once_more = loaded(policy_file.write(told(found), replace(new, take_profit_cents=30), []), tmp_path)
    assert levels(once_more, "KXBTC") == (30.0, 7.5)
    assert levels(once_more, "KXBTCD") == levels(shipped, "KXBTCD")
