"""Reports for the service: made from the journal's own rows, in a thread, one at a time."""

import asyncio
from collections.abc import Callable

from foremesh.trader.v1 import trader_service_pb2 as pb

from trader.domain.events import Moment
from trader.domain.state import State
from trader.reporting.convert import question_of, report_message
from trader.reporting.expectation import Promises
from trader.reporting.positions import marks
from trader.reporting.report import Question, Report


class Reports:
    """Makes reports on one journal.

    Args:
        report_on: Reports on the entries up to a sequence, for as long as that takes.
        promises: What research expected; None for nothing.
    """

    def __init__(self, report_on: Callable[[Question, int], Report], promises: Promises | None = None) -> None:
        self._report_on, self._promises = report_on, promises
        self._turn = asyncio.Lock()

    async def make(
        self, request: pb.GetReportRequest, state: State, moment: Moment, instance_id: str
    ) -> pb.GetReportResponse:
        """Report on the span that is asked for, with what is open marked as of now.

        Raises:
            InvalidInput: There is no such time zone.
            JournalError: The journal does not add up.
        """
        question = question_of(request, marks(state, moment), self._promises)
        sequence = state.books.sequence
        async with self._turn:
            found = await asyncio.to_thread(self._report_on, question, sequence)
        return pb.GetReportResponse(
            instance_id=instance_id, as_of_sequence=found.as_of_sequence, report=report_message(found)
        )
