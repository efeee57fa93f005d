"""`foremesh report` of a running trader, over a real connection."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import StringIO

import grpc
import pytest
from click.testing import CliRunner
from foremesh.trader.v1 import trader_service_pb2 as pb
from foremesh.trader.v1 import trader_service_pb2_grpc as rpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from rich.console import Console

from console.connection import OptionError
from console.daemon import TRADER
from console.report import report as command
from console.report_page import page
from console.report_trader import asked
from console.report_view import document, show
from tests.fakes.trading import NOON
from tests.unit.trader.reporting.trading_days import Days, Try
from trader.reporting.convert import question_of, report_message
from trader.reporting.convert_back import report_of
from trader.reporting.report import Question, report


class Trader(rpc.TraderServiceServicer):
    """Reports on days that it has."""

    def __init__(self, days: Days) -> None:
        self._days = days

    async def GetReport(  # noqa: N802
        self, request: pb.GetReportRequest, context: grpc.aio.ServicerContext[pb.GetReportRequest, pb.GetReportResponse]
    ) -> pb.GetReportResponse:
        found = report(self._days.rows(), question_of(request))
        return pb.GetReportResponse(
            instance_id="i-1", as_of_sequence=found.as_of_sequence, report=report_message(found)
        )


@asynccontextmanager
async def serving(days: Days) -> AsyncIterator[str]:
    server = grpc.aio.server()
    rpc.add_TraderServiceServicer_to_server(Trader(days), server)  # type: ignore[abstract]  # one is called
    healthy = health.aio.HealthServicer()
    await healthy.set(TRADER.service, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(healthy, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


async def test_a_running_trader_is_asked_and_its_sums_are_shown_without_what_only_rows_have() -> None:
    days = Days()
    days.live(Try(ticker="KXHIGHNY-E1-T1", at=0.0, ends="won"))
    days.live(Try(ticker="KXBTCD-E1-T1", at=1000.0, ends="lost"))
    days.live(Try(ticker="KXBTCD-E2-T1", at=2000.0, ends="open"))
    question = Question(start=NOON, series=frozenset({"KXBTCD"}))
    async with serving(days) as address:
        response = await asked(TRADER.config(None, address, {}), question)
    found = report_of(response)
    assert found.total == report(days.rows(), question).total
    assert found.start == NOON
    text = StringIO()
    show(Console(file=text, width=200, highlight=False), found)
    assert "-$2.81 net" in text.getvalue()
    assert "1, unmarked" in text.getvalue()
    assert "asked" not in text.getvalue()  # the contract does not say how many were
    assert document(found)["rows"] is None
    assert "Nothing to draw" not in page(found).partition("YES price")[0]


def test_where_no_trader_answers_that_is_said_in_a_line() -> None:
    shown = CliRunner().invoke(command, ["--trader", "127.0.0.1:1"])
    assert shown.exit_code == 1
    assert "no trader answers at 127.0.0.1:1" in shown.output
    assert len(shown.output.splitlines()) == 1


def test_a_target_that_is_none_is_refused() -> None:
    with pytest.raises(OptionError, match="--trader: expected host:port"):
        TRADER.config(None, "nowhere", {})


def test_without_a_target_it_is_the_traders_own_port() -> None:
    assert TRADER.config(None, None, {}).targets == ("127.0.0.1:8789",)
