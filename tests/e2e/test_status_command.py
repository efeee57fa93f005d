"""`foremesh status` as an installed command, against real servers."""

import asyncio
import json

from tests.conftest import Certificates, ForecastServer
from tests.fakes.console_command import run
from tests.fakes.models import HeldModel
from tests.fakes.serving import forecasts_from


async def test_a_server_shows_who_it_is_and_what_it_does(
    forecast_server_on_loopback: ForecastServer, certificates: Certificates
) -> None:
    folder = certificates.folder
    identity = ("--certificate-file", folder / "viewer.crt", "--private-key-file", folder / "viewer.key")
    async with forecast_server_on_loopback(tls=certificates.server()) as server:
        asked = ("status", "--target", server.addresses[0], "--ca-file", folder / "ca.crt", *identity)
        people, programs = await asyncio.gather(run(*asked), run(*asked, "--json"))

    assert (people[0], people[2]) == (0, "")
    assert people[1].startswith(f"forecast server {server.addresses[0]} ready, serving\n")
    for label in ("model", "runs on", "limits", "queue", "clock", "up", "instance"):
        assert f"\n  {label} " in people[1], label
    assert max(map(len, people[1].split("\n"))) <= 80
    (found,) = json.loads(programs[1])["forecast"]
    assert (found["state"], found["health"]) == ("ready", "SERVING")
    assert abs(found["clock_offset_seconds"]) < 1  # it is the same clock
    assert found["model"]["identity"]["name"] == "random-walk"


async def test_a_server_that_is_loading_is_there_all_the_same() -> None:
    async with forecasts_from(HeldModel(), load=False) as served:
        code, out, err = await run("status", "--target", served.address, "--json")

    (found,) = json.loads(out)["forecast"]
    assert (code, err) == (0, "")
    assert (found["state"], found["health"]) == ("loading", "NOT_SERVING")


async def test_where_nobody_answers_the_exit_code_says_so_too(unused_tcp_port: int) -> None:
    address = f"127.0.0.1:{unused_tcp_port}"
    people, programs = await asyncio.gather(
        run("status", "--target", address), run("status", "--target", address, "--json")
    )

    assert (people[0], programs[0]) == (1, 1)
    assert f"forecast server {address} away" in people[1]
    assert "foremesh-forecast-server" in people[1]
    (found,) = json.loads(programs[1])["forecast"]
    assert found["state"] == "away"
    assert f"no forecast server answers at {address}" in found["problem"]
