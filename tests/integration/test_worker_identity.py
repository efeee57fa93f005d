"""Who a worker is stands in its certificate: a stolen one acts for its own worker and for no other."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from mesh import certs
from mesh.rpc.channel import connect
from mesh.rpc.config import ClientConfig
from mesh.tokens import create
from tests.conftest import Certificates
from tests.fakes.coordinator import (
    SERVICE,
    Coordinated,
    beat,
    closed_event,
    commit,
    coordinator_on_loopback,
    key_of,
    progress,
    registration,
    release,
    stub,
)
from tests.fakes.questions import plain, refused

KEY = key_of(closed_event())
CALLS: dict[str, Callable[[Any, str], Awaitable[Any]]] = {
    "RegisterWorker": lambda ask, worker: ask.RegisterWorker(registration(worker, "thief")),
    "Heartbeat": lambda ask, worker: ask.Heartbeat(beat(1, worker, wanted=1)),
    "CommitShard": lambda ask, worker: ask.CommitShard(commit(KEY, 1, worker)),
    "ReleaseLease": lambda ask, worker: ask.ReleaseLease(release(KEY, 1, worker)),
}
"""Everything that a worker calls in its own name."""


@pytest.fixture
def own(tmp_path: Path) -> Certificates:
    """An authority with certificates named as people and `foremesh install` name them."""
    certs.init(tmp_path)
    certs.issue(tmp_path, "server", hosts=["localhost", "127.0.0.1"])
    for name in ("spark", "collector-mini"):
        certs.issue(tmp_path, name, role="collector")
    return Certificates(tmp_path)


@asynccontextmanager
async def asking(config: ClientConfig) -> AsyncIterator[Any]:
    async with connect(config, SERVICE) as channel:
        yield stub(channel)


@pytest.fixture
async def served(own: Certificates) -> AsyncIterator[Coordinated]:
    async with coordinator_on_loopback(own.folder, tls=own.server()) as coordinated:
        coordinated.engine.take_events([closed_event()])
        yield coordinated


@pytest.mark.parametrize("method", CALLS)
async def test_a_certificate_speaks_for_its_own_worker_alone(
    own: Certificates, served: Coordinated, method: str
) -> None:
    async with AsyncExitStack() as stack:
        spark, thief = [
            await stack.enter_async_context(asking(own.client(served.address, name)))
            for name in ("spark", "collector-mini")
        ]
        await spark.RegisterWorker(registration("spark"))
        [grant] = (await spark.Heartbeat(beat(1, "spark", wanted=1))).grants
        await thief.RegisterWorker(registration("mini"))
        found = await refused(CALLS[method](thief, "spark"))
        assert (found.code, found.reason) == (grpc.StatusCode.PERMISSION_DENIED, "WORKER_NOT_YOURS")
        assert (found.metadata["field"], found.metadata["caller"]) == ("worker_id", "collector-mini")
        assert "named spark or collector-spark" in found.message
        # Nothing of it reached the worker that was named: its process is in force, and its lease its own.
        answer = await spark.Heartbeat(beat(2, "spark", leases=[progress(KEY, grant.lease.epoch)]))
        assert [verdict.WhichOneof("verdict") for verdict in answer.lease_verdicts] == ["renewed"]
        assert not (await spark.CommitShard(commit(KEY, grant.lease.epoch))).already_committed


async def test_a_name_that_only_ends_or_begins_like_the_certificates_is_another_workers(
    own: Certificates, served: Coordinated
) -> None:
    async with asking(own.client(served.address, "collector-mini")) as thief:
        for worker in ("min", "mini2", "i", "collector-mini-2", "collector"):
            assert (await refused(thief.RegisterWorker(registration(worker)))).reason == "WORKER_NOT_YOURS", worker
        for worker in ("mini", "collector-mini"):
            await thief.RegisterWorker(registration(worker))


async def test_a_token_speaks_for_its_own_worker_alone(own: Certificates) -> None:
    tokens, token_file = own.folder / "tokens.toml", own.folder / "spark.token"
    token_file.touch(mode=0o600)
    token_file.write_text(create(tokens, "spark", "collector"))
    tls = own.server(mutual=False)
    async with coordinator_on_loopback(own.folder, tls=tls, token_file=tokens) as served:
        config = ClientConfig(targets=(served.address,), ca_file=own.folder / "ca.crt", token_file=token_file)
        async with asking(config) as ask:
            await ask.RegisterWorker(registration("spark"))
            assert (await refused(ask.RegisterWorker(registration("mini")))).reason == "WORKER_NOT_YOURS"


async def test_over_plain_text_loopback_nobody_proves_a_name_and_any_is_taken(tmp_path: Path) -> None:
    async with coordinator_on_loopback(tmp_path) as served, plain(served.address) as channel:
        for worker in ("spark", "loopback", "mini"):
            await stub(channel).RegisterWorker(registration(worker))
