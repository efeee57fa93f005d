"""Which device and precision are taken, and how memory that runs out is told."""

import weakref
from collections.abc import Callable

import pytest
import torch

from forecast_server.models.base import CannotLoad, OutOfMemory
from forecast_server.models.torch_device import (
    choose_device,
    choose_precision,
    device_use,
    memory_errors,
    slow_precision,
)

CPU = torch.device("cpu")


def test_auto_takes_the_first_device_that_is_there() -> None:
    best = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    assert choose_device("auto").type == best
    assert choose_device("cpu") == CPU


def test_a_device_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(CannotLoad, match=r"tpu is not there: torch .* finds .*cpu"):
        choose_device("tpu")


def test_auto_is_float32_on_the_cpu() -> None:
    assert choose_precision("auto", CPU) == torch.float32
    assert choose_precision("bfloat16", CPU) == torch.bfloat16
    with pytest.raises(CannotLoad, match="float16"):
        choose_precision("float16", CPU)


def test_float32_is_not_shortened_to_tf32() -> None:
    torch.backends.cuda.matmul.fp32_precision = "tf32"
    choose_precision("float32", CPU)
    assert torch.backends.cuda.matmul.fp32_precision == "ieee"


def test_a_precision_the_cpu_has_no_instructions_for_is_called_slow() -> None:
    assert slow_precision(CPU, torch.float32) == ""
    has_it = torch.cpu._is_avx512_bf16_supported() or not torch.cpu._is_avx2_supported()
    assert has_it or "no bfloat16 instructions" in slow_precision(CPU, torch.bfloat16)


def test_the_device_says_what_it_is() -> None:
    use = device_use(CPU)
    assert use.name
    assert use.runtime.startswith(f"torch {torch.__version__.partition('+')[0]}, ")


def allocate() -> None:
    torch.empty(2**60, dtype=torch.uint8)


def refuse() -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB\nGPU 0 has ...")


def fall_short() -> None:
    raise MemoryError


@pytest.mark.parametrize(("work", "text"), [(allocate, "allocate"), (refuse, r"2\.00 GiB$"), (fall_short, "memory")])
def test_every_way_to_run_out_of_memory_is_one_error(work: Callable[[], None], text: str) -> None:
    with pytest.raises(OutOfMemory, match=text), memory_errors():
        work()


def test_other_errors_pass() -> None:
    with pytest.raises(RuntimeError, match="shapes"), memory_errors():
        raise RuntimeError("shapes do not fit")


def test_what_the_failed_work_held_is_let_go_though_somebody_keeps_the_error() -> None:
    held: list[weakref.ref[torch.Tensor]] = []

    def work() -> None:
        big = torch.zeros(4)
        held.append(weakref.ref(big))
        refuse()

    with pytest.raises(OutOfMemory) as raised, memory_errors():
        work()
    assert raised.value.__context__ is not None
    assert held[0]() is None
