"""What the exchange charged in a series at a time, as far as it is known: candles do not say it.

The schedule is a table of rules; of those whose prefix a series' ticker begins with, the longest prefix decides, and of
its rules the last that was in force. In TOML:

    [[rules]]
    prefix = "KXINX"
    fee_type = "quadratic"
    multiplier = "0.5"

    [[rules]]
    prefix = "KXINX"
    since = 2026-07-03T17:00:00Z
    fee_type = "quadratic"
    multiplier = "1"
"""

from datetime import UTC, datetime
from decimal import Decimal

from pydantic import AwareDatetime, Field

from mesh.config import Strict
from mesh.kalshi.fees import FeeTerms
from mesh.kalshi.terms import FeeType

_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
_INDEX_CHANGE = datetime(2026, 7, 3, 17, tzinfo=UTC)


class FeeRule(Strict):
    """Fees of the series whose tickers begin alike."""

    prefix: str = ""
    """Of tickers of series; empty is every series."""
    since: AwareDatetime = _BEGINNING
    """In force from then on."""
    fee_type: FeeType
    """The exchange's word for its formula."""
    multiplier: Decimal = Field(default=Decimal(1), ge=0)
    """Of the formula; a string, such as `"0.5"`."""

    @property
    def terms(self) -> FeeTerms:
        """As the fee formula takes them."""
        return FeeTerms(self.fee_type, self.multiplier)


def _rule(prefix: str, fee_type: FeeType, multiplier: str = "1", since: datetime = _BEGINNING) -> FeeRule:
    return FeeRule(prefix=prefix, since=since, fee_type=fee_type, multiplier=Decimal(multiplier))


def _known() -> tuple[FeeRule, ...]:
    """Rules as the exchange's own lists and notices gave them in 2026; everything else pays the ordinary fee."""
    plain, makers = FeeType.QUADRATIC, FeeType.QUADRATIC_WITH_MAKER_FEES
    index = [
        rule
        for prefix in ("INX", "NASDAQ100", "KXINX", "KXNASDAQ100")
        for rule in (_rule(prefix, plain, "0.5"), _rule(prefix, plain, since=_INDEX_CHANGE))
    ]
    resting = [_rule(prefix, makers) for prefix in ("KXINXY", "KXNASDAQ100Y", "KXBTCMAX125", "KXBTCMAX150")]
    free = [_rule(prefix, plain, "0") for prefix in ("KXBTCY", "KXETHY")]
    return (_rule("", plain), *index, *resting, *free)


class FeeSchedule(Strict):
    """Which fees were charged where and when."""

    rules: tuple[FeeRule, ...] = Field(default_factory=_known, min_length=1)
    """In any order; a series that none covers pays the ordinary fee, `quadratic` with multiplier 1."""

    def rule(self, series_ticker: str, at: datetime) -> FeeRule:
        """Return the rule of a series at an aware time."""
        found = [rule for rule in self._of(series_ticker) if rule.since <= at]
        return found[-1] if found else FeeRule(fee_type=FeeType.QUADRATIC)

    def words(self, series_ticker: str) -> str:
        """Say for people what a series paid, in the order of time."""
        rules = self._of(series_ticker) or [FeeRule(fee_type=FeeType.QUADRATIC)]
        return ", ".join(
            f"{rule.fee_type.value} x {rule.multiplier}"
            + ("" if rule.since == _BEGINNING else f" since {rule.since.astimezone(UTC):%Y-%m-%d %H:%M} UTC")
            for rule in rules
        )

    def _of(self, series_ticker: str) -> list[FeeRule]:
        covering = [rule for rule in self.rules if series_ticker.startswith(rule.prefix)]
        longest = max((len(rule.prefix) for rule in covering), default=0)
        return sorted((rule for rule in covering if len(rule.prefix) == longest), key=lambda rule: rule.since)
