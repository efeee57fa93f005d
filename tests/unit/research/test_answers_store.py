"""Answers on disk: there for the next run, whatever ended the last; damage costs questions, never a wrong answer."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from mesh.store.errors import StoreError
from research.answers_store import AnswersStore, opened

A, B, C = (bytes([letter]) * 16 for letter in b"abc")
KILLED = """
import os, signal, sys
from pathlib import Path
from research.answers_store import opened
with opened(Path(sys.argv[1])) as store:
    store.put([(b"a" * 16, b"said")])
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".research" / "answers.sqlite"


def put(path: Path, *results: tuple[bytes, bytes]) -> None:
    with opened(path) as store:
        store.put(results)


def found(path: Path, *digests: bytes) -> dict[bytes, bytes]:
    with opened(path) as store:
        return store.get(digests)


def set_aside(path: Path) -> list[str]:
    return sorted(file.name for file in path.parent.glob("*damaged*"))


def test_what_was_put_is_there_for_the_next_run(path: Path) -> None:
    put(path, (A, b"one"), (B, b""))
    assert found(path, A, B, C) == {A: b"one", B: b""}


def test_the_last_answer_counts(path: Path) -> None:
    put(path, (A, b"one"))
    put(path, (A, b"two"))
    assert found(path, A) == {A: b"two"}


def test_more_digests_than_one_question_holds_are_looked_up(path: Path) -> None:
    digests = [place.to_bytes(16) for place in range(1200)]
    put(path, *((digest, digest) for digest in digests))
    assert found(path, *digests) == {digest: digest for digest in digests}


def test_a_killed_run_loses_nothing_that_was_put(path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert ended.returncode < 0
    assert found(path, A) == {A: b"said"}


def test_two_runs_share_the_file(path: Path) -> None:
    with opened(path) as one, opened(path) as other:
        one.put([(A, b"one")])
        other.put([(B, b"two")])
        assert one.get([A, B]) == other.get([A, B]) == {A: b"one", B: b"two"}


def test_a_file_of_something_else_is_set_aside(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database" * 100)
    put(path, (A, b"one"))
    assert found(path, A) == {A: b"one"}
    assert set_aside(path) == ["answers.sqlite.damaged-1"]
    assert "asked again" in capsys.readouterr().out


def test_another_database_is_set_aside_and_not_written_to(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE notes (text)")
    other.close()
    put(path, (A, b"one"))
    (aside,) = path.parent.glob("*damaged*")
    assert sqlite3.connect(aside).execute("SELECT name FROM sqlite_schema").fetchall() == [("notes",)]


def broken(path: Path) -> AnswersStore:
    """A store whose file loses its inner pages while it is open."""
    put(path, *((place.to_bytes(16), b"x" * 500) for place in range(500)))
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\x5a" * 4096 * 60)
    return AnswersStore(path, 1 << 30)


def test_damage_met_while_reading_is_set_aside_and_the_run_goes_on(path: Path) -> None:
    store = broken(path)
    assert store.get([place.to_bytes(16) for place in range(500)]) == {}
    store.put([(A, b"one")])
    assert store.get([A]) == {A: b"one"}
    assert set_aside(path) == ["answers.sqlite.damaged-1"]
    store.close()


def test_damage_met_while_writing_is_set_aside_and_the_answers_are_kept(path: Path) -> None:
    store = broken(path)
    store.put([(A, b"one")])
    assert store.get([A]) == {A: b"one"}
    assert set_aside(path) == ["answers.sqlite.damaged-1"]
    store.close()


def test_a_flipped_bit_in_an_answer_is_noticed(path: Path) -> None:
    put(path, (A, b"forty two cents"))
    data = path.read_bytes()
    path.write_bytes(data.replace(b"forty two", b"forty tvo"))
    assert found(path, A) == {}
    assert set_aside(path) == ["answers.sqlite.damaged-1"]


def test_the_file_stays_within_its_bounds_and_forgets_the_oldest(path: Path) -> None:
    capacity = 400_000
    with opened(path, capacity_bytes=capacity) as store:
        for start in range(0, 2000, 100):
            store.put((place.to_bytes(16), b"x" * 1000) for place in range(start, start + 100))
        kept = [place for place in range(2000) if store.get([place.to_bytes(16)])]
    assert kept == list(range(kept[0], 2000)), "the newest, without a gap"
    assert len(kept) > 200
    assert path.stat().st_size < capacity + 200_000


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(StoreError, match="taken"):
        put(tmp_path / "taken" / "answers.sqlite", (A, b"one"))


def test_a_file_that_cannot_be_opened_is_said(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(StoreError, match=r"answers\.sqlite"):
        put(path, (A, b"one"))
    assert set_aside(path) == []
