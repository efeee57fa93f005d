"""Decisions made again by the code that trades, from what the journal holds. Pure.

Ages and waits are written down as lengths of time, so a decision is made again at the monotonic time zero.
"""

from datetime import datetime
from enum import StrEnum

import msgspec

from trader.domain import entering, exits, guarding
from trader.domain.entries import AnyEntry, Decided, ExitDecided, SignalSeen, Started
from trader.domain.events import Moment, SignalCame
from trader.domain.facts import TRADER, Checks
from trader.domain.settings import Settings
from trader.domain.state import Books, Guard


class Unmade(StrEnum):
    """Why a decision cannot be made again."""

    NO_START = "no_start"
    """No process is known to have begun before it."""
    OTHER_VERSION = "other_version"
    """Another version of the software made it."""
    NO_SETTINGS = "no_settings"
    """The settings of that time were not written down: an older journal."""
    UNREADABLE_SETTINGS = "unreadable_settings"
    """They were, and are none of this version's."""
    NO_SIGNAL = "no_signal"
    """The signal that it is about does not stand right before it."""
    NO_SIGHT = "no_sight"
    """What it saw was not written down: an older journal."""
    NO_CHECKS = "no_checks"
    """What the exit loop remembered was not written down: an older journal."""
    BY_A_PERSON = "by_a_person"
    """A person wanted it; no rule decided."""


def settings_of(started: Started, version: str) -> Settings | Unmade:
    """Return the settings in force after a start, if that process ran this version of the software."""
    if started.version != version:
        return Unmade.OTHER_VERSION
    if started.settings is None:
        return Unmade.NO_SETTINGS
    try:
        return Settings.model_validate_json(msgspec.json.encode(started.settings))
    except ValueError:
        return Unmade.UNREADABLE_SETTINGS


def entry_again(
    books: Books, settings: Settings | Unmade, seen: SignalSeen | None, written: Decided, time: datetime
) -> list[AnyEntry] | Unmade:
    """Decide about a signal again.

    Args:
        books: As they stood before the decision.
        settings: In force.
        seen: Entry before the decision, where it is a signal.
        written: The decision.
        time: When it was made.

    Returns:
        What is written now: the decision, and where it enters the order and its shadow; nothing where the market had
        been decided on before in that scan.
    """
    if isinstance(settings, Unmade):
        return settings
    if seen is None or (seen.scan_id, seen.ticker) != (written.scan_id, written.market.ticker):
        return Unmade.NO_SIGNAL
    if written.sight is None:
        return Unmade.NO_SIGHT
    came = SignalCame(seen.scan_id, written.market, seen.signal, seen.wire)
    return entering.judged(books, settings, came, top=written.top, sight=written.sight, now=time)


def exit_again(
    books: Books, settings: Settings | Unmade, written: ExitDecided, time: datetime
) -> ExitDecided | Unmade | None:
    """Hold the prices that sold a position against its plan again.

    Args:
        books: As they stood before the decision.
        settings: In force.
        written: The decision.
        time: When it was made.

    Returns:
        What is decided now; None where nothing is to be sold.

    Raises:
        KeyError: There is no such position.
    """
    if written.actor != TRADER:
        return Unmade.BY_A_PERSON
    if isinstance(settings, Unmade):
        return settings
    if written.checks is None:
        return Unmade.NO_CHECKS
    position, top = books.positions[written.position_id], written.top
    if top is None or not exits.fresh(top, settings) or not position.count:
        return None
    guard, moment = _guard(written.checks), Moment(time, 0.0)
    return guarding.due(position, guard, top, moment, settings=settings, journal_id=books.journal_id)


def _guard(checks: Checks) -> Guard:
    return Guard(
        opened=None if checks.held_seconds is None else -checks.held_seconds,
        below=checks.below,
        counted=None if checks.counted_seconds is None else -checks.counted_seconds,
    )
