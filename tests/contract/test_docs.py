"""What the documentation says is so: links, commands, tables, the picture."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import click
import pytest
from buf.validate import validate_pb2
from foremesh.access.v1 import access_pb2
from foremesh.coordinator.v1 import coordinator_service_pb2
from foremesh.forecast.v1 import forecast_pb2, forecast_service_pb2
from foremesh.trader.v1 import trader_service_pb2

from mesh import certs
from mesh.rpc import limits
from mesh.rpc.errors import CODE_OF
from tests.conftest import ROOT
from tools import configuration_docs

NOT_OURS = {".venv", ".cache", ".git", "node_modules", ".pytest_cache", ".hypothesis", "dist", "build"}
PAGES = sorted(
    path for path in ROOT.rglob("*.md") if not NOT_OURS.intersection(path.relative_to(ROOT).parts)
)  # fmt: skip
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
CONTRACTS = (forecast_service_pb2, coordinator_service_pb2, trader_service_pb2)
METHODS = {
    f"{service.name}/{method.name}": method
    for contract in CONTRACTS
    for service in contract.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"^ *```.*?^ *```$|`([^`\n]+)`", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"(?:^|[\s`$(/])(foremesh(?:-[a-z-]+)?|make)((?:[ \t]+[^\s`#|;&<>)]+)*)", re.MULTILINE)

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))


@each_page
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in _LINK.findall(page.read_text()):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page.name}: {link}"
        if anchor:
            assert anchor in _anchors(target), f"{page.name}: {link}"


@each_page
def test_every_command_that_is_named_exists(page: Path) -> None:
    for words in _commands(page.read_text()):
        if words[0] == "make":
            targets = [word for word in words[1:] if not re.search("[=/]", word)]  # no variables, no files
            assert set(targets) <= _make_targets(), f"{page.name}: {' '.join(words)}"
        else:
            _follow(words, page)


def test_the_configuration_page_is_current() -> None:
    assert configuration_docs.TARGET.read_text() == configuration_docs.render()


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs" / "adr"
    listed = re.findall(r"^\| \[(\d{4})\]\((\S+\.md)\) \|", (folder / "README.md").read_text(), re.MULTILINE)
    assert [name for _, name in listed] == sorted(path.name for path in folder.glob("[0-9]*.md"))
    for number, name in listed:
        text = (folder / name).read_text()
        assert text.startswith(f"# {number}: ")
        headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences", "What would make us change it"], name


@pytest.mark.parametrize("name", sorted(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]))
def test_every_command_and_option_has_help(name: str) -> None:
    for words, command in _tree(_root(name), (name,)):
        assert command.help, " ".join(words)
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{' '.join(words)} {parameter.opts[0]}"


def test_the_table_of_roles_is_that_of_the_protos() -> None:
    rows = re.findall(r"^\| `(\w+Service/\w+)` \|(.*)\|$", ARCHITECTURE, re.MULTILINE)
    columns = ("trader", "collector", "operator", "viewer")
    assert set(columns) == set(certs.ROLES)
    written = {
        method: {role for role, cell in zip(columns, cells.split("|"), strict=True) if cell.strip() == "yes"}
        for method, cells in rows
    }
    declared = {
        name: {
            access_pb2.Role.Name(role).removeprefix("ROLE_").lower()
            for role in _option(method, access_pb2.access).roles
        }
        for name, method in METHODS.items()
    }
    assert written == declared


def test_the_table_of_limits_is_that_of_the_code() -> None:
    written = re.findall(r"^\| .* \| ([\d.]+) (?:bytes|seconds) \| `(\w+)` \|$", ARCHITECTURE, re.MULTILINE)
    assert {name: float(value) for value, name in written} == {
        name: value for name, value in vars(limits).items() if name.isupper()
    }
    assert limits.KEEPALIVE_FLOOR_SECONDS < limits.KEEPALIVE_PING_SECONDS


def test_the_sizes_of_a_batch_are_those_of_the_protos() -> None:
    batch, history = forecast_service_pb2.HistoryBatch, forecast_pb2.MarketHistory
    most_histories, most_points = (
        _option(field, validate_pb2.field).repeated.max_items
        for field in (batch.DESCRIPTOR.fields_by_name["histories"], history.DESCRIPTOR.fields_by_name["closes_cents"])
    )
    assert f"at most {most_histories} histories of at most {most_points} points" in ARCHITECTURE


def test_the_table_of_errors_is_that_of_the_code() -> None:
    written = dict(re.findall(r"^\| `([A-Z][a-zA-Z]+)` \| `([A-Z_]+)` \|", ARCHITECTURE, re.MULTILINE))
    assert written == {kind.__name__: code.name for kind, code in CODE_OF.items()}


def test_the_picture_names_calls_that_exist() -> None:
    picture = ElementTree.parse(ROOT / "docs" / "mesh.svg")  # noqa: S314  # our own file
    texts = [node.text or "" for node in picture.iter() if "rpc" in node.get("class", "").split()]
    named = {word for text in texts for word in re.split(r"[,\s]+", text) if word not in {"", "…"}}
    assert named <= {name.partition("/")[2] for name in METHODS}
    today = {name.partition("/")[2] for name in METHODS if name.startswith("ForecastService/")}
    assert today <= named


@pytest.mark.parametrize("wrong", ["`foremesh fly`", "```sh\nforemesh certs forge x\n```", "`foremesh demo --fast`"])
def test_a_command_that_does_not_exist_is_noticed(wrong: str) -> None:
    [words] = _commands(wrong)
    with pytest.raises(AssertionError):
        _follow(words, ROOT / "README.md")


def _option(described: Any, option: Any) -> Any:
    return described.GetOptions().Extensions[option]


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _commands(text: str) -> Iterator[list[str]]:
    """Read the commands in code, as words: of a program, or of make."""
    for found in _CODE.finditer(text):
        code = found[0]
        if code.lstrip().startswith("```console"):  # the rest is what they print
            code = "\n".join(line for line in code.splitlines() if line.startswith("$ "))
        code = re.sub(r"[\"'][^\"'\n]*[\"']", "TEXT", code)
        for command, rest in _COMMAND.findall(code):
            if rest:
                yield [command, *shlex.split(rest)]


def _follow(words: list[str], page: Path) -> None:
    """Go down the tree of commands as far as the words name any, and look at the options."""
    where = f"{page.name}: {' '.join(words)}"
    assert words[0] in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"], where
    command, rest = _root(words[0]), words[1:]
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        names, context = rest[0].split("|"), click.Context(command)
        assert set(names) <= set(command.list_commands(context)), where
        found = command.get_command(context, names[0])
        assert found is not None, where
        command, rest = found, rest[1:]
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    known |= {"--help", "-h"}
    used = {word.partition("=")[0] for word in rest if re.match(r"--?[a-z]", word)}
    assert used <= known, where


@cache
def _root(name: str) -> click.Command:
    module, _, attribute = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"][name].partition(
        ":"
    )
    found = getattr(import_module(module), attribute)
    # `main` of the people's command is a function around the group.
    command = found if isinstance(found, click.Command) else import_module(module).cli
    assert isinstance(command, click.Command)
    return command


def _tree(command: click.Command, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield words, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None, name
            yield from _tree(inner, (*words, name))


@cache
def _make_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
