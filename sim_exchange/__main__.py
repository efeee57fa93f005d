"""foremesh-exchange: the daemon."""

from mesh.daemon import command
from sim_exchange.app import simulated_exchange
from sim_exchange.config import ExchangeConfig

main = command("foremesh-exchange", ExchangeConfig, simulated_exchange)

if __name__ == "__main__":
    main()
