"""The forecast drawn over the market: one picture of given size out of one message. Pure.

It is drawn on dots of our own and not with plotext: that has one figure for the whole process, so two pictures cannot
be drawn at once, and promises nothing about the size of what it returns.
"""

from dataclasses import dataclass

from foremesh.trader.v1 import decisions_pb2, market_view_pb2
from rich.text import Text

from console import overlay_times as times
from console.collection.words import plain
from console.dot_canvas import Canvas, Pen
from console.overlay_parts import Fan, Level, Path, Span, dots, fan, levels, seconds, span

_TEXT, _DIM, _FORECAST, _WARNING = "#E6EDF3", "#9FB3C8", "#E69F00", "bold #F0E442"
_HISTORY = Pen(2, _DIM)
_PAST_MEAN = Pen(1, f"dim {_FORECAST}", every=3)
_EDGE = Pen(3, _FORECAST)
_MEAN = Pen(4, f"bold {_FORECAST}", thick=True)
_NOW, _LEVEL = Pen(0, _DIM), Pen(0, _TEXT)
_GUTTER, _MARGIN = 4, 10
_LEAST_WIDTH, _LEAST_HEIGHT, _WIDE = 16, 4, 40
_LABEL_COLUMNS, _AHEAD_COLUMNS = 7, 6
_KEY_HEIGHT = 8
_LEAST_NAME = 8


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What goes into the picture."""

    shown: Span
    quotes: tuple[Path, Path]
    current: Fan | None
    earlier: list[Fan]
    marks: list[Level]


@dataclass(frozen=True, slots=True)
class _Room:
    """How the size is divided."""

    columns: int
    rows: int
    margin: int
    key: bool


def overlay(view: market_view_pb2.MarketView, width: int, height: int, *, colour: bool) -> Text:
    """Draw a market: bids and asks of the past, the forecast's fan, levels of the position, earlier forecasts faintly.

    Args:
        view: The market, as `GetMarketView` answers.
        width: Columns; no line is longer.
        height: Lines; there are no more.
        colour: Whether it may use colours. Without, what is what shows by form.
    """
    if width < 1 or height < 1:
        return Text()
    current, earlier = _fans(view)
    lines = [_title(view, current, width, colour=colour)]
    marks = levels(view)
    shown = span(view, current or (earlier[0] if earlier else None), marks)
    if shown is None:
        lines.append(Text("no prices", _style(_DIM, colour=colour)))
    elif width >= _LEAST_WIDTH and height >= _LEAST_HEIGHT:
        drawn = _Drawn(shown, dots(view), current, earlier, marks)
        lines += _picture(drawn, _room(width, height), colour=colour)
    for line in lines:
        line.truncate(width, overflow="ellipsis")
        line.rstrip()
    return Text("\n").join(lines[:height])


def _fans(view: market_view_pb2.MarketView) -> tuple[Fan | None, list[Fan]]:
    """Return the forecast that holds, and those before it. Where the last scan has none, the last one is a past one."""
    read = [fan(each) for each in (view.signal, *view.earlier_signals)] if view.HasField("signal") else []
    holds = view.scan_outcome in (decisions_pb2.SCAN_OUTCOME_UNSPECIFIED, decisions_pb2.SCAN_OUTCOME_SIGNAL)
    current = read[0] if read and holds else None
    return current, [each for each in (read[1:] if holds else read) if each is not None]


def _room(width: int, height: int) -> _Room:
    margin = _MARGIN if width >= _WIDE else 0
    key = height >= _KEY_HEIGHT
    return _Room(width - _GUTTER - margin, height - 2 - key, margin, key)


def _picture(drawn: _Drawn, room: _Room, *, colour: bool) -> list[Text]:
    shown, current, marks = drawn.shown, drawn.current, drawn.marks
    canvas = Canvas(room.columns, room.rows, shown.start, shown.end, shown.low, shown.high)
    for each in reversed(drawn.earlier):
        canvas.line(each.mean, _PAST_MEAN)
    for path in drawn.quotes:
        for time, price in path:
            canvas.point(time, price, _HISTORY)
    canvas.bar(shown.now, "┊", _NOW)
    for mark in marks:
        canvas.level(mark.yes_cents, shown.now, "┄", _LEVEL)
    if current is not None:
        canvas.line(current.low, _EDGE)
        canvas.line(current.high, _EDGE)
        canvas.line(current.mean, _MEAN)
    prices, labels = _prices(canvas), _labels(canvas, current, marks) if room.margin else {}
    lines = []
    for row, dotted in enumerate(canvas.lines(colour=colour)):
        line = Text(f"{prices.get(row, ''):>3}{'┤' if row in prices else '│'}", _style(_DIM, colour=colour))
        line.append_text(dotted)
        word, style = labels.get(row, ("", ""))
        line.append(f" {word}", _style(style, colour=colour))
        lines.append(line)
    lines.append(Text(_axis(shown, room), _style(_DIM, colour=colour)))
    if room.key:
        words = _key(marks, drawn.earlier, _GUTTER + room.columns + room.margin)
        lines.append(Text(words, _style(_TEXT if marks else _DIM, colour=colour)))
    return lines


def _title(view: market_view_pb2.MarketView, current: Fan | None, width: int, *, colour: bool) -> Text:
    """Say what it is; a long name gives way to the rest."""
    stale = current is not None and seconds(view.signal.useful_until_time) < seconds(view.view_time)
    what = _nothing(view) if current is None else f"{times.length((current.end - current.start) / 60)} ahead"
    rest = Text(f", YES price, {what}", _style(_TEXT, colour=colour))
    if stale:
        rest.append(" FORECAST STALE", _style(_WARNING, colour=colour))
    name = Text(plain(view.title).strip() or plain(view.market_ticker), _style(f"bold {_TEXT}", colour=colour))
    name.truncate(max(_LEAST_NAME, width - rest.cell_len), overflow="ellipsis")
    return Text.assemble(name, rest)


def _nothing(view: market_view_pb2.MarketView) -> str:
    reason = plain(view.scan_reason).replace("_", " ")
    return f"no forecast: {reason}" if reason else "no forecast"


def _prices(canvas: Canvas) -> dict[int, str]:
    """Put round prices beside the rows that they lie on."""
    most = max(1, (canvas.rows + 1) // 2)
    step = next((each for each in (1, 2, 5, 10, 20, 25, 50) if (canvas.top - canvas.bottom) / each <= most), 50)
    found: dict[int, str] = {}
    for cents in range(0, 101, step):
        row = canvas.row(cents) if canvas.bottom <= cents <= canvas.top else None
        if row is not None:
            found.setdefault(row, str(cents))
    return found


def _labels(canvas: Canvas, current: Fan | None, marks: list[Level]) -> dict[int, tuple[str, str]]:
    """Put words beside the ends of lines; of two that would share a row, the later moves by one or is left out."""
    wanted: list[tuple[float, str, str]] = []
    if current is not None:
        wanted.append((current.mean[-1][1], f"mean {current.mean[-1][1]:.0f}c", f"bold {_FORECAST}"))
    wanted += [(mark.yes_cents, f"{mark.word} {mark.cents:.0f}", _TEXT) for mark in marks]
    if current is not None and current.low:
        wanted.append((current.high[-1][1], f"{current.high_level * 100:.0f} %", _FORECAST))
        wanted.append((current.low[-1][1], f"{current.low_level * 100:.0f} %", _FORECAST))
    found: dict[int, tuple[float, str, str]] = {}
    for price, word, style in wanted:
        row = canvas.row(price)
        for free in () if row is None else (row, row - 1, row + 1):
            # The words stand in the order of their prices, or they would tell another one.
            ordered = all((taken < free) == (other > price) for taken, (other, _, _) in found.items())
            if 0 <= free < canvas.rows and free not in found and ordered:
                found[free] = (price, word, style)
                break
    return {row: (word, style) for row, (_, word, style) in found.items()}


def _axis(shown: Span, room: _Room) -> str:
    """Write the times below the picture: "now" first, the others where there is room."""
    cells = [" "] * (room.columns + room.margin)
    whole = shown.end - shown.start
    before = round((shown.now - shown.start) / whole * (room.columns - 1))
    after = room.columns - 1 - before
    marks = [(shown.now, "now")]
    marks += reversed(times.ahead(shown.now, shown.end, after // _AHEAD_COLUMNS))
    marks += times.past(shown.start, shown.now, before // _LABEL_COLUMNS)
    for time, word in marks:
        column = int((time - shown.start) / whole * (room.columns - 1))
        first = max(0, min(column, len(cells) - len(word)))
        free = cells[max(0, first - 1) : first + len(word) + 1]
        if all(cell == " " for cell in free) and first + len(word) <= len(cells):
            cells[first : first + len(word)] = word
    return f"{'':{_GUTTER - 1}}└{''.join(cells)}"


def _key(marks: list[Level], earlier: list[Fan], width: int) -> str:
    """Say what is what, as far as there is room."""
    words = ["dots: bid, ask", *(["faint: past forecasts"] if earlier else [])]
    if marks:
        words.insert(0, f"{marks[0].side}: " + "  ".join(f"{mark.word} {mark.cents:.0f}" for mark in marks))
    found = " " * _GUTTER + words[0]
    for word in words[1:]:
        if len(found) + len(word) + 3 <= width:
            found += f"   {word}"
    return found


def _style(style: str, *, colour: bool) -> str:
    return style if colour else ""
