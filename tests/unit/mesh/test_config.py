import traceback
from datetime import UTC, date, datetime
from enum import Enum
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field, PositiveFloat, PositiveInt, ValidationError, field_validator

from mesh.config import ConfigError, Strict, load


class Side(Enum):
    YES = "yes"
    NO = "no"


class Tls(Strict):
    certificate_file: Path
    key_file: Path | None = None
    extra_files: tuple[Path, ...] = ()


class Fast(Strict):
    kind: Literal["fast"]
    factor: float


class Slow(Strict):
    kind: Literal["slow"]


class Node(Strict):
    name: str


class App(Strict):
    name: str
    """What people call it."""
    port: PositiveInt = 8787
    wait_ms: PositiveFloat = 2.5
    side: Side = Side.NO
    since: date | None = None
    until: datetime | None = None
    data_folder: Path = Path("data")
    tls: Tls | None = None
    nodes: tuple[Node, ...] = ()
    by_series: dict[str, Node] = Field(default_factory=dict)
    engine: Annotated[Fast | Slow, Field(discriminator="kind")] | None = None
    token: str = "none"

    @field_validator("token")
    @classmethod
    def _no_upper_case(cls, token: str) -> str:
        if token != token.lower():
            raise ValueError(f"must be lower case, but is {token}")
        return token


def write(folder: Path, text: str) -> Path:
    path = folder / "app.toml"
    path.write_text(text)
    return path


def problems(folder: Path, text: str, *overrides: str) -> list[str]:
    path = write(folder, text)
    with pytest.raises(ConfigError) as caught:
        load(path, App, overrides)
    shown = traceback.format_exception(caught.value)
    assert not any("pydantic" in line or "During handling" in line for line in shown[:-1])
    assert str(caught.value).splitlines() == list(caught.value.problems)
    return [line.replace(str(path), "FILE") for line in caught.value.problems]


def test_toml_dates_enumerations_tuples_and_paths_have_their_types(tmp_path: Path) -> None:
    text = """
    name = "a"
    side = "yes"
    since = 2026-01-31
    until = 2026-02-01T00:00:00Z
    wait_ms = 3
    nodes = [{ name = "spark" }]
    """
    app = load(write(tmp_path, text), App)
    assert (app.side, app.since, app.until) == (Side.YES, date(2026, 1, 31), datetime(2026, 2, 1, tzinfo=UTC))
    assert (app.wait_ms, app.nodes) == (3.0, (Node(name="spark"),))


def test_relative_paths_defaults_included_start_at_the_folder_of_the_file(tmp_path: Path) -> None:
    text = 'name = "a"\ntls = { certificate_file = "a.pem", key_file = "/k.pem", extra_files = ["b", "../c"] }'
    app = load(write(tmp_path, text), App)
    assert app.data_folder == tmp_path / "data"
    assert app.tls == Tls(
        certificate_file=tmp_path / "a.pem",
        key_file=Path("/k.pem"),
        extra_files=(tmp_path / "b", tmp_path / "../c"),
    )


def test_without_a_file_relative_paths_start_at_the_working_folder() -> None:
    assert load(None, App, ["name=a"]).data_folder == Path.cwd() / "data"


def test_a_relative_file_gives_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, 'name = "a"')
    monkeypatch.chdir(tmp_path)
    assert load(Path("app.toml"), App).data_folder == tmp_path / "data"


def test_every_problem_is_listed_with_its_place(tmp_path: Path) -> None:
    text = """
    port = "8787"
    wait_ms = -1.0
    side = "maybe"
    pord = 1
    nodes = [{ name = "a" }, { nane = "b" }]
    by_series = { KXBTC = { name = 1 } }
    tls = { certificate_file = "a", keyfile = "b" }
    """
    assert problems(tmp_path, text) == [
        "FILE: name: is required",
        "FILE: port: Input should be a valid integer",
        "FILE: wait_ms: Input should be greater than 0",
        "FILE: side: Input should be 'yes' or 'no'",
        "FILE: tls.keyfile: unknown key, did you mean 'key_file'?",
        "FILE: nodes[1].name: is required",
        "FILE: nodes[1].nane: unknown key, did you mean 'name'?",
        "FILE: by_series.KXBTC.name: Input should be a valid string",
        "FILE: pord: unknown key, did you mean 'port'?",
    ]


def test_an_unknown_key_like_no_other_gets_no_guess(tmp_path: Path) -> None:
    assert problems(tmp_path, 'name = "a"\nzzz = 1') == ["FILE: zzz: unknown key"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("port = 8787.0", "port: Input should be a valid integer"),
        ("port = true", "port: Input should be a valid integer"),
        ('wait_ms = "2"', "wait_ms: Input should be a valid number"),
        ("data_folder = 7", "data_folder: Input should be a valid string"),
        ("nodes = { name = 'a' }", "nodes: Input should be a valid array"),
        ("engine = { kind = 'warp' }", "engine: expected one of 'fast', 'slow'"),
        ("engine = { factor = 1.0 }", "engine: lacks the key that says which kind it is"),
        ("engine = { kind = 'fast', factr = 1.0 }", "engine.fast.factr: unknown key, did you mean 'factor'?"),
    ],
)
def test_nothing_is_converted_that_was_not_meant(tmp_path: Path, line: str, problem: str) -> None:
    assert f"FILE: {problem}" in problems(tmp_path, f'name = "a"\n{line}')


@pytest.mark.parametrize(
    "line",
    [
        'token = "SECRET-7d1f0c"',
        'port = "SECRET-7d1f0c"',
        'side = "SECRET-7d1f0c"',
        'tls = "SECRET-7d1f0c"',
        'engine = { kind = "SECRET-7d1f0c" }',
        'nodes = ["SECRET-7d1f0c"]',
        'data_folder = ["SECRET-7d1f0c"]',
        'since = "SECRET-7d1f0c"',
    ],
)
def test_no_message_repeats_a_value(tmp_path: Path, line: str) -> None:
    text = "\n".join(problems(tmp_path, f'name = "a"\n{line}'))
    assert "SECRET" not in text
    assert "7d1f0c" not in text


def test_pydantics_own_errors_do_not_repeat_a_value() -> None:
    with pytest.raises(ValidationError) as caught:
        Tls.model_validate({"certificate_file": {"pasted": "SECRET-7d1f0c"}})
    assert "SECRET" not in str(caught.value)


def test_overrides_are_toml_values_or_else_strings(tmp_path: Path) -> None:
    path = write(tmp_path, 'name = "a"\nport = 1\n[tls]\ncertificate_file = "a.pem"')
    app = load(
        path,
        App,
        [
            "name=my trader",
            "port=2",
            "port = 3",
            "tls.key_file=k.pem",
            'token="8"',
            'nodes=[{name="x"}]',
            'by_series."KX.B".name=b',
        ],
    )
    assert (app.name, app.port, app.token, app.nodes) == ("my trader", 3, "8", (Node(name="x"),))
    assert app.tls is not None
    assert app.tls.key_file == tmp_path / "k.pem"
    assert app.by_series == {"KX.B": Node(name="b")}


def test_an_override_cannot_smuggle_in_a_second_key(tmp_path: Path) -> None:
    app = load(write(tmp_path, 'name = "a"'), App, ["name='b'\nport = 1"])
    assert (app.name, app.port) == ("'b'\nport = 1", 8787)


def test_problems_of_overrides_name_them_as_the_source(tmp_path: Path) -> None:
    assert problems(tmp_path, 'name = "a"\nwait_ms = "x"', "tls.keyfile=k", "port=none") == [
        "--set: port: Input should be a valid integer",
        "FILE: wait_ms: Input should be a valid number",
        "FILE: tls.certificate_file: is required",
        "--set: tls.keyfile: unknown key, did you mean 'key_file'?",
    ]


@pytest.mark.parametrize("override", ["name", "=a", "a b=c", "", "a\nb=2", ".a=1", "[a]=1"])
def test_a_malformed_override_is_refused_by_its_number(tmp_path: Path, override: str) -> None:
    assert problems(tmp_path, "", "port=1", override, override) == [
        "--set number 2: expected table.key=value",
        "--set number 3: expected table.key=value",
    ]


def test_an_override_through_a_value_is_refused(tmp_path: Path) -> None:
    assert problems(tmp_path, 'name = "a"', "name.first=b") == ["--set: name.first: name is not a table"]


def test_a_file_that_is_no_toml_is_refused_with_line_and_column(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, 'name = "a"\nport = = 1')
    assert problem == "FILE: is not TOML: Invalid value (at line 2, column 8)"


def test_a_file_that_is_no_text_is_refused_with_line_and_column(tmp_path: Path) -> None:
    path = tmp_path / "app.toml"
    path.write_bytes(b'name = "a"\nx = "\xff"')
    with pytest.raises(ConfigError, match=r"not UTF-8 text \(at line 2, column 6\)"):
        load(path, App)


def test_missing_and_unreadable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.toml: cannot be read: No such file"):
        load(tmp_path / "gone.toml", App)
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(tmp_path, App)


def test_configurations_are_frozen_and_describe_their_fields() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Node(name="a").name = "b"
    assert App.model_fields["name"].description == "What people call it."
