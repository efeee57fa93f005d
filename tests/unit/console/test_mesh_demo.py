"""What the demo tells its daemons is what they take, and its screen fits the terminal."""

import io
import tomllib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from collector.config import CollectorConfig
from collector.coordinator.config import CoordinatorConfig
from console.mesh_demo import settings
from console.mesh_demo.books import Line
from console.mesh_demo.screen import Screen
from console.mesh_demo.settings import Plan, Settings
from console.mesh_demo.sight import Sight
from forecast_server.config import ForecastServerConfig
from mesh.config import Strict, load
from sim_exchange.config import ExchangeConfig
from trader.config import TraderConfig

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
URL = "https://127.0.0.1:8790"
PLAN = Plan(
    source={"kind": "generated", "series": [{"ticker": "KXHIGHNY", "spread_cents": 1.0}]},
    series=("KXHIGHNY",),
    model="random-walk",
    speed=480.0,
    start=NOON - timedelta(days=1),
    since=NOON,
    mode="paper",
)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (ExchangeConfig, settings.exchange(PLAN, Path("demo"))),
        (ForecastServerConfig, settings.forecast_server(PLAN, Path("demo"))),
        (CoordinatorConfig, settings.coordinator(PLAN, Path("demo"), URL)),
        (CollectorConfig, settings.collector(1, Path("demo"), URL, "127.0.0.1:8788")),
        (TraderConfig, settings.trader(PLAN, Path("demo"), URL, "127.0.0.1:8787")),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_every_daemon_takes_what_it_is_told(tmp_path: Path, kind: type[Strict], told: Settings) -> None:
    file = tmp_path / "told.toml"
    file.write_text(settings.toml(told))

    assert load(file, kind).model_fields_set


@pytest.mark.parametrize("speed", [1.0, 2.0, 2000.0])
def test_the_trader_takes_every_speed_that_may_be_asked_for(tmp_path: Path, speed: float) -> None:
    file = tmp_path / "told.toml"
    file.write_text(settings.toml(settings.trader(replace(PLAN, speed=speed), tmp_path, URL, "127.0.0.1:8787")))

    assert load(file, TraderConfig).clock.speed == speed


def test_settings_are_read_back_as_they_were() -> None:
    table = {"a.text": 'say "no"\n', "a.yes": True, "a.half": 0.5, "b": [{"c": 1, "d": ["x", "y"]}], "e": Path("f")}

    assert tomllib.loads(settings.toml(table)) == {
        "a": {"text": 'say "no"\n', "yes": True, "half": 0.5},
        "b": [{"c": 1, "d": ["x", "y"]}],
        "e": "f",
    }


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40)])
def test_the_screen_says_what_is_not_known_yet_and_fits(width: int, height: int) -> None:
    sight = Sight(daemons={"exchange": ("ready", 7), "trader": ("starting", None)}, away={"trader": "not there\nyet"})
    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=False)
    console.print(Screen(PLAN, sight))
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()

    assert len(lines) <= height
    assert max(map(len, lines)) <= width
    assert sum("not heard of yet" in line for line in lines) == 2
    assert "no open positions" in lines


def test_a_line_of_the_books_is_the_same_only_where_both_say_the_same() -> None:
    assert Line("fills", {"a"}, {"a"}).same
    assert not Line("fills", {"a"}, {"b"}).same
