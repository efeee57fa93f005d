"""What `foremesh tpsl` shows: the honest part first, and a heat map that says what the numbers say."""

import io
import json
from dataclasses import replace
from pathlib import Path

import click
import pytest
from rich.console import Console

from console import tpsl_document, tpsl_page, tpsl_view, tpsl_words
from console.heatmap import Heat, blocks, some, svg
from console.tpsl import Cents
from mesh.statistics import Estimate
from tests.fakes.optimised import optimised

NAN = float("nan")


def shown(folder: Path, *, width: int = 100, **made: object) -> str:
    out = io.StringIO()
    tpsl_view.show(Console(file=out, width=width, highlight=False), optimised(folder, **made))  # type: ignore[arg-type]
    return out.getvalue()


def test_fair_coins_are_told_that_nothing_changes_and_that_the_best_cell_is_luck(tmp_path: Path) -> None:
    text = " ".join(shown(tmp_path, width=200).split())
    order = ["To see 1c a contract", "No change: ", "On days after those", "the luckiest of 111 tries, and no promise."]
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    assert "Proposed" not in text
    assert "trade_without_result" in text


def test_a_planted_cell_is_proposed(tmp_path: Path) -> None:
    found = optimised(tmp_path, planted=True)
    assert tpsl_words.verdict(found).startswith("Proposed: target ")


def test_few_days_are_called_not_enough_data(tmp_path: Path) -> None:
    found = optimised(tmp_path, days=8)
    assert tpsl_words.verdict(found).startswith("Not enough data: ")
    assert tpsl_words.money(found) == "Nothing was tried on later days."
    assert "<svg" in tpsl_page.page(found)


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (-4.0, -0.1, "a loss. To trade nothing would have been better."),
        (-4.0, 0.1, "not shown to be more than nothing."),
        (0.1, 4.0, "a gain."),
        (None, None, "too few days to say more."),
    ],
)
def test_what_chosen_levels_made_is_called_what_it_is_whatever_they_beat(
    tmp_path: Path, low: float | None, high: float | None, said: str
) -> None:
    found = optimised(tmp_path, planted=True)
    mean = Estimate(0.0, low, high, 90, 30, 30.0)
    other = replace(found, search=replace(found.search, selection=replace(found.search.selection, chosen=mean)))
    assert tpsl_words.money(other).endswith(said)


def test_the_page_is_complete_in_itself_and_escapes_what_it_shows(tmp_path: Path) -> None:
    page = tpsl_page.page(optimised(tmp_path))
    assert "T&lt;1&gt;" in page
    assert "T<1>" not in page
    assert "<script" not in page
    assert "src=" not in page


def test_the_document_is_json_with_the_same_figures(tmp_path: Path) -> None:
    found = optimised(tmp_path)
    told = json.loads(tpsl_document.text(found))
    assert told["decision"] == "no change"
    assert told["trials"] == 111
    assert [row["arm"] for row in told["arms"]][:2] == ["current policy", "hold to settlement"]
    assert len(told["folds"]) == 5


def test_shades_follow_the_figures_and_missing_ones_are_grey() -> None:
    heat = Heat((1, 2), (10, 20), ((-4.0, 4.0), (NAN, 0.0)))
    assert [heat.shade(each) for each in (-4.0, -2.0, 0.0, 4.0)] == [-12, -6, 0, 12]
    drawn = svg(heat, name="n", down="d", along="a", unit="c", mark=(2, 10))
    assert drawn.count("<path") == 3
    assert 'rgb(0, 114, 178)" fill-opacity="1.00"' in drawn
    assert 'rgb(213, 94, 0)" fill-opacity="1.00"' in drawn
    assert "<circle" in drawn
    assert "+4.0c" in drawn
    (line,) = blocks(heat)
    styles = [str(span.style) for span in line.spans]
    assert len(line.plain) == len("   2 ") + 2
    assert any("#303030" in style and "#d55e00" in style for style in styles)


def test_a_map_of_nothing_but_holes_is_drawn() -> None:
    assert "<svg" in svg(Heat((1,), (1,), ((NAN,),)), name="n", down="d", along="a", unit="c")
    assert svg(Heat((), (), ()), name="n", down="d", along="a", unit="c") == ""


def test_places_are_picked_evenly_with_both_ends() -> None:
    assert some(3) == [0, 1, 2]
    assert some(60)[0] == 0
    assert some(60)[-1] == 59
    assert len(some(60)) == 9


@pytest.mark.parametrize(("said", "levels"), [("1-3", (1, 2, 3)), ("5,10.5,2-6/2", (5, 10.5, 2, 4, 6)), ("7", (7,))])
def test_levels_are_read(said: str, levels: tuple[float, ...]) -> None:
    assert Cents().convert(said, None, None) == levels


@pytest.mark.parametrize("said", ["", "a", "5-", "1-500", "3-1"])
def test_what_are_no_levels_is_refused(said: str) -> None:
    with pytest.raises(click.BadParameter):
        Cents().convert(said, None, None)
