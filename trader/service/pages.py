"""Pages of lists: tokens that name their query, and messages that stay within their size. Pure."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable
from typing import TypeVar

from foremesh.trader.v1 import trader_service_pb2 as pb
from google.protobuf.message import Message

from mesh.errors import FieldViolation, InvalidInput

ListRequest = pb.ListPositionsRequest | pb.ListOrdersRequest | pb.ListTradesRequest
PAGE = 100
"""Items of a page where no count is asked for."""
PAGE_BYTES = 1_000_000
"""Of a message's 1 MiB; the rest is for what stands around the items."""

_M = TypeVar("_M", bound=Message)


def after(request: ListRequest) -> str:
    """Read the key of the item that the page before ended with; empty for the first page.

    Raises:
        InvalidInput: `PAGE_TOKEN_INVALID`: it is no token, or one of another query. The size of a page may change.
    """
    if not request.page_token:
        return ""
    try:
        found = json.loads(base64.b64decode(request.page_token, altchars=b"-_", validate=True))
    except (ValueError, RecursionError) as error:  # text that is not base64, not UTF-8, not JSON
        raise _refused() from error
    match found:
        case [str() as digest, str() as key] if digest == _digest(request):
            return key
    raise _refused()


def page(request: ListRequest, items: Iterable[tuple[str, Callable[[], _M]]]) -> tuple[list[_M], str]:
    """Write a page and the token of the next one; the token is empty on the last page.

    Args:
        request: What is asked.
        items: Key and writer of each item that passes the filter, their keys rising. Only those after the page before
            are written: as many as are asked for, at least one, and no more than fit into a message.

    Raises:
        InvalidInput: As `after`.
    """
    begin, limit = after(request), request.page_size or PAGE
    written: list[_M] = []
    total, last = 0, begin
    for key, write in items:
        if key <= begin:
            continue
        if len(written) == limit:
            return written, _token(request, last)
        message = write()
        total += message.ByteSize()
        if written and total > PAGE_BYTES:
            return written, _token(request, last)
        written.append(message)
        last = key
    return written, ""


def _token(request: ListRequest, key: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([_digest(request), key]).encode()).decode()


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
