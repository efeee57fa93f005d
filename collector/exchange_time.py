"""What time it is at the exchange, as far as candles are concerned: never later than it is.

The exchange says as of when its reads are. That is its own time wherever it lives: a simulated exchange may replay last
year, or a day in a minute, while the Date of its replies is real. Time only goes forward, so what was read once stays
true, and events that are over cost no further question.
"""

import asyncio
from datetime import UTC, datetime, timedelta

from mesh.clock import Clock
from mesh.kalshi.client import KalshiClient
from mesh.kalshi.rest.reading import SCAN, Urgency

SETTLES = timedelta(seconds=5)
"""After its end a candle may still change for a moment: reads lag behind trading."""
_FRESH_SECONDS = 1.0


class ExchangeTime:
    """A time that has passed at the exchange, asked for only as often as needed.

    Args:
        client: The exchange.
        clock: How old an answer is.
    """

    def __init__(self, client: KalshiClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._settled = datetime.min.replace(tzinfo=UTC)
        self._read_at: float | None = None
        self._one_asks = asyncio.Lock()

    async def settled(self, wanted: datetime, *, urgency: Urgency = SCAN) -> datetime:
        """Return an instant up to which candles are final: the wanted one or later where that has passed.

        Args:
            wanted: What the caller would like to have passed.
            urgency: Of the question, where one is needed.

        Raises:
            ExchangeError: It had to be asked for, and could not be learned.
        """
        async with self._one_asks:
            now = self._clock.monotonic()
            fresh = self._read_at is not None and now - self._read_at < _FRESH_SECONDS
            if self._settled < wanted and not fresh:
                told = await self._client.exchange.user_data_time(urgency=urgency)
                self._settled = max(self._settled, told.astimezone(UTC) - SETTLES)
                self._read_at = self._clock.monotonic()
        return self._settled
