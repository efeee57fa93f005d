"""What `foremesh status` makes of what a server says."""

import asyncio
import json
from datetime import timedelta

import pytest
from foremesh.forecast.v1 import model_pb2
from google.protobuf.json_format import ParseDict
from rich.console import Console

from console import status
from console.model_view import percent, rows, size
from tests.fakes.server_looks import full, look


def drawn(*sections: status.Section, width: int = 80) -> str:
    console = Console(width=width, record=True, file=open("/dev/null", "w"), color_system=None)  # noqa: SIM115
    with console.file:
        console.print(status.drawn(list(sections)))
        return console.export_text()


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("model", "timesfm-2.5@0123456789ab, licence Apache-2.0, allowed for research, live, foremesh 0.1.0"),
        ("weights", "/srv/weights/model.safetensors"),
        ("runs on", "cuda:0 (NVIDIA GB10, torch 2.13.0, CUDA 13.0): bfloat16, cuda-graphs"),
        (
            "limits",
            "3 to 2,048 points, 1,024 steps ahead, 4,096 series a batch or cost 2,048 at 32 points each; "
            "the same alone or in a batch within 1e-05",
        ),
        ("warm", "for 64, 512 points"),
        ("queue", "12,345 of at most 20,000 series waiting, 64 running, 1 scan in progress"),
        ("work", "1,234 series in 10 batches since the start; busy 46 % of the last minute; padding 3.1 %"),
        ("trouble", "5 expired, 6 failed, 8 calls refused, 7 batches out of memory"),
        ("cache", "9 forecasts, 2.0 KiB of 64.0 MiB; 25 % of 4 inputs found there"),
        ("canary", "sings; 1 of 12 checks beyond the tolerance; last difference 2.5e-06, 4 s ago"),
        ("batches", "3.2 ms up to cost 64; 1,234 ms up to cost 2,048"),
        ("memory", "1.5 GiB in tensors, 128.0 GiB in all"),
        ("clock", "+0.000 s from this machine's (± 5.0 ms)"),
        ("up", "3 h 12 min, since 2026-11-22 23:48:00 UTC"),
        ("instance", "abc"),
    ],
)
def test_each_thing_has_its_row(label: str, text: str) -> None:
    assert dict(rows(look(full())))[label] == text


def test_continued_rows_come_below_theirs() -> None:
    found = list(rows(look(full())))

    assert found[[label for label, _ in found].index("runs on") + 1] == ("", "no graph above 512 points")


def test_how_long_batches_take_is_one_row_however_many_sizes_are_known() -> None:
    model = model_pb2.Model()
    for power, milliseconds in enumerate((0.79, 0.79, 0.79, 1.8, 1.8, 53.4), 5):
        model.batch_timings.add(up_to_cost=2**power, expected_seconds=milliseconds / 1000)

    found = [text for label, text in rows(look(model)) if label == "batches"]
    assert found == ["0.79 ms up to cost 128; 1.8 ms up to cost 512; 53 ms up to cost 1,024"]


def test_a_model_that_is_loading_shows_what_there_is_and_counts_as_well() -> None:
    model = model_pb2.Model(state=model_pb2.MODEL_STATE_LOADING, state_detail="reading weights")
    section = status.forecast_view("spark:8787", look(model, health="NOT_SERVING"))

    assert section.well
    text = drawn(section)
    assert "forecast server spark:8787 loading, not serving" in text
    assert "reading weights" in text
    assert "model  " not in text


@pytest.mark.parametrize(
    ("state", "well"),
    [
        (model_pb2.MODEL_STATE_READY, True),
        (model_pb2.MODEL_STATE_DRAINING, True),
        (model_pb2.MODEL_STATE_FAILED, False),
    ],
)
def test_only_a_failed_model_is_not_well(state: model_pb2.ModelState, well: bool) -> None:
    assert status.forecast_view("a:1", look(model_pb2.Model(state=state))).well is well


def test_a_canary_that_drifted_is_told_in_capitals() -> None:
    model = full()
    model.canary.drifted = True

    assert dict(rows(look(model)))["canary"].startswith("DRIFTED, do not trade on these forecasts; 1 of 12")


def test_what_never_happened_is_not_made_up() -> None:
    model = full()
    model.canary.Clear()
    model.canary.SetInParent()
    model.cache.Clear()
    model.cache.SetInParent()
    model.hardware.Clear()
    found = dict(rows(look(model, ahead=None)))

    assert (found["canary"], found["cache"], found["clock"]) == ("not checked yet", "off", "the server does not say")
    assert "memory" not in found
    assert found["runs on"] == "cuda:0: bfloat16, cuda-graphs"


@pytest.mark.parametrize("ahead", [-40.0, -0.2, 0.0, 3.25])
def test_the_clock_is_compared_with_the_middle_of_the_round_trip(ahead: float) -> None:
    found = look(full(), ahead=ahead)

    assert found.clock_offset == timedelta(seconds=ahead)
    assert dict(rows(found))["clock"].startswith(f"{ahead:+.3f} s from")


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_section_fits_the_terminal(width: int) -> None:
    text = drawn(status.forecast_view("127.0.0.1:8787", look(full())), width=width)

    assert max(map(len, text.split("\n"))) <= width
    assert "timesfm-2.5@0123456789ab" in text


def test_programs_get_everything_under_the_kind_of_the_server() -> None:
    document = json.loads(json.dumps(status.document([status.forecast_view("a:1", look(full(), ahead=1.5))])))

    (found,) = document["forecast"]
    assert ParseDict(found["model"], model_pb2.Model()) == full()
    assert (found["target"], found["state"], found["health"]) == ("a:1", "ready", "SERVING")
    assert found["clock_offset_seconds"] == 1.5
    assert found["clock_margin_seconds"] == 0.005


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (3 << 29, "1.5 GiB"), (1 << 60, "1048576.0 TiB")],
)
def test_bytes_are_told_in_their_unit(count: int, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(("share", "text"), [(0, "0 %"), (0.004, "0.4 %"), (0.5, "50 %"), (1, "100 %")])
def test_small_shares_keep_a_decimal(share: float, text: str) -> None:
    assert percent(share) == text


async def test_a_server_that_hangs_keeps_no_other_waiting() -> None:
    asked = asyncio.Event()

    async def hanging() -> status.Section:
        await asked.wait()
        return status.Section(kind="trader", title="late", state="away", well=False)

    async def quick() -> status.Section:
        asked.set()
        return status.Section(kind="coordinator", title="soon", state="waiting", well=True)

    async with asyncio.timeout(10):
        assert [section.title for section in await status._find([hanging, quick])] == ["late", "soon"]
