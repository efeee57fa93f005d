from dataclasses import replace
from datetime import UTC, datetime

import protovalidate
import pytest
from foremesh.trader.v1 import trader_service_pb2 as pb
from hypothesis import given, settings

from mesh.errors import InvalidInput
from tests.fakes.trading import NOON
from tests.unit.trader.reporting.test_expectation import promises
from tests.unit.trader.reporting.test_report import lives
from tests.unit.trader.reporting.trading_days import Days, Try
from trader.domain.words import ScanOutcome
from trader.reporting.convert import question_of, report_message
from trader.reporting.convert_back import report_of
from trader.reporting.report import Question, Report, report


def sent(found: Report) -> pb.GetReportResponse:
    return pb.GetReportResponse(instance_id="i-1", as_of_sequence=found.as_of_sequence, report=report_message(found))


@settings(max_examples=25, deadline=None)
@given(lives())
def test_every_report_keeps_the_rules_of_its_contract(days: Days) -> None:
    found = report(days.rows(), Question(promises=promises(KXHIGHNY=1.0)))
    protovalidate.validate(sent(found))


@settings(max_examples=25, deadline=None)
@given(lives())
def test_what_the_contract_carries_comes_back_as_it_was(days: Days) -> None:
    found = report(days.rows(), Question(promises=promises(KXHIGHNY=1.0)))
    back = report_of(pb.GetReportResponse.FromString(sent(found).SerializeToString()))
    assert (back.mode, back.start, back.end, back.zone) == (found.mode, found.start, found.end, found.zone)
    assert (back.as_of_sequence, back.total, back.groups) == (found.as_of_sequence, found.total, found.groups)
    assert [(point.date, point.net) for point in back.curve] == [(point.date, point.net) for point in found.curve]
    assert back.funnel == replace(found.funnel, outcomes={})
    assert replace(back.entries, priced_count=found.entries.priced_count) == found.entries
    assert (back.positions.count, back.positions.unrealised) == (found.positions.count, found.positions.unrealised)
    assert [group.rates.right for group in back.forecasts.groups] == [
        group.rates.right for group in found.forecasts.groups
    ]
    assert back.expectation is not None
    assert found.expectation is not None
    assert back.expectation.whole == found.expectation.whole
    assert (back.shadow is None) == (found.shadow is None)
    assert back.rows is None


def test_a_journal_that_no_trader_began_on_cannot_be_sent() -> None:
    with pytest.raises(ValueError, match="no trader ever began"):
        report_message(report([], Question()))


def test_a_question_is_read() -> None:
    request = pb.GetReportRequest(series_tickers=["KXA"], time_zone="America/New_York")
    request.start_time.FromDatetime(NOON)
    found = question_of(request)
    assert (found.start, found.end, found.series) == (NOON, None, frozenset({"KXA"}))
    assert str(found.zone) == "America/New_York"
    assert str(question_of(pb.GetReportRequest()).zone) == "UTC"


@pytest.mark.parametrize("zone", ["Moon/Crater", "America", "A/../../etc/passwd"])
def test_a_zone_that_is_none_is_refused_by_its_field(zone: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        question_of(pb.GetReportRequest(time_zone=zone))
    assert [found.field for found in caught.value.violations] == ["time_zone"]


def test_words_newer_than_this_program_do_not_stop_it() -> None:
    days = Days()
    days.live(Try(ticker="KXHIGHNY-E1-T1", at=0.0, ends="won"))
    message = sent(report(days.rows(), Question(promises=promises(KXHIGHNY=1.0))))
    message.report.by_exit_kind[0].exit_kind = 99  # type: ignore[assignment]  # a word of a later contract
    message.report.expectation.verdict = 99  # type: ignore[assignment]
    back = report_of(message)
    assert back.groups.by_exit_kind == {}
    assert back.total.trades == 1
    assert back.start.tzinfo is UTC
    assert isinstance(back.end, datetime)
    assert ScanOutcome.SIGNAL not in back.funnel.outcomes
