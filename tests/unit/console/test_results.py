"""What people read about a scan, and what programs get."""

import json
from datetime import timedelta

import numpy as np
import pytest
from foremesh.forecast.v1 import forecast_pb2, model_pb2, signal_pb2
from google.protobuf.json_format import ParseDict
from rich.console import Console

from console import results, verdicts
from console.recorded import Current, Recorded, Recording
from console.scan import Question, Scan

PATH = forecast_pb2.ForecastPath(
    horizon_steps=2, mean_cents=[48, 46], quantile_levels=[0.1, 0.5, 0.9], quantiles_cents=[44, 48, 52, 40, 46, 53]
)


def signal(direction: signal_pb2.Direction = signal_pb2.DIRECTION_DOWN) -> signal_pb2.SignalResult:
    return signal_pb2.SignalResult(
        signal=signal_pb2.Signal(
            direction=direction,
            magnitude_cents=3,
            confidence=signal_pb2.CONFIDENCE_MEDIUM_HIGH,
            current_price_cents=50,
            forecast_mean_cents=47,
            take_profit_cents=20,
            stop_loss_cents=3,
            path=PATH,
            provenance=forecast_pb2.Provenance(degraded=[forecast_pb2.DEGRADATION_STALE]),
        )
    )


def no_signal(reason: signal_pb2.NoSignalReason) -> signal_pb2.SignalResult:
    return signal_pb2.SignalResult(no_signal=signal_pb2.NoSignal(reason=reason))


REJECTED = signal_pb2.SignalResult(
    rejected=forecast_pb2.Rejected(
        problems=[forecast_pb2.FieldProblem(field="closes_cents[17]", description="must be within 0 and 100")]
    )
)
EXPIRED = signal_pb2.SignalResult(expired=forecast_pb2.Expired(reason=forecast_pb2.EXPIRED_REASON_DRAINING))
FAILED = signal_pb2.SignalResult(failed=forecast_pb2.Failed(error_id="abc123"))


def scan_of(*found: signal_pb2.SignalResult, current: Current | None = None) -> Scan:
    markets = []
    for index, result in enumerate(found):
        result.input_index, result.market_ticker = index, f"KXHIGHNY-26JAN05-B40.{index}"
        markets.append(
            Recorded(
                market_ticker=result.market_ticker,
                series_ticker="KXHIGHNY",
                closes_cents=np.array([49, np.nan, 50], np.float32),
                current=current or Current(cents=50.0, origin="mid"),
                last_candle_time=None,
            )
        )
    return Scan(
        recording=Recording(markets=tuple(markets), step=timedelta(hours=1)),
        question=Question(),
        model=model_pb2.Model(identity=model_pb2.ModelIdentity(name="random-walk")),
        results=tuple(found),
        elapsed_seconds=0.5,
    )


def shown(scan: Scan, *, plots: int = 0, width: int = 80) -> str:
    console = Console(width=width, record=True, file=open("/dev/null", "w"), color_system=None)  # noqa: SIM115
    with console.file:
        results.show(console, scan, plots=plots)
        return console.export_text()


@pytest.mark.parametrize(
    ("direction", "words"), [(signal_pb2.DIRECTION_UP, "▲ up"), (signal_pb2.DIRECTION_DOWN, "▼ down")]
)
def test_a_direction_is_an_arrow_and_a_word(direction: signal_pb2.Direction, words: str) -> None:
    assert words in shown(scan_of(signal(direction)))


def test_a_signal_fits_one_line_of_80_columns() -> None:
    text = shown(scan_of(signal()), plots=1)

    (row,) = (line for line in text.split("\n") if line.startswith("KXHIGHNY"))
    assert row.split() == ["KXHIGHNY-26JAN05-B40.0", "50.0", "47.0", "▼", "down", "3.0", "medium", "high", "20/3"]
    assert max(map(len, text.split("\n"))) <= 80


def test_a_long_ticker_is_never_cut_short() -> None:
    scan = scan_of(signal(), FAILED)
    for result in scan.results:
        result.market_ticker = "KX" + "A" * 62

    assert shown(scan).replace("\n", "").count("A") >= 2 * 62


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (no_signal(signal_pb2.NO_SIGNAL_REASON_TOO_SHORT), "too few points"),
        (no_signal(signal_pb2.NO_SIGNAL_REASON_STALE), "older than --max-age"),
        (no_signal(signal_pb2.NO_SIGNAL_REASON_CONSTANT), "the price never changed"),
        (
            signal_pb2.SignalResult(
                no_signal=signal_pb2.NoSignal(
                    reason=signal_pb2.NO_SIGNAL_REASON_BELOW_THRESHOLD, magnitude_cents=0.25, path=PATH
                )
            ),
            "the forecast moves only 0.2 c",
        ),
        (REJECTED, "closes_cents[17]: must be within 0 and 100"),
        (EXPIRED, "the server was stopping"),
        (FAILED, "abc123"),
    ],
)
def test_every_other_verdict_says_why(result: signal_pb2.SignalResult, words: str) -> None:
    assert words in verdicts.why(result)
    assert words in " ".join(shown(scan_of(result)).split())


def test_a_history_that_is_too_short_says_how_short() -> None:
    scan = scan_of(no_signal(signal_pb2.NO_SIGNAL_REASON_NO_FINITE_POINT))
    scan.model.min_points = 8

    assert "too few prices: 2 of 3 steps have one, 8 are needed" in " ".join(shown(scan, width=100).split())


def test_a_market_without_any_price_says_so_and_not_what_the_contract_calls_it() -> None:
    problem = forecast_pb2.FieldProblem(field="current_price_cents", description="value is required")
    result = signal_pb2.SignalResult(rejected=forecast_pb2.Rejected(problems=[problem]))

    assert "no current price is known" in shown(scan_of(result, current=Current(cents=None, origin="unknown")))
    assert "current_price_cents: value is required" in " ".join(shown(scan_of(result)).split())


def test_every_reason_of_the_contract_has_words() -> None:
    for name, reason in signal_pb2.NoSignalReason.items():
        assert reason == 0 or "newer than this program" not in verdicts.why(
            signal_pb2.SignalResult(no_signal=signal_pb2.NoSignal(reason=name))
        )
    for reason in forecast_pb2.ExpiredReason.values():
        expired = signal_pb2.SignalResult(expired=forecast_pb2.Expired(reason=forecast_pb2.ExpiredReason.Name(reason)))
        assert reason == 0 or "newer than this program" not in verdicts.why(expired)
    for code in forecast_pb2.Degradation.values():
        assert code == 0 or "newer than this program" not in verdicts.caveat(code, [forecast_pb2.Provenance()])


def test_the_summary_accounts_for_every_input_and_names_caveats() -> None:
    text = shown(
        scan_of(signal(), signal(), no_signal(signal_pb2.NO_SIGNAL_REASON_TOO_SHORT), REJECTED, EXPIRED, FAILED)
    )

    assert "6 markets = 2 signals, 1 without a signal, 1 rejected, 1 expired, 1 failed" in text
    assert "12 series/s measured" in text
    assert "caveat for 2: last candle older than two steps" in text


def test_what_is_wrong_with_each_signal_is_told_where_there_is_room() -> None:
    result = signal()
    result.signal.provenance.degraded.append(forecast_pb2.DEGRADATION_INTERPOLATED)
    result.signal.provenance.interpolated_share = 0.834
    result.signal.provenance.cached = True
    wide, narrow = shown(scan_of(result), width=100), shown(scan_of(result), width=99)

    assert "stale, gaps 83 %" in wide
    assert "stale, gaps" not in narrow
    assert "caveat for 1: gaps in the history filled in, up to 83 % of the points" in narrow
    assert "1 of the forecasts came from the server's cache" in narrow


def test_forecasts_of_a_drifted_canary_are_not_to_be_traded_on() -> None:
    result = signal()
    result.signal.provenance.degraded.append(forecast_pb2.DEGRADATION_CANARY_DRIFT)

    assert "caveat for 1: DO NOT TRADE ON THIS" in shown(scan_of(result))


def test_a_picture_of_an_old_history_says_how_old_it_is() -> None:
    result = signal()
    result.signal.provenance.data_age.FromSeconds(5 * 3600)

    assert "last candle 5 h old" in shown(scan_of(result), plots=1)


@pytest.mark.parametrize(
    ("current", "words"),
    [
        (Current(cents=50, origin="mid"), "middle of the last candle's bid and ask"),
        (Current(cents=50, origin="close"), "' current: close of the last candle"),
        (Current(cents=50, origin="close", steps_ago=4), "up to 4 steps before the last candle"),
        (Current(cents=50, origin="given"), "as the file gives it"),
        (Current(cents=50, origin="book"), "current: middle of the best bid and ask\n"),
        (Current(cents=50, origin="last"), "* current: last trade, because one side of the book is empty"),
    ],
)
def test_the_output_says_where_the_current_price_was_read(current: Current, words: str) -> None:
    assert words in shown(scan_of(signal(), current=current))


def test_as_many_forecasts_are_plotted_as_asked() -> None:
    scan = scan_of(no_signal(signal_pb2.NO_SIGNAL_REASON_TOO_SHORT), signal(), signal(), signal())

    assert [shown(scan, plots=plots).count("◆") for plots in (0, 2, 9)] == [0, 3, 4]  # one more in the key


def test_the_document_holds_messages_that_the_contract_reads_back() -> None:
    scan = scan_of(signal(), REJECTED, current=Current(cents=float("inf"), origin="close"))

    document = json.loads(json.dumps(results.document(scan), allow_nan=False))

    assert [ParseDict(result, signal_pb2.SignalResult()) for result in document["results"]] == list(scan.results)
    assert document["results"][0]["input_index"] == 0
    assert document["summary"]["signal_count"] == document["summary"]["rejected_count"] == 1
    assert document["summary"]["input_count"] == 2
    assert document["model"]["name"] == "random-walk"
    assert document["inputs"][0]["gaps"] == 1
