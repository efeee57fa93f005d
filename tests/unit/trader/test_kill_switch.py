"""The kill switch file."""

from pathlib import Path

from trader.kill_switch import present


def test_a_file_of_any_kind_is_the_switch(tmp_path: Path) -> None:
    path = tmp_path / "stop"
    assert not present(path)
    path.symlink_to(tmp_path / "nowhere")
    assert present(path)
    path.unlink()
    path.mkdir()
    assert present(path)


def test_where_it_cannot_be_looked_for_it_counts_as_there(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert present(tmp_path / "file" / "stop")
    assert present(Path("x" * 300))
    assert not present(tmp_path / "no folder" / "stop")
