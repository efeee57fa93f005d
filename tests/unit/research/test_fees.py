"""Fees are those that were in force in a series at the time."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from mesh.config import load as load_config
from mesh.kalshi.fees import FeeTerms
from mesh.kalshi.terms import FeeType
from research.fees import FeeRule, FeeSchedule
from research.loading import load
from research.types import Defects
from tests.fakes.recorded_stores import candle, write_candles

CHANGE = datetime(2026, 7, 3, 17, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("series", "at", "fee_type", "multiplier"),
    [
        ("KXHIGHNY", CHANGE, "quadratic", "1"),
        ("HIGHNY", CHANGE - timedelta(days=900), "quadratic", "1"),
        ("KXINXU", CHANGE - SECOND, "quadratic", "0.5"),
        ("KXINXU", CHANGE, "quadratic", "1"),
        ("INXD", datetime(2023, 4, 14, tzinfo=UTC), "quadratic", "0.5"),
        ("KXINXY", CHANGE, "quadratic_with_maker_fees", "1"),
        ("KXBTCD", CHANGE, "quadratic", "1"),
        ("KXBTCY", CHANGE, "quadratic", "0"),
    ],
)
def test_what_is_known_of_the_exchanges_fees(series: str, at: datetime, fee_type: str, multiplier: str) -> None:
    assert FeeSchedule().rule(series, at).terms == FeeTerms(FeeType(fee_type), Decimal(multiplier))


def test_a_schedule_of_ones_own_decides_by_the_longest_prefix_and_the_last_date(tmp_path: Path) -> None:
    path = tmp_path / "fees.toml"
    path.write_text(
        """
        rules = [
          {prefix = "KX", fee_type = "quadratic", multiplier = "3"},
          {prefix = "KXA", since = 2026-02-01T00:00:00Z, fee_type = "quadratic_with_maker_fees"},
          {prefix = "KXA", since = 2026-01-01T00:00:00Z, fee_type = "quadratic", multiplier = "0.25"},
        ]
        """
    )
    schedule = load_config(path, FeeSchedule)

    def of(series: str, month: int) -> tuple[str, Decimal]:
        rule = schedule.rule(series, datetime(2026, month, 15, tzinfo=UTC))
        return rule.fee_type.value, rule.multiplier

    assert of("KXB", 1) == ("quadratic", Decimal(3))
    assert of("KXAB", 1) == ("quadratic", Decimal("0.25"))
    assert of("KXAB", 2) == ("quadratic_with_maker_fees", Decimal(1))
    assert of("OTHER", 1) == ("quadratic", Decimal(1))
    before_all = schedule.rule("KXA", datetime(2025, 1, 1, tzinfo=UTC))
    assert before_all == FeeRule(fee_type=FeeType.QUADRATIC)
    said = "quadratic x 0.25 since 2026-01-01 00:00 UTC, quadratic_with_maker_fees x 1 since 2026-02-01 00:00 UTC"
    assert schedule.words("KXA") == said
    assert schedule.words("OTHER") == "quadratic x 1"


def test_a_multiplier_below_zero_is_refused() -> None:
    with pytest.raises(ValidationError, match="multiplier"):
        FeeRule(fee_type=FeeType.QUADRATIC, multiplier=Decimal(-1))


def test_a_market_has_the_fees_of_its_first_candle_and_a_change_during_its_life_is_counted(tmp_path: Path) -> None:
    for day, ends in (("26JUL02", [-30, -26]), ("26JUL03", [-2, 2])):
        rows = [candle(f"KXINX-{day}-B5000", CHANGE + timedelta(hours=hours)) for hours in ends]
        write_candles(tmp_path, rows)
    defects = Defects()
    events = list(load(tmp_path, "KXINX", step_seconds=3600, defects=defects))
    assert [event.markets[0].terms.fees.multiplier for event in events] == [Decimal("0.5")] * 2
    assert defects.counts["fees_changed_during_market"] == 1
    assert defects.examples["fees_changed_during_market"] == "KXINX-26JUL03-B5000"
