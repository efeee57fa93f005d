"""The journal of processes that die, and of two that were started by mistake."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from tests.unit.trader.journal.story import write
from trader.domain.entries import OrderSent
from trader.journal.errors import TAKEN, JournalError
from trader.journal.reading import reading
from trader.journal.replaying import fingerprint, folded
from trader.journal.store import opened
from trader.journal.verifying import verify

_ROOT = Path(__file__).parents[3]
_WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from trader.domain.entries import OrderSent
from trader.journal.store import opened
with opened(Path(sys.argv[1])) as journal:
    print("open", flush=True)
    while True:
        last = journal.last_sequence
        journal.append(datetime.now(UTC), [OrderSent(client_order_id=f"{last + n}" * 300) for n in (1, 2, 3)])
        print(journal.last_sequence, flush=True)
"""
_FOLDER = """
import sys
from pathlib import Path
from trader.journal.reading import reading
from trader.journal.replaying import replay
with reading(Path(sys.argv[1])) as reader:
    print(replay(reader, "1").digest)
"""


@contextmanager
def running(script: str, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", script, *arguments]
    env = os.environ | {"PYTHONPATH": str(_ROOT)} | environment
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as process:
        try:
            yield process
        finally:
            process.kill()


def out(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdout is not None
    return process.stdout


def test_a_killed_trader_leaves_whole_transactions_and_everything_it_was_told_is_written(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    for appends in (0, 1, 7, 150):
        with running(_WRITER, str(path)) as writer:
            assert out(writer).readline() == "open\n"
            told = [int(out(writer).readline()) for _ in range(appends)]
            writer.send_signal(signal.SIGKILL)
            told += [int(line) for line in out(writer)]

        end = verify(path).end

        assert end.sequence >= max(told, default=0)
        assert end.sequence % 3 == 0
        with opened(path) as journal:
            assert journal.last_sequence == end.sequence
            for recorded in journal.read():
                assert recorded.entry == OrderSent(client_order_id=f"{recorded.sequence}" * 300)


def test_a_second_trader_is_refused_while_the_first_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with running(_WRITER, str(path)) as first:
        before = [out(first).readline() for _ in range(3)]
        with pytest.raises(JournalError) as caught, opened(path):
            pass
        with running(_WRITER, str(path)) as second:
            assert second.wait() == 1
            assert second.stderr is not None
            assert "JOURNAL_TAKEN" in second.stderr.read()
        after = [out(first).readline() for _ in range(3)]
    assert caught.value.reason == TAKEN
    assert f"process {first.pid}" in str(caught.value)
    assert int(after[-1]) > int(before[-1])
    assert verify(path).end.sequence >= int(after[-1])


def test_books_are_the_same_in_another_process_with_another_order_of_sets(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    write(path, trips=3)
    with reading(path) as reader:
        here = fingerprint(folded(reader.journal_id, reader.read()))

    with running(_FOLDER, str(path), PYTHONHASHSEED="1") as one, running(_FOLDER, str(path), PYTHONHASHSEED="2") as two:
        assert {out(one).read(), out(two).read()} == {f"{here}\n"}


def test_show_follows_a_journal_as_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    last = write(path)
    follow = "from console.journal import journal; journal()"
    arguments = ("show", str(path), "--after", str(last - 1), "--follow", "--json")
    with opened(path) as journal, running(follow, *arguments) as shown:
        first = json.loads(out(shown).readline())
        (stopped,) = journal.read(last - 1)
        journal.append(stopped.time, [OrderSent(client_order_id="new")])
        second = json.loads(out(shown).readline())
        shown.send_signal(signal.SIGINT)
        assert shown.wait() == 130
    assert (first["sequence"], first["entry"]["kind"]) == (last, "stopped")
    assert (second["sequence"], second["entry"]) == (last + 1, {"kind": "order_sent", "client_order_id": "new"})
