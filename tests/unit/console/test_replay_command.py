"""What `foremesh replay` reads, refuses and calls the same."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from foremesh.forecast.v1 import forecast_pb2, model_pb2
from rich.console import Console

from console.comparison import Replay, add, compare, document, show
from console.recorded import HistoryError
from console.records import Maker, Row, files_of, rows_of, survey
from console.replay import replay
from forecast_server.models.base import ModelFacts
from forecast_server.models.random_walk import RandomWalk
from forecast_server.recorder import SCHEMA, VERSION_KEY, recording
from forecast_server.types import Forecast, History, Purpose, Question, Ready

FACTS = RandomWalk().load()
LEVELS = (0.1, 0.5, 0.9)
MADE = datetime(2026, 11, 22, 12, tzinfo=UTC)
CLOSES = (40.0, 42.0, 41.0, 44.0, 43.0)
MODEL = model_pb2.Model(
    identity=model_pb2.ModelIdentity(name=FACTS.name, weights_digest=FACTS.weights_digest, code_version="1.0"),
    precision=FACTS.precision,
)
ROW = Row(
    file=Path("a.parquet"),
    number=1,
    market_ticker="KXA-1",
    series_ticker="KXA",
    input_digest="d" * 32,
    maker=Maker(model=FACTS.name, weights_digest=FACTS.weights_digest, precision=FACTS.precision),
    code_version="1.0",
    step=timedelta(hours=1),
    horizon_steps=2,
    levels=LEVELS,
    closes=np.array(CLOSES, np.float32),
    mean=np.array([50, 51], np.float32),
    quantiles=np.array([[40, 50, 60], [39, 51, 62]], np.float32),
)


async def record(
    folder: Path, count: int = 1, *, steps: int = 2, made: datetime = MADE, facts: ModelFacts = FACTS
) -> Path:
    """Record forecasts as a server does; gives the newest file."""
    question = Question(horizon_steps=2, step=timedelta(hours=1), purpose=Purpose.RESEARCH, quantile_levels=LEVELS)
    forecasts = []
    for number in range(count):
        series = np.array(CLOSES, np.float32) + number
        ready = Ready(History(number, f"KXA-{number}", "KXA", series, 50.0), series, steps, None, 0.0, ())
        quantiles = ROW.quantiles[:steps] + number
        forecasts.append(Forecast(ready, f"{number:032x}", ROW.mean[:steps] + number, quantiles, quantiles[-1]))
    async with recording(folder, code_version="1.0") as recorder:
        recorder.add(made, "s-1", question, facts, forecasts)
    return max(files_of([folder]))


def answer(
    mean: Sequence[float] = (50, 51), quantiles: Sequence[float] = (40, 50, 60, 39, 51, 62), digest: str = "d" * 32
) -> forecast_pb2.ForecastResult:
    path = forecast_pb2.ForecastPath(
        horizon_steps=len(mean), mean_cents=mean, quantile_levels=LEVELS, quantiles_cents=quantiles
    )
    provenance = forecast_pb2.Provenance(input_digest=digest)
    return forecast_pb2.ForecastResult(forecast=forecast_pb2.Forecast(path=path, provenance=provenance))


def promising(tolerance: float) -> model_pb2.Model:
    model = model_pb2.Model(batch_tolerance=tolerance)
    model.MergeFrom(MODEL)
    return model


def changed(file: Path, **columns: Any) -> None:
    """Write a file anew with other values of a column, and its metadata."""
    table = pq.read_table(file)
    for name, values in columns.items():
        field = SCHEMA.field(name)
        table = table.set_column(table.schema.get_field_index(name), field, pa.array(values, field.type))
    pq.write_table(table, file)


def refused(file: Path, count: int = 100) -> str:
    with pytest.raises(HistoryError) as caught:
        rows_of(file, count)
    text = str(caught.value)
    assert text.startswith(f"{file}: ")
    assert "\n" not in text
    return text


async def test_rows_come_back_as_they_were_recorded(tmp_path: Path) -> None:
    file = await record(tmp_path, 2, steps=1)
    first, second = rows_of(file, 100)
    assert (first.file, first.number, second.number) == (file, 1, 2)
    assert (second.market_ticker, second.series_ticker, second.input_digest) == ("KXA-1", "KXA", f"{1:032x}")
    assert (second.maker, second.code_version, second.step) == (ROW.maker, "1.0", timedelta(hours=1))
    assert (second.horizon_steps, second.levels) == (2, LEVELS)
    assert second.closes.tolist() == [close + 1 for close in CLOSES]
    assert second.mean.tolist() == [51]
    assert second.quantiles.tolist() == [[41, 51, 61]]


async def test_the_first_rows_in_order_of_time_are_chosen(tmp_path: Path) -> None:
    later = await record(tmp_path, 3, made=MADE + timedelta(seconds=1))
    (tmp_path / ".half-written.parquet").touch()
    (tmp_path / "notes.txt").touch()
    await record(tmp_path, 2)
    first, second = files_of([tmp_path])
    assert second == later
    assert survey([first, second], None) == ({first: 2, second: 3}, {ROW.maker})
    assert survey([first, second], 4) == ({first: 2, second: 2}, {ROW.maker})
    assert survey([first, second], 2) == ({first: 2}, {ROW.maker})
    assert files_of([later, tmp_path]) == [later, first, second]


async def test_everybody_who_made_a_recording_is_named_before_anything_is_asked(tmp_path: Path) -> None:
    await record(tmp_path)
    await record(tmp_path, made=MADE + timedelta(hours=1), facts=replace(FACTS, precision="bfloat16"))
    _, makers = survey(files_of([tmp_path]), None)
    assert {maker.precision for maker in makers} == {"float64", "bfloat16"}
    assert str(ROW.maker) == f"random-walk@{FACTS.weights_digest[:12]} (float64)"


def test_a_folder_without_records_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="holds no recorded forecasts"):
        files_of([tmp_path])


def test_other_parquet_files_and_other_files_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.parquet"
    pq.write_table(pa.table({"market_ticker": ["KXA-1"]}), file)
    assert "is no recording of forecasts" in refused(file)
    file.write_text("market_ticker,price\n")
    assert "cannot be read" in refused(file)


async def test_a_newer_version_is_named(tmp_path: Path) -> None:
    file = await record(tmp_path)
    pq.write_table(pq.read_table(file).replace_schema_metadata({VERSION_KEY: b"7"}), file)
    assert "is a recording of version 7; this program reads version 1" in refused(file)


async def test_missing_columns_are_noticed(tmp_path: Path) -> None:
    file = await record(tmp_path)
    pq.write_table(pq.read_table(file).drop_columns(["mean_cents"]), file)
    assert "its columns are not those of a recording" in refused(file)


@pytest.mark.parametrize(
    "columns",
    [
        {"mean_cents": [[50, 51], [50]]},
        {"mean_cents": [[50, 51], []]},
        {"mean_cents": [[50, 51], [50, np.nan]]},
        {"quantile_levels": [LEVELS, [0.1, 0.9]]},
        {"quantile_levels": [LEVELS, []], "quantiles_cents": [[1, 2, 3, 4, 5, 6], []]},
        {"closes_cents": [CLOSES, []]},
        {"closes_cents": [CLOSES, [1, np.inf]]},
        {"horizon_steps": [2, 1]},
        {"horizon_steps": [2, -2]},
        {"step_seconds": [3600.0, np.nan]},
        {"step_seconds": [3600.0, 0.0]},
    ],
)
async def test_numbers_that_do_not_fit_together_are_noticed(tmp_path: Path, columns: dict[str, Any]) -> None:
    file = await record(tmp_path, 2)
    changed(file, **columns)
    assert "row 2: is damaged" in refused(file)


async def test_a_byte_that_rotted_is_noticed(tmp_path: Path) -> None:
    file = await record(tmp_path, 50)
    whole = file.read_bytes()
    offset = pq.ParquetFile(file).metadata.row_group(0).column(14).data_page_offset  # inside the closes
    file.write_bytes(whole[: offset + 40] + bytes([whole[offset + 40] ^ 1]) + whole[offset + 41 :])
    assert "cannot be read" in refused(file)


def test_an_equal_forecast_is_the_same() -> None:
    compared = compare(ROW, answer(), MODEL)
    assert (compared.problem, compared.difference_cents, compared.made) == ("", 0, True)


@pytest.mark.parametrize(
    ("tolerance", "moved", "same"),
    [(0.0, 5e-5, True), (0.0, 2e-4, False), (0.1, 0.14, True), (0.1, 0.15, False), (0.01, 0.14, False)],
)
def test_the_difference_may_be_what_the_model_promises(tolerance: float, moved: float, same: bool) -> None:
    # The closes' standard deviation is the root of 2, 1.414.
    for moving in (answer(mean=(50, 51 + moved)), answer(quantiles=(40, 50, 60, 39 - moved, 51, 62))):
        compared = compare(ROW, moving, promising(tolerance))
        assert compared.allowed_cents == pytest.approx(tolerance * 2**0.5 + 1e-4)
        assert compared.difference_cents == pytest.approx(moved, abs=2e-6)
        assert (compared.problem == "") is same


def test_what_is_not_a_number_differs() -> None:
    assert compare(ROW, answer(mean=(50, np.nan)), MODEL).problem == "the forecast differs"
    assert compare(ROW, answer(quantiles=(np.nan, 50, 60, 39, 51, 62)), MODEL).problem == "the forecast differs"


def test_inputs_that_were_changed_are_noticed_by_their_digest() -> None:
    assert "digest" in compare(ROW, answer(digest="e" * 32), MODEL).problem


def test_a_digest_proves_nothing_across_versions_and_where_the_path_was_cut() -> None:
    assert compare(replace(ROW, code_version="0.9"), answer(digest="e" * 32), MODEL).problem == ""
    cut = replace(ROW, mean=ROW.mean[:1], quantiles=ROW.quantiles[:1])
    assert compare(cut, answer(digest="e" * 32), MODEL).problem == ""
    assert compare(cut, answer(mean=(50, 99), digest="e" * 32), MODEL).problem == ""
    assert compare(cut, answer(mean=(49, 51)), MODEL).problem == "the forecast differs"


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (
            forecast_pb2.ForecastResult(no_forecast=forecast_pb2.NoForecast(reason="NO_FORECAST_REASON_CONSTANT")),
            "CONSTANT",
        ),
        (forecast_pb2.ForecastResult(expired=forecast_pb2.Expired(reason="EXPIRED_REASON_DRAINING")), "DRAINING"),
        (forecast_pb2.ForecastResult(failed=forecast_pb2.Failed(error_id="abc")), "abc"),
        (
            forecast_pb2.ForecastResult(
                rejected=forecast_pb2.Rejected(
                    problems=[forecast_pb2.FieldProblem(field="closes_cents[1]", description="is 170")]
                )
            ),
            "no forecast: closes_cents[1]: is 170",
        ),
        (forecast_pb2.ForecastResult(), "newer than this program"),
        (answer(mean=(50,), quantiles=(1, 2, 3)), "1 steps of 3 levels"),
    ],
)
def test_a_forecast_that_is_not_there_says_why(result: forecast_pb2.ForecastResult, said: str) -> None:
    compared = compare(ROW, result, MODEL)
    assert said in compared.problem
    assert np.isnan(compared.difference_cents)


def replayed() -> Replay:
    """Two the same, one different, one not made, three of another model."""
    found = Replay(MODEL)
    other = replace(ROW, maker=replace(ROW.maker, weights_digest="f" * 64))
    for row, result in (
        (ROW, answer()),
        (ROW, answer(mean=(50, 51.00005))),
        (replace(ROW, number=3), answer(mean=(50, 58))),
        (replace(ROW, number=4), forecast_pb2.ForecastResult()),
        (other, answer(mean=(50, 52))),
        (other, answer(mean=(50, 53), digest="e" * 32)),
        (other, answer(mean=(50, 54))),
    ):
        add(found, row, result)
    return found


def test_every_row_is_accounted_for() -> None:
    found = replayed()
    written = json.loads(json.dumps(document(found, [ROW.maker]), allow_nan=False))
    assert written["summary"] == {
        "forecast_count": 7,
        "same_count": 2,
        "different_count": 1,
        "missing_count": 1,
        "other_model_count": 3,
        "largest_difference_cents": pytest.approx(5e-5, rel=0.1),
    }
    assert [(one["row"], one["difference_cents"]) for one in written["problems"]] == [(3, 7), (4, None)]
    assert written["other_model_difference_cents"] == pytest.approx({"median": 2, "p90": 2.8, "p99": 2.98, "max": 3})
    assert written["recorded_by"][0]["weights_digest"] == FACTS.weights_digest


def test_people_see_each_that_is_not_the_same_and_the_account() -> None:
    page = StringIO()
    show(Console(file=page, width=100), replayed(), [ROW.maker])
    text = page.getvalue()
    assert "7 forecasts = 2 the same, 1 different, 1 not made, 3 of another model" in text
    assert "largest difference of those that are the same: 5e-05 c" in text
    assert "3 of another model, apart by: median 2 c, p90 2.8 c, p99 2.98 c, max 3 c" in text
    rows = [line.split() for line in text.splitlines() if line.startswith("KXA-1")]
    assert [row[:4] for row in rows] == [["KXA-1", "a.parquet", "3", "7"], ["KXA-1", "a.parquet", "4", "0.0001"]]


def test_nothing_to_say_of_other_models_is_not_said() -> None:
    found = Replay(MODEL)
    add(found, ROW, answer())
    assert document(found, [ROW.maker])["other_model_difference_cents"] is None
    page = StringIO()
    show(Console(file=page, width=100), found, [ROW.maker])
    assert "another model" not in page.getvalue()


def run(*arguments: object) -> Result:
    return CliRunner().invoke(replay, [str(argument) for argument in arguments])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), "PATH"),
        (("missing.parquet",), "does not exist"),
        ((".", "--limit", "0"), "--limit"),
        ((".", "--timeout", "0"), "--timeout"),
        ((".", "--target", "nowhere"), "--target: expected host:port"),
        ((".", "--target", "mesh.example:8787"), "needs ca_file"),
    ],
)
def test_wrong_usage_ends_with_code_2(options: tuple[str, ...], expected: str) -> None:
    result = run(*options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert expected in result.stderr


def test_a_bad_file_ends_with_code_1_and_one_line_before_anybody_is_asked(tmp_path: Path) -> None:
    file = tmp_path / "bad.parquet"
    file.touch()
    result = run(file, "--target", "127.0.0.1:1")
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert result.stderr.startswith(f"Error: {file}: cannot be read: ")
