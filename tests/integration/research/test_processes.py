"""Walks in processes of their own come to what they come to here, and end with whoever started them."""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess

import psutil
import pytest

from mesh.errors import Broken
from research import arms
from research.arms import Arm
from research.baselines import EVERY_MOMENT
from research.processes import Processes
from research.types import Answers, EntryPolicy
from research.walks import Walks
from tests.fakes.research_walk import plan, walked_on


def breaks(_: Answers) -> Answers:
    raise LookupError("no such answers")


def hosts() -> list[BaseProcess]:
    # Not by their command lines: for a moment after exec, Linux shows an empty one.
    return multiprocessing.active_children()


@contextmanager
def leaving_nobody() -> Iterator[None]:
    yield
    assert hosts() == []


@pytest.mark.parametrize("policy", [EntryPolicy.LIVE, EntryPolicy.INDEPENDENT])
def test_however_many_processes_walk_it_comes_to_the_same(policy: EntryPolicy) -> None:
    here = walked_on(None, arms.HOLD, EVERY_MOMENT, entry_policy=policy)

    with leaving_nobody():
        there = walked_on(Processes(2, fewest_events=1), arms.HOLD, EVERY_MOMENT, entry_policy=policy)

    assert list(there) == list(here)
    assert there == here
    assert here["policy"][0]
    assert here[EVERY_MOMENT.name][0]


def test_what_a_walk_raises_in_another_process_is_raised_here() -> None:
    with leaving_nobody(), pytest.raises(LookupError, match="no such answers") as caught:
        walked_on(Processes(1, fewest_events=1), Arm(name="broken", about="", answers=breaks))
    assert "in breaks" in "".join(caught.value.__notes__)


def test_a_process_that_is_killed_is_named() -> None:
    with leaving_nobody(), Walks(plan(), (), 7, engine=Processes(1, fewest_events=1), events=9) as walks:
        hosts()[0].kill()
        with pytest.raises(Broken, match="SIGKILL") as caught:
            walks.finish()
    assert caught.value.reason == "WALK_DIED"


def test_few_events_are_walked_right_here() -> None:
    with Walks(plan(), (), 7, engine=Processes(2), events=3):
        assert hosts() == []


STARTS = """
import time
from research.processes import Processes
from research.walks import Walks
from tests.fakes.research_walk import plan
if __name__ == "__main__":
    with Walks(plan(), (), 7, engine=Processes(1, fewest_events=1), events=9) as walks:
        print("started", flush=True)
        time.sleep(60)
"""


def test_they_end_with_a_command_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", STARTS], stdout=subprocess.PIPE, text=True) as command:
        assert command.stdout is not None
        assert command.stdout.readline() == "started\n"
        left = psutil.Process(command.pid).children(recursive=True)
        assert left
        os.kill(command.pid, signal.SIGKILL)
    assert psutil.wait_procs(left, timeout=20)[1] == []
