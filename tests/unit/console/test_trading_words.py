import pytest
from foremesh.trader.v1 import status_pb2

from console.trading_words import block


@pytest.mark.parametrize(
    ("kind", "command"),
    [
        (status_pb2.BLOCK_KIND_PAUSE, "foremesh resume)"),
        (status_pb2.BLOCK_KIND_FLATTEN, "foremesh resume)"),
        (status_pb2.BLOCK_KIND_PROTECTION, "foremesh resume --block b-1)"),
    ],
)
def test_a_block_names_the_shortest_command_that_lifts_it(kind: "status_pb2.BlockKind", command: str) -> None:
    said = block(status_pb2.EntryBlock(block_id="b-1", kind=kind, reason="why", liftable=True))
    assert said.endswith(f"lift it with {command}")
