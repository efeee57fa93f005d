"""What the doctor makes of what a server says."""

from datetime import timedelta
from importlib.metadata import version

import pytest
from foremesh.forecast.v1 import model_pb2

from console import model_checks
from console.checks import Check
from console.server_look import Look
from tests.fakes.server_looks import full, look


def healthy() -> model_pb2.Model:
    """A served model of which there is nothing to say."""
    model = full()
    model.identity.code_version = version("foremesh")
    model.compile_detail = ""
    model.canary.drifts = 0
    model.activity.failed_series = model.activity.out_of_memory_batches = 0
    model.queue.waiting_series = 0
    return model


def verdicts(seen: Look, *, gpu_expected: bool = False) -> dict[str, Check]:
    return {check.name: check for check in model_checks.checks(seen, gpu_expected=gpu_expected)}


def test_a_healthy_server_gives_no_cause() -> None:
    found = verdicts(look(healthy()), gpu_expected=True)

    assert {check.verdict for check in found.values()} == {"ok"}
    assert set(found) == {
        "clock of server", "version", "model", "device", "precision", "compile mode", "canary", "queue", "work"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("offset", "verdict"),
    [(0.0, "ok"), (-2.0, "ok"), (2.001, "warning"), (-30.0, "warning"), (30.001, "problem"), (-86_400, "problem")],
)
def test_a_clock_may_be_two_seconds_off_and_not_thirty(offset: float, verdict: str) -> None:
    check = model_checks.clock(timedelta(seconds=offset))

    assert check.verdict == verdict
    assert bool(check.remedy) is (verdict != "ok")


@pytest.mark.parametrize(
    ("changed", "name", "verdict", "said"),
    [
        ({"state": model_pb2.MODEL_STATE_FAILED, "state_detail": "gone"}, "model", "problem", "failed: gone"),
        ({"state": model_pb2.MODEL_STATE_LOADING}, "model", "warning", "loading"),
        ({"state": model_pb2.MODEL_STATE_DRAINING}, "model", "warning", "draining"),
        ({"precision": "float32"}, "precision", "warning", "float32 on a GPU"),
        ({"compile_detail": "graphs failed"}, "compile mode", "warning", "graphs failed"),
        ({"canary": model_pb2.CanaryState(checks=9, drifts=2)}, "canary", "warning", "2 of 9"),
        ({"canary": model_pb2.CanaryState(checks=9, drifts=2, drifted=True)}, "canary", "problem", "2 of 9"),
        ({"queue": model_pb2.QueueState(waiting_series=9, capacity_series=10)}, "queue", "warning", "9 of 10"),
        ({"queue": model_pb2.QueueState(waiting_series=10, capacity_series=10)}, "queue", "problem", "it is full"),
        ({"activity": model_pb2.ModelActivity(failed_series=3)}, "work", "warning", "3 series failed"),
        ({"activity": model_pb2.ModelActivity(out_of_memory_batches=3)}, "work", "warning", "3 batches did not fit"),
        ({"identity": model_pb2.ModelIdentity(code_version="0.0.1")}, "version", "warning", "runs foremesh 0.0.1"),
    ],
)
def test_what_is_not_as_it_should_be_is_named_with_what_to_do(
    changed: dict[str, object], name: str, verdict: str, said: str
) -> None:
    model = healthy()
    for field in changed:
        model.ClearField(field)
    model.MergeFrom(model_pb2.Model(**changed))  # type: ignore[arg-type]  # the same
    check = verdicts(look(model))[name]

    assert check.verdict == verdict
    assert said in check.found
    assert check.remedy


def test_a_ready_model_whose_health_says_otherwise_is_a_problem() -> None:
    assert verdicts(look(healthy(), health="NOT_SERVING"))["model"].verdict == "problem"


@pytest.mark.parametrize(
    ("compile_mode", "expected", "verdict"),
    [("eager", True, "warning"), ("eager", False, "ok"), ("numpy", True, "ok")],
)
def test_cpu_beside_a_gpu_is_a_warning_for_a_model_that_could_use_it(
    compile_mode: str, expected: bool, verdict: str
) -> None:
    model = healthy()
    model.device, model.compile_mode = "cpu", compile_mode

    assert verdicts(look(model), gpu_expected=expected)["device"].verdict == verdict


def test_of_a_model_that_never_loaded_only_what_is_known_is_judged() -> None:
    found = verdicts(look(model_pb2.Model(state=model_pb2.MODEL_STATE_LOADING), ahead=None))

    assert set(found) == {"clock of server", "version", "model", "queue", "work"}
    assert found["clock of server"].verdict == "warning"
