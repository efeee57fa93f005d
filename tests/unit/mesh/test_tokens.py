"""The table of bearer tokens."""

import hashlib
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.certs import ROLES
from mesh.tokens import TokenEntry, TokenError, TokenTable, create, revoke

DIGEST = hashlib.sha256(b"secret").hexdigest()
OTHER = hashlib.sha256(b"other").hexdigest()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "certs" / "tokens.toml"


def section(name: str, role: str = "viewer", sha256: str = DIGEST) -> str:
    return f'[tokens.{name}]\nrole = "{role}"\nsha256 = "{sha256}"\n'


def test_a_new_token_identifies_its_holder_and_is_not_in_the_file(path: Path) -> None:
    phone = create(path, "phone", "viewer")
    laptop = create(path, "laptop", "operator")

    table = TokenTable.load(path)
    assert table.identify(phone) == ("phone", "viewer")
    assert table.identify(laptop) == ("laptop", "operator")
    assert phone not in path.read_text()
    assert len(phone) >= 43
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [file.name for file in path.parent.iterdir()] == ["tokens.toml"]


@pytest.mark.parametrize("token", ["", "x", "\ud800", "ü", DIGEST, "secret\n", "Secret", "secre", "secrets"])
def test_anything_but_the_token_identifies_nobody(path: Path, token: str) -> None:
    table = TokenTable(entries=(TokenEntry(name="phone", role="viewer", sha256=DIGEST),))

    assert table.identify("secret") == ("phone", "viewer")
    assert table.identify(token) is None
    assert TokenTable().identify(token) is None


def test_a_revoked_token_identifies_nobody_and_the_others_stay(path: Path) -> None:
    phone, laptop = create(path, "phone", "viewer"), create(path, "laptop", "operator")

    revoke(path, "phone")

    table = TokenTable.load(path)
    assert table.identify(phone) is None
    assert table.identify(laptop) == ("laptop", "operator")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_second_token_for_a_name_is_refused(path: Path) -> None:
    token = create(path, "phone", "viewer")

    with pytest.raises(TokenError, match="revoke it first"):
        create(path, "phone", "operator")

    assert TokenTable.load(path).identify(token) == ("phone", "viewer")


def test_tokens_made_at_the_same_time_are_all_kept(path: Path) -> None:
    names = [f"caller-{number}" for number in range(8)]
    threads = [threading.Thread(target=create, args=(path, name, "viewer")) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(entry.name for entry in TokenTable.load(path).entries) == names


def test_neither_tokens_nor_digests_are_in_a_repr(path: Path) -> None:
    token = create(path, "phone", "viewer")

    shown = repr(TokenTable.load(path))

    assert "phone" in shown
    assert token not in shown
    assert hashlib.sha256(token.encode()).hexdigest() not in shown


def test_an_empty_file_admits_nobody(tmp_path: Path) -> None:
    (tmp_path / "tokens.toml").touch()

    assert TokenTable.load(tmp_path / "tokens.toml") == TokenTable()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (section("a") + 'expires = "never"\n', r"tokens\.a\.expires: Extra inputs"),
        ("version = 1\n" + section("a"), "version: Extra inputs"),
        (section("a", role="king"), r"tokens\.a\.role"),
        (section("a", role="TRADER"), r"tokens\.a\.role"),
        ('[tokens.a]\nrole = "viewer"\n', r"tokens\.a\.sha256: Field required"),
        (f'[tokens.a]\nsha256 = "{DIGEST}"\n', r"tokens\.a\.role: Field required"),
        ('[tokens.a]\nrole = "viewer"\nsha256 = 1\n', r"tokens\.a\.sha256"),
        (section("a", sha256=DIGEST[1:]), r"tokens\.a\.sha256"),
        (section("a", sha256=DIGEST + "\\n"), r"tokens\.a\.sha256"),
        (section("a", sha256=DIGEST.upper()), r"tokens\.a\.sha256"),
        (section("a", sha256=hashlib.sha256(b"").hexdigest()), r"tokens\.a: same token as the empty text"),
        (section("a") + section("a", sha256=OTHER), "not a TOML file"),
        (section("a") + section("b"), r"tokens\.b: same token as a"),
        (section('"A b"'), "name 'A b'"),
        ("tokens = 1", "tokens"),
        ("[[tokens]]", "tokens"),
        ("rubbish", "not a TOML file"),
    ],
)
def test_whatever_is_not_understood_is_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "tokens.toml"
    file.write_text(text)

    with pytest.raises(TokenError, match=message) as caught:
        TokenTable.load(file)

    assert str(caught.value).startswith(str(file))
    assert "\n" not in str(caught.value)


def test_a_token_in_the_place_of_its_digest_is_refused_and_not_repeated(tmp_path: Path) -> None:
    file = tmp_path / "tokens.toml"
    file.write_text(section("phone", sha256="my-secret-token"))

    with pytest.raises(TokenError, match=r"phone\.sha256") as caught:
        TokenTable.load(file)

    assert "my-secret-token" not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tokens.toml").write_bytes(b"\xff\xfe")

    with pytest.raises(TokenError, match="not a TOML file"):
        TokenTable.load(tmp_path / "tokens.toml")


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(TokenError, match=r"tokens\.toml: No such file"):
        TokenTable.load(tmp_path / "tokens.toml")


def test_revoking_what_is_not_there_says_so_and_makes_nothing(path: Path) -> None:
    with pytest.raises(TokenError, match="No such file"):
        revoke(path, "phone")
    assert not path.parent.exists()

    create(path, "laptop", "viewer")
    with pytest.raises(TokenError, match="'phone' has no token"):
        revoke(path, "phone")


@pytest.mark.parametrize(("name", "role"), [("A", "viewer"), ("a]", "viewer"), ("", "viewer"), ("a", "king")])
def test_a_refused_name_or_role_makes_no_file(path: Path, name: str, role: str) -> None:
    with pytest.raises(TokenError):
        create(path, name, role)  # type: ignore[arg-type]

    assert not path.exists()


def test_a_broken_file_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "tokens.toml"
    file.write_text("rubbish")

    with pytest.raises(TokenError):
        create(file, "phone", "viewer")

    assert file.read_text() == "rubbish"


@given(
    tokens=st.lists(st.text(min_size=1), unique=True, min_size=1, max_size=6),
    data=st.data(),
)
def test_every_token_identifies_its_own_entry_wherever_it_stands(tokens: list[str], data: st.DataObject) -> None:
    roles = data.draw(st.lists(st.sampled_from(ROLES), min_size=len(tokens), max_size=len(tokens)))
    digests = [hashlib.sha256(token.encode()).hexdigest() for token in tokens]
    entries = [
        TokenEntry(name=f"caller-{number}", role=role, sha256=digest)
        for number, (role, digest) in enumerate(zip(roles, digests, strict=True))
    ]
    table = TokenTable(entries=tuple(entries))

    assert [table.identify(token) for token in tokens] == [(entry.name, entry.role) for entry in entries]
