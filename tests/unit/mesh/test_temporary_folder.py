"""Folders for a while: what a killed process leaves goes at the next start, what is in use stays."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from mesh.files import locked, temporary_folder

PREFIX = "foremesh-tried-"
HOLDS = f"""
import time
from mesh.files import temporary_folder
with temporary_folder({PREFIX!r}) as folder:
    print(folder.parent, flush=True)
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def aged(path: Path) -> Path:
    os.utime(path, (0, 0), follow_symlinks=False)
    return path


def test_a_folder_is_there_for_a_while() -> None:
    with temporary_folder(PREFIX) as folder, locked(folder):  # as certificates are made in it
        assert list(folder.iterdir()) == []
    assert not folder.parent.exists()


def test_what_a_killed_process_left_goes_and_what_is_in_use_stays(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS], stdout=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(tmp_path)}
    ) as process:
        assert process.stdout is not None
        left = aged(Path(process.stdout.readline().strip()))
        try:
            with temporary_folder(PREFIX):
                assert (left / "inside").exists()
        finally:
            process.kill()
    with temporary_folder(PREFIX):
        assert not left.exists()


def test_what_is_young_or_no_folder_or_named_otherwise_stays(tmp_path: Path) -> None:
    young = tmp_path / f"{PREFIX}young"
    young.mkdir()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "inside").write_text("something")
    link = tmp_path / f"{PREFIX}link"
    link.symlink_to(outside)
    aged(outside)
    aged(link)
    with temporary_folder(PREFIX):
        assert young.is_dir()
        assert link.is_symlink()
        assert (outside / "inside").exists()
