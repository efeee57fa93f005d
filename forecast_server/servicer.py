"""ForecastService: messages in, engine, messages out."""

import base64
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from operator import itemgetter
from uuid import uuid4

from foremesh.forecast.v1 import (
    forecast_pb2,
    model_pb2,
    signal_pb2,
)
from foremesh.forecast.v1 import (
    forecast_service_pb2 as pb,
)
from foremesh.forecast.v1 import (
    forecast_service_pb2_grpc as rpc,
)

from forecast_server import convert, describe
from forecast_server.batches import Faulty, batch_of, misplaced, reading, take_in
from forecast_server.engine import Engine
from forecast_server.scan import Scan
from forecast_server.types import Outcome, Question
from mesh.clock import Clock
from mesh.rpc.call import Context, current_call
from mesh.rpc.limits import MESSAGE_BYTES
from mesh.rpc.validation import check, check_items

_PAGE = 100
_SAY_SECONDS, _SAY_SHARE = 0.25, 0.1
_PART_BYTES = 900_000
_OTHER_BYTES = 2_000
"""What a result holds besides its path: texts of bounded length, at most."""

ITEMISED = frozenset({"StreamSignals", "GenerateSignals", "GenerateForecasts"})
"""Methods whose histories are judged one by one."""


class ForecastServicer(rpc.ForecastServiceServicer):
    """Serves one engine."""

    def __init__(self, engine: Engine, clock: Clock, *, code_version: str) -> None:
        self._engine, self._clock, self._code_version = engine, clock, code_version
        self._instance_id = uuid4().hex
        self._started = clock.now()

    async def StreamSignals(  # noqa: N802
        self, request_iterator: AsyncIterator[pb.StreamSignalsRequest], context: Context
    ) -> AsyncIterator[pb.StreamSignalsResponse]:
        """Answer a scan."""
        requests = aiter(request_iterator)
        first = await anext(requests, None)
        if first is None or first.WhichOneof("frame") != "header":
            raise misplaced("header", "must be the first message")
        check(first)
        header = first.header
        question = self._question(
            header.forecast, header.signal if header.HasField("signal") else signal_pb2.SignalOptions()
        )
        async with self._engine.scan(
            question,
            name=header.scan_id,
            caller=_caller(),
            client_id=header.client_id,
            expected=header.expected_inputs,
        ) as scan:
            accepted = pb.ScanAccepted(
                scan_id=header.scan_id,
                model=self._identity(),
                policy_version=scan.policy.version,
                instance_id=self._instance_id,
            )
            yield pb.StreamSignalsResponse(accepted=accepted)
            async with reading(requests, self._engine, scan):
                async for outcomes in scan.answers():
                    for part in _parts(outcomes, question):
                        response = pb.StreamSignalsResponse()
                        convert.add_signal_results(response.results.results, part, scan.terms)
                        yield response
            yield pb.StreamSignalsResponse(summary=_summary(scan))

    async def GenerateSignals(  # noqa: N802
        self, request: pb.GenerateSignalsRequest, context: Context
    ) -> pb.GenerateSignalsResponse:
        """Answer a few markets."""
        faulty = check_items(request, "histories")
        question = self._question(request.forecast, request.signal)
        async with self._answered(request.histories, faulty, question) as (scan, outcomes):
            response = pb.GenerateSignalsResponse(
                model=self._identity(),
                policy_version=scan.policy.version,
                instance_id=self._instance_id,
            )
            convert.add_signal_results(response.results, outcomes, scan.terms)
            response.summary.CopyFrom(_summary(scan))
            return response

    async def GenerateForecasts(  # noqa: N802
        self, request: pb.GenerateForecastsRequest, context: Context
    ) -> pb.GenerateForecastsResponse:
        """Answer with raw forecasts."""
        faulty = check_items(request, "histories")
        question = self._question(request.forecast, None)
        async with self._answered(request.histories, faulty, question) as (scan, outcomes):
            response = pb.GenerateForecastsResponse(model=self._identity(), instance_id=self._instance_id)
            convert.add_forecast_results(response.results, outcomes, scan.terms)
            return response

    @asynccontextmanager
    async def _answered(
        self, histories: Sequence[forecast_pb2.MarketHistory], faulty: Faulty, question: Question
    ) -> AsyncIterator[tuple[Scan, list[Outcome]]]:
        """Answer the histories of a unary call, in their order."""
        _check_answer_size(len(histories), question)
        lengths = [len(history.closes_cents) for history in histories]
        async with self._engine.scan(question, caller=_caller(), lengths=lengths) as scan:
            await take_in(self._engine, scan, batch_of(0, histories, faulty))
            scan.complete()
            outcomes = [outcome async for part in scan.answers() for outcome in part]
            yield scan, sorted(outcomes, key=itemgetter(0))

    async def GetModel(self, request: pb.GetModelRequest, context: Context) -> pb.GetModelResponse:  # noqa: N802
        """Describe the served model, also while it loads."""
        model = describe.model(self._engine, code_version=self._code_version)
        model.start_time.FromDatetime(self._started)
        model.max_message_bytes = MESSAGE_BYTES
        response = pb.GetModelResponse(model=model, instance_id=self._instance_id)
        response.server_time.FromDatetime(self._clock.now())
        return response

    async def ListExitPolicies(  # noqa: N802
        self, request: pb.ListExitPoliciesRequest, context: Context
    ) -> pb.ListExitPoliciesResponse:
        """List the exit policy."""
        policy = self._engine.policy
        start = _page_start(request.page_token, policy.digest)
        end = start + (request.page_size or _PAGE)
        return pb.ListExitPoliciesResponse(
            exit_policies=convert.exit_policies(policy.file.exits[start:end]),
            confidence_policies=convert.confidence_policies(policy.file.confidence) if start == 0 else [],
            next_page_token=_page_token(end, policy.digest) if end < len(policy.file.exits) else "",
            policy_version=policy.version,
            policy_digest=policy.digest,
        )

    def _identity(self) -> model_pb2.ModelIdentity | None:
        facts = self._engine.facts
        return describe.identity(facts, self._code_version) if facts else None

    def _question(self, forecast: forecast_pb2.ForecastOptions, signal: signal_pb2.SignalOptions | None) -> Question:
        call = current_call.get()
        left = call.remaining() if call else None
        deadline: datetime | None = None
        if left is not None:  # a little sooner: what has expired can still be said
            deadline = self._clock.now() + timedelta(seconds=left - min(_SAY_SECONDS, _SAY_SHARE * left))
        return convert.question(forecast, signal, deadline)


def _caller() -> str:
    call = current_call.get()
    return call.caller.name if call else ""


def _most_bytes(question: Question) -> int:
    """Bound the size of one result: the path's floats, the levels, the probabilities, and everything else."""
    floats = question.horizon_steps * (1 + len(question.quantile_levels))
    return _OTHER_BYTES + 4 * floats + 8 * len(question.quantile_levels) + 32 * len(question.drop_levels_cents)


def _parts(outcomes: list[Outcome], question: Question) -> Iterator[list[Outcome]]:
    """Cut the answers to one batch into messages below 1 MiB."""
    count = max(1, _PART_BYTES // _most_bytes(question))
    return (outcomes[start : start + count] for start in range(0, len(outcomes), count))


def _check_answer_size(histories: int, question: Question) -> None:
    """Refuse a unary call whose answer would not fit into one message. Raises InvalidInput."""
    if histories * _most_bytes(question) > MESSAGE_BYTES:
        text = "too many for one answer at this horizon and with these quantiles; ask for fewer, or stream a scan"
        raise misplaced("histories", text)


def _summary(scan: Scan) -> pb.ScanSummary:
    counts = scan.account()
    return pb.ScanSummary(
        input_count=counts["inputs"],
        signal_count=counts["signals"],
        no_signal_count=counts["no_signals"],
        rejected_count=counts["rejected"],
        expired_count=counts["expired"],
        failed_count=counts["failed"],
    )


def _page_token(start: int, digest: str) -> str:
    return base64.urlsafe_b64encode(f"{start}:{digest[:16]}".encode()).decode()


def _page_start(token: str, digest: str) -> int:
    """Read a page token; one of another policy version is refused, because pages of two versions do not add up."""
    if not token:
        return 0
    try:
        start, _, version = base64.urlsafe_b64decode(token.encode()).decode().partition(":")
        number = int(start)
    except ValueError:
        number, version = -1, ""
    if number < 1 or version != digest[:16]:
        raise misplaced("page_token", "was not given out by this version of the policy")
    return number
