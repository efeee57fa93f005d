"""docs/examples/README.md, obeyed: clients in other languages. Its TypeScript section is run by tests/e2e."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = ROOT / "docs/examples/README.md"
PROTOS = ROOT / "protos"
RULES = "buf/validate/validate"


def commands() -> dict[str, list[str]]:
    """The commands of the README, by the heading they stand under."""
    found: dict[str, list[str]] = {}
    for section in re.split(r"^#+ ", README.read_text(), flags=re.MULTILINE)[1:]:
        blocks = re.findall(r"^```sh\n(.*?)^```", section, flags=re.MULTILINE | re.DOTALL)
        assert section.count("```") == 2 * len(blocks), "a block of another kind would not be tested"
        found[section.partition("\n")[0]] = "".join(blocks).splitlines()
    return found


def obey(lines: list[str], **replaced: Path) -> None:
    """Run commands of the README in one shell, from the root, with `build_x` going to another folder than build/x."""
    script = "\n".join(lines)
    for name, path in replaced.items():
        assert name.replace("_", "/") in script
        script = script.replace(name.replace("_", "/"), str(path))
    script = script.replace(". .venv/", f". {sys.prefix}/").replace(".venv/bin/buf", f"{sys.prefix}/bin/buf")
    script = script.replace("make ", "make --old-file=.venv/.ready ")  # this test's own environment stays as it is
    done = subprocess.run(
        ["bash", "-euc", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={key: value for key, value in os.environ.items() if key not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}},
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"


@pytest.fixture
def rules() -> None:
    """What the README does once."""
    obey(commands()["Clients in other languages"])


def contracts() -> tuple[set[str], set[str]]:
    """Our proto files, and those with a service, without their suffix."""
    ours = (PROTOS / "foremesh").rglob("*.proto")
    files = {path.relative_to(PROTOS).with_suffix("").as_posix(): path.read_text() for path in ours}
    return set(files), {name for name, text in files.items() if re.search(r"^service ", text, re.MULTILINE)}


def generated(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_every_command_of_the_readme_stands_where_a_test_runs_it() -> None:
    tested_here = {"Clients in other languages", "Python", "Go"}
    tested_in_e2e = {"TypeScript"}
    assert {heading for heading, lines in commands().items() if lines} == tested_here | tested_in_e2e


def test_the_typescript_project_pins_its_packages_and_no_place_to_get_them_from() -> None:
    project = ROOT / "docs/examples/typescript"
    package = json.loads((project / "package.json").read_text())
    locked = json.loads((project / "package-lock.json").read_text())["packages"]

    for name, version in {**package["dependencies"], **package["devDependencies"]}.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), f"{name} is not pinned"
        assert locked[f"node_modules/{name}"]["version"] == version
    assert [path for path, entry in locked.items() if "resolved" in entry] == []
    assert [path for path, entry in locked.items() if path and "integrity" not in entry] == []


@pytest.mark.usefixtures("rules")
def test_the_python_template_makes_stubs_that_import(tmp_path: Path) -> None:
    out = tmp_path / "python"
    obey(commands()["Python"], build_python=out)

    messages, services = contracts()
    modules = {f"{name}_pb2{suffix}" for name in messages | {RULES} for suffix in (".py", ".pyi")}
    assert generated(out) == modules | {f"{name}_pb2_grpc.py" for name in services}

    script = "import importlib, sys; [print(importlib.import_module(name).__file__) for name in sys.argv[1:]]"
    names = sorted(file.removesuffix(".py").replace("/", ".") for file in generated(out) if file.endswith(".py"))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, *names],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(out)},
    )
    assert done.returncode == 0, done.stderr
    assert [Path(line) for line in done.stdout.splitlines()] == [out / f"{name.replace('.', '/')}.py" for name in names]


@pytest.mark.usefixtures("rules")
def test_the_python_template_makes_the_stubs_that_the_project_uses(tmp_path: Path) -> None:
    out = tmp_path / "python"
    obey(commands()["Python"], build_python=out)

    for name in contracts()[1]:
        stub = f"{name}_pb2_grpc.py"
        assert (out / stub).read_text() == (ROOT / "gen" / stub).read_text()


@pytest.mark.skipif(
    not (shutil.which("protoc-gen-go") and shutil.which("protoc-gen-go-grpc")),
    reason="protoc-gen-go and protoc-gen-go-grpc are not on the PATH (Debian has packages of these names)",
)
@pytest.mark.usefixtures("rules")
def test_the_go_template_makes_packages_of_the_chosen_module(tmp_path: Path) -> None:
    out = tmp_path / "go"
    obey(commands()["Go"], build_go=out)

    messages, services = contracts()
    assert generated(out) == {f"{name}.pb.go" for name in messages} | {f"{name}_grpc.pb.go" for name in services}
    forecasts = (out / "foremesh/forecast/v1/forecast_service.pb.go").read_text()
    assert "\npackage forecastv1\n" in forecasts
    assert '"example.com/client/gen/foremesh/access/v1"' in forecasts
    assert 'protovalidate/protocolbuffers/go/buf/validate"' in forecasts, "the rules are protovalidate's own package"
    stubs = (out / "foremesh/forecast/v1/forecast_service_grpc.pb.go").read_text()
    assert "StreamSignals(ctx context.Context, opts ...grpc.CallOption)" in stubs
