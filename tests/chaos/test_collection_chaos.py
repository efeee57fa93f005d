"""Three collectors and a coordinator are killed, stopped and restarted at random while the exchange has faults.

    make chaos                                    three minutes with a seed of its own, which is printed
    CHAOS_SECONDS=3600 CHAOS_SEED=7 make chaos    an hour, repeatable as far as the machine's timing is

Afterwards everything is as if nothing had happened: every shard committed, once per epoch, with the right hash, rows
equal to the exchange's, no file visible that the manifest does not name.
"""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes.collection import Collection, Daemon, collection, wait_for
from tests.fakes.collection_truth import assert_visible_is_whole, assert_whole, commits

SECONDS = float(os.environ.get("CHAOS_SECONDS", "180"))
SEED = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(1 << 32))
NAMES = ("a", "b", "c")
EXCHANGE = """
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"
[source]
kind = "generated"
series = [{ ticker = "KXHIGHNY", history_hours = 400.0 }, { ticker = "KXETH", history_hours = 20.0 }]
[log]
format = "json"
"""
FAULTS: list[dict[str, object]] = [
    {"kind": "too_many_requests", "path": "*candlesticks*", "probability": 0.3},
    {"kind": "server_error", "path": "*", "probability": 0.2},
    {"kind": "latency", "path": "*candlesticks*", "seconds": 2.0},
    {"kind": "drop_socket", "path": "*", "probability": 0.2},
    {"kind": "no_body_object", "path": "*candlesticks*", "probability": 0.3},
]

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(SECONDS + 300)]


@pytest.fixture
def mesh(tmp_path: Path) -> Iterator[Collection]:
    settings = (
        'series=[{ticker="KXHIGHNY", steps=["60m", "1m"]}, {ticker="KXETH", steps=["1m"]}]',
        "lease.retry_holes_seconds=[1.0, 1.0, 1.0, 1.0, 1.0, 1.0]",
        "lease.refresh_seconds=10.0",
    )
    with collection(tmp_path, *settings, exchange=EXCHANGE) as made:
        yield made


def test_nothing_is_lost_doubled_or_half_visible_whatever_dies(mesh: Collection) -> None:
    print(f"CHAOS_SEED={SEED}")
    dice = random.Random(SEED)  # noqa: S311  repeatable
    mesh.start(*NAMES, held_leases=3, **{"kalshi.unauthenticated_per_second": 1})
    until, blows = time.monotonic() + SECONDS, 0
    while time.monotonic() < until:
        blow: Callable[[Collection, random.Random], None] = dice.choice((killed, stopped, restarted, orphaned, faulty))
        blow(mesh, dice)
        blows += 1
        assert_visible_is_whole(mesh)
        time.sleep(dice.uniform(0.0, 1.5))
    mesh.exchange.admin("DELETE", "/faults")
    entered = commits(mesh)
    print(f"{blows} blows; {entered.total()} commits of {len(entered)} events so far")
    assert entered.total() > len(entered), "there was work all the time"

    shards = mesh.wait_collected(120)
    wait_for(lambda: not any(mesh.incoming(name) for name in NAMES), 60, why="files are left over")
    wait_for(lambda: not any(shard.holes for shard in mesh.shards()), 120, why="holes are left")
    shards = mesh.wait_collected(60)
    assert_whole(mesh, shards)


def killed(mesh: Collection, dice: random.Random) -> None:
    """A collector dies and comes back."""
    name = dice.choice(NAMES)
    mesh.collectors[name].kill()
    time.sleep(dice.uniform(0.0, 6.0))
    mesh.start(name)


def stopped(mesh: Collection, dice: random.Random) -> None:
    """A collector is held up, perhaps past its leases."""
    daemon = mesh.collectors[dice.choice(NAMES)]
    held(daemon, dice.uniform(0.2, 8.0))


def restarted(mesh: Collection, dice: random.Random) -> None:
    """A collector is told to stop, and started again."""
    name = dice.choice(NAMES)
    assert mesh.collectors[name].stop() in (0, -signal.SIGTERM), "the latter only before it has begun"
    mesh.start(name)


def orphaned(mesh: Collection, dice: random.Random) -> None:
    """The coordinator dies, or is held up."""
    if dice.random() < 0.5:
        held(mesh.coordinator, dice.uniform(0.2, 6.0))
        return
    mesh.coordinator.kill()
    time.sleep(dice.uniform(0.0, 5.0))
    mesh.coordinator.start()


def faulty(mesh: Collection, dice: random.Random) -> None:
    """The exchange has another fault, or none."""
    mesh.exchange.admin("DELETE", "/faults")
    if dice.random() < 0.7:
        status, body = mesh.exchange.admin("POST", "/faults", dice.choice(FAULTS))
        assert status < 300, body


def held(daemon: Daemon, seconds: float) -> None:
    daemon.signal(signal.SIGSTOP)
    time.sleep(seconds)
    daemon.signal(signal.SIGCONT)
