"""Telling the owner through apprise, which speaks to Pushover and a hundred other services.

apprise is imported when the first notifier is made: it is large, and a trader that tells nobody does not need it.
"""

import importlib
import logging
import re
import warnings
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Protocol, cast
from urllib.parse import unquote

from yarl import URL

from mesh.config import ConfigError
from mesh.errors import Unavailable
from mesh.secret import Secret
from trader.domain.entries import Notified
from trader.domain.words import Urgency

_PUSHOVER = "pover"
_EMERGENCY_EVERY_SECONDS, _EMERGENCY_UNTIL_SECONDS = 60, 3600
"""Pushover repeats an emergency so often and for so long, until somebody acknowledges it."""
_PRIORITY: Mapping[Urgency, str] = MappingProxyType(
    {Urgency.QUIET: "low", Urgency.NORMAL: "normal", Urgency.HIGH: "high", Urgency.EMERGENCY: "emergency"}
)
_TALKATIVE = ("apprise", "urllib3")
"""Loggers that write whole requests, with all that is secret in them, at the level debug."""
_KIND: Mapping[Urgency, str] = MappingProxyType(
    {Urgency.QUIET: "info", Urgency.NORMAL: "info", Urgency.HIGH: "warning", Urgency.EMERGENCY: "failure"}
)
"""apprise's own word, which other services show as a colour or a sign."""


class Delivering(Protocol):
    """What is used of `apprise.Apprise`."""

    def add(self, servers: str) -> bool:
        """Add a service; False where its URL is not understood."""
        ...

    async def async_notify(self, body: str, title: str, notify_type: str) -> bool | None:
        """Send to all services; false where one did not take it."""
        ...


class PhoneNotifier:
    """Sends each message with a priority that fits its urgency, to the services of the given URLs.

    The URLs carry keys and tokens: no error and no log line shows them.
    """

    def __init__(self, urls: Secret) -> None:
        """Take apprise's URLs, one a line. Raises ConfigError where one is not understood, or apprise is missing."""
        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.WARNING)
        for part in _parts(urls.reveal()):
            Secret(part)  # apprise's warnings quote the part of a URL that is wrong
        self._services = {urgency: _services(urls, urgency) for urgency in Urgency}

    async def send(self, notice: Notified) -> None:
        """Send one message. Raises Unavailable where a service did not take it."""
        service = self._services[notice.urgency]
        if not await service.async_notify(body=notice.text, title=notice.title, notify_type=_KIND[notice.urgency]):
            raise Unavailable("the notification service did not take the message", reason="NOT_NOTIFIED")


def _services(urls: Secret, urgency: Urgency) -> Delivering:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of what apprise itself imports when it first sees a URL
        try:
            made = cast("Delivering", importlib.import_module("apprise").Apprise())
        except ImportError:
            missing = "notify.url_file: the package apprise is not installed: pip install 'foremesh[trader]'"
            raise ConfigError(missing) from None
        for number, url in enumerate(filter(None, map(str.strip, urls.reveal().splitlines())), start=1):
            said = Secret(with_priority(url, urgency))  # as it is said, it stays out of the log too
            if not made.add(said.reveal()):
                raise ConfigError(f"notify.url_file: URL {number} is none that apprise understands")
    return made


def _parts(urls: str) -> Iterator[str]:
    """Yield what URLs consist of, except names of hosts: services differ in where they have their keys."""
    for url in urls.split():
        place, _, query = url.partition("://")[2].partition("?")
        authority, _, path = place.partition("/")
        user, _, host = authority.rpartition("@")
        named = "." in host or host.partition(":")[0] == "localhost"
        values = (pair.partition("=")[2] for pair in query.split("&"))
        for part in (*re.split("[:@]", user), *([] if named else host.split(":")), *re.split("[/:@]", path), *values):
            yield unquote(part)


def with_priority(url: str, urgency: Urgency) -> str:
    """Say a Pushover URL with the priority that an urgency has there; any other URL as it is."""
    if url.partition("://")[0].lower() != _PUSHOVER:
        return url
    parsed = URL(url, encoded=True)
    query = {"priority": _PRIORITY[urgency]}
    if urgency is Urgency.EMERGENCY:
        query |= {"interval": str(_EMERGENCY_EVERY_SECONDS), "expire": str(_EMERGENCY_UNTIL_SECONDS)}
    return str(parsed.update_query(query))
