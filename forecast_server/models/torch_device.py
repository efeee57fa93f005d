"""Where torch computes, in what precision, and what it says when memory runs out."""

import platform
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import torch

from forecast_server.models.base import CannotLoad, DeviceUse, OutOfMemory

# torch has a class for CUDA only; the others are known by their words.
_NO_MEMORY = ("out of memory", "not enough memory", "can't allocate memory", "ALLOC_FAILED")
# avx512_bf16 and amx_bf16 on x86, bf16 and svebf16 on ARM.
_CPU_BFLOAT16 = frozenset({"avx512_bf16", "amx_bf16", "bf16", "svebf16"})


def choose_device(asked: str) -> torch.device:
    """Give the device to compute on.

    Args:
        asked: `cuda`, `mps`, `cpu`, or `auto`: the first of these that is there.

    Raises:
        CannotLoad: the asked one is not there.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    name = next(kind for kind, is_there in there.items() if is_there) if asked == "auto" else asked
    if not there.get(name):
        found = ", ".join(kind for kind, is_there in there.items() if is_there)
        raise CannotLoad(
            f"device {asked} is not there: torch {torch.__version__} finds {found}. "
            f"Set model.device to one of these or to auto, or install the driver and the torch build for {asked}."
        )
    return torch.device("cuda:0") if name == "cuda" else torch.device(name)


def choose_precision(asked: str, device: torch.device) -> torch.dtype:
    """Give the type that matrices are multiplied in, and make sure that float32 means float32.

    Args:
        asked: `float32`, `bfloat16`, or `auto`: bfloat16 on a CUDA device that has it, float32 elsewhere.
        device: as `choose_device` gave it.

    Raises:
        CannotLoad: the CUDA device has no bfloat16.
    """
    # TF32 keeps 10 bits of 23: an answer would depend on the card, and on the batch's size far beyond the tolerance.
    torch.backends.cuda.matmul.fp32_precision = "ieee"
    # And parts of a product are summed up in float32, however many the device makes of it.
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False
    has_bfloat16 = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    if asked == "auto":
        return torch.bfloat16 if has_bfloat16 else torch.float32
    if asked == "float32":
        return torch.float32
    if asked != "bfloat16":
        raise CannotLoad(f"precision {asked} is unknown: it is auto, float32 or bfloat16")
    if device.type == "cuda" and not has_bfloat16:
        raise CannotLoad(
            f"{torch.cuda.get_device_name(device)} has no bfloat16: set model.precision to float32 or auto"
        )
    return torch.bfloat16


def slow_precision(device: torch.device, precision: torch.dtype) -> str:
    """Say why this precision is slow here; empty where it is not, or where nobody can tell."""
    if device.type == "cpu" and precision == torch.bfloat16 and _cpu_flags() and not _cpu_flags() & _CPU_BFLOAT16:
        return "this CPU has no bfloat16 instructions: float32 is several times faster here"
    return ""


def device_use(device: torch.device) -> DeviceUse:
    """Look at the device: its name, what runs it, and its allocator's numbers. Cheap."""
    version = torch.__version__.partition("+")[0]
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        return DeviceUse(
            name=properties.name,
            runtime=f"torch {version}, CUDA {torch.version.cuda}",
            allocated_bytes=torch.cuda.memory_allocated(device),
            reserved_bytes=torch.cuda.memory_reserved(device),
            total_bytes=properties.total_memory,
        )
    if device.type == "mps":
        return DeviceUse(
            name=f"{platform.machine()} GPU",
            runtime=f"torch {version}, Metal",
            allocated_bytes=torch.mps.current_allocated_memory(),
            reserved_bytes=torch.mps.driver_allocated_memory(),
            total_bytes=torch.mps.recommended_max_memory(),
        )
    runtime = f"torch {version}, {torch.backends.cpu.get_cpu_capability()}, {torch.get_num_threads()} threads"
    return DeviceUse(name=_cpu_name(), runtime=runtime)


@contextmanager
def memory_errors() -> Iterator[None]:
    """Turn whatever says that memory ran out into OutOfMemory, and give back what the failed work held.

    Keep the big tensors in functions called inside: the caller's own variables live on while this runs.

    Raises:
        OutOfMemory: the work inside did not fit.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        text = str(error)
        if not isinstance(error, MemoryError | torch.OutOfMemoryError) and not any(word in text for word in _NO_MEMORY):
            raise
        # The traceback keeps every frame's tensors, and so would the error that a caller holds on to.
        traceback.clear_frames(error.__traceback__)
        torch.cuda.empty_cache()
        if torch.backends.mps.is_available():
            torch.mps.empty_cache()
        raise OutOfMemory(text.partition("\n")[0] or "out of memory") from None


@cache
def _cpu_lines() -> dict[str, str]:
    # The first processor stands for all. Other systems than Linux have no such file.
    try:
        lines = Path("/proc/cpuinfo").read_text().partition("\n\n")[0].splitlines()
    except OSError:
        return {}
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}


def _cpu_flags() -> frozenset[str]:
    return frozenset((_cpu_lines().get("flags") or _cpu_lines().get("Features", "")).split())


def _cpu_name() -> str:
    return _cpu_lines().get("model name") or platform.processor() or platform.machine()
