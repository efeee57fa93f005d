"""`foremesh doctor` as an installed command: what it finds, and what it says to do."""

import asyncio
import json
from pathlib import Path
from typing import Any

from mesh import certs
from tests.conftest import Certificates, ForecastServer
from tests.fakes.console_command import run


async def test_where_all_is_well_it_says_so(
    forecast_server_on_loopback: ForecastServer, certificates: Certificates, tmp_path: Path
) -> None:
    folder, config = certificates.folder, tmp_path / "server.toml"
    async with forecast_server_on_loopback(tls=certificates.server()) as server:
        config.write_text(
            f'[rpc]\nlisten = ["{server.addresses[0]}"]\n[rpc.tls]\ncertificate_file = "{folder}/server.crt"\n'
            f'private_key_file = "{folder}/server.key"\nclient_ca_file = "{folder}/ca.crt"\n'
        )
        identity = ("--certificate-file", folder / "viewer.crt", "--private-key-file", folder / "viewer.key")
        asked = ("doctor", "--config", config, "--ca-file", folder / "ca.crt", *identity)
        people, programs = await asyncio.gather(run(*asked), run(*asked, "--json"))

    assert (people[0], people[2], programs[0]) == (0, "", 0)
    assert max(map(len, people[1].split("\n"))) <= 80
    found = _verdicts(programs[1])
    assert set(found.values()) == {"ok"}
    assert {
        "python", "grpcio", "configuration", "packages", "weights", "its certificate", "own certificate",
        "server's certificate", "server", "clock of server", "model", "device", "precision", "compile mode", "canary",
        "queue", "weights served",
    } <= set(found)  # fmt: skip


async def test_what_is_wrong_is_named_with_what_to_do(
    forecast_server_on_loopback: ForecastServer, certificates: Certificates, tmp_path: Path, unused_tcp_port: int
) -> None:
    certs.init(tmp_path / "stranger")
    config, hasty = tmp_path / "server.toml", tmp_path / "hasty.toml"
    config.write_text('[model]\nname = "timesfm-2.5"\ncheckpoint = "nowhere"\n')
    hasty.write_text(
        f'environment = "custom"\nhost = "http://127.0.0.1:{unused_tcp_port}"\n'
        "read_seconds = 0.5\nunauthenticated_per_second = 100.0\n"
    )
    async with forecast_server_on_loopback(tls=certificates.server()) as server:
        stranger = ("--target", server.addresses[0], "--ca-file", tmp_path / "stranger" / "ca.crt")
        code, out, err = await run("doctor", *stranger, "--config", config, "--exchange-config", hasty, "--json")

    document = json.loads(out)
    assert (code, err) == (1, "")
    found = _verdicts(out)
    assert found["configuration"] == "ok"
    assert {found[name] for name in ("weights", "server's certificate", "server", "exchange")} == {"problem"}
    assert document["problems"] == list(found.values()).count("problem")
    assert all(bool(check["remedy"]) is (check["verdict"] != "ok") for check in document["checks"])


async def test_a_configuration_that_does_not_load_is_a_problem_of_its_own(
    forecast_server_on_loopback: ForecastServer, tmp_path: Path
) -> None:
    config = tmp_path / "server.toml"
    config.write_text("[model]\nnmae = 'random-walk'\n")
    async with forecast_server_on_loopback() as server:
        code, out, _ = await run("doctor", "--config", config, "--target", server.addresses[0])

    assert code == 1
    assert "model.nmae: unknown key, did you mean 'name'?" in " ".join(out.split())
    assert "1 problem," in out


def _verdicts(out: str) -> dict[str, Any]:
    return {check["name"]: check["verdict"] for check in json.loads(out)["checks"]}
