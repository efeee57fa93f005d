"""Everything that must hold before tests are worth running: one list, run by `make check`, CI and contributors.

Every check runs, also after one failed; the exit status is 1 if any failed.
"""

import filecmp
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.generate import ROOT, generate

BIN = Path(sys.executable).parent
Check = list[str] | Callable[[], str]


def generated_code_is_current() -> str:
    """Regenerate elsewhere and compare; returns what differs, empty if nothing does."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / "gen"
        generate(fresh, quiet=True)
        return "\n".join(differences(fresh, ROOT / "gen"))


def differences(fresh: Path, kept: Path) -> list[str]:
    """Name the generated files that are not what they should be."""

    def files(root: Path) -> set[Path]:
        return {
            path.relative_to(root) for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts
        }

    new, old = files(fresh), files(kept)
    changed = {path for path in new & old if not filecmp.cmp(fresh / path, kept / path, shallow=False)}
    return [f"gen/{path} is not what protos/ gives: run `make gen`" for path in sorted(changed | (new ^ old))]


CHECKS: dict[str, Check] = {
    "format": ["ruff", "format", "--check", "--quiet"],
    "lint": ["ruff", "check", "--quiet"],
    "types": ["mypy"],
    "import rules": ["lint-imports", "--no-logo"],
    "protos: format": ["buf", "format", "--path", "protos/foremesh", "--diff", "--exit-code"],
    "protos: lint": ["buf", "lint"],
    "protos: breaking": ["buf", "breaking", "--against", "protos/baseline.binpb"],
    "generated code": generated_code_is_current,
    "docs": [sys.executable, "-m", "tools.configuration_docs", "--check"],
}


def run(check: Check) -> str:
    """Run one check; returns what it complains of, empty if it passes."""
    if callable(check):
        return check()
    command = [str(BIN / check[0]) if "/" not in check[0] else check[0], *check[1:]]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "NO_COLOR": "1"}
    )
    return "" if done.returncode == 0 else (done.stdout + done.stderr).strip() or f"exit status {done.returncode}"


def timed(check: Check) -> tuple[str, float]:
    """Run one check; returns its complaint and the seconds it took beside the others."""
    started = time.monotonic()
    return run(check), time.monotonic() - started


def main() -> int:
    """Run all checks side by side, or those named on the command line, and tell of them in the order of the list."""
    chosen = {name: check for name, check in CHECKS.items() if not sys.argv[1:] or name in sys.argv[1:]}
    failed = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        begun = {name: pool.submit(timed, check) for name, check in chosen.items()}
        for name, running in begun.items():
            complaint, seconds = running.result()
            print(f"{'FAIL' if complaint else 'ok':>4}  {name} ({seconds:.1f} s)", flush=True)
            if complaint:
                failed += 1
                print("\n".join(f"      {line}" for line in complaint.splitlines()), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
