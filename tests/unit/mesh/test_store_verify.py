"""Whatever is wrong with a data folder is found, and nothing is found in a sound one."""

import contextlib
import itertools
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesh.records import CANDLES, VERSION
from mesh.shards import Commit, Hole, HoleReason, ShardKey
from mesh.store.errors import StoreError
from mesh.store.findings import Problem, Report
from mesh.store.folder import Condition, DataFolder, open_folder
from mesh.store.label import Label, Origin
from mesh.store.parquet import encode
from mesh.store.reader import Candles
from mesh.store.verify import verify
from tests.fakes.candle_tables import ALONE, BOTH, KEY, candles, committed

OTHER = replace(KEY, event="KXHIGHNY-26NOV23")
HOLES = (Hole("KXHIGHNY-26NOV22-B999", HoleReason.NO_DATA),)


def publish(folder: DataFolder, key: ShardKey, table: pa.Table, epoch: int = 1) -> Commit:
    staged = folder.stage(key, epoch, table, **BOTH, holes=HOLES)
    folder.publish(staged, committed(staged))
    return committed(staged)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    with open_folder(tmp_path) as folder:
        publish(folder, KEY, candles())
        folder.adopt(OTHER, candles(OTHER, quotes=False), origin=Origin.IMPORT, **ALONE)
    return tmp_path


def manifest(root: Path) -> dict[ShardKey, Commit]:
    with open_folder(root) as folder:
        return dict(folder.commits())


def problems(report: Report) -> list[tuple[Problem, str]]:
    return [(finding.problem, finding.where) for finding in report.findings]


def test_a_sound_folder_has_no_findings_and_is_counted(root: Path) -> None:
    steps: list[tuple[int, int]] = []
    report = verify(root, expected=manifest(root), progress=lambda done, total: steps.append((done, total)))
    assert report.findings == []
    assert report.sound
    assert (report.shards, report.rows, report.holes, report.price_only) == (2, 24, 1, 1)
    assert report.size_bytes == sum(path.stat().st_size for path in root.glob("candles/**/*.parquet"))
    assert steps == [(1, 2), (2, 2)]


def test_a_plain_copy_is_verified_against_the_manifest_alone(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    copy = tmp_path_factory.mktemp("copy")
    shutil.copytree(root / "candles", copy / "candles")
    expected = manifest(root)
    assert verify(copy).findings == []
    assert verify(copy, expected=expected).findings == []
    wrong = {KEY: replace(expected[KEY], file=replace(expected[KEY].file, sha256="0" * 64))}
    assert problems(verify(copy, expected=wrong)) == [(Problem.DAMAGED, str(KEY)), (Problem.UNEXPECTED, str(OTHER))]


def test_what_is_missing_unexpected_outdated_astray_or_waiting_is_told_apart(root: Path) -> None:
    expected = manifest(root)
    third = replace(KEY, event="KXHIGHNY-26NOV25")
    with open_folder(root) as folder:
        publish(folder, KEY, candles(seed=1), epoch=2)
        publish(folder, third, candles(third))
        waiting = folder.stage(third, 9, candles(third), **BOTH)
        stray = folder.path(KEY).with_name("notes.txt")
        stray.write_text("mine")
        folder.path(OTHER).unlink()
        assert set(problems(verify(root, expected=expected))) == {
            (Problem.OUTDATED, str(KEY)),
            (Problem.MISSING, str(OTHER)),
            (Problem.UNEXPECTED, str(third)),
            (Problem.STRAY, str(stray)),
            (Problem.WAITING, str(waiting.path)),
        }
        stray.unlink()
        folder.set_aside(OTHER, dict(folder.commits())[OTHER])
        assert verify(root).sound
        assert not verify(root, expected=expected).sound


def test_a_file_of_a_newer_version_is_told_from_damage(root: Path) -> None:
    with open_folder(root) as folder:
        folder.set_aside(KEY, dict(folder.commits())[KEY])
        pq.write_table(candles().replace_schema_metadata(CANDLES.metadata | {VERSION.encode(): b"2"}), folder.path(KEY))
        assert problems(verify(root)) == [(Problem.SCHEMA, str(KEY))]


def test_rows_and_labels_that_are_wrong_are_found_though_the_hash_is_right(root: Path) -> None:
    tables = {
        "order": candles().take(pa.array([1, 0])),
        "another event_ticker": candles(OTHER),
        "price low above high": candles().set_column(
            7, CANDLES.field("price_low_micros"), pa.array([999_999] * 12, pa.int64())
        ),
    }
    for rule, table in tables.items():
        label = Label(KEY, 1, Origin.LEASE, BOTH["content"], BOTH["covered_end"], ())
        _replace(root, bytes(encode(table, label.notes())))
        found = [finding for finding in verify(root).findings if finding.problem is Problem.ROWS]
        assert any(finding.text.startswith(rule) for finding in found), rule
    _replace(root, bytes(encode(candles(), Label(OTHER, 1, Origin.LEASE, **BOTH, holes=()).notes())))
    assert (Problem.LABEL, str(KEY)) in problems(verify(root))


def _replace(root: Path, content: bytes) -> None:
    """Put a file in place that no software of ours would make, without a catalog that knows better."""
    for path in root.glob(".catalog*"):
        path.unlink()
    (root / "candles/60m/KXHIGHNY" / f"{KEY.event}.parquet").write_bytes(content)


def test_a_commit_that_says_something_else_than_the_file_is_found(root: Path) -> None:
    commit = manifest(root)[KEY]
    for lie in (
        replace(commit, hole_count=0),
        replace(commit, epoch=7),
        replace(commit, file=replace(commit.file, row_count=13)),
    ):
        expected = manifest(root) | {KEY: lie}
        assert problems(verify(root, expected=expected)) == [(Problem.LABEL, str(KEY))]


def test_a_catalog_that_cannot_be_read_is_a_finding(root: Path) -> None:
    (root / ".catalog.sqlite").write_bytes(b"garbage" * 100)
    assert problems(verify(root)) == [(Problem.CATALOG, str(root / ".catalog.sqlite"))]


def test_a_folder_that_is_being_written_is_sound_at_any_moment(root: Path) -> None:
    stop = threading.Event()
    with open_folder(root) as folder:

        def write() -> None:
            for epoch in itertools.count(2):
                publish(folder, KEY, candles(seed=epoch % 40), epoch)
                if stop.is_set():
                    return

        writer = threading.Thread(target=write)
        writer.start()
        try:
            reports = [verify(root) for _ in range(10)]
            conditions = {folder.examine(KEY) for _ in range(100)}
        finally:
            stop.set()
            writer.join()
    assert [report.findings for report in reports if not report.sound] == []
    assert conditions == {Condition.VERIFIED}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    root = tmp_path_factory.mktemp("sound")
    with open_folder(root) as folder:
        publish(folder, KEY, candles(periods=50))
        return root, folder.path(KEY).read_bytes()


@settings(max_examples=30, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), length=st.integers(1, 40), cut=st.booleans(), mask=st.integers(1, 255))
def test_damaged_bytes_anywhere_are_found_and_reading_them_fails_in_words_or_not_at_all(
    sound: tuple[Path, bytes], place: float, length: int, cut: bool, mask: int
) -> None:
    root, content = sound
    start = int(place * len(content))
    middle = b"" if cut else bytes(byte ^ mask for byte in content[start : start + length])
    path = root / "candles/60m/KXHIGHNY" / f"{KEY.event}.parquet"
    path.write_bytes(content[:start] + middle + content[start + length :])
    assert {finding.problem for finding in verify(root).findings} & {Problem.DAMAGED}
    with contextlib.suppress(StoreError):  # some bytes of the footer are not covered by any checksum but the file's
        Candles(root).read("KXHIGHNY", step_seconds=3600)
