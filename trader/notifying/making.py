"""Choosing how the owner is told."""

from mesh.secret import read_secret
from trader.config import NotifyConfig
from trader.notifying.log import LogNotifier
from trader.notifying.phone import PhoneNotifier
from trader.ports import Notifier


def notifier(config: NotifyConfig) -> Notifier:
    """Make the notifier that is configured. Raises ConfigError where its file cannot be used."""
    return LogNotifier() if config.url_file is None else PhoneNotifier(read_secret(config.url_file))
