"""Generate the Python code of the contracts.

Messages and their types come from protoc, typed service stubs from mypy-protobuf: protoc types messages well and
briefly, but nothing in grpcio-tools types a service stub.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"


def generate(target: Path, *, quiet: bool = False) -> None:
    """Write the generated packages below ``target``, which is emptied first; `quiet` hides the generators' chatter."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    ours = sorted(str(path.relative_to(PROTOS)) for path in (PROTOS / "foremesh").rglob("*.proto"))
    # A messages-only file would get an empty _pb2_grpc.py.
    with_service = [name for name in ours if re.search(r"^service ", (PROTOS / name).read_text(), re.MULTILINE)]
    _protoc(target, "--python_out", "--pyi_out", files=[*ours, "buf/validate/validate.proto"])
    _protoc(target, "--grpc_python_out", "--mypy_grpc_out", files=with_service, quiet=quiet)
    # Reflection serves the contracts with their comments, which generated code drops.
    _protoc(
        target, "--descriptor_set_out", suffix="/foremesh/contracts.binpb", flags=["--include_source_info"], files=ours
    )
    (target / "foremesh" / "py.typed").touch()
    (target / "buf" / "py.typed").touch()


def _protoc(
    target: Path, *outputs: str, files: list[str], suffix: str = "", flags: Sequence[str] = (), quiet: bool = False
) -> None:
    plugin = Path(sys.executable).parent / "protoc-gen-mypy_grpc"
    subprocess.run(
        [
            sys.executable,
            "-m",
            "grpc_tools.protoc",
            f"--plugin=protoc-gen-mypy_grpc={plugin}",
            f"-I{PROTOS}",
            *flags,
            *(f"{output}={target}{suffix}" for output in outputs),
            *files,
        ],
        check=True,
        stderr=subprocess.DEVNULL if quiet else None,
    )


if __name__ == "__main__":
    generate(Path(sys.argv[1]))
