"""What a forecast server says that is broken, or not ours any more: nothing of it reaches books or journal."""

import math

import pytest
from foremesh.forecast.v1 import forecast_pb2, signal_pb2

from tests.fakes.trading import NOON, Desk, book, market, moment
from trader.domain.events import BookCame, Moment, SignalCame
from trader.domain.facts import SignalFacts
from trader.domain.watching import see
from trader.domain.words import ScanOutcome
from trader.journal.codec import encode
from trader.scanning import asking

HOUR = moment(3600).now - NOON


def signal(**changes: object) -> signal_pb2.Signal:
    """A signal as the server sends it, that every default rule likes; `path` is changed by its own fields."""
    path = {
        "horizon_steps": 6,
        "mean_cents": [33.0] * 6,
        "quantile_levels": [0.1, 0.9],
        "quantiles_cents": [28.0, 38.0] * 6,
    }
    fields: dict[str, object] = {
        "direction": signal_pb2.DIRECTION_DOWN,
        "magnitude_cents": 12.0,
        "confidence": signal_pb2.CONFIDENCE_MEDIUM_HIGH,
        "current_price_cents": 45.0,
        "forecast_mean_cents": 33.0,
        "forecast_end_cents": 33.0,
        "take_profit_cents": 20.0,
        "stop_loss_cents": 8.0,
    }
    path |= {name: changes.pop(name) for name in tuple(changes) if name in path}
    return signal_pb2.Signal(**(fields | changes), path=forecast_pb2.ForecastPath(**path))  # type: ignore[arg-type]


def read(said: signal_pb2.Signal) -> SignalFacts | None:
    return asking.facts(said, weights_digest="w", last_candle_time=NOON, step=HOUR, useful_until=moment(300).now)


def decide_and_write(found: SignalFacts, said: signal_pb2.Signal) -> int:
    """Decide as the engine does, and write it down; returns how many bytes that took."""
    desk = Desk()
    see(desk.state.watch, BookCame(book()), Moment(NOON, 1000.0))
    entries = desk.tell(SignalCame("scan-1", market(), found, said.SerializeToString()))
    return sum(len(encode(entry)) for entry in entries)


def test_a_decent_signal_is_read_decided_on_and_written() -> None:
    found = read(signal())
    assert found is not None
    assert found.spread_cents == 5.0
    assert decide_and_write(found, signal()) > 0


FIGURES = (
    "magnitude_cents",
    "current_price_cents",
    "forecast_mean_cents",
    "forecast_end_cents",
    "take_profit_cents",
    "stop_loss_cents",
)


@pytest.mark.parametrize("figure", [math.nan, math.inf, -math.inf, 1e300, -0.01, 100.01])
@pytest.mark.parametrize("field", FIGURES)
def test_a_figure_that_is_no_number_of_cents_is_no_signal(field: str, figure: float) -> None:
    assert read(signal(**{field: figure})) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"quantiles_cents": [28.0, math.nan] * 6},
        {"quantiles_cents": [-math.inf, 38.0] * 6},
        {"take_profit_cents": 0.0},
        {"stop_loss_cents": 0.0},
        {"horizon_steps": 0},
        {"horizon_steps": 4_294_967_295},
        {"provenance": forecast_pb2.Provenance(policy_version="x" * 201)},
        {"provenance": forecast_pb2.Provenance(policy_digest="x" * 201)},
        {"direction": 77},
        {"direction": signal_pb2.DIRECTION_UNSPECIFIED},
        {"confidence": 77},
    ],
    ids=" ".join,
)
def test_what_no_signal_can_be_is_none(changes: dict[str, object]) -> None:
    assert read(signal(**changes)) is None


def test_a_model_that_names_its_weights_without_end_gives_no_signal() -> None:
    said = signal()
    assert asking.facts(said, weights_digest="w" * 201, last_candle_time=NOON, step=HOUR, useful_until=NOON) is None


@pytest.mark.parametrize(
    ("result", "outcome", "reason"),
    [
        ({"no_signal": signal_pb2.NoSignal(reason=77)}, ScanOutcome.NO_SIGNAL, "reason 77"),  # type: ignore[arg-type]
        ({"expired": forecast_pb2.Expired(reason=77)}, ScanOutcome.EXPIRED, "reason 77"),  # type: ignore[arg-type]
        ({"failed": forecast_pb2.Failed(error_id="e" * 10_000)}, ScanOutcome.FAILED, "error " + "e" * 194),
        ({}, ScanOutcome.FAILED, "an answer that this trader does not know: None"),
    ],
    ids=["a reason from the future", "an expiry from the future", "an endless error", "nothing"],
)
def test_what_became_of_a_market_is_told_whatever_the_words(
    result: dict[str, object], outcome: ScanOutcome, reason: str
) -> None:
    assert asking.other(signal_pb2.SignalResult(**result)) == (outcome, reason)  # type: ignore[arg-type]


def test_an_endless_reason_for_a_rejection_is_cut() -> None:
    problem = forecast_pb2.FieldProblem(field="closes_cents", description="x" * 100_000)
    outcome, reason = asking.other(signal_pb2.SignalResult(rejected=forecast_pb2.Rejected(problems=[problem])))
    assert outcome is ScanOutcome.REJECTED
    assert reason.startswith("closes_cents: xxx")
    assert len(reason) == 200
