"""foremesh-coordinator: the daemon."""

import os

# gRPC reads this when it is imported; its C core would write plain lines to stderr, between ours.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

from collector.coordinator.app import coordinator_server
from collector.coordinator.config import CoordinatorConfig
from mesh.daemon import command

main = command("foremesh-coordinator", CoordinatorConfig, coordinator_server)

if __name__ == "__main__":
    main()
