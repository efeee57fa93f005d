"""foremesh-forecast-server: the daemon."""

import os

# gRPC reads this when it is imported; its C core would write plain lines to stderr, between ours.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
# torch's threads would spin while they wait for each other: where others need the cores too, as our event loop does,
# forecasts then take several times as long. Read when torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from forecast_server.app import forecast_server
from forecast_server.config import ForecastServerConfig
from mesh.daemon import command

main = command("foremesh-forecast-server", ForecastServerConfig, forecast_server)

if __name__ == "__main__":
    main()
