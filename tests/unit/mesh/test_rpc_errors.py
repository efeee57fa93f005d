"""Errors cross the wire and stay themselves."""

from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from mesh import errors
from mesh.errors import Broken, FieldViolation, InvalidInput, MeshError, Overloaded, Unavailable
from mesh.rpc.errors import CODE_OF, STATUS_DETAILS, error_of, raising_mesh_errors, status_of, trailers_of, translated

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, MeshError)]
KINDS.remove(MeshError)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=40)
REASONS = st.from_regex(r"[A-Z][A-Z0-9_]{1,40}", fullmatch=True)


class Arrived(grpc.RpcError):
    """What a stub raises."""

    def __init__(self, code: grpc.StatusCode, details: str | None, trailers: Any = ()) -> None:
        super().__init__()
        self._code, self._details, self._trailers = code, details, trailers

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str | None:
        return self._details

    def trailing_metadata(self) -> Any:
        return self._trailers


def crossed(error: MeshError, request_id: str = "") -> MeshError:
    """The error as the other side raises it."""
    return error_of(Arrived(CODE_OF[type(error)], error.message, trailers_of(error, request_id)))


def test_every_error_has_a_status_of_its_own() -> None:
    assert set(CODE_OF) == set(KINDS)
    assert len(set(CODE_OF.values())) == len(KINDS)
    assert grpc.StatusCode.UNKNOWN not in CODE_OF.values()


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=40)
@given(message=TEXTS.filter(bool), reason=REASONS, metadata=st.dictionaries(TEXTS, TEXTS, max_size=4), data=st.data())
def test_an_error_arrives_as_it_was_raised(
    kind: type[MeshError], message: str, reason: str, metadata: dict[str, str], data: st.DataObject
) -> None:
    given_retry = st.none() | st.integers(0, 3_600_000).map(lambda milliseconds: milliseconds / 1000)
    if kind is InvalidInput:
        broken = st.lists(st.builds(FieldViolation, TEXTS, TEXTS), max_size=5)
        error: MeshError = InvalidInput(message, violations=data.draw(broken), reason=reason, metadata=metadata)
    else:
        error = kind(message, reason=reason, metadata=metadata, retry_after=data.draw(given_retry))
    arrived = crossed(error)
    assert type(arrived) is kind
    assert (arrived.message, arrived.reason, arrived.metadata) == (message, reason, metadata)
    assert (arrived.retry_after is None) == (error.retry_after is None)
    assert (arrived.retry_after or 0) == pytest.approx(error.retry_after or 0, abs=0.0011)  # whole milliseconds travel
    assert getattr(arrived, "violations", ()) == getattr(error, "violations", ())


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_without_particulars_has_the_reason_of_its_kind(kind: type[MeshError]) -> None:
    arrived = crossed(kind("text"))
    assert arrived.reason == kind.default_reason
    assert str(arrived) == f"{kind.default_reason}: text"
    assert arrived.retry_after is None


def test_the_request_id_is_among_the_facts() -> None:
    assert crossed(Broken("internal error"), "id-1").metadata == {"request_id": "id-1"}
    (detail,) = status_of(Broken("internal error"), "id-1").details
    info = error_details_pb2.ErrorInfo.FromString(detail.value)
    assert (info.domain, info.reason) == ("foremesh", "INTERNAL")


def test_advice_to_come_back_is_given_to_grpc_too() -> None:
    assert dict(trailers_of(Overloaded("wait", retry_after=1.5)))["grpc-retry-pushback-ms"] == "1500"
    assert "grpc-retry-pushback-ms" not in dict(trailers_of(Overloaded("wait")))


def test_a_flood_of_violations_is_cut_so_that_it_fits_into_trailers() -> None:
    flood = [FieldViolation("f" * 1000, "d" * 1000)] * 500
    details = dict(trailers_of(InvalidInput("m" * 100_000, violations=flood)))[STATUS_DETAILS]
    assert len(details) < 32 * 1024
    arrived = crossed(InvalidInput("m", violations=flood))
    assert isinstance(arrived, InvalidInput)
    assert 0 < len(arrived.violations) < 500


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        (grpc.StatusCode.UNAVAILABLE, Unavailable, "UNAVAILABLE"),
        (grpc.StatusCode.CANCELLED, Unavailable, "CANCELLED"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, errors.TooLate, "DEADLINE_EXCEEDED"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, Overloaded, "OVERLOADED"),
        (grpc.StatusCode.UNIMPLEMENTED, errors.Unsupported, "UNSUPPORTED"),
        (grpc.StatusCode.INTERNAL, Broken, "INTERNAL"),
        (grpc.StatusCode.UNKNOWN, Broken, "UNKNOWN"),
        (grpc.StatusCode.DATA_LOSS, Broken, "DATA_LOSS"),
        (grpc.StatusCode.OUT_OF_RANGE, Broken, "OUT_OF_RANGE"),
    ],
)
def test_a_failure_that_grpc_made_is_named_too(code: grpc.StatusCode, kind: type[MeshError], reason: str) -> None:
    for trailers in ((), None, (("x-request-id", "id"),)):
        arrived = error_of(Arrived(code, "connection lost", trailers))
        assert (type(arrived), arrived.reason, arrived.message) == (kind, reason, "connection lost")
    assert error_of(Arrived(code, None)).message


def test_a_message_that_is_too_large_is_the_callers_fault() -> None:
    text = "CLIENT: Sent message larger than max (5 vs. 4)"
    arrived = error_of(Arrived(grpc.StatusCode.RESOURCE_EXHAUSTED, text))
    assert (type(arrived), arrived.reason) == (InvalidInput, "MESSAGE_TOO_LARGE")


def test_details_of_strangers_are_passed_over() -> None:
    status = status_pb2.Status(code=14, message="x")
    status.details.add().Pack(error_details_pb2.DebugInfo(detail="trace"))
    arrived = error_of(Arrived(grpc.StatusCode.UNAVAILABLE, "x", ((STATUS_DETAILS, status.SerializeToString()),)))
    assert (type(arrived), arrived.reason, arrived.metadata) == (Unavailable, "UNAVAILABLE", {})


def test_details_that_are_no_status_do_not_hide_the_failure() -> None:
    arrived = error_of(Arrived(grpc.StatusCode.UNAVAILABLE, "x", ((STATUS_DETAILS, b"\xff\xff"),)))
    assert type(arrived) is Unavailable


async def test_what_is_raised_inside_becomes_a_mesh_error_and_nothing_else_changes() -> None:
    with pytest.raises(Unavailable) as caught, raising_mesh_errors():
        raise Arrived(grpc.StatusCode.UNAVAILABLE, "gone")
    assert isinstance(caught.value.__cause__, Arrived)
    with pytest.raises(ZeroDivisionError), raising_mesh_errors():
        raise ZeroDivisionError

    async def two_then_gone() -> Any:
        yield 1
        yield 2
        raise Arrived(grpc.StatusCode.UNAVAILABLE, "gone")

    numbers = translated(two_then_gone())
    assert [await anext(numbers), await anext(numbers)] == [1, 2]
    with pytest.raises(Unavailable):
        await anext(numbers)
