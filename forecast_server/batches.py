"""What a client sends, read into batches that the engine can take in."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from foremesh.forecast.v1 import forecast_pb2
from foremesh.forecast.v1 import forecast_service_pb2 as pb

from forecast_server import convert
from forecast_server.engine import Engine
from forecast_server.packed import closes_of
from forecast_server.prepare import close_problems
from forecast_server.scan import Scan
from forecast_server.types import History, Outcome, Rejected
from mesh.errors import FieldViolation, InvalidInput
from mesh.rpc.validation import check_items

Faulty = Mapping[int, tuple[FieldViolation, ...]]
"""What breaks the rules of a message's items, by their place."""

_SHOWN = 64
"""Characters of a ticker that is no ticker that are given back."""


@dataclass(slots=True)
class Batch:
    """Histories of one message: those that can be asked about, and the answers to those that cannot."""

    histories: list[History]
    rejected: list[Outcome]


def batch_of(start: int, messages: Iterable[forecast_pb2.MarketHistory], faulty: Faulty) -> Batch:
    """Read the histories of one message, the first of which is input `start`."""
    batch = Batch([], [])
    together = list(messages)
    for place, (given, closes) in enumerate(zip(together, closes_of(together), strict=True), start):
        try:
            if place - start in faulty:
                raise InvalidInput("breaks its rules", violations=faulty[place - start])
            batch.histories.append(convert.history(place, given, closes))
        except InvalidInput as error:
            problems = (*error.violations, *close_problems(closes))
            batch.rejected.append((place, given.market_ticker[:_SHOWN], Rejected(problems)))
    return batch


async def take_in(engine: Engine, scan: Scan, batch: Batch) -> None:
    """Give a batch to the engine; a history that breaks its rules is rejected, and the others go on."""
    await engine.submit(scan, batch.histories, batch.rejected)


@asynccontextmanager
async def reading(requests: AsyncIterator[pb.StreamSignalsRequest], engine: Engine, scan: Scan) -> AsyncIterator[None]:
    """Take a stream's batches in while the context lasts, as fast as there is room for them.

    A TaskGroup cannot be used here: it would wrap what goes wrong, and the GeneratorExit of a stream whose client is
    gone, into groups. What goes wrong is raised by `scan.answers`.
    """

    async def read() -> None:
        start = 0
        try:
            async for request in requests:
                if request.WhichOneof("frame") != "batch":
                    raise misplaced("batch", "must be what every message after the first holds")
                histories = request.batch.histories
                await take_in(engine, scan, batch_of(start, histories, check_items(request.batch, "histories")))
                start += len(histories)
            scan.complete()
        except Exception as error:  # for the stream to raise
            scan.complete(error)

    reader = asyncio.ensure_future(read())
    try:
        yield
    finally:
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)


def misplaced(field: str, description: str) -> InvalidInput:
    """Say that a field is where it may not be, or not what it must be."""
    return InvalidInput(f"{field}: {description}", violations=[FieldViolation(field, description)])
