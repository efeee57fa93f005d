"""The kill switch that needs nothing but a shell: a file. While it is there, no entry is made."""

from pathlib import Path


def present(path: Path) -> bool:
    """Tell whether the file is there. Where that cannot be found out, it is."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    except OSError:  # a folder that may not be entered, a disk that fails
        return True
    return True
