"""How a run of research ends before its end."""

from datetime import timedelta
from pathlib import Path

import click
import pytest

from console import backtest_run
from console.backtest_run import OnProgress
from console.connection import OptionError
from console.research_options import Asked, Trading
from console.research_running import GOES_ON
from mesh.errors import NotReady, Unavailable
from mesh.kalshi.pasts import PriceKind
from research.scanning import Tally
from tests.fakes.backtests import plan, recording
from tests.fakes.recorded_stores import SERIES


def asked(root: Path) -> Asked:
    return Asked(
        series=SERIES,
        root=root,
        horizon=timedelta(hours=6),
        step=timedelta(hours=1),
        observed=None,
        first=None,
        last=None,
        out=root,
        state=root,
        seed=None,
        as_json=True,
        connection={"target": "127.0.0.1:1"},
    )


def trading(
    engine: str = "local",
    ray_address: str | None = None,
    config: Path | None = None,
    price: PriceKind | None = None,
) -> Trading:
    return Trading(
        entry_policy="live",
        style=None,
        config=config,
        latency=timedelta(seconds=1),
        model=None,
        price=price,
        engine=engine,
        ray_address=ray_address,
    )


@pytest.mark.parametrize(("answers", "said"), [(3, f"{GOES_ON}\n"), (0, "")])
@pytest.mark.parametrize("problem", [Unavailable("gone"), NotReady("another server", reason="SERVER_CHANGED")])
def test_a_run_that_fails_with_answers_says_that_they_are_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], problem: Exception, answers: int, said: str
) -> None:
    async def fails(*given: object) -> None:
        on_progress: OnProgress = given[-1]  # type: ignore[assignment]  # it comes last
        on_progress(0, 1, Tally(asked=answers))
        raise problem

    with pytest.raises((click.ClickException, NotReady)):
        backtest_run.asking(plan(recording(tmp_path, 1)), asked(tmp_path), trading(), fails)
    assert capsys.readouterr().err == said


def test_an_address_of_a_cluster_that_nobody_asked_for_is_refused() -> None:
    with pytest.raises(OptionError, match="--engine ray"), backtest_run.engine(trading(ray_address="host:6379")):
        pass


def test_it_is_forecast_from_what_the_trader_forecasts_from(tmp_path: Path) -> None:
    file = tmp_path / "trader.toml"
    file.write_text(f'[[series]]\nticker = "{SERIES}"\nprice = "mid"\npoints = 24\n')

    configured = backtest_run.plan(asked(tmp_path), trading(config=file)).question
    told = backtest_run.plan(asked(tmp_path), trading(config=file, price="trade")).question
    usual = backtest_run.plan(asked(tmp_path), trading()).question

    assert (configured.price, configured.points) == ("mid", 24)
    assert (told.price, told.points) == ("trade", 24)
    assert (usual.price, usual.points) == ("trade", 512)
