from datetime import timedelta
from pathlib import Path

import pytest

from mesh.config import ConfigError
from mesh.types import Hundredths, Micros, Side
from tests.fakes.trading import NOON
from trader.domain.facts import Trade
from trader.domain.words import ExitKind
from trader.reporting.expectation import Promise, Promises, Verdict, expectation, read
from trader.reporting.figures import Row

DIGEST = "a" * 64
FILE = f"""
backtest_digest = "{DIGEST}"
needed_trades = 60

[series.KXA]
net_cents = 1.5
low_cents = -0.5
high_cents = 3.5

[underlyings]
KXA = "A"
"""


def rows(cents: list[float], *, per_event: int = 1, series: str = "KXA", contracts: int = 1) -> list[Row]:
    found = []
    for number, net in enumerate(cents):
        event = number // per_event
        trade = Trade(
            position_id=f"p-{number}",
            ticker=f"{series}-E{event}-T{number}",
            event_ticker=f"{series}-E{event}",
            series_ticker=series,
            side=Side.NO,
            count=Hundredths(100 * contracts),
            cost=Micros(500_000 * contracts),
            proceeds=Micros(round((50 + net) * 10_000) * contracts),
            fees=Micros(0),
            exit_kind=ExitKind.TAKE_PROFIT,
            legs=(),
            entry_slippage=None,
            decision_id="d",
            open_time=NOON,
            close_time=NOON + timedelta(hours=1),
        )
        found.append(Row(number, trade, f"{series} {event}", NOON.date(), 12))
    return found


def promises(net: float = 1.5, needed: int = 60, **others: float) -> Promises:
    every = {"KXA": net} | others
    return Promises(
        backtest_digest=DIGEST,
        needed_trades=needed,
        series={name: Promise(net_cents=each, low_cents=each - 2, high_cents=each + 2) for name, each in every.items()},
    )


@pytest.mark.parametrize(("promised", "verdict"), [(6.0, Verdict.WITHIN), (12.0, Verdict.BELOW), (-4.0, Verdict.ABOVE)])
def test_the_verdict_says_where_the_promise_lies(promised: float, verdict: Verdict) -> None:
    found = expectation(rows([20.0, -8.0] * 60), promises(promised), ())
    assert found is not None
    assert found.whole.verdict is verdict
    assert found.whole.actual == pytest.approx(6.0)
    assert found.by_series["KXA"].promised_low == pytest.approx(promised - 2)
    assert (found.whole.trades, found.whole.events, found.unpromised) == (120, 120, 0)


def test_too_few_trades_say_nothing_however_clear_they_look() -> None:
    found = expectation(rows([-50.0, -49.0] * 29), promises(), ())
    assert found is not None
    assert found.whole.verdict is Verdict.NOT_ENOUGH_DATA
    assert found.whole.actual == pytest.approx(-49.5)


def test_many_trades_of_few_events_say_nothing_either() -> None:
    found = expectation(rows([-50.0, -49.0] * 100, per_event=20), promises(), ())
    assert found is not None
    assert (found.whole.trades, found.whole.events) == (200, 10)
    assert found.whole.low is None
    assert found.whole.verdict is Verdict.NOT_ENOUGH_DATA


def test_what_was_promised_of_all_is_weighted_by_what_was_traded() -> None:
    trades = [*rows([5.0] * 3, contracts=3), *rows([1.0], series="KXB")]
    found = expectation([*trades, *rows([9.0], series="KXC")], promises(2.0, KXB=12.0), ())
    assert found is not None
    assert found.whole.promised == pytest.approx((9 * 2.0 + 12.0) / 10)
    assert found.unpromised == 1


def test_without_a_trade_the_promise_still_stands_there() -> None:
    found = expectation([], promises(2.0, KXB=4.0), ())
    assert found is not None
    assert found.whole.promised == pytest.approx(3.0)
    assert found.whole.actual is None
    assert found.whole.verdict is Verdict.NOT_ENOUGH_DATA


def test_series_that_nothing_is_promised_of_have_no_expectation() -> None:
    assert expectation(rows([1.0]), promises(), ("KXZ",)) is None


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "expectation.toml"
    path.write_text(FILE)
    found = read(path)
    assert found.series["KXA"].net_cents == 1.5
    assert found.underlyings == {"KXA": "A"}
    assert found.confidence_level == 0.95


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("net_cents = 1.5", "net_cents = 4.5", "net_cents must lie between"),
        ("needed_trades", "need_trades", "did you mean 'needed_trades'"),
        (DIGEST, "abc", "pattern"),
        ("[series.KXA]", "[series.lower]", "pattern"),
        ("low_cents = -0.5\n", "", "is required"),
    ],
)
def test_a_wrong_file_is_refused_by_name(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "expectation.toml"
    path.write_text(FILE.replace(old, new))
    with pytest.raises(ConfigError, match=said):
        read(path)
