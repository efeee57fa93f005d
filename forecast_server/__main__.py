"""foremesh-forecast-server: the daemon."""

from forecast_server.app import forecast_server
from forecast_server.config import ForecastServerConfig
from mesh.daemon import command

main = command("foremesh-forecast-server", ForecastServerConfig, forecast_server)

if __name__ == "__main__":
    main()
