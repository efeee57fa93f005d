"""The coordinator's database after a power cut, on every disk that one may leave."""

from pathlib import Path

from collector.coordinator.database import opened
from collector.coordinator.rows import WorkerRow
from collector.types import ApiBudget, BudgetKind
from tests.fakes.power.cuts import cuts, put_back
from tests.fakes.power.host import host
from tests.fakes.power.recorder import Recorder, recording
from tests.unit.collector.test_database import NOW

PIECE = 4096


def worker(name: str) -> WorkerRow:
    return WorkerRow(name, "i1", (), "0.1", 0, f"{name}:8788", ApiBudget(BudgetKind.PER_IP, "home"), NOW)


def written(recorder: Recorder, path: Path) -> None:
    """Two processes, one after the other, save workers."""
    for run in range(2):
        with opened(path) as database:
            for number in range(2):
                database.save(workers=[worker(f"w{run}{number}")])
                recorder.tell(2 * run + number + 1)


def test_what_was_saved_is_there_after_any_power_cut() -> None:
    with host() as root:
        path = root / "var" / "state" / "coordinator.sqlite"
        with recording(root) as recorder:
            written(recorder, path)
        tried = 0
        for told, files in cuts(recorder, PIECE):
            put_back(files, root)
            with opened(path) as database:
                assert len(database.load().workers) >= (told or 0), f"{told} were on disk"
            tried += 1
    assert tried > 20
