from datetime import timedelta

from research.statistics.tail import Tail, Worst, tail
from tests.fakes.trade_rows import FIRST_DAY, row


def look(*rows: object) -> Tail:
    found = tail(list(rows))  # type: ignore[arg-type]
    assert found is not None
    return found


def test_the_worst_day_may_be_of_several_events_and_the_worst_event_of_one() -> None:
    found = look(row(-10, event=1), row(-10, event=1, series="KXB"), row(-15, event=2), row(30, event=3))
    assert found.day == Worst("2026-01-07", -200_000)  # type: ignore[arg-type]
    assert found.event == Worst("KXA-26JAN07", -150_000)  # type: ignore[arg-type]


def test_the_drawdown_is_the_deepest_fall_from_the_highest_so_far() -> None:
    found = look(*(row(net, event=day) for day, net in enumerate([10, -4, 7, -20, 5, -3, 40, -10])))
    assert found.drawdown == 200_000
    assert found.drawdown_time == row(event=3).exit_time
    assert look(row(-7), row(20, event=1)).drawdown == 70_000
    risen = look(row(1), row(2, event=1))
    assert (risen.drawdown, risen.drawdown_time) == (0, None)


def test_what_is_lost_at_one_moment_is_netted() -> None:
    assert look(row(-30), row(25, market=1)).drawdown == 50_000


def test_all_that_is_open_together_may_be_lost_together() -> None:
    hour = timedelta(hours=1)
    rows = [
        row(price_cents=60, contracts=2, fees=(5_000, 0), entry_time=FIRST_DAY, exit_time=FIRST_DAY + 2 * hour),
        row(price_cents=50, market=1, entry_time=FIRST_DAY + hour, exit_time=FIRST_DAY + 3 * hour),
        row(price_cents=70, market=2, entry_time=FIRST_DAY + 2 * hour, exit_time=FIRST_DAY + 4 * hour),
    ]
    found = look(*rows)
    assert found.at_risk == 1_205_000 + 500_000
    assert found.at_risk_time == FIRST_DAY + hour
    assert tail([]) is None
