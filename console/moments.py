"""Days and instants as people type them."""

from datetime import UTC, datetime
from typing import Any

import click


class Moment(click.ParamType[datetime]):
    """A day, which begins at its midnight in UTC, or an instant, in UTC unless it names its own zone."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read it, or fail as click does."""
        if isinstance(value, datetime):
            return value
        try:
            found = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no day or instant, such as 2026-11-01", param, ctx)
        return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
