"""Telling the owner where no service is configured: in the log."""

from mesh import log
from trader.domain.entries import Notified
from trader.domain.words import Urgency

_log = log.get(__name__)


class LogNotifier:
    """Writes each message to the log."""

    async def send(self, notice: Notified) -> None:
        """Write one message."""
        say = _log.warning if notice.urgency in {Urgency.HIGH, Urgency.EMERGENCY} else _log.info
        say("notification", urgency=notice.urgency.value, title=notice.title, text=notice.text)
