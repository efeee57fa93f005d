"""foremesh-collector: the daemon."""

import os

# gRPC reads this when it is imported; its C core would write plain lines to stderr, between ours.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import click

from collector.app import collector
from collector.config import CollectorConfig
from mesh.daemon import command


def _main() -> click.Command:
    """Give the daemon's command the words that people use in a hurry; each stands for a `--set`."""
    made = command("foremesh-collector", CollectorConfig, collector)
    run = made.callback
    if run is None:
        raise TypeError("a command without a callback")

    def main(
        once: bool | None, node_id: int | None, total_nodes: int | None, overrides: tuple[str, ...], **rest: object
    ) -> None:
        if (node_id is None) != (total_nodes is None):
            raise click.UsageError("--node-id and --total-nodes belong together")
        said = {"once": once, "static.node_id": node_id, "static.total_nodes": total_nodes}
        words = tuple(f"{key}={str(value).lower()}" for key, value in said.items() if value is not None)
        run(overrides=(*overrides, *words), **rest)

    made.callback = main
    made.params += [
        click.Option(
            ["--once/--loop"], default=None, help="End when nothing is due for a while, or go on for ever (default)."
        ),
        click.Option(["--node-id"], type=int, metavar="I", help="Without a coordinator: which node this is, from 0."),
        click.Option(
            ["--total-nodes"], type=int, metavar="N", help="Without a coordinator: how many nodes share the work."
        ),
    ]
    return made


main = _main()

if __name__ == "__main__":
    main()
