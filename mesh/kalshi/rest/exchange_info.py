"""The exchange's own state: whether it works, when it is open, which fees will change."""

from collections.abc import AsyncIterator
from datetime import datetime

from mesh.kalshi.rest.exchange_wire import (
    EventFeeChanges,
    ExchangeStatus,
    Schedule,
    ScheduleReply,
    SeriesFeeChange,
    SeriesFeeChanges,
    UserDataTimestamp,
)
from mesh.kalshi.rest.reading import SCAN, Group, Urgency

_STATUS_TOO = (500, 503, 504)  # the status comes with these as well


class ExchangeInfo(Group):
    """What the exchange says about itself."""

    async def status(self, *, urgency: Urgency = SCAN) -> ExchangeStatus:
        """Say whether the exchange works."""
        return await self._transport.get(
            "/exchange/status",
            {},
            ExchangeStatus,
            priority=urgency.priority,
            deadline=urgency.deadline,
            statuses=_STATUS_TOO,
        )

    async def schedule(self, *, urgency: Urgency = SCAN) -> Schedule:
        """Say when the exchange is open."""
        return (await self._get("/exchange/schedule", ScheduleReply, urgency)).schedule

    async def user_data_time(self, *, urgency: Urgency = SCAN) -> datetime:
        """Say as of when reads of balance, orders, fills and positions are."""
        return (await self._get("/exchange/user_data_timestamp", UserDataTimestamp, urgency)).as_of_time

    async def series_fee_changes(
        self, series_ticker: str | None = None, *, past_too: bool = False, urgency: Urgency = SCAN
    ) -> tuple[SeriesFeeChange, ...]:
        """Return the changes of fees of one series or all: those to come, or past ones too."""
        params = {"series_ticker": series_ticker, "show_historical": past_too}
        return (await self._get("/series/fee_changes", SeriesFeeChanges, urgency, params)).changes

    def event_fee_changes(
        self, event_ticker: str | None = None, *, urgency: Urgency = SCAN
    ) -> AsyncIterator[EventFeeChanges]:
        """Yield pages of changes of fees of single events."""
        return self._pages("/events/fee_changes", EventFeeChanges, urgency, {"event_ticker": event_ticker})
