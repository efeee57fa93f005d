"""Pages of long lists: tokens that name their query, and messages that stay within their size. Pure."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable
from typing import TypeVar

from foremesh.coordinator.v1 import coordinator_service_pb2 as pb

from mesh.errors import FieldViolation, InvalidInput
from mesh.shards import ShardKey

ListRequest = pb.ListShardsRequest | pb.ListWorkersRequest
Position = str | int
"""Where a page ended: shard key, commit sequence or worker id."""
PAGE = 100
"""Items of a page, at most, and where no count is asked for: a longer one would keep other callers waiting."""
PAGE_BYTES = 1_000_000
"""Of a message's 1 MiB; the rest is for what stands around the items."""

_T = TypeVar("_T")
_M = TypeVar("_M")


def page_token(request: ListRequest, position: Position) -> str:
    """Make the token of the page after a position."""
    return base64.urlsafe_b64encode(json.dumps([_digest(request), position]).encode()).decode()


def page_start(request: ListRequest) -> Position | None:
    """Read where the page before ended; None for the first page.

    Raises InvalidInput (`PAGE_TOKEN_INVALID`) for what is no token, or is one of another query. The size of a page may
    change from page to page.
    """
    if not request.page_token:
        return None
    try:
        found = json.loads(base64.b64decode(request.page_token, altchars=b"-_", validate=True))
    except (ValueError, RecursionError) as error:  # text that is not base64, not UTF-8, not JSON
        raise _refused() from error
    match found:
        case [str() as digest, (str() | int()) as position] if digest == _digest(request):
            return position
    raise _refused()


def shard_start(request: pb.ListShardsRequest) -> ShardKey | int | None:
    """Read where the page of shards before ended: its last commit's sequence or shard key."""
    position = page_start(request)
    if position is None:
        return None
    try:
        if request.HasField("after_commit_sequence"):
            return int(position)
        return ShardKey.parse(str(position))
    except ValueError as error:
        raise _refused() from error


def fill(
    items: Iterable[_T], write: Callable[[_T], _M], size: Callable[[_M], int], limit: int
) -> tuple[list[_M], bool]:
    """Write the first items: at most `limit`, at least one, and no more than fit into a message.

    Says too whether any are left: give one more than `limit` where there are more.
    """
    written: list[_M] = []
    total = 0
    for item in items:
        if len(written) == limit:
            return written, True
        message = write(item)
        total += size(message)
        if written and total > PAGE_BYTES:
            return written, True
        written.append(message)
    return written, False


def _digest(request: ListRequest) -> str:
    """Name a query: everything that is asked, apart from where and how much."""
    query = type(request)()
    query.CopyFrom(request)  # type: ignore[arg-type]  # it is of the type that it was made of
    query.ClearField("page_token")
    query.ClearField("page_size")
    data = query.DESCRIPTOR.name.encode() + query.SerializeToString(deterministic=True)
    return hashlib.sha256(data).hexdigest()[:16]


def _refused() -> InvalidInput:
    found = FieldViolation("page_token", "was not given out for this query")
    return InvalidInput(f"{found.field}: {found.description}", violations=[found], reason="PAGE_TOKEN_INVALID")
