"""What a server shows of its work: counters that agree with each other and with the answers, a line for every scan."""

import asyncio
import urllib.request
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
from foremesh.forecast.v1 import forecast_service_pb2 as pb
from foremesh.forecast.v1 import model_pb2
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from tests.fakes.odd_models import BlindModel, TightModel
from tests.fakes.questions import SERVICE, batch, forecasts, header, histories, history, options, plain, signals, stub
from tests.fakes.scans import named, opened, scan, whole_server

Labels = frozenset[tuple[str, str]]


async def scraped(port: int | None) -> Mapping[str, Mapping[Labels, float]]:
    """Samples by name and labels."""

    def read() -> str:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            return str(answer.read().decode())

    found: dict[str, dict[Labels, float]] = {}
    for family in text_string_to_metric_families(await asyncio.to_thread(read)):
        for sample in family.samples:
            found.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value
    return {name.removeprefix("foremesh_forecast_"): samples for name, samples in found.items()}


def by(samples: Mapping[Labels, float], label: str) -> dict[str, float]:
    return {dict(labels)[label]: value for labels, value in samples.items() if value}


def only(samples: Mapping[Labels, float]) -> float:
    (value,) = samples.values()
    return value


async def described(channel: grpc.aio.Channel) -> model_pb2.Model:
    return (await stub(channel).GetModel(pb.GetModelRequest())).model


async def test_counters_agree_with_the_answers_and_with_each_other() -> None:
    model = BlindModel()
    async with whole_server(model, metrics=True, canary_seconds=0.01) as server, plain(server.addresses[0]) as channel:
        failing = history("S-1", closes=[BlindModel.disliked, 40.0, 41.0])
        past = options(useful_until=datetime.now(UTC) - timedelta(seconds=1))
        answered = Counter[str]()
        for wanted, asked in (
            ([*named(20), failing, history(closes=[1.0]), history(closes=[500.0, 1.0, 2.0])], options()),
            (named(20), options()),  # known by now
            (named(7, 50), past),
        ):
            answered += (await scan(channel, wanted, asked)).kinds
        await stub(channel).GenerateForecasts(forecasts(history(closes=[7.0, 9.0, 8.0])))
        answered["signal"] += 1  # counted with them: it has a forecast
        late = pb.GenerateSignalsRequest(forecast=past, histories=histories(2))
        await stub(channel).GenerateSignals(late)
        answered["expired"] += 2
        found, shown = await scraped(server.metrics_port), await described(channel)
    kinds = {"signal": "signals", "no_signal": "no_signals"}
    results = by(found["results_total"], "outcome")
    assert results == {kinds.get(kind, kind): count for kind, count in answered.items()}
    assert by(found["expired_total"], "reason") == {"useful_until": results["expired"]}
    assert (only(found["cache_hits_total"]), only(found["cache_misses_total"])) == (20, shown.cache.misses)
    assert shown.cache.hits == 20
    activity = shown.activity
    assert only(found["batch_series_count"]) == only(found["batch_cost_count"]) == activity.batches > 0
    assert only(found["batch_series_sum"]) == activity.series == 22
    assert sum(found["batch_seconds_count"].values()) == activity.batches
    assert set(by(found["batch_seconds_count"], "up_to_cost")) == {str(one.up_to_cost) for one in shown.batch_timings}
    assert only(found["batch_cost_sum"]) >= 20 * 8
    assert abs(only(found["model_busy_seconds_total"]) - sum(found["batch_seconds_sum"].values())) < 1e-9
    assert only(found["scan_seconds_count"]) == 5
    assert only(found["first_answer_seconds_count"]) == 5
    assert {only(found[name]) for name in ("waiting_series", "waiting_cost", "running_series", "active_scans")} == {0}
    assert 0 <= only(found["busy_ratio"]) <= 1
    assert only(found["canary_difference_ratio"]) == only(found["canary_drifts_total"]) == 0
    assert {"padding_series_total", "out_of_memory_total", "process_resident_memory_bytes"} <= set(found)


async def test_prometheus_sees_what_health_says() -> None:
    async with whole_server(metrics=True) as server:
        before = (await scraped(server.metrics_port))["foremesh_rpc_serving"]
        await server.health.set("model/random-walk", serving=False)
        after = (await scraped(server.metrics_port))["foremesh_rpc_serving"]
    assert by(before, "service") == {SERVICE: 1, "model/random-walk": 1}
    assert by(after, "service") == {SERVICE: 1}
    assert set(after) == set(before), "what does not serve is 0, not absent"


async def test_shortages_and_refusals_are_counted() -> None:
    async with whole_server(TightModel(4), metrics=True) as server, plain(server.addresses[0]) as channel:
        await scan(channel, named(10))
        for _ in range(3):
            forbidden = stub(channel).GenerateSignals(signals(purpose=3))
            assert await forbidden.code() is grpc.StatusCode.FAILED_PRECONDITION
        found, shown = await scraped(server.metrics_port), await described(channel)
    assert only(found["out_of_memory_total"]) == shown.activity.out_of_memory_batches > 0
    assert by(found["refused_total"], "reason") == {"PURPOSE_FORBIDDEN": 3}
    assert shown.activity.refused_calls == 0, "those are of a server that has too much to do"


async def test_every_scan_has_one_line_in_the_log_however_it_ended() -> None:
    async with whole_server(cache_mebibytes=0) as server, plain(server.addresses[0]) as channel:
        with capture_logs() as lines:
            done = await scan(channel, [*named(5), history(closes=[1.0])])
            gone = await opened(channel, client_id="gone")
            await gone.write(batch(*named(3)))
            await gone.read()
            gone.cancel()
            garbage: Any = channel.stream_stream(f"/{SERVICE}/StreamSignals")()
            await garbage.write(header().SerializeToString())
            await garbage.read()
            await garbage.write(b"\xff\xfe")
            await garbage.code()
            await stub(channel).GenerateSignals(signals(*named(2)))
            while (await described(channel)).queue.active_scans:
                pass
    scans = [line for line in lines if line["event"] == "scan"]
    assert len(scans) == 4
    by_inputs = {line["inputs"]: line for line in scans}
    assert set(by_inputs) == {6, 3, 0, 2}
    for line in scans:
        parts = ("signals", "no_signals", "rejected", "expired", "failed", "unanswered")
        assert line["inputs"] == sum(line[part] for part in parts)
        assert line["seconds"] >= 0
        assert line["purpose"] == "paper"
        assert line["horizon"] == 3
        assert line["model"].startswith("random-walk@")
    assert by_inputs[6]["signals"] == done.kinds["signal"]
    assert by_inputs[6]["scan_id"] == "scan-1"
    assert by_inputs[2]["scan_id"] == ""


async def test_what_a_request_holds_never_reaches_the_log() -> None:
    async with whole_server() as server, plain(server.addresses[0]) as channel:
        with capture_logs() as lines:
            await scan(channel, [history("KXSECRET-1"), history("KXSECRET-2", closes=[12.345, 67.89, 400.0])])
    assert "SECRET" not in str(lines)
    assert "12.345" not in str(lines)
