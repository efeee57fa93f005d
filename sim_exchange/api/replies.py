"""Replies and refusals: a status and the bytes of a JSON body.

The exchange has four shapes of error bodies; which one it uses depends on the layer that refuses.
"""

from typing import NamedTuple

import msgspec

from sim_exchange.domain.types import Refused

encode = msgspec.json.Encoder(decimal_format="number").encode
"""JSON of the structs in the `*_views` modules; strikes and multipliers are JSON numbers."""


class Reply(NamedTuple):
    """What goes back to the caller."""

    status: int
    body: bytes


class Problem(Exception):
    """The request ends here, with this reply."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        super().__init__(f"{reply.status} {reply.body!r}")


def reply(body: object, status: int = 200) -> Reply:
    """Answer with a struct or a plain mapping as JSON."""
    return Reply(status, encode(body))


EMPTY = Reply(200, b"{}")
NO_CONTENT = Reply(204, b"")


def _fields(code: str, message: str, details: str) -> dict[str, str]:
    fields = {"code": code, "message": message or code.replace("_", " ")}
    return fields | {"details": details} if details else fields


def problem(status: int, code: str, details: str = "", *, message: str = "") -> Problem:
    """Refuse as most of the exchange does: `{"error": {"code", "message", "details"?}}`."""
    return Problem(reply({"error": _fields(code, message, details)}, status))


def flat_problem(status: int, code: str, details: str = "") -> Problem:
    """Refuse as JSON decoding does: the same fields without the envelope."""
    return Problem(reply(_fields(code, "", details), status))


def parameter_problem(text: str) -> Problem:
    """Refuse query parameters: `{"msg": …}` in the words of the exchange's generated code."""
    return Problem(reply({"msg": text}, 400))


def refusal(refused: Refused) -> Reply:
    """Put a refusal of the matching engine into its body."""
    return problem(refused.status, refused.code, refused.details, message=refused.message).reply


def item_error(refused: Refused | Problem) -> dict[str, str]:
    """Put a refusal into one item of a batch's reply."""
    if isinstance(refused, Problem):
        return dict(msgspec.json.decode(refused.reply.body)["error"])
    return _fields(refused.code, refused.message, refused.details)


def too_many_requests(shape: str) -> Problem:
    """Refuse for want of tokens. `shape` is the quirk `too_many_requests_body`."""
    if shape == "string":
        return Problem(reply({"error": "too many requests"}, 429))
    return (flat_problem if shape == "flat" else problem)(429, "too_many_requests")


def not_found() -> Problem:
    """Refuse an id that is unknown, or whose time is over: the same body for both."""
    return problem(404, "not_found")
