"""What a stranger can find out: who serves, whether it is true, and what it speaks."""

import asyncio
import json
import shutil
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import grpc
import pytest
from foremesh.forecast.v1 import forecast_service_pb2 as pb
from foremesh.forecast.v1 import model_pb2
from google.protobuf import descriptor_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2 as reflected

from forecast_server.worker import ModelDied
from tests.conftest import ForecastServer
from tests.fakes.models import BrokenModel, HeldModel, PickyModel
from tests.fakes.questions import (
    SERVICE,
    answer,
    batch,
    forecasts,
    header,
    history,
    in_order,
    plain,
    refused,
    scanned,
    signals,
    stub,
    until,
)
from tests.fakes.serving import forecasts_from, stoppable

UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
VERSIONS = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")
PACKAGE = "foremesh.forecast.v1"


async def check(channel: grpc.aio.Channel, service: str = SERVICE) -> int:
    request = health_pb2.HealthCheckRequest(service=service)
    answered = await health_pb2_grpc.HealthStub(channel).Check(request)
    return int(answered.status)


def watch(channel: grpc.aio.Channel, service: str = SERVICE) -> Any:
    return health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=service))


async def model_of(channel: grpc.aio.Channel) -> model_pb2.Model:
    return (await stub(channel).GetModel(pb.GetModelRequest())).model


# Health


async def test_a_server_that_serves_says_so_under_every_name(forecast_server_on_loopback: ForecastServer) -> None:
    async with forecast_server_on_loopback() as server, plain(server.addresses[0]) as channel:
        names = ("", SERVICE, "model/random-walk")
        assert [await check(channel, name) for name in names] == [SERVING] * 3
        unknown = await refused(check(channel, "foremesh.forecast.v1.Nothing"))
        assert unknown.code is grpc.StatusCode.NOT_FOUND
        watching = watch(channel, "foremesh.forecast.v1.Nothing")
        assert (await watching.read()).status == UNKNOWN
        watching.cancel()


async def test_while_the_model_loads_health_model_and_refusals_tell_the_truth() -> None:
    model = HeldModel(loads=False)
    async with (
        forecasts_from(model, load=False) as served,
        plain(served.address) as channel,
        asyncio.TaskGroup() as tasks,
    ):
        watching, whole = watch(channel), watch(channel, "")
        assert (await watching.read()).status == NOT_SERVING
        assert (await whole.read()).status == NOT_SERVING
        loading = tasks.create_task(served.load())
        await asyncio.sleep(0)
        assert await check(channel) == NOT_SERVING
        assert await check(channel, "") == NOT_SERVING
        described = await model_of(channel)
        assert described.state == model_pb2.MODEL_STATE_LOADING
        assert not described.HasField("identity")
        assert described.start_time.seconds > 0
        for call in (
            stub(channel).GenerateSignals(signals()),
            stub(channel).GenerateForecasts(forecasts()),
            scanned(channel, header()),
        ):
            early = await refused(call)
            assert early.code is grpc.StatusCode.UNAVAILABLE
            assert (early.reason, early.domain) == ("MODEL_LOADING", "foremesh")
            assert early.retry_seconds is not None
            assert 0 < early.retry_seconds <= 60
        assert (await stub(channel).ListExitPolicies(pb.ListExitPoliciesRequest())).exit_policies
        assert not loading.done()
        model.may_load.set()
        assert (await watching.read()).status == SERVING
        assert (await whole.read()).status == SERVING
        assert await check(channel) == SERVING
        described = await model_of(channel)
        assert described.state == model_pb2.MODEL_STATE_READY
        assert described.identity.name == "held"
        assert (await stub(channel).GenerateSignals(signals())).summary.signal_count == 1
        watching.cancel()
        whole.cancel()


async def test_a_model_that_cannot_load_is_failed_and_stays_not_serving() -> None:
    async with forecasts_from(BrokenModel(loads=False), load=False) as served, plain(served.address) as channel:
        with pytest.raises(RuntimeError):
            await served.load()
        described = await model_of(channel)
        assert described.state == model_pb2.MODEL_STATE_FAILED
        assert described.state_detail
        assert await check(channel) == NOT_SERVING
        assert await check(channel, "") == NOT_SERVING
        for call in (stub(channel).GenerateSignals(signals()), scanned(channel, header())):
            failed = await refused(call)
            assert failed.code is grpc.StatusCode.FAILED_PRECONDITION
            assert (failed.reason, failed.domain) == ("MODEL_FAILED", "foremesh")


async def test_the_refusals_of_a_failed_model_do_not_carry_the_text_of_its_exception() -> None:
    async with forecasts_from(BrokenModel(loads=False), load=False) as served, plain(served.address) as channel:
        with pytest.raises(RuntimeError):
            await served.load()
        failed = await refused(stub(channel).GenerateSignals(signals()))
    assert failed.has_no_private_text("/srv/private", BrokenModel.secret)


async def test_a_model_that_fails_on_one_series_fails_that_input_and_nothing_else() -> None:
    async with forecasts_from(PickyModel()) as served, plain(served.address) as channel:
        disliked = history("S-2", closes=[PickyModel.disliked, 42.0, 43.0, 41.0])
        *scan, end = await scanned(channel, header(), batch(history("S-1"), disliked, history("S-3")))
        results = in_order(result for response in scan for result in response.results.results)
        assert [result.WhichOneof("outcome") for result in results] == ["signal", "failed", "signal"]
        assert results[1].failed.error_id
        assert end.summary == pb.ScanSummary(input_count=3, signal_count=2, failed_count=1)
        alone = await stub(channel).GenerateSignals(signals(disliked))
        assert alone.summary == pb.ScanSummary(input_count=1, failed_count=1)
        assert (await model_of(channel)).state == model_pb2.MODEL_STATE_READY
        assert served.death is None


async def test_a_model_that_forecasts_nothing_any_more_fails_what_it_has_and_says_so() -> None:
    async with forecasts_from(BrokenModel(loads=True)) as served, plain(served.address) as channel:
        *scan, end = await scanned(channel, header(), batch(history(), history("S-1", closes=[1.0])))
        results = in_order(result for response in scan for result in response.results.results)
        assert [result.WhichOneof("outcome") for result in results] == ["failed", "no_signal"]
        assert end.summary == pb.ScanSummary(input_count=2, no_signal_count=1, failed_count=1)
        for response in scan:
            assert BrokenModel.secret.encode() not in response.SerializeToString()
        await until(lambda: served.death is not None)
        assert isinstance(served.death, ModelDied)
        described = await model_of(channel)
        assert described.state == model_pb2.MODEL_STATE_FAILED
        refusal = await refused(stub(channel).GenerateSignals(signals()))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "MODEL_FAILED")


async def test_a_watcher_sees_the_drain_before_the_calls_in_progress_end() -> None:
    model = HeldModel(answers=False)
    async with stoppable(model) as server, plain(server.served.address) as channel:
        watching = watch(channel)
        assert (await watching.read()).status == SERVING
        scan = stub(channel).StreamSignals()
        await scan.write(header())
        assert (await answer(scan)).HasField("accepted")
        await scan.write(batch(history()))
        await until(model.asked.is_set)
        server.stop()
        assert (await watching.read()).status == NOT_SERVING
        assert await check(channel, "") == NOT_SERVING
        assert not server.has_stopped
        model.may_answer.set()
        assert (await answer(scan)).results.results[0].HasField("signal")
        await scan.done_writing()
        assert (await answer(scan)).summary.input_count == 1
        await server.stopped(20)


# Reflection


async def ask(channel: grpc.aio.Channel, version: str, *questions: Any) -> list[Any]:
    call = channel.stream_stream(
        f"/{version}/ServerReflectionInfo",
        request_serializer=reflected.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflected.ServerReflectionResponse.FromString,
    )
    answers = call(iter(questions))
    return [response async for response in answers]


def files_of(response: Any) -> list[descriptor_pb2.FileDescriptorProto]:
    found = response.file_descriptor_response.file_descriptor_proto
    return [descriptor_pb2.FileDescriptorProto.FromString(data) for data in found]


@pytest.fixture
async def channel(forecast_server_on_loopback: ForecastServer) -> AsyncIterator[grpc.aio.Channel]:
    async with forecast_server_on_loopback() as server, plain(server.addresses[0]) as opened:
        yield opened


@pytest.mark.parametrize("version", VERSIONS)
async def test_reflection_lists_every_service(channel: grpc.aio.Channel, version: str) -> None:
    (listing,) = await ask(channel, version, reflected.ServerReflectionRequest(list_services=""))
    assert {service.name for service in listing.list_services_response.service} == {
        SERVICE, "grpc.health.v1.Health", "grpc.channelz.v1.Channelz", *VERSIONS
    }  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
async def test_every_service_that_is_listed_can_be_described(channel: grpc.aio.Channel, version: str) -> None:
    (listing,) = await ask(channel, version, reflected.ServerReflectionRequest(list_services=""))
    for service in listing.list_services_response.service:
        question = reflected.ServerReflectionRequest(file_containing_symbol=service.name)
        (found,) = await ask(channel, version, question)
        declared = {f"{file.package}.{known.name}" for file in files_of(found) for known in file.service}
        assert service.name in declared, found.error_response


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("symbol", "file"),
    [
        (SERVICE, "forecast_service.proto"),
        (f"{SERVICE}.StreamSignals", "forecast_service.proto"),
        (f"{PACKAGE}.ScanHeader", "forecast_service.proto"),
        (f"{PACKAGE}.ScanHeader.scan_id", "forecast_service.proto"),
        (f"{PACKAGE}.StreamSignalsRequest.frame", "forecast_service.proto"),
        (f"{PACKAGE}.SignalResult.outcome", "signal.proto"),
        (f"{PACKAGE}.Purpose", "forecast.proto"),
        (f"{PACKAGE}.PURPOSE_LIVE", "forecast.proto"),
        (f"{PACKAGE}.ModelState", "model.proto"),
    ],
)
async def test_reflection_finds_every_kind_of_symbol(
    channel: grpc.aio.Channel, version: str, symbol: str, file: str
) -> None:
    question = reflected.ServerReflectionRequest(file_containing_symbol=symbol)
    (found,) = await ask(channel, version, question)
    files = files_of(found)
    assert files[0].name == f"foremesh/forecast/v1/{file}"
    assert found.original_request == question
    known = {name for sent in files for name in sent.dependency}
    assert known <= {sent.name for sent in files}, "a client could not link what it got"
    assert len({sent.name for sent in files}) == len(files)


@pytest.mark.parametrize("version", VERSIONS)
async def test_our_files_come_with_their_comments(channel: grpc.aio.Channel, version: str) -> None:
    name = "foremesh/forecast/v1/forecast.proto"
    (found,) = await ask(channel, version, reflected.ServerReflectionRequest(file_by_filename=name))
    first = files_of(found)[0]
    assert first.name == name
    comments = [place.leading_comments for place in first.source_code_info.location]
    assert any("in cents" in comment for comment in comments)


@pytest.mark.parametrize("version", VERSIONS)
async def test_what_does_not_exist_is_not_found_and_the_conversation_goes_on(
    channel: grpc.aio.Channel, version: str
) -> None:
    extension = reflected.ExtensionRequest(containing_type="google.protobuf.MethodOptions", extension_number=50117)
    nothing = reflected.ExtensionRequest(containing_type="google.protobuf.MethodOptions", extension_number=50118)
    request = reflected.ServerReflectionRequest
    answers = await ask(
        channel,
        version,
        request(file_containing_symbol=f"{PACKAGE}.Nothing"),
        request(file_containing_symbol=""),
        request(file_containing_symbol=f"{SERVICE}.Nothing"),
        request(file_by_filename="nothing.proto"),
        request(file_containing_extension=nothing),
        request(all_extension_numbers_of_type=f"{PACKAGE}.Nothing"),
        request(file_containing_extension=extension),
        request(all_extension_numbers_of_type="google.protobuf.MethodOptions"),
        request(list_services=""),
    )
    for missing in answers[:6]:
        assert missing.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]
        assert missing.error_response.error_message
    assert "foremesh/access/v1/access.proto" in {file.name for file in files_of(answers[6])}
    assert 50117 in answers[7].all_extension_numbers_response.extension_number
    assert answers[8].list_services_response.service


async def test_a_question_of_no_kind_is_answered_as_an_error(channel: grpc.aio.Channel) -> None:
    (unknown,) = await ask(channel, VERSIONS[0], reflected.ServerReflectionRequest(host="localhost"))
    assert unknown.error_response.error_code == grpc.StatusCode.INVALID_ARGUMENT.value[0]


# The tools people use

BIN = Path(sys.executable).parent


def tool(name: str) -> str:
    found = shutil.which(name, path=str(BIN))
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


async def run(*command: str, stdin: bytes = b"", home: Path) -> str:
    environment = {"HOME": str(home), "PATH": str(BIN), "NO_PROXY": "*"}
    process = await asyncio.create_subprocess_exec(*command, stdin=-1, stdout=-1, stderr=-1, env=environment, cwd=home)
    async with asyncio.timeout(40):
        out, err = await process.communicate(stdin)
    assert process.returncode == 0, (out + err).decode()
    return out.decode()


@pytest.fixture
async def address(forecast_server_on_loopback: ForecastServer) -> AsyncIterator[str]:
    async with forecast_server_on_loopback() as server:
        yield server.addresses[0]


REQUEST = {
    "forecast": {"horizonSteps": 2, "step": "3600s", "purpose": "PURPOSE_PAPER"},
    "histories": [{"marketTicker": "KXHIGHNY-1", "closesCents": [40, 42, 41, 44], "currentPriceCents": 30}],
}


@pytest.mark.parametrize(
    ("symbol", "texts"),
    [
        (SERVICE, ["service ForecastService", "rpc StreamSignals", "Raw point and quantile paths"]),
        (f"{SERVICE}.GetModel", ["rpc GetModel", "Answers while the model is still loading"]),
        (f"{PACKAGE}.MarketHistory", ["message MarketHistory", "closes_cents", "in cents, oldest first"]),
        (f"{PACKAGE}.Purpose", ["enum Purpose", "PURPOSE_LIVE", "Trading with money."]),
    ],
)
async def test_grpcurl_describes_with_comments(address: str, tmp_path: Path, symbol: str, texts: Sequence[str]) -> None:
    out = await run(tool("grpcurl"), "-plaintext", address, "describe", symbol, home=tmp_path)
    assert all(text in out for text in texts), out


async def test_grpcurl_lists_and_calls(address: str, tmp_path: Path) -> None:
    grpcurl = (tool("grpcurl"), "-plaintext")
    assert SERVICE in (await run(*grpcurl, address, "list", home=tmp_path)).split()
    methods = (await run(*grpcurl, address, "list", SERVICE, home=tmp_path)).split()
    assert methods == sorted(
        f"{SERVICE}.{name}"
        for name in ("GenerateForecasts", "GenerateSignals", "GetModel", "ListExitPolicies", "StreamSignals")
    )
    sent = json.dumps(REQUEST)
    out = json.loads(await run(*grpcurl, "-d", sent, address, f"{SERVICE}/GenerateSignals", home=tmp_path))
    assert out["results"][0]["signal"]["direction"] == "DIRECTION_UP"
    scan = json.dumps({"header": {"scanId": "s", "forecast": REQUEST["forecast"]}})
    scan += json.dumps({"batch": {"histories": REQUEST["histories"]}})
    out = await run(*grpcurl, "-d", scan, address, f"{SERVICE}/StreamSignals", home=tmp_path)
    assert '"summary"' in out
    assert '"signalCount": 1' in out


@pytest.mark.parametrize("protocol", ["grpc-v1", "grpc-v1alpha"])
async def test_buf_curl_lists_services_and_calls(address: str, tmp_path: Path, protocol: str) -> None:
    buf = (tool("buf"), "curl", "--protocol", "grpc", "--http2-prior-knowledge", "--reflect-protocol", protocol)
    out = await run(*buf, "--list-services", f"http://{address}", home=tmp_path)
    assert SERVICE in out.split()
    sent = json.dumps(REQUEST)
    out = await run(*buf, "-d", sent, f"http://{address}/{SERVICE}/GenerateSignals", home=tmp_path)
    assert json.loads(out)["summary"] == {"inputCount": 1, "signalCount": 1}


async def test_grpcurl_describes_everything_that_is_listed(address: str, tmp_path: Path) -> None:
    out = await run(tool("grpcurl"), "-plaintext", address, "describe", home=tmp_path)
    assert f"{SERVICE} is a service" in out


async def test_buf_curl_lists_every_method(address: str, tmp_path: Path) -> None:
    buf = (tool("buf"), "curl", "--protocol", "grpc", "--http2-prior-knowledge")
    out = await run(*buf, "--list-methods", f"http://{address}", home=tmp_path)
    assert f"{SERVICE}/StreamSignals" in out.split()
