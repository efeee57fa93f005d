"""A forecaster for tests that asks as research does: prices go back to where they have been of late."""

from collections.abc import Iterable
from datetime import UTC, datetime

import numpy as np
from foremesh.forecast.v1 import forecast_pb2

from mesh.types import Side
from research.questions import Question, QuestionPlan, questions
from research.types import Forecasted, RecordedEvent
from tests.fakes.research_walk import Said, forecast

_LATELY = 6
_QUESTIONS = QuestionPlan(price="mid")


def ask(events: Iterable[RecordedEvent], *, ahead: int = 0) -> Said:
    """Answer every question about events by the mean of the last six prices.

    Args:
        events: To be asked about.
        ahead: Candles by which each answer's history goes too far: what such a forecaster would say so much later.
    """
    said: Said = {}
    for market in (market for event in events for market in event.markets):
        asked = list(questions(market, _QUESTIONS))
        for place, question in enumerate(asked):
            answer = _answer(asked[min(place + ahead, len(asked) - 1)], question.key[1])
            if answer is not None:
                said[question.key] = answer
    return said


def _answer(question: Question, at: int) -> Forecasted | None:
    if question.history is None:
        return None
    history = forecast_pb2.MarketHistory.FromString(question.history)
    closes = np.array(history.closes_cents, np.float32)[-_LATELY:]
    if np.isnan(closes).all():
        return None
    mean, current = float(np.nanmean(closes)), history.current_price_cents
    return forecast(
        datetime.fromtimestamp(at, UTC),
        abs(current - mean),
        side=Side.NO if mean < current else Side.YES,
        current_cents=current,
        forecast_mean_cents=mean,
    )
