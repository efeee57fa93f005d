"""A batch that never ends stops the feeding of the watchdog, so that systemd frees the device."""

import asyncio

import pytest

from forecast_server import engine
from forecast_server.app import forecast_server
from forecast_server.config import ForecastServerConfig
from mesh.daemon import Lifecycle
from tests.fakes.models import HeldModel
from tests.fakes.questions import plain, signals, stub, until


async def test_while_a_batch_does_not_end_the_server_is_not_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_STUCK_SECONDS", 0.05)
    rpc = {"listen": ("127.0.0.1:0",), "metrics_listen": "off"}
    config = ForecastServerConfig.model_validate({"rpc": rpc, "batch_cost": 1 << 20, "canary_seconds": 0.0})
    model = HeldModel(answers=False)
    async with asyncio.TaskGroup() as tasks:
        lifecycle = Lifecycle(tasks)
        async with forecast_server(config, lifecycle, model) as server, plain(server.addresses[0]) as channel:
            assert lifecycle.alive()
            asked = stub(channel).GenerateSignals(signals())
            await until(lambda: not lifecycle.alive())
            model.may_answer.set()
            await asked
            assert lifecycle.alive()
