"""A file that came from another node is visible only once it is proved to be the committed one."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mesh.errors import Conflict, InvalidInput
from mesh.shards import Commit, Hole, HoleReason
from mesh.store.errors import Damaged, StoreError
from mesh.store.folder import Condition, DataFolder, open_folder
from mesh.store.label import Origin
from tests.fakes.candle_tables import BOTH, KEY, candles, committed

HOLES = (Hole("KXHIGHNY-26NOV22-B999", HoleReason.NOT_FOUND),)


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[tuple[DataFolder, DataFolder]]:
    with open_folder(tmp_path / "maker") as maker, open_folder(tmp_path / "copier") as copier:
        yield maker, copier


def made(maker: DataFolder, epoch: int = 2, seed: int = 0) -> Commit:
    staged = maker.stage(KEY, epoch, candles(seed=seed), **BOTH, holes=HOLES)
    commit = committed(staged, 40 + epoch)
    maker.publish(staged, commit)
    return commit


def test_a_copy_is_resumed_then_proved_then_visible(folders: tuple[DataFolder, DataFolder]) -> None:
    maker, copier = folders
    commit = made(maker)
    content = maker.path(KEY).read_bytes()
    part = copier.part(KEY, commit)
    part.write_bytes(content[:1000])
    with pytest.raises(InvalidInput, match=f"1000 of {len(content)} bytes"):
        copier.accept(KEY, commit, part)
    assert copier.part(KEY, commit).stat().st_size == 1000
    with part.open("ab") as stream:
        stream.write(content[1000:])
    assert copier.accept(KEY, commit, part) == copier.path(KEY)
    assert (copier.commit(KEY), copier.holes(KEY), part.exists()) == (commit, HOLES, False)
    assert copier.path(KEY).read_bytes() == content
    assert copier.examine(KEY) is Condition.VERIFIED


def test_parts_of_different_files_have_different_names(folders: tuple[DataFolder, DataFolder]) -> None:
    maker, copier = folders
    first, second = made(maker, 2), made(maker, 3, seed=1)
    other = replace(second, file=replace(second.file, sha256="0" * 64))
    assert len({copier.part(KEY, commit) for commit in (first, second, other)}) == 3


def test_bytes_that_were_not_committed_are_deleted(folders: tuple[DataFolder, DataFolder]) -> None:
    maker, copier = folders
    commit = made(maker)
    content = maker.path(KEY).read_bytes()
    for wrong in (content[:-1] + b"x", content + b"x"):
        part = copier.part(KEY, commit)
        part.write_bytes(wrong)
        with pytest.raises(Damaged, match="not those that were committed"):
            copier.accept(KEY, commit, part)
        assert not part.exists()
    assert copier.commit(KEY) is None


def test_a_file_that_says_it_is_another_is_refused_though_its_hash_is_right(
    folders: tuple[DataFolder, DataFolder],
) -> None:
    maker, copier = folders
    commit = made(maker)
    lies = {
        "epoch": (KEY, replace(commit, epoch=9)),
        "shard": (replace(KEY, event="KXHIGHNY-26NOV23"), commit),
        "rows": (KEY, replace(commit, file=replace(commit.file, row_count=13))),
    }
    for key, lie in lies.values():
        part = copier.part(key, lie)
        part.write_bytes(maker.path(KEY).read_bytes())
        with pytest.raises(Damaged, match=r"says that it is KXHIGHNY/KXHIGHNY-26NOV22/60m of epoch 2"):
            copier.accept(key, lie, part)
        assert not part.exists()


def test_a_file_made_without_a_lease_is_accepted_under_the_epoch_that_it_was_given(
    folders: tuple[DataFolder, DataFolder],
) -> None:
    maker, copier = folders
    entered = replace(maker.adopt(KEY, candles(), origin=Origin.STATIC, **BOTH), epoch=6, sequence=9, worker_id="mini")
    part = copier.part(KEY, entered)
    part.write_bytes(maker.path(KEY).read_bytes())
    copier.accept(KEY, entered, part)
    assert copier.commit(KEY) == entered


def test_a_copy_never_goes_back_to_an_older_epoch(folders: tuple[DataFolder, DataFolder]) -> None:
    maker, copier = folders
    old = made(maker, 2)
    content = maker.path(KEY).read_bytes()
    made(copier, 3, seed=1)
    part = copier.part(KEY, old)
    part.write_bytes(content)
    with pytest.raises(Conflict, match="STALE_EPOCH"):
        copier.accept(KEY, old, part)
    assert copier.read(KEY).equals(candles(seed=1))
    assert copier.sweep() == 1
    assert not part.exists()


def test_parts_that_may_still_be_resumed_are_kept_and_others_swept(folders: tuple[DataFolder, DataFolder]) -> None:
    maker, copier = folders
    commit = made(maker)
    part = copier.part(KEY, commit)
    part.write_bytes(b"x")
    strange = part.with_name("what.part")
    strange.write_bytes(b"x")
    assert copier.sweep() == 1
    assert (part.exists(), strange.exists()) == (True, False)


def test_what_is_behind_the_visible_file_is_swept_and_what_may_be_wanted_stays(
    folders: tuple[DataFolder, DataFolder],
) -> None:
    maker, copier = folders
    behind, ahead = (copier.stage(KEY, epoch, candles(seed=epoch), **BOTH) for epoch in (1, 9))
    commit = made(maker)
    older, same, newer = (copier.part(KEY, replace(commit, epoch=epoch)) for epoch in (1, 2, 3))
    for part in (older, same, newer):
        part.write_bytes(b"x")
    assert copier.sweep() == 0
    staged = copier.stage(KEY, 2, candles(), **BOTH, holes=HOLES)
    copier.publish(staged, committed(staged))
    assert copier.sweep() == 3
    assert not any(path.exists() for path in (behind.path, older, same))
    assert newer.exists()
    assert ahead.path.exists()


def test_a_copy_whose_part_was_swept_is_told_that_it_is_behind(folders: tuple[DataFolder, DataFolder]) -> None:
    maker, copier = folders
    old = made(maker, 2)
    made(copier, 3, seed=1)
    with pytest.raises(Conflict, match="STALE_EPOCH"):
        copier.accept(KEY, old, copier.part(KEY, old))


def test_accepting_what_is_not_there_is_an_error_that_names_it(folders: tuple[DataFolder, DataFolder]) -> None:
    maker, copier = folders
    commit = made(maker)
    with pytest.raises(StoreError, match=r"FILE_MISSING: .*e2\..*\.part"):
        copier.accept(KEY, commit, copier.part(KEY, commit))
