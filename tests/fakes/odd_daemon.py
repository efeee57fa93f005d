"""The forecast server's daemon with a model that goes wrong; the first word of the command line says how."""

import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager

from forecast_server.app import forecast_server
from forecast_server.config import ForecastServerConfig
from forecast_server.models.base import CannotLoad, Model
from mesh.daemon import Lifecycle, command
from mesh.rpc.server import Server
from tests.fakes.models import HeldModel
from tests.fakes.odd_models import MortalModel, SlowModel

MODELS: Mapping[str, Callable[[], Model]] = {
    "slow": lambda: SlowModel(0.02),
    "breaks": lambda: MortalModel(RuntimeError("the device is gone")),
    "exits": lambda: MortalModel(SystemExit()),
    "exits-3": lambda: MortalModel(SystemExit(3)),
    "interrupts": lambda: MortalModel(KeyboardInterrupt()),
    "cannot-load": lambda: MortalModel(CannotLoad("the weights are not here: fetch them"), at_load=True),
    "fails-to-load": lambda: MortalModel(RuntimeError("the device is busy"), at_load=True),
    "exits-at-load": lambda: MortalModel(SystemExit(0), at_load=True),
    "loads-for-ever": lambda: HeldModel(loads=False),
}


def serve(config: ForecastServerConfig, lifecycle: Lifecycle) -> AbstractAsyncContextManager[Server]:
    return forecast_server(config, lifecycle, MODELS[kind]())


if __name__ == "__main__":
    kind = sys.argv.pop(1)
    command("foremesh-odd-forecast-server", ForecastServerConfig, serve, stop_timeout=10.0)()
