"""Checks of what a forecast server says of itself. Pure, but for the weights of a server on this machine."""

from collections.abc import Iterator
from datetime import timedelta
from importlib.metadata import version

from foremesh.forecast.v1 import model_pb2

from console.checks import Check, ok, problem, warning
from console.model_view import percent, seconds, state
from console.server_look import Look

_WARN_OFFSET, _BAD_OFFSET = timedelta(seconds=2), timedelta(seconds=30)
_NEARLY_FULL = 0.8
_LOOK_AT_LOG = "its log says more: journalctl -u foremesh-forecast-server"


def checks(look: Look, *, gpu_expected: bool) -> Iterator[Check]:
    """Judge everything that a server says.

    Args:
        look: What it said.
        gpu_expected: It runs on a machine that seems to have a GPU.
    """
    yield clock(look.clock_offset)
    yield _version(look.model.identity.code_version)
    yield _state(look)
    if look.model.state in {model_pb2.MODEL_STATE_READY, model_pb2.MODEL_STATE_DRAINING}:
        yield _device(look.model, gpu_expected=gpu_expected)
        yield _precision(look.model)
        yield _compiled(look.model)
        yield _canary(look.model)
    yield _queue(look.model.queue)
    yield _trouble(look.model.activity)


def clock(offset: timedelta | None, whose: str = "server") -> Check:
    """Judge how far another machine's clock is from this one's; None is not known."""
    name = f"clock of {whose}"
    if offset is None:
        return warning(name, "the other side does not say what time it has", "upgrade it")
    found = f"{seconds(offset)} from this machine's"
    remedy = "switch time synchronisation on, on both machines: timedatectl set-ntp true"
    if abs(offset) > _BAD_OFFSET:
        return problem(name, f"{found}: ages of data and deadlines are wrong", remedy)
    return warning(name, found, remedy) if abs(offset) > _WARN_OFFSET else ok(name, found)


def _version(served: str) -> Check:
    here = version("foremesh")
    if served and served != here:
        return warning("version", f"the server runs foremesh {served}, this is {here}", "upgrade the older one")
    return ok("version", f"foremesh {here}" + (" on both sides" if served else "; the server does not say yet"))


def _state(look: Look) -> Check:
    model, word = look.model, state(look.model)
    found = word if model.state_detail in ("", word) else f"{word}: {model.state_detail}"
    if model.state == model_pb2.MODEL_STATE_FAILED:
        return problem("model", found, _LOOK_AT_LOG)
    if model.state != model_pb2.MODEL_STATE_READY:
        return warning("model", found, "wait; foremesh status --watch shows when it is ready")
    if look.health != "SERVING":
        return problem("model", f"{found}, but its health says {look.health}", _LOOK_AT_LOG)
    return ok("model", f"{model.identity.name}@{model.identity.weights_digest[:12]}, {found}, serving")


def _device(model: model_pb2.Model, *, gpu_expected: bool) -> Check:
    found = ", ".join(filter(None, (model.device, model.hardware.name, model.hardware.runtime)))
    if model.device == "cpu" and gpu_expected and model.compile_mode != "numpy":
        return warning(
            "device",
            f"{found}, though this machine seems to have a GPU",
            "leave model.device at auto, and install a torch that is built for CUDA",
        )
    return ok("device", found)


def _precision(model: model_pb2.Model) -> Check:
    if model.device.startswith("cuda") and model.precision == "float32":
        return warning("precision", "float32 on a GPU", "if speed matters, leave model.precision at auto: bfloat16")
    return ok("precision", model.precision)


def _compiled(model: model_pb2.Model) -> Check:
    if model.compile_detail:
        return warning("compile mode", f"{model.compile_mode}: {model.compile_detail}", _LOOK_AT_LOG)
    return ok("compile mode", model.compile_mode)


def _canary(model: model_pb2.Model) -> Check:
    canary = model.canary
    if not canary.checks:
        return ok("canary", "not checked yet: it is while there is work")
    found = (
        f"{canary.drifts} of {canary.checks} checks beyond the tolerance {model.batch_tolerance:g}; "
        f"last difference {canary.last_difference:.2g}"
    )
    if canary.drifted:
        remedy = "do not trade on its forecasts; restart the server, and look at the device's memory and temperature"
        return problem("canary", found, remedy)
    return warning("canary", found, "it is well again; watch it") if canary.drifts else ok("canary", found)


def _queue(queue: model_pb2.QueueState) -> Check:
    found = f"{queue.waiting_series:,} of {queue.capacity_series:,} series waiting"
    remedy = "scan less at once, or fewer series; foremesh status --watch shows the queue"
    if queue.waiting_series and queue.waiting_series >= queue.capacity_series:
        return problem("queue", f"{found}: it is full, and calls are refused", remedy)
    if queue.waiting_series > _NEARLY_FULL * queue.capacity_series:
        return warning("queue", found, remedy)
    return ok("queue", found)


def _trouble(activity: model_pb2.ModelActivity) -> Check:
    if activity.failed_series:
        return warning("work", f"{activity.failed_series:,} series failed since the start", _LOOK_AT_LOG)
    if activity.out_of_memory_batches:
        return warning(
            "work",
            f"{activity.out_of_memory_batches:,} batches did not fit into the device's memory and were halved",
            "end what else uses the device",
        )
    done = f"{activity.series:,} series since the start, none failed"
    return ok("work", f"{done}; busy {percent(activity.busy_share)} of the last minute")
