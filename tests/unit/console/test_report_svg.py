from datetime import date, timedelta
from itertools import pairwise
from xml.etree import ElementTree

from hypothesis import example, given
from hypothesis import strategies as st

from console.report_svg import WIDTH, Bar, Spot, bars, diagonal, line, scatter, ticks

AMOUNTS = st.floats(-1e7, 1e7, allow_nan=False)
SVG = "{http://www.w3.org/2000/svg}"


def drawn(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)  # noqa: S314  # our own


def within(drawing: ElementTree.Element) -> bool:
    """Tell whether everything lies within the drawing."""
    _, _, width, height = map(float, drawing.attrib["viewBox"].split())
    places = [
        tuple(map(float, pair.split(",")))
        for element in drawing.iter()
        for pair in element.attrib.get("points", "").split()
    ]
    places += [(float(dot.attrib["cx"]), float(dot.attrib["cy"])) for dot in drawing.iter(f"{SVG}circle")]
    for rect in drawing.iter(f"{SVG}rect"):
        left, top, wide, high = (float(rect.attrib[name]) for name in ("x", "y", "width", "height"))
        places += [(left, top), (left + wide, top + high)]
    return all(-0.6 <= x <= width + 0.6 and -0.6 <= y <= height + 0.6 for x, y in places)


@given(AMOUNTS, AMOUNTS)
@example(0.0, 5e-324)
def test_ticks_are_few_even_and_hold_what_is_drawn_and_zero(one: float, other: float) -> None:
    marks = ticks(min(one, other), max(one, other))
    span = marks[-1] - marks[0]
    assert 2 <= len(marks) <= 9
    assert marks[0] <= min(one, other) + span * 1e-6
    assert marks[-1] >= max(one, other) - span * 1e-6
    assert 0 in marks
    steps = [after - before for before, after in pairwise(marks)]
    assert max(steps) - min(steps) <= span * 1e-9


@given(st.lists(st.tuples(AMOUNTS, st.none() | st.floats(0, 1e6)), min_size=1, max_size=20))
def test_a_line_and_its_band_stay_within_the_drawing(values: list[tuple[float, float | None]]) -> None:
    spots = [
        Spot(
            date(2026, 11, 1) + timedelta(days=number),
            value,
            None if wide is None else value - wide,
            None if wide is None else value + wide,
        )
        for number, (value, wide) in enumerate(values)
    ]
    assert within(drawn(line(spots, name="line", unit="$")))


@given(st.lists(AMOUNTS, min_size=1, max_size=20))
def test_bars_stay_within_the_drawing_and_are_as_long_as_they_say(values: list[float]) -> None:
    drawing = drawn(bars([Bar(f"bar {number}", value, "x") for number, value in enumerate(values)], name="bars"))
    assert within(drawing)
    lengths = [float(rect.attrib["width"]) for rect in drawing.iter(f"{SVG}rect")]
    longest = max(values, key=abs)
    assert lengths[values.index(longest)] == max(lengths)


@given(st.lists(st.tuples(st.floats(-100, 100), st.floats(-100, 100)), min_size=1, max_size=20))
def test_points_stay_within_the_drawing(points: list[tuple[float, float]]) -> None:
    assert within(drawn(scatter(points, name="points", across="a", along="b")))


def test_nothing_is_drawn_of_nothing() -> None:
    assert line([], name="n", unit="$") == bars([], name="n") == scatter([], name="n", across="a", along="b") == ""


def test_texts_are_escaped_and_long_labels_are_cut_but_kept_whole_in_their_title() -> None:
    label = "<KX & a name that is too long>"
    drawing = drawn(bars([Bar(label, 1.0, "<1>")], name='a "name"'))
    assert drawing.attrib["aria-label"] == 'a "name"'
    titles = [element.text for element in drawing.iter(f"{SVG}title")]
    assert titles == [f"{label}: <1>"]
    assert next(text.text for text in drawing.iter(f"{SVG}text")) == "<KX & a name …"
    assert drawing.attrib["viewBox"].startswith(f"0 0 {WIDTH}")


def test_a_day_alone_is_a_dot_in_the_middle() -> None:
    drawing = drawn(line([Spot(date(2026, 11, 1), -3.0)], name="line", unit="$"))
    assert [text.text for text in drawing.iter(f"{SVG}text")].count("2026-11-01") == 1
    assert len(list(drawing.iter(f"{SVG}circle"))) == 1


def test_no_label_reaches_into_the_bars() -> None:
    names = ["KXGDPYEARANNUALIZEDGROWTH", "WWWWWWWWWWWWWWWWWWWW", "markets in scans", "entries filled", "KXHIGHNY"]
    drawing = drawn(bars([Bar(name, 1.0, "+$1.00") for name in names], name="x"))
    labels = [text for text in drawing.iter(f"{SVG}text") if text.attrib["text-anchor"] == "start"]
    start = min(float(rect.attrib["x"]) for rect in drawing.iter(f"{SVG}rect"))
    said = [text.text or "" for text in labels]
    # 8.4 units a capital and 6.8 a small letter are DejaVu Sans at 11.5, among the widest that a reader may have.
    widths = [sum(6.8 if each.islower() or each == " " else 8.4 for each in text) for text in said]
    assert max(widths) <= start
    assert said[2:] == names[2:], "what fits is left whole"
    assert said[0].endswith("…")


def test_names_of_axes_and_their_numbers_do_not_lie_on_each_other() -> None:
    drawing = drawn(scatter([(-90.0, 40.0), (30.0, -20.0)], name="x", across="forecast, c", along="came, c"))
    places = {(text.text, float(text.attrib["x"]), float(text.attrib["y"])) for text in drawing.iter(f"{SVG}text")}
    (name,) = (place for place in places if place[0] == "forecast, c")
    near = [place for place in places - {name} if abs(place[2] - name[2]) < 11.5 and place[1] > 180]
    assert near == []


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=1, max_size=10))
def test_shares_against_shares_lie_within_and_both_kinds_are_told_apart(points: list[tuple[float, float]]) -> None:
    drawing = drawn(diagonal([points, points], name="shares", across="said, %", along="came, %"))

    kinds = [dot.attrib["class"] for dot in drawing.iter(f"{SVG}circle")]
    assert within(drawing)
    assert kinds == ["act"] * len(points) + ["hollow"] * len(points)


def test_without_any_share_nothing_is_drawn() -> None:
    assert diagonal([[], []], name="shares", across="", along="") == ""
