"""How long the line is trusted."""

from trader.domain.settings import ProtectionSettings
from trader.exchange.markets import CONFIRM_SECONDS, POLL_SECONDS
from trader.exchange.reaching import PATIENCE


def test_a_line_that_died_is_noticed_before_a_book_counts_as_old() -> None:
    """Until then its books are confirmed: by the time they are not, they must not have been bought on."""
    assert PATIENCE.silence_seconds + CONFIRM_SECONDS < ProtectionSettings().max_book_age_seconds


def test_polls_come_before_a_book_counts_as_old() -> None:
    assert ProtectionSettings().max_book_age_seconds > POLL_SECONDS
