"""Minutes of trading while everything goes wrong at random: at the end the trader's books are the exchange's own.

make chaos                                    two minutes with a seed of its own, which is printed
CHAOS_SECONDS=3600 CHAOS_SEED=7 make chaos    an hour; the seed repeats what is done, not the machine's timing
"""

import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.trader_process import TraderProcess, TradingDesk, books_equal, every, trading
from trader.domain.entries import Differed, Filled, OrderSent, OrderUnknown, PositionClosed, Started
from trader.domain.words import Purpose

SECONDS = float(os.environ.get("CHAOS_SECONDS", "120"))
SEED = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(1 << 32))
MARKETS = 6
pytestmark = [pytest.mark.chaos, pytest.mark.timeout(SECONDS + 200)]

SETTINGS = (
    "sizes.max_event_dollars=60",
    "sizes.max_series_dollars=60",
    "sizes.max_settlement_dollars=60",
    "rules.max_trades_per_series_per_scan=10",
    "protections.max_daily_loss_dollars=900",
    "protections.max_drawdown_dollars=900",
    "protections.stop_guard_count=1000",
    "protections.calibration_min_share=0",
    "protections.max_unknown_orders=1000",
    "group_contracts=0",
)


class Chaos:
    """One run: what is done to one trader, drawn from a seed."""

    def __init__(self, desk: TradingDesk, seed: int) -> None:
        self.desk = desk
        self.random = random.Random(seed)  # noqa: S311  repeatable
        style = self.random.choice(["take", "rest"])
        resting = self.random.choice(["true", "false"])
        self.trader = desk.trader("chaos", *SETTINGS, f"entries.style={style}", f"exits.rest_take_profit={resting}")
        self.tickers = [desk.ticker() for _ in range(MARKETS)]
        self.log: list[str] = []

    def run(self, seconds: float) -> None:
        """Do things at random, then let everything come to rest."""
        steps: list[Callable[[], None]] = [self.move] * 12 + [self.fault] * 4 + [self.heal] * 3 + [self.kill] * 2
        steps += [self.pause, self.forecast, self.forecast]
        for ticker in self.tickers:
            self.desk.quote(ticker, bid=54, ask=56)
        self.forecast()
        self.trader.start()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.random.choice(steps)()
            time.sleep(self.random.uniform(0.0, 0.6))
            assert not self.trader.daemon.ended, f"{self.log}\n{self.trader.daemon.said()[-4000:]}"
        self.rest()

    def move(self) -> None:
        """Let a price go somewhere, at times with nobody on a side, at times with little size."""
        ticker, bid = self.random.choice(self.tickers), self.random.randint(25, 88)
        ask = bid + self.random.randint(1, 4)
        size = self.random.choice([1.0, 2.5, 100_000.0])
        one_sided = self.random.random()
        self.note(f"{ticker} {bid}/{ask} of {size}, {one_sided:.2f}")
        self.desk.quote(ticker, bid=None if one_sided < 0.1 else bid, ask=None if one_sided > 0.9 else ask, size=size)

    def fault(self) -> None:
        """Let something go wrong with a few of the trader's requests or messages."""
        account, count = self.trader.name, self.random.randint(1, 4)
        writes = {"method": self.random.choice(["POST", "DELETE"]), "path": "*/portfolio/events/orders*"}
        reads = {"method": "GET", "path": self.random.choice(["*/portfolio/*", "*/markets*", "*"])}
        seconds = self.random.uniform(0.05, 2.0)
        rule: dict[str, Any] = self.random.choice(
            [
                {"kind": "reply_lost", **writes},
                {"kind": "no_body_object", **writes},
                {"kind": "drop_socket", **writes},
                {"kind": "latency", "seconds": seconds, **writes},
                {"kind": "server_error", "status": 503, "executed": True, **writes},
                {"kind": "server_error", "status": 504, **writes},
                {"kind": "too_many_requests", **writes},
                {"kind": "partial_fill", "contracts": "1.00"},
                {"kind": "server_error", "status": 500, **reads},
                {"kind": "latency", "seconds": seconds, **reads},
                {"kind": "stale_reads", "seconds": seconds, **reads},
                {"kind": "drop_socket", "channel": self.random.choice(["*", "fill", "user_orders"])},
                {"kind": "duplicate_message", "channel": "*"},
                {"kind": "reorder_messages", "channel": "*"},
                {"kind": "skip_seq", "channel": "*"},
            ]
        )
        self.note(str(rule))
        self.desk.fault(**rule, account=account, count=count)

    def heal(self) -> None:
        self.note("healed")
        self.desk.heal()

    def kill(self) -> None:
        self.note("killed")
        self.trader.kill()
        self.trader.start()

    def pause(self) -> None:
        self.note("paused")
        self.desk.exchange.admin("POST", "/pause", {"scope": "trading"})
        time.sleep(self.random.uniform(0.1, 1.0))
        self.desk.exchange.admin("POST", "/resume", {"scope": "trading"})

    def forecast(self) -> None:
        """Let some markets move down."""
        self.desk.forecasts.hush()
        chosen = [ticker for ticker in self.tickers if self.random.random() < 0.7]
        self.note(f"signals for {chosen}")
        self.desk.forecasts.say(*chosen, take_profit=self.random.randint(3, 15), stop_loss=self.random.randint(5, 12))

    def rest(self) -> None:
        """Nothing goes wrong any more, and every price is one at which everything is sold."""
        self.note("at rest")
        self.desk.heal()
        self.desk.forecasts.hush()
        for ticker in self.tickers:
            self.desk.quote(ticker, bid=95, ask=97)
        self.trader.wait_flat(90.0)

    def note(self, what: str) -> None:
        self.log.append(f"{time.strftime('%X')} {what}")


def never_two_for_one_decision(trader: TraderProcess) -> None:
    """Every order of the account is on record, and no entry was sent twice."""
    orders = every(trader.call, "orders")
    sent = [entry.client_order_id for entry in trader.written(OrderSent)]
    assert len(sent) == len(set(sent))
    assert {order["client_order_id"] for order in orders} <= set(sent)
    for order in trader.books().orders.values():
        assert order.terms.purpose is Purpose.ENTRY or order.terms.reduce_only or order.terms.post_only


def test_after_minutes_of_kills_faults_and_books_at_random_the_books_are_equal(tmp_path: Path) -> None:
    print(f"CHAOS_SEED={SEED}")
    with trading(tmp_path) as desk:
        chaos = Chaos(desk, SEED)
        trader = chaos.trader
        try:
            chaos.run(SECONDS)
            books_equal(trader)
            never_two_for_one_decision(trader)
            assert trader.written(Differed) == []
            assert trader.stop() == 0
        except BaseException:
            print(*chaos.log, trader.daemon.said()[-8000:], sep="\n")
            raise
        kinds = (Started, OrderSent, OrderUnknown, Filled, PositionClosed)
        print({kind.__name__: len(trader.written(kind)) for kind in kinds})
