"""What the doctor finds on this machine."""

from pathlib import Path

import pytest

from console import host_checks
from forecast_server.checkpoints import sha256_of
from forecast_server.config import ModelConfig


@pytest.mark.parametrize(("running", "verdict"), [((3, 10, 14), "problem"), ((3, 11, 0), "ok"), ((3, 14, 2), "ok")])
def test_python_is_new_enough(running: tuple[int, ...], verdict: str) -> None:
    assert host_checks.python(running).verdict == verdict


def test_this_python_and_grpc_are_fine() -> None:
    assert {host_checks.python().verdict, host_checks.grpc().verdict} == {"ok"}


@pytest.mark.parametrize(
    ("installed", "verdict", "said"),
    [
        ("1.82.3", "ok", "1.82.3"),
        ("1.82.10", "ok", "1.82.10"),
        ("1.82.2", "problem", "older than the generated code"),
        ("1.83.0", "problem", "grpc/grpc#43462"),
        ("1.83.0rc1", "problem", "grpc/grpc#43462"),
        ("2.0.0", "problem", "grpc/grpc#43462"),
    ],
)
def test_grpc_is_within_the_range_that_is_known_to_work(installed: str, verdict: str, said: str) -> None:
    check = host_checks.grpc(installed)

    assert check.verdict == verdict
    assert said in check.found
    assert bool(check.remedy) is (verdict == "problem")


def test_a_model_without_packages_of_its_own_needs_none() -> None:
    check = host_checks.packages("random-walk")

    assert (check.verdict, check.found) == ("ok", "random-walk needs none beyond those of every host")


def test_no_model_in_particular_needs_nothing_to_be_here() -> None:
    assert host_checks.packages(None).verdict == "ok"


def test_a_configuration_that_loads_is_given_on(tmp_path: Path) -> None:
    file = tmp_path / "server.toml"
    file.write_text('[model]\nname = "random-walk"\n')
    check, config = host_checks.configuration(file)

    assert check.verdict == "ok"
    assert config is not None
    assert config.model.name == "random-walk"


def test_a_configuration_that_does_not_load_lists_what_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "server.toml"
    file.write_text('[model]\nname = "oracle"\n[rpc]\nlisten = 8787\n')
    check, config = host_checks.configuration(file)

    assert config is None
    assert check.verdict == "problem"
    assert "model.name" in check.found
    assert "rpc.listen" in check.found
    assert "\n" not in check.found


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"weights")
    return tmp_path


def test_weights_are_found_and_read(checkpoint: Path) -> None:
    config = ModelConfig(name="timesfm-2.5", checkpoint=checkpoint)
    digest = sha256_of(checkpoint / "model.safetensors")

    assert host_checks.weights(config).verdict == "ok"
    assert digest[:12] in host_checks.weights(config).found
    assert host_checks.weights(config.model_copy(update={"weights_sha256": digest})).verdict == "ok"


def test_other_weights_than_the_configuration_states_are_a_problem(checkpoint: Path) -> None:
    check = host_checks.weights(ModelConfig(name="timesfm-2.5", checkpoint=checkpoint, weights_sha256="0" * 64))

    assert check.verdict == "problem"
    assert "model.weights_sha256 says" in check.found


def test_weights_that_are_not_here_are_a_problem_with_the_command_that_fetches_them(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    check = host_checks.weights(ModelConfig(name="timesfm-2.5", checkpoint=nowhere))

    assert (check.verdict, check.remedy) == ("problem", f"foremesh models fetch timesfm-2.5 --to {nowhere}")


def test_a_model_without_weights_needs_none() -> None:
    assert host_checks.weights(ModelConfig(name="random-walk")).verdict == "ok"


def test_weights_that_changed_since_the_server_read_them_are_a_problem(checkpoint: Path) -> None:
    file = checkpoint / "model.safetensors"
    served = sha256_of(file)
    assert host_checks.served_weights(served, str(file)).verdict == "ok"

    file.write_bytes(b"others")

    assert host_checks.served_weights(served, str(file)).verdict == "problem"
    assert host_checks.served_weights(served, str(checkpoint / "gone")).verdict == "warning"
    assert host_checks.served_weights(served, "").verdict == "ok"
