"""The forecast server as a process: stopped under load, dying with its model, failing to load, told of a new policy."""

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Any

import grpc
import pytest
from foremesh.forecast.v1 import forecast_pb2, model_pb2
from foremesh.forecast.v1 import forecast_service_pb2 as pb
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.conftest import ROOT
from tests.fakes.odd_models import MortalModel
from tests.fakes.questions import CLOSES, SERVICE, answer, batch, histories, history, plain, refused, signals, stub
from tests.fakes.scans import opened, read, write

BIN = Path(sys.executable).parent
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
DEADLY = history("KXHIGHNY-DEADLY", closes=[MortalModel.deadly, *CLOSES])


@dataclass(frozen=True, slots=True)
class Daemon:
    """A process and what it says."""

    process: asyncio.subprocess.Process
    log: Path

    def events(self, name: str) -> list[dict[str, Any]]:
        """Lines of the log with that event."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines(True) if line.endswith("\n")]
        return [line for line in lines if line["event"] == name]

    async def event(self, name: str, count: int = 1) -> dict[str, Any]:
        """Wait for the event, for the last of so many."""
        until = time.monotonic() + 30
        while len(found := self.events(name)) < count:
            assert self.process.returncode is None, self.log.read_text()
            assert time.monotonic() < until, self.log.read_text()
            await asyncio.sleep(0.02)
        return found[count - 1]

    async def ended(self) -> int:
        """Wait for its end; gives the exit code."""
        async with asyncio.timeout(30):
            return await self.process.wait()


@asynccontextmanager
async def daemon(folder: Path, *command: object, **settings: object) -> AsyncIterator[tuple[Daemon, grpc.aio.Channel]]:
    """Run a daemon from the moment it listens; killed at the end if it is still there."""
    rpc = {"rpc.listen": '["127.0.0.1:0"]', "rpc.metrics_listen": "off", "rpc.grace_seconds": 4, "log.format": "json"}
    words = [word for key, value in {**rpc, **settings}.items() for word in ("--set", f"{key}={value}")]
    log = folder / "log"
    with log.open("w") as stream:
        process = await asyncio.create_subprocess_exec(
            *map(str, command), *words, cwd=ROOT, stdout=asyncio.subprocess.DEVNULL, stderr=stream
        )
    started = Daemon(process, log)
    try:
        async with plain((await started.event("serving"))["addresses"][0]) as channel:
            yield started, channel
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def odd(folder: Path, kind: str, *, ready: bool = True) -> AsyncIterator[tuple[Daemon, grpc.aio.Channel]]:
    """A daemon with a model that goes wrong."""
    own = {"batch_cost": 8 * len(CLOSES), "canary_seconds": 0}
    async with daemon(folder, sys.executable, "-m", "tests.fakes.odd_daemon", kind, **own) as (started, channel):
        if ready:
            await started.event("ready")
        yield started, channel


async def described(channel: grpc.aio.Channel) -> model_pb2.Model:
    return (await stub(channel).GetModel(pb.GetModelRequest())).model


async def waiting(channel: grpc.aio.Channel, at_least: int) -> None:
    while (await described(channel)).queue.waiting_series < at_least:
        await asyncio.sleep(0.01)


# The stop


async def test_a_stop_under_load_answers_every_input_and_exits_with_0(tmp_path: Path) -> None:
    async with odd(tmp_path, "slow") as (process, channel):
        calls = [await opened(channel) for _ in range(3)]
        for call in calls:
            await write(call, histories(300))  # 18 s together
        await waiting(channel, 800)
        process.process.send_signal(signal.SIGTERM)
        together = [await read(call) for call in calls]
        assert await process.ended() == 0
        for found in together:
            assert sum(found.kinds.values()) == 300
            assert set(found.kinds) == {"signal", "expired"}
            assert set(found.expired()) == {forecast_pb2.EXPIRED_REASON_DRAINING}
        lines = process.events("scan")
        assert sorted(line["signals"] for line in lines) == sorted(found.kinds["signal"] for found in together)
        assert {line["inputs"] for line in lines} == {300}
        assert process.events("stopped")[0]["code"] == 0


async def test_a_stop_while_the_model_loads_is_orderly(tmp_path: Path) -> None:
    async with odd(tmp_path, "loads-for-ever", ready=False) as (process, channel):
        assert (await described(channel)).state == model_pb2.MODEL_STATE_LOADING
        process.process.send_signal(signal.SIGTERM)
        assert await process.ended() == 0


async def test_a_call_cut_off_by_a_kill_can_be_asked_again(tmp_path: Path) -> None:
    async with odd(tmp_path, "slow") as (process, channel):
        call = await opened(channel)
        await call.write(batch(*histories(100)))
        await waiting(channel, 50)
        process.process.kill()
        while True:
            try:
                assert (await answer(call)).HasField("results")
            except grpc.aio.AioRpcError as error:
                code = error.code()
                break
        assert code is grpc.StatusCode.UNAVAILABLE


# The model dies


@pytest.mark.parametrize("kind", ["breaks", "exits", "exits-3", "interrupts"])
async def test_a_model_that_dies_takes_the_process_with_it_and_nobody_waits_in_silence(
    tmp_path: Path, kind: str
) -> None:
    async with odd(tmp_path, kind) as (process, channel):
        calls = [await opened(channel) for _ in range(3)]
        for place, call in enumerate(calls):
            await write(call, [*histories(20), *[DEADLY] * (place == 0), *histories(100)])
        ends = set[grpc.StatusCode]()
        unary = asyncio.ensure_future(refused(stub(channel).GenerateSignals(signals(DEADLY), timeout=20)))
        for call in calls:
            try:
                async with asyncio.timeout(20):
                    found = await read(call)
            except grpc.aio.AioRpcError as error:
                ends.add(error.code())
            else:
                assert set(found.kinds) <= {"signal", "failed", "expired"}
                assert set(found.expired()) <= {forecast_pb2.EXPIRED_REASON_DRAINING}
        assert ends <= {grpc.StatusCode.UNAVAILABLE}
        unary.cancel()
        assert await process.ended() not in {0, 78}, "systemd would not start it again"
        (failed,) = process.events("failed")
        assert "end" in failed["reason"] or "nothing can be forecast" in failed["reason"]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("cannot-load", "fetch them"), ("fails-to-load", "device is busy"), ("exits-at-load", "SystemExit")],
)
async def test_a_model_that_cannot_load_is_told_to_whoever_asks_and_ends_the_process(
    tmp_path: Path, kind: str, reason: str
) -> None:
    async with odd(tmp_path, kind, ready=False) as (process, channel):
        found = await described(channel)
        while found.state == model_pb2.MODEL_STATE_LOADING:
            await asyncio.sleep(0.02)
            found = await described(channel)
        assert found.state == model_pb2.MODEL_STATE_FAILED
        assert reason in found.state_detail
        for name in ("", SERVICE, "model/random-walk"):
            request = health_pb2.HealthCheckRequest(service=name)
            assert (await health_pb2_grpc.HealthStub(channel).Check(request)).status == NOT_SERVING
        failed = await refused(stub(channel).GenerateSignals(signals()))
        assert (failed.code, failed.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "MODEL_FAILED")
        assert await process.ended() == 1
        assert not process.events("ready")
        (line,) = process.events("failed")
        assert reason in line["reason"]


# The policy


def policy(version: str, take_profit: str) -> str:
    shipped = resources.files("forecast_server").joinpath("policy.toml").read_text()
    changed = shipped.replace("take_profit_cents = 20.0", f"take_profit_cents = {take_profit}")
    return "\n".join(f'version = "{version}"' if line.startswith("version") else line for line in changed.splitlines())


async def test_a_new_policy_is_in_force_for_new_calls_and_a_broken_one_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(policy("one", "20.0"))

    async def in_force(channel: grpc.aio.Channel) -> tuple[str, str, float]:
        """Version, digest and level, told alike by a signal and by the list."""
        (result,) = (await stub(channel).GenerateSignals(signals(history(current=20.0)))).results
        listed = await stub(channel).ListExitPolicies(pb.ListExitPoliciesRequest())
        said = result.signal.provenance
        assert (said.policy_version, said.policy_digest) == (listed.policy_version, listed.policy_digest[:12])
        level = result.signal.take_profit_cents
        assert level == listed.exit_policies[0].take_profit_cents
        return listed.policy_version, listed.policy_digest, level

    def digest() -> str:
        return sha256(file.read_bytes()).hexdigest()

    async with daemon(tmp_path, BIN / "foremesh-forecast-server", policy_file=file) as (process, channel):
        await process.event("ready")
        assert await in_force(channel) == ("one", digest(), 20)
        scan = await opened(channel)
        file.write_text(policy("two", "25.0"))
        assert await in_force(channel) != ("two", digest(), 25), "not before it is told"
        process.process.send_signal(signal.SIGHUP)
        assert (await process.event("policy"))["version"] == "two"
        assert await in_force(channel) == ("two", digest(), 25)
        await write(scan, [history(current=20.0)])
        (old,) = (await read(scan)).results
        assert (old.signal.provenance.policy_version, old.signal.take_profit_cents) == ("one", 20)
        good = digest()
        broken: list[Callable[[], object]] = [
            lambda: file.write_text(policy("three", "-1")),
            lambda: file.write_text("not toml at all"),
            lambda: file.write_bytes(b"\xff\xfe"),
            lambda: file.write_text(""),
            file.unlink,
        ]
        for number, spoil in enumerate(broken, 1):
            spoil()
            process.process.send_signal(signal.SIGHUP)
            line = await process.event("policy refused, the old one stays", number)
            assert line["problems"]
            assert line["version"] == "two"
            assert await in_force(channel) == ("two", good, 25)
        process.process.send_signal(signal.SIGTERM)
        assert await process.ended() == 0
