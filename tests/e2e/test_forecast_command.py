"""`foremesh forecast` as an installed command, against a real server."""

import asyncio
import json
from pathlib import Path

import pytest
from foremesh.forecast.v1 import signal_pb2
from google.protobuf.json_format import ParseDict

from mesh import certs
from tests.conftest import Certificates, ForecastServer
from tests.fakes.console_command import run
from tools import sample

RECORDED = Path(__file__).resolve().parents[3] / "shared" / "data" / "kalshi" / "candles_60m_KXHIGHNY.parquet"


async def test_people_get_tables_plots_and_an_account_of_every_market(
    forecast_server_on_loopback: ForecastServer,
) -> None:
    async with forecast_server_on_loopback() as server:
        code, out, err = await run("forecast", sample.FILE, "--target", server.addresses[0])

    assert (code, err) == (0, "")
    assert "16 markets = 13 signals, 3 without a signal, 0 rejected, 0 expired, 0 failed" in out
    assert all(walk.name in out for walk in sample.WALKS)
    assert out.count("now") == 3
    assert "random-walk@" in out
    assert max(map(len, out.split("\n"))) <= 80
    assert "\x1b" not in out


async def test_programs_get_one_document_and_a_verdict_on_bad_markets(
    forecast_server_on_loopback: ForecastServer, tmp_path: Path
) -> None:
    file = tmp_path / "series.jsonl"
    markets = [
        {"market_ticker": "KXHIGHNY-A", "closes_cents": [40, 42, None, 41, 45], "current_price_cents": 44},
        {"market_ticker": "KXHIGHNY-B", "closes_cents": [40, 170, 41]},
        {"market_ticker": "no ticker", "closes_cents": [40, 41, 42]},
        {"market_ticker": "KXHIGHNY-C", "closes_cents": [None, None, None]},
    ]
    file.write_text("\n".join(map(json.dumps, markets)))

    async with forecast_server_on_loopback() as server:
        code, out, err = await run("forecast", file, "--target", server.addresses[0], "--json")

    document = json.loads(out)
    assert (code, err) == (0, "")
    found = [ParseDict(result, signal_pb2.SignalResult()) for result in document["results"]]
    assert [result.WhichOneof("outcome") for result in found] == ["signal", "rejected", "rejected", "rejected"]
    assert found[1].rejected.problems[0].field == "closes_cents[1]"
    assert found[2].rejected.problems[0].field == "market_ticker"
    assert found[3].rejected.problems[0].field == "current_price_cents"
    summary = document["summary"]
    assert summary["input_count"] == summary["signal_count"] + summary["rejected_count"] == 4
    assert document["model"]["name"] == "random-walk"


async def test_a_certificate_opens_the_door_and_a_collectors_does_not(
    forecast_server_on_loopback: ForecastServer, certificates: Certificates, tmp_path: Path
) -> None:
    folder, stranger = certificates.folder, tmp_path / "stranger"
    certs.init(stranger)
    async with forecast_server_on_loopback(tls=certificates.server()) as server:
        command = ("forecast", sample.FILE, "--target", server.addresses[0], "--plots", "0")
        who = (_as(folder, "trader"), _as(folder, "collector"), (), ("--ca-file", stranger / "ca.crt"))
        trader, collector, plain, fooled = await asyncio.gather(*(run(*command, *identity) for identity in who))

    assert trader[0] == 0
    for code, out, err in (collector, plain, fooled):
        assert (code, out, err.count("\n")) == (1, "", 1)
    assert "ROLE_FORBIDDEN" in collector[2]
    assert "does it want TLS (--ca-file) or a certificate (--certificate-file)?" in plain[2]
    assert "cannot prove who it is" in fooled[2]


def _as(folder: Path, role: str) -> tuple[object, ...]:
    pair = ("--certificate-file", folder / f"{role}.crt", "--private-key-file", folder / f"{role}.key")
    return ("--ca-file", folder / "ca.crt", *pair)


async def test_without_a_server_one_line_says_how_to_start_one(unused_tcp_port: int) -> None:
    code, out, err = await run("forecast", sample.FILE, "--target", f"127.0.0.1:{unused_tcp_port}")

    assert (code, out) == (1, "")
    assert err.count("\n") == 1
    assert f"no forecast server answers at 127.0.0.1:{unused_tcp_port}" in err
    assert "foremesh-forecast-server" in err


async def test_a_purpose_that_the_model_may_not_serve_is_refused_in_one_line(
    forecast_server_on_loopback: ForecastServer,
) -> None:
    async with forecast_server_on_loopback() as server:
        code, out, err = await run("forecast", sample.FILE, "--target", server.addresses[0], "--purpose", "live")

    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "PURPOSE_FORBIDDEN" in err


async def test_a_file_may_still_be_named_by_the_option_it_had(forecast_server_on_loopback: ForecastServer) -> None:
    async with forecast_server_on_loopback() as server:
        named, said = await asyncio.gather(
            run("forecast", "--series", sample.FILE, "--target", server.addresses[0], "--json"),
            run("forecast", sample.FILE, "--target", server.addresses[0], "--json"),
        )

    first, second = json.loads(named[1]), json.loads(said[1])
    assert first["inputs"] == second["inputs"]
    assert "--series" not in (await run("forecast", "--help"))[1]


@pytest.mark.skipif(not RECORDED.exists(), reason="no recorded data beside this checkout")
async def test_all_markets_of_a_recorded_file_are_scanned(forecast_server_on_loopback: ForecastServer) -> None:
    async with forecast_server_on_loopback() as server:
        code, out, _ = await run("forecast", "--series", RECORDED, "--target", server.addresses[0], "--json")

    document = json.loads(out)
    assert code == 0
    counts = [count for name, count in document["summary"].items() if name.endswith("_count")]
    assert counts[0] == sum(counts[1:]) == len(document["results"]) == 660
    assert [result["input_index"] for result in document["results"]] == list(range(660))
