"""`foremesh certs`, as a person or a script types it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from console.certs import certs
from mesh.tokens import TokenTable


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "certs"


@pytest.fixture
def authority(directory: Path) -> Path:
    assert run(directory, "init").exit_code == 0
    return directory


def run(directory: Path, *arguments: str) -> Result:
    return CliRunner().invoke(certs, [*arguments, "--dir", str(directory)], env={"COLUMNS": "120"})


def refuse(directory: Path, *arguments: str) -> str:
    """Run what must fail with exit code 1, and return its one line."""
    result = run(directory, *arguments)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_init_says_which_file_travels_and_which_stays(directory: Path) -> None:
    result = run(directory, "init")

    assert result.exit_code == 0
    assert f"Every host needs {directory}/ca.crt" in result.stdout
    assert f"Keep {directory}/ca.key here" in result.stdout


def test_a_second_init_fails_in_one_line(authority: Path) -> None:
    assert "not overwritten" in refuse(authority, "init")


def test_issue_names_the_settings_of_a_server(authority: Path) -> None:
    result = run(authority, "issue", "forecast", "--host", "localhost", "--host", "10.0.0.1")

    assert result.exit_code == 0
    assert f'certificate_file = "{authority}/forecast.crt"' in result.stdout
    assert f'private_key_file = "{authority}/forecast.key"' in result.stdout
    assert f'client_ca_file = "{authority}/ca.crt"' in result.stdout
    assert " ca_file" not in result.stdout


def test_issue_names_the_settings_of_a_client(authority: Path) -> None:
    result = run(authority, "issue", "trader", "--role", "trader")

    assert result.exit_code == 0
    assert f' ca_file = "{authority}/ca.crt"' in result.stdout
    assert "client_ca_file" not in result.stdout


def test_issue_speaks_json(authority: Path) -> None:
    result = run(authority, "issue", "both", "--role", "trader", "--host", "localhost", "--days", "30", "--json")

    info = json.loads(result.stdout)
    assert (info["name"], info["role"], info["hosts"]) == ("both", "trader", ["localhost"])
    assert info["usage"] == ["server", "client"]
    assert info["file"] == str(authority / "both.crt")
    assert info["not_after"].endswith("+00:00")
    assert info["problems"] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["issue", "trader"], "name a role"),
        (["issue", "Trader", "--role", "trader"], "name 'Trader'"),
        (["issue", "ca", "--role", "trader"], "'ca' is the authority's own"),
        (["issue", "server", "--host", "https://spark"], "host 'https://spark'"),
        (["issue", "trader", "--role", "trader", "--days", "826"], "days 826: use 1 to 825"),
        (["show", "/absent"], "/absent: No such file"),
        (["token", "revoke", "phone"], "No such file"),
        (["token", "show"], "No such file"),
        (["token", "issue", "Phone", "--role", "viewer"], "name 'Phone'"),
    ],
)
def test_what_cannot_be_done_fails_in_one_line(authority: Path, arguments: list[str], message: str) -> None:
    assert message in refuse(authority, *arguments)


def test_issue_without_an_authority_says_what_is_missing(directory: Path) -> None:
    assert "ca.crt: missing" in refuse(directory, "issue", "trader", "--role", "trader")


def test_show_says_the_state_of_each_certificate_in_words(authority: Path) -> None:
    run(authority, "issue", "trader", "--role", "trader")
    run(authority, "issue", "phone", "--role", "viewer", "--days", "3")

    result = run(authority, "show")

    assert result.exit_code == 0
    assert "ok, 89 days left" in result.stdout
    assert "expires within 14 days" in result.stdout


def test_show_of_one_certificate_gives_its_fingerprint(authority: Path) -> None:
    issued = json.loads(run(authority, "issue", "trader", "--role", "trader", "--json").stdout)

    result = run(authority, "show", str(authority / "trader.crt"))

    assert f"SHA-256 {issued['fingerprint']}" in result.stdout


def test_show_speaks_json(authority: Path) -> None:
    run(authority, "issue", "phone", "--role", "viewer", "--days", "3")

    shown = json.loads(run(authority, "show", "--json").stdout)

    assert [(info["name"], info["status"]) for info in shown] == [("foremesh CA", "ok"), ("phone", "problem")]


def test_show_of_an_empty_directory_says_so(tmp_path: Path) -> None:
    assert run(tmp_path, "show").stdout == f"No certificates in {tmp_path}.\n"
    assert json.loads(run(tmp_path, "show", "--json").stdout) == []


def test_no_command_prints_a_private_key(authority: Path) -> None:
    outputs = [
        run(authority, "issue", "both", "--role", "trader", "--host", "localhost", *form).output
        + run(authority, "show", *form).output
        for form in ([], ["--json"])
    ]
    secrets = [line for key in authority.glob("*.key") for line in key.read_text().splitlines()]

    assert len(secrets) > 4
    assert not [line for line in secrets if line in "".join(outputs)]


def test_a_token_is_alone_on_stdout_so_that_it_can_be_sent_to_a_file(directory: Path) -> None:
    result = run(directory, "token", "issue", "phone", "--role", "viewer")

    token = result.stdout.removesuffix("\n")
    assert TokenTable.load(directory / "tokens.toml").identify(token) == ("phone", "viewer")
    assert f'token_file = "{directory}/tokens.toml"' in result.stderr
    assert token not in result.stderr


def test_tokens_can_be_issued_shown_and_revoked_as_json(directory: Path) -> None:
    issued = json.loads(run(directory, "token", "issue", "phone", "--role", "viewer", "--json").stdout)
    shown = run(directory, "token", "show", "--json").stdout
    revoked = json.loads(run(directory, "token", "revoke", "phone", "--json").stdout)

    assert (issued["name"], issued["role"]) == ("phone", "viewer")
    assert json.loads(shown) == [{"name": "phone", "role": "viewer"}]
    assert issued["token"] not in shown
    assert revoked["revoked"] is True
    assert json.loads(run(directory, "token", "show", "--json").stdout) == []


def test_tokens_are_shown_to_people_without_their_text(directory: Path) -> None:
    token = run(directory, "token", "issue", "phone", "--role", "viewer").stdout.strip()

    shown = run(directory, "token", "show").stdout
    assert "phone" in shown
    assert "viewer" in shown
    assert token not in shown
    assert "Revoked the token of phone" in run(directory, "token", "revoke", "phone").stdout
    assert run(directory, "token", "show").stdout == "No tokens.\n"


def test_the_directory_can_come_from_the_environment(directory: Path) -> None:
    result = CliRunner().invoke(certs, ["init"], env={"FOREMESH_CERTS_DIR": str(directory)})

    assert result.exit_code == 0
    assert (directory / "ca.crt").exists()


def test_the_default_directory_is_in_the_home_of_the_user(tmp_path: Path) -> None:
    result = CliRunner().invoke(certs, ["init"], env={"HOME": str(tmp_path)})

    assert result.exit_code == 0
    assert (tmp_path / ".config/foremesh/certs/ca.key").exists()
