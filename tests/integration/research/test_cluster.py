"""Walks on a Ray cluster come to what they come to here; that there is no Ray, or no cluster, is said in one line."""

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mesh.errors import NotReady, Unavailable
from research import arms, cluster
from research.arms import Arm
from research.baselines import EVERY_MOMENT
from research.types import Answers
from tests.fakes.research_walk import walked_on

RAY = importlib.util.find_spec("ray") is not None
needs_ray = pytest.mark.skipif(not RAY, reason="ray is not installed: pip install 'foremesh[ray]'")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def head() -> Iterator[str]:
    """A cluster of two processors, with its head here."""
    address = f"127.0.0.1:{free_port()}"
    port = address.partition(":")[2]
    words = [str(Path(sys.executable).with_name("ray")), "start", "--head", "--block", f"--port={port}", "--num-cpus=2"]
    with (
        tempfile.TemporaryDirectory(prefix="ray") as folder,  # names of sockets are limited to about a hundred bytes
        subprocess.Popen(
            [*words, "--include-dashboard=false", "--disable-usage-stats", f"--temp-dir={folder}"],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "1"},
        ) as started,
    ):
        assert started.stdout is not None
        for line in started.stdout:
            if "Ray runtime started" in line:
                break
        yield address
        started.send_signal(signal.SIGTERM)


@pytest.mark.skipif(RAY, reason="ray is installed")
def test_without_ray_it_is_said_what_to_install() -> None:
    with pytest.raises(NotReady, match=r"pip install 'foremesh\[ray\]'") as caught, cluster.joined():
        pass
    assert caught.value.reason == "RAY_MISSING"


@needs_ray
@pytest.mark.timeout(180)
@pytest.mark.filterwarnings("default")  # Ray's own
def test_on_a_cluster_it_comes_to_the_same(head: str) -> None:
    here = walked_on(None, arms.HOLD, EVERY_MOMENT)

    before = signal.getsignal(signal.SIGTERM)
    with cluster.joined(head) as ray:
        there = walked_on(ray, arms.HOLD, EVERY_MOMENT)
        with pytest.raises(LookupError, match="no such answers"):
            walked_on(ray, Arm(name="broken", about="", answers=_breaks))

    assert there == here
    assert signal.getsignal(signal.SIGTERM) is before


@needs_ray
@pytest.mark.timeout(120)
@pytest.mark.filterwarnings("default")
def test_a_cluster_that_is_not_there_is_named() -> None:
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(Unavailable, match=f"no Ray cluster at {address}"), cluster.joined(address):
        pass


def _breaks(_: Answers) -> Answers:
    raise LookupError("no such answers")
