"""Texts that a server, an exchange or a file chose: they reach a terminal as characters, never as its commands."""

import io
from datetime import timedelta

import numpy as np
import pytest
from foremesh.forecast.v1 import forecast_pb2, model_pb2, signal_pb2
from rich.console import Console

from console import checks, page, results, status
from console.connection import one_line, server_words
from console.model_checks import checks as model_checks
from console.recorded import Current, Recorded, Recording
from console.scan import Question, Scan
from mesh.errors import Denied, NotReady
from mesh.rpc.config import ClientConfig
from tests.fakes.server_looks import full, look

BAD = "[/b]a\x1b]0;title\x07\x1b[2J\x9b31m\u202eb"
"""Markup that closes nothing, a title for the window, a cleared screen, a colour in one byte, text turned around."""
MARKET = "KXHIGHNY-26JAN05-B40.0"


def model() -> model_pb2.Model:
    said = full()
    for field in ("state_detail", "device", "precision", "compile_mode", "compile_detail", "weights_source"):
        setattr(said, field, BAD)
    said.identity.name = said.identity.licence = said.identity.code_version = said.identity.weights_digest = BAD
    said.hardware.name = said.hardware.runtime = BAD
    return said


def terminal() -> Console:
    return Console(file=io.StringIO(), width=400, force_terminal=True, color_system=None)


def shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def assert_harmless(text: str) -> None:
    assert [character for character in text if not character.isprintable() and character != "\n"] == []
    assert "?]0;title??[2J?31m?b" in text, "what was said is there, without what a terminal obeys"


def test_the_status_of_a_server_that_says_anything() -> None:
    console = terminal()
    console.print(status.drawn([status.forecast_view("127.0.0.1:8787", look(model()))]))
    assert_harmless(shown(console))


def test_the_checks_of_a_server_that_says_anything() -> None:
    console = terminal()
    checks.show(console, list(model_checks(look(model()), gpu_expected=False)))
    assert_harmless(shown(console))


@pytest.mark.parametrize(
    "outcome",
    [
        {"signal": signal_pb2.Signal(direction=signal_pb2.DIRECTION_UP)},
        {"rejected": forecast_pb2.Rejected(problems=[forecast_pb2.FieldProblem(field=BAD, description=BAD)])},
        {"failed": forecast_pb2.Failed(error_id=BAD)},
    ],
    ids="".join,
)
def test_a_forecast_of_a_server_that_says_anything(outcome: dict[str, object]) -> None:
    said = signal_pb2.SignalResult(market_ticker=MARKET + BAD, **outcome)  # type: ignore[arg-type]
    market = Recorded(
        market_ticker=MARKET,
        series_ticker="KXHIGHNY",
        closes_cents=np.array([49, 50], np.float32),
        current=Current(cents=50.0, origin="mid"),
        last_candle_time=None,
    )
    scan = Scan(
        recording=Recording(markets=(market,), step=timedelta(hours=1)),
        question=Question(),
        model=model(),
        results=(said,),
        elapsed_seconds=0.5,
    )
    console = terminal()
    results.show(console, scan, plots=0)
    assert_harmless(shown(console))
    assert_harmless(results.model_line(scan.model))


@pytest.mark.parametrize(
    "error", [NotReady(BAD), NotReady("no", reason=BAD), Denied(BAD, metadata={"allowed": "viewer"})]
)
def test_a_refusal_in_any_words(error: NotReady | Denied) -> None:
    assert_harmless(server_words(error, ClientConfig()))


def test_several_lines_become_one() -> None:
    assert one_line("a\n\tb") == "a b"


def test_a_page_shows_what_was_said_and_runs_none_of_it() -> None:
    bad = "<script>alert(1)</script>\"'><img src=x onerror=y>"
    whole = page.html(
        bad,
        page.section(bad, page.listing([(bad, bad)])) + page.table(bad, [bad], [[bad]]) + page.plot(bad, "", bad, bad),
    )
    assert "<script" not in whole
    assert "<img" not in whole
    assert whole.count("&lt;script&gt;") == 10
