"""`foremesh evaluate` for people and programs: what is shown is what the rows say."""

import csv
import io
import json
import re
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from rich.console import Console

from console import evaluate_document, evaluate_page, evaluate_view
from console.__main__ import cli
from console.curve_svg import Curve, Spot, curves
from research.quality import csv_file
from research.quality.estimates import Chance
from research.quality.evaluation import Evaluation, Spoken
from research.quality.scoring import RANDOM_WALK, SPOT, Scores
from research.quality.spot_forecasts import SpotSeen
from research.questions import QuestionPlan
from research.scanning import Tally
from research.types import Defects
from tests.fakes.backtests import recording
from tests.fakes.forecast_fans import HORIZON, LEVELS, days, gathered


def evaluation(seer: float, count: int = 31, spot: SpotSeen | None = None) -> Evaluation:
    """Judge a random walk and a model that sees a share of what comes, beside a spot that sees half of it or none."""
    shares = {RANDOM_WALK: 0.0, "seer": seer}
    if spot is not None:
        shares = {SPOT: 0.5, **shares}
    sums = gathered(days(count), shares)
    said = [Spoken(name, f"{name}@0", 9, Tally(unsaid=Counter(too_short=2))) for name in shares]
    defects = Defects()
    defects.note("price_grid_assumed", "KXHIGHNY-25JAN02-T40", 62)
    return Evaluation(
        series_ticker="KXHIGHNY",
        plan=QuestionPlan(horizon_steps=HORIZON),
        spoken=tuple(said),
        unavailable={"timesfm-2.5": "its weights are not here"},
        levels=LEVELS,
        events=count,
        markets=2 * count,
        clusters=len(sums.clusters),
        days=("2025-01-02", "2025-02-01"),
        data_digest="00",
        questions=sums.questions,
        shared=sums.shared,
        alone=sums.alone,
        missing=sums.missing,
        results=sums.results,
        defects=defects,
        scores=Scores(sums, Chance(resamples=100)).all(),
        spot=spot,
    )


@pytest.fixture(scope="module")
def better() -> Evaluation:
    return evaluation(0.7)


def shown(found: Evaluation) -> str:
    text = io.StringIO()
    evaluate_view.show(Console(file=text, width=80, highlight=False), found)
    return text.getvalue()


def test_the_terminal_says_who_beats_whom_within_80_columns(better: Evaluation) -> None:
    text = shown(better)
    assert max(map(len, text.splitlines())) <= 80
    words = " ".join(text.split())
    assert "seer beats the random walk: on the mid it is better (CRPS" in words
    assert "random-walk does not beat the last value: on the mid it is worse (MAE" in words
    assert "timesfm-2.5 is not here: its weights are not here" in words
    assert "spot-implied digital: not computed" in words
    for table in ("CRPS of the middle by step", "Pinball loss", "Coverage", "PIT", '"falls"', "Brier", "Reliability"):
        assert table in text


def test_every_table_says_how_much_there_is_to_go_by(better: Evaluation) -> None:
    for block in shown(better).split("\n\n")[2:]:
        words = " ".join(block.split())
        if "Reliability" in words or words.startswith("CRPS"):
            assert " eff." in words or "settlement days drawn anew" in words
        elif "─" in words:
            assert re.search(r"[\d,]+ \w+ in 31 clusters, as good as \d+ equal ones", words), words


def test_a_model_that_does_not_beat_the_random_walk_is_told_so_first() -> None:
    found = evaluation(-0.5, count=3)
    assert found.verdicts[0].startswith("seer does not beat the random walk: on the mid there is not enough data")
    text = shown(found)
    assert text.index("seer does not beat") < text.index("CRPS of the middle by step")
    assert "[?]" in text


def test_a_recorded_spot_is_one_more_forecaster_whom_models_have_to_beat() -> None:
    spot = SpotSeen(source="path.parquet", settles="the last price", agreed=42, compared=43)
    found = evaluation(0.7, spot=spot)
    assert [line.partition(":")[0] for line in found.verdicts] == [
        "seer beats the random walk",
        "random-walk does not beat the spot-implied digital",
        "seer beats the spot-implied digital",
        "spot-implied beats the last value",
        "random-walk does not beat the last value",
        "seer beats the last value",
    ]
    text = shown(found)
    assert max(map(len, text.splitlines())) <= 80
    words = " ".join(text.split())
    assert "CRPS less that of the spot-implied digital" in words
    assert "spot-implied digital: path.parquet, for the last price, which gives 42 of 43 results" in words
    document = json.loads(evaluate_document.text(found))
    assert document["spot_implied"] == {
        "source": "path.parquet", "settles": "the last price", "agreed": 42, "compared": 43,
    }  # fmt: skip
    assert {row["model"] for row in document["scores"] if row["against"] == SPOT} == {RANDOM_WALK, "seer"}


def test_the_csv_has_what_is_shown(better: Evaluation, tmp_path: Path) -> None:
    with csv_file.staged(better, tmp_path / "new") as (path, _):
        assert not path.exists()
    assert path.name == "evaluate_KXHIGHNY.csv"
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert tuple(rows[0]) == csv_file.COLUMNS
    assert len(rows) == len(better.scores)
    keys = [tuple(row[name] for name in ("model", "target", "step", "score", "level", "against")) for row in rows]
    assert len(set(keys)) == len(keys)
    (row,) = (row for row, key in zip(rows, keys, strict=True) if key == ("seer", "mid", "0", "crps", "", ""))
    assert f"{float(row['mean']):.3f}" in shown(better)
    found = json.loads(evaluate_document.text(better))
    assert len(found["scores"]) == len(rows)
    assert found["verdicts"] == list(better.verdicts)
    assert found["unavailable"] == {"timesfm-2.5": "its weights are not here"}


def test_the_page_is_complete_in_itself(better: Evaluation, tmp_path: Path) -> None:
    text = evaluate_page.write(better, tmp_path).read_text()
    assert text.count("<svg") == 4
    assert not re.search(r"<script|https?://(?!www\.w3\.org)", text)
    assert "seer beats the random walk: on the mid" in text
    assert "calibration" in text.lower()


def test_curves_are_drawn_inside_with_their_intervals_and_names() -> None:
    drawn = curves(
        [Curve("one <&>", [Spot(1, 2.0, 1.0, 3.0), Spot(2, 4.0)], 1), Curve("two", [Spot(1, 1.0)], 6)],
        name="plot", across="step",
    )  # fmt: skip
    assert drawn.count('class="reach c1"') == 1
    assert drawn.count("<circle") == 3
    assert 'class="curve c1"' in drawn  # colours come round again
    assert "one &lt;&amp;&gt;" in drawn
    places = [float(place) for place in re.findall(r'(?:cx|cy|x1|x2|y1|y2|x|y)="(-?[\d.]+)"', drawn)]
    assert min(places) >= 0
    assert max(places) <= 360
    assert curves([Curve("none", [], 0)], name="plot", across="step") == ""


@pytest.mark.parametrize(
    ("wrong", "said"),
    [(["--models", ","], "--models: name at least one"), (["--horizon", "1.5"], "--horizon: a whole number of steps")],
)
def test_wrong_options_are_named(wrong: list[str], said: str, tmp_path: Path) -> None:
    found = CliRunner().invoke(cli, ["evaluate", "KXHIGHNY", "--data", str(tmp_path), *wrong])
    assert found.exit_code == 2
    assert said in found.output


@pytest.mark.parametrize("command", ["evaluate", "backtest"])
def test_a_spot_for_markets_that_settle_by_none_is_refused_before_anybody_is_asked(
    command: str, tmp_path: Path
) -> None:
    recording(tmp_path / "data", 1)
    pq.write_table(pa.table({"ts_us": [1], "price": [50.0]}), tmp_path / "path.parquet")
    asked = ["--data", str(tmp_path / "data"), "--spot", str(tmp_path / "path.parquet")]
    found = CliRunner().invoke(cli, [command, "KXHIGHNY", *asked])
    assert (found.exit_code, found.output.count("\n")) == (1, 1)
    assert "KXHIGHNY is not known to settle by a spot" in found.output
    assert not (tmp_path / "data" / "research" / "trials.jsonl").exists()


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    found = CliRunner().invoke(cli, ["evaluate", "KXHIGHNY", "--data", str(tmp_path)])
    assert found.exit_code == 1
    assert str(tmp_path) in found.output
    assert found.output.count("\n") == 1
