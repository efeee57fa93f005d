"""Days of markets on a clock that runs faster: real exchange, real forecasts, traders that are killed at random.

    make days                                           a generated day and a recorded week, some 50 minutes
    DAYS_SPEED=240 DAYS_SEED=7 make days                faster, and with the same kills as far as timing allows

One trader has an account at the exchange, one a paper account beside it. At the end every book is held against the
exchange's own: orders, fills, contracts, fees, cash, settlements and results, to the micro.
"""

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from mesh.types import micros_from_dollars
from tests.fakes.collection import Daemon
from tests.fakes.exchange_process import BIN
from tests.fakes.trader_process import TraderProcess, TradingDesk, books_equal, every, trading
from trader.domain.entries import Decided, Differed, Filled, OrderSent, OrderUnknown, PositionClosed, Started
from trader.domain.words import ExitKind

SPEED = float(os.environ.get("DAYS_SPEED", "120"))
SEED = int(os.environ.get("DAYS_SEED") or random.SystemRandom().randrange(1 << 32))
DATA = Path(__file__).parents[3] / "shared" / "data"
DAY = timedelta(days=1)
pytestmark = [pytest.mark.days, pytest.mark.timeout(10 * 3600)]

POLICY = """
version = "days"
[[exits]]
asset = "All"
series_prefix = ""
take_profit_cents = 6.0
stop_loss_cents = 5.0
[[confidence]]
asset = "All"
series_prefix = ""
rule = "magnitude"
medium = 1.0
medium_high = 5.0
high = 10.0
"""
LIBERAL = (
    "rules.min_magnitude_cents=1",
    "rules.min_edge_cents=-100",
    "rules.max_trades_per_series_per_scan=6",
    "scan_seconds=300",
    "useful_seconds=120",
    "reconcile_seconds=60",
    f"entries.expire_seconds={max(15.0, SPEED / 6)}",
    "exits.check_seconds=5",
    "exits.grace_seconds=10",
    "exits.retry_seconds=2",
    "sizes.max_event_dollars=90",
    "sizes.max_series_dollars=200",
    "sizes.max_settlement_dollars=300",
    "sizes.max_total_dollars=500",
    "protections.max_daily_loss_dollars=900",
    "protections.max_drawdown_dollars=900",
    "protections.stop_guard_count=1000",
    "protections.calibration_min_share=0",
    "protections.max_unknown_orders=1000",
    "protections.max_book_age_seconds=120",
    "protections.max_exit_silence_seconds=600",
    "group_contracts=0",
    "paper.latency_seconds=1",
)
"""Much is bought, so that much can go wrong. At 120 times real time a sixth of a second is twenty."""


@contextmanager
def forecasting(folder: Path, clock: tuple[str, ...]) -> Iterator[str]:
    """Serve forecasts of the embedded model; gives the address."""
    (folder / "policy.toml").write_text(POLICY)
    settings = (
        'rpc.listen=["127.0.0.1:0"]',
        'rpc.metrics_listen="off"',
        'log.format="json"',
        'model.name="random-walk"',
        f"policy_file={folder / 'policy.toml'}",
        *clock,
    )
    words = [word for setting in settings for word in ("--set", setting)]
    daemon = Daemon([str(BIN / "foremesh-forecast-server"), *words], folder / "forecast.log")
    daemon.start()
    try:
        address = daemon.wait_for("serving")["addresses"][0]
        daemon.wait_for("ready")
        yield str(address)
    finally:
        daemon.kill()


class Days:
    """Some days of two traders."""

    def __init__(self, desk: TradingDesk, forecast_address: str, clock: tuple[str, ...], series: str) -> None:
        self.random = random.Random(SEED)  # noqa: S311  repeatable
        self.series = series
        style, resting = self.random.choice(["take", "rest"]), self.random.choice(["true", "false"])
        print(f"entries.style={style} exits.rest_take_profit={resting}", flush=True)
        settings = (
            *LIBERAL,
            *clock,
            f'forecast.targets=["{forecast_address}"]',
            f"series={series}",
            f"entries.style={style}",
            f"exits.rest_take_profit={resting}",
        )
        self.member = desk.trader("member", *settings)
        stream = desk.key("trader-23")  # polling each second of a fast clock is more than may be asked without a key
        self.paper = desk.trader("paper", *settings, *stream, mode="paper")
        self.desk = desk

    def live(self, until: datetime) -> None:
        """Let the time pass, with kills."""
        traders = [self.member, self.paper]
        for trader in traders:
            trader.start()
        said = 0.0
        while (now := self.now()) < until:
            time.sleep(self.random.uniform(0.5, 20.0))
            trader = self.random.choice(traders)
            assert not trader.daemon.ended, trader.daemon.said()[-6000:]
            if self.random.random() < 0.5:
                trader.kill()
                trader.start()
            if time.monotonic() > said + 60:
                said = time.monotonic()
                print(f"{now:%m-%d %H:%M}", dict(self.counts(self.member)), dict(self.counts(self.paper)), flush=True)

    def now(self) -> datetime:
        """The exchange's time."""
        return datetime.fromisoformat(self.desk.exchange.admin("GET", "/healthz")[1]["exchange_time"])

    @staticmethod
    def counts(trader: TraderProcess) -> Counter[str]:
        """How often what is in a journal."""
        kinds = (Started, Decided, OrderSent, OrderUnknown, Filled, PositionClosed, Differed)
        return Counter({kind.__name__: len(trader.written(kind)) for kind in kinds})

    def end(self) -> None:
        """Enter nothing more, let what is on its way arrive, and compare."""
        for trader in (self.member, self.paper):
            trader.kill_switch.touch()
        until = time.monotonic() + 120
        while True:
            try:
                books_equal(self.member)
                settled_equal(self.member)
                break
            except AssertionError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.5)
        for trader in (self.member, self.paper):
            differed = trader.written(Differed)
            assert not differed, differed
            assert trader.stop() == 0
            print(trader.name or "paper", dict(self.counts(trader)), dict(kinds(trader)), flush=True)


def kinds(trader: TraderProcess) -> Counter[str]:
    """How positions ended."""
    return Counter(entry.trade.exit_kind.value for entry in trader.written(PositionClosed))


def settled_equal(trader: TraderProcess) -> None:
    """What was earned is what the cash shows, and every settlement of the account ended a position."""
    books, call = trader.books(), trader.call
    start = micros_from_dollars("1000.00")
    earned = sum(entry.trade.net for entry in trader.written(PositionClosed))
    bound = sum(position.cost + position.entry_fees - position.realised for position in books.positions.values())
    assert trader.cash() == start + earned - bound
    settled = {row["ticker"] for row in every(call, "settlements")}
    ended = {
        entry.trade.ticker for entry in trader.written(PositionClosed) if entry.trade.exit_kind is ExitKind.SETTLEMENT
    }
    assert ended <= settled


def whole_days(tmp_path: Path, source: tuple[str, ...], start: datetime, days: int, series: str) -> None:
    print(f"DAYS_SEED={SEED} DAYS_SPEED={SPEED:g}", flush=True)
    since = datetime.now(UTC)
    clock = (f"clock.speed={SPEED}", f'clock.start="{start.isoformat()}"', f'clock.since="{since.isoformat()}"')
    with trading(tmp_path, *source, *clock) as desk, forecasting(tmp_path, clock) as address:
        run = Days(desk, address, clock, series)
        run.live(start + days * DAY)
        run.end()
        bought = run.member.written(PositionClosed)
        assert len(bought) >= days, "a test in which little happens"


def test_after_a_generated_day_with_kills_every_book_is_equal(tmp_path: Path) -> None:
    source = (
        'source.series=[{ ticker = "KXHIGHNY", spread_cents = 1.0, noise_cents = 3.0, volatility = 2.0 }, '
        '{ ticker = "KXHIGHCHI", spread_cents = 2.0, volatility = 2.0 }]',
    )
    series = '[{ ticker = "KXHIGHNY", price = "mid" }, { ticker = "KXHIGHCHI", price = "mid" }]'
    whole_days(tmp_path, source, datetime(2026, 11, 24, 12, tzinfo=UTC), 1, series)


@pytest.mark.skipif(not DATA.exists(), reason="no recorded markets beside the project")
def test_after_a_recorded_week_with_kills_every_book_is_equal(tmp_path: Path) -> None:
    first = date(2025, 12, 5)
    days = ", ".join(f'"{first + each * DAY}"' for each in range(9))
    source = (
        'source.kind="recorded"',
        f'source.folder="{DATA / "kalshi"}"',
        'source.series=["KXHIGHNY"]',
        f"source.days=[{days}]",
        f'source.observations="{DATA / "underlying" / "daily_high_temperature.parquet"}"',
    )
    series = '[{ ticker = "KXHIGHNY", price = "mid" }]'
    whole_days(tmp_path, source, datetime(2025, 12, 5, 16, tzinfo=UTC), 7, series)
