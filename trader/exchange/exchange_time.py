"""Between this machine's clock and the exchange's, by which it ends orders and stamps records."""

from datetime import datetime, timedelta

from mesh.kalshi.client import KalshiClient

COPY_SECONDS = 15.0
"""A public record may be a copy this old, which something in front of the exchange has kept."""
_UNSURE = timedelta(seconds=2)  # what the measured offset may be wrong by


class ExchangeTime:
    """Translates instants by the offset that the client has measured; by none before its first reply."""

    def __init__(self, client: KalshiClient) -> None:
        self._server = client.transport.sender.server_clock

    def theirs(self, ours: datetime) -> datetime:
        """Return what the exchange's clock shows at an instant of ours."""
        return ours + self._offset

    def ours(self, theirs: datetime) -> datetime:
        """Return what this machine's clock shows at an instant of the exchange."""
        return theirs - self._offset

    def since(self, ours: datetime) -> datetime:
        """Return what to ask the exchange for where all since an instant of ours is wanted: a little more than that."""
        return self.theirs(ours) - _UNSURE

    @property
    def _offset(self) -> timedelta:
        return timedelta(seconds=self._server.offset_seconds or 0.0)
