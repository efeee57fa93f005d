"""The TypeScript client of docs/examples: generated, built and run as its README says, against a live server.

The project is copied to .cache, so that what npm installs is kept between runs and the source tree stays clean.
"""

import asyncio
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from foremesh.forecast.v1 import forecast_pb2, signal_pb2
from google.protobuf import json_format
from google.protobuf.duration_pb2 import Duration

from mesh.forecasts import forecasting
from mesh.rpc.config import ClientConfig
from tests.conftest import Certificates, ForecastServer
from tests.contract.test_codegen import ROOT, commands, obey

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]  # the first run installs the packages

SOURCE = "docs/examples/typescript"
PROJECT = ".cache/examples/typescript"  # as deep as the source: buf.gen.yaml names the contracts relative to itself
CERTIFICATES = "~/.config/foremesh/certs"

FORECAST = forecast_pb2.ForecastOptions(
    horizon_steps=6, step=Duration(seconds=3600), purpose=forecast_pb2.PURPOSE_RESEARCH
)
SIGNAL = signal_pb2.SignalOptions(min_magnitude_cents=1)


@dataclass(frozen=True, slots=True)
class Ran:
    """What the client did."""

    status: int
    printed: list[dict[str, Any]]
    error: dict[str, Any] | None

    def results(self, call: str) -> list[signal_pb2.SignalResult]:
        lines = [line["result"] for line in self.printed if line["call"] == call and "result" in line]
        return comparable(json_format.ParseDict(line, signal_pb2.SignalResult()) for line in lines)

    def summary(self, call: str) -> dict[str, int]:
        (found,) = [line["summary"] for line in self.printed if line["call"] == call and "summary" in line]
        assert isinstance(found, dict)
        return found


@dataclass(frozen=True, slots=True)
class Client:
    """The built client and the two commands of the README that start it."""

    plain: str
    mutual_tls: str

    async def in_the_clear(self, address: str, arguments: str = "") -> Ran:
        assert "127.0.0.1:8787" in self.plain
        return await run(self.plain.replace("127.0.0.1:8787", address) + arguments)

    async def with_certificate(self, address: str, folder: Path, role: str | None = "trader") -> Ran:
        assert "localhost:8787" in self.mutual_tls
        assert self.mutual_tls.count(f"{CERTIFICATES}/trader.") == 2
        command = self.mutual_tls.replace("localhost:8787", address.replace("127.0.0.1", "localhost"))
        if role is None:
            command, _, _ = command.partition(" --cert ")
        command = command.replace(f"{CERTIFICATES}/trader.", f"{folder}/{role}.").replace(CERTIFICATES, str(folder))
        return await run(command)


async def run(command: str) -> Ran:
    process = await asyncio.create_subprocess_exec(
        "bash",
        *("-euc", f"exec {command}"),
        cwd=ROOT / PROJECT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(60):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    printed, problems = objects(out), objects(err)  # npm writes lines of its own to both
    assert len(problems) == (process.returncode != 0), err.decode()
    return Ran(process.returncode, printed, problems[0]["error"] if problems else None)


def objects(output: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.decode().splitlines() if line.startswith("{")]


def comparable(results: Iterable[signal_pb2.SignalResult]) -> list[signal_pb2.SignalResult]:
    """By input index, and without what two calls for the same inputs need not share."""
    ordered = sorted(results, key=lambda result: result.input_index)
    for result in ordered:
        for outcome in (result.signal, result.no_signal):
            if outcome.HasField("provenance"):
                outcome.provenance.ClearField("cached")
    return ordered


async def results_in_python(
    config: ClientConfig, histories: list[forecast_pb2.MarketHistory]
) -> list[signal_pb2.SignalResult]:
    async with forecasting(config) as client:
        return comparable([result async for result in client.scan(histories, FORECAST, SIGNAL)])


def read_histories(file: Path) -> list[forecast_pb2.MarketHistory]:
    return [json_format.ParseDict(entry, forecast_pb2.MarketHistory()) for entry in json.loads(file.read_text())]


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """The client, made as the README says. Runs of the tests in one checkout take turns."""
    if missing := [tool for tool in ("node", "npm") if shutil.which(tool) is None]:
        reason = f"the TypeScript client needs {' and '.join(missing)}"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    lines = commands()["TypeScript"]
    *make, plain, mutual_tls = lines
    assert [line.split()[:2] for line in (plain, mutual_tls)] == [["npm", "start"]] * 2
    (ROOT / PROJECT).mkdir(parents=True, exist_ok=True)
    with (ROOT / PROJECT).with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        obey(commands()["Clients in other languages"])
        build(make)
        yield Client(plain, mutual_tls)


def build(lines: list[str]) -> None:
    """Obey the commands in a copy of the project; npm's packages stay while the lock file does."""
    source, project = ROOT / SOURCE, ROOT / PROJECT
    shutil.rmtree(project / "build", ignore_errors=True)
    shutil.copytree(source, project, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules", "gen", "build"))
    assert "npm ci" in lines
    installed = project / "node_modules" / ".installed-from"  # npm ci removes it
    wanted = hashlib.sha256((project / "package-lock.json").read_bytes()).hexdigest()
    if installed.exists() and installed.read_text() == wanted:
        lines = [line for line in lines if line != "npm ci"]
    obey([line.replace(SOURCE, PROJECT) for line in lines])
    installed.write_text(wanted)


async def test_the_client_gets_the_signals_that_python_gets(
    client: Client, forecast_server_on_loopback: ForecastServer
) -> None:
    async with forecast_server_on_loopback() as server:
        address = server.addresses[0]
        ran = await client.in_the_clear(address)
        expected = await results_in_python(
            ClientConfig(targets=(address,)), read_histories(ROOT / SOURCE / "histories.json")
        )

    assert ran.status == 0
    assert ran.printed[0]["model"]["identity"]["name"] == "random-walk"
    assert [result.WhichOneof("outcome") for result in expected] == ["signal", "signal", "no_signal", "no_signal"]
    assert ran.results("GenerateSignals") == expected
    assert ran.results("StreamSignals") == expected
    for call in ("GenerateSignals", "StreamSignals"):
        assert ran.summary(call) == {"inputCount": 4, "signalCount": 2, "noSignalCount": 2}


async def test_a_scan_of_several_messages_answers_every_input_also_a_rejected_one(
    client: Client, forecast_server_on_loopback: ForecastServer, tmp_path: Path
) -> None:
    file = tmp_path / "many.json"
    markets = [
        {"marketTicker": f"KXMANY-{n}", "closesCents": [20 + n % 7, 30, 25, 20 + n % 50], "currentPriceCents": 40}
        for n in range(150)
    ]
    markets[100]["marketTicker"] = "not a ticker"
    file.write_text(json.dumps(markets))

    async with forecast_server_on_loopback() as server:
        address = server.addresses[0]
        ran = await client.in_the_clear(address, f" --histories {file}")
        expected = await results_in_python(ClientConfig(targets=(address,)), read_histories(file))

    assert ran.status == 0
    results = ran.results("StreamSignals")
    assert [result.input_index for result in results] == list(range(150))
    assert results == expected
    assert [problem.field for problem in results[100].rejected.problems] == ["market_ticker"]
    summary = ran.summary("StreamSignals")
    assert (summary["inputCount"], summary["rejectedCount"]) == (150, 1)


async def test_a_refused_request_names_its_fields(client: Client, forecast_server_on_loopback: ForecastServer) -> None:
    async with forecast_server_on_loopback() as server:
        ran = await client.in_the_clear(server.addresses[0], " --horizon 0")

    assert ran.status == 1
    assert ran.error is not None
    assert (ran.error["code"], ran.error["reason"]) == ("InvalidArgument", "INVALID_REQUEST")
    assert [field["field"] for field in ran.error["fields"]] == ["forecast.horizon_steps"]
    assert [line["call"] for line in ran.printed] == ["GetModel"]


async def test_a_client_certificate_opens_a_server_that_asks_for_one(
    client: Client, forecast_server_on_loopback: ForecastServer, certificates: Certificates
) -> None:
    async with forecast_server_on_loopback(tls=certificates.server()) as server:
        address = server.addresses[0]
        ran = await client.with_certificate(address, certificates.folder)
        expected = await results_in_python(
            certificates.client(address), read_histories(ROOT / SOURCE / "histories.json")
        )

    assert ran.status == 0, ran.error
    assert ran.results("StreamSignals") == ran.results("GenerateSignals") == expected


async def test_a_viewer_may_ask_but_not_stream(
    client: Client, forecast_server_on_loopback: ForecastServer, certificates: Certificates
) -> None:
    async with forecast_server_on_loopback(tls=certificates.server()) as server:
        ran = await client.with_certificate(server.addresses[0], certificates.folder, role="viewer")

    assert ran.status == 1
    assert ran.error is not None
    assert (ran.error["code"], ran.error["reason"]) == ("PermissionDenied", "ROLE_FORBIDDEN")
    assert ran.summary("GenerateSignals")["inputCount"] == 4


async def test_a_server_that_asks_for_certificates_is_closed_to_a_client_without_one(
    client: Client, forecast_server_on_loopback: ForecastServer, certificates: Certificates
) -> None:
    async with forecast_server_on_loopback(tls=certificates.server()) as server:
        ran = await client.with_certificate(server.addresses[0], certificates.folder, role=None)

    assert ran.status == 1
    assert ran.printed == []
