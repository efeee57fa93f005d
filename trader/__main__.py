"""foremesh-trader: the daemon."""

import os

# gRPC reads this when it is imported; its C core would write plain lines to stderr, between ours.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

from mesh.daemon import command
from trader.app import trader
from trader.config import TraderConfig

main = command("foremesh-trader", TraderConfig, trader)

if __name__ == "__main__":
    main()
