import copy
import json
import os
import pickle
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mesh.config import ConfigError
from mesh.secret import REDACTED, Secret, read_secret, scrub

VALUE = 'correct-"horse"-\\battery-ünïcode'


def secret_file(folder: Path, content: bytes, mode: int = 0o600) -> Path:
    path = folder / "token"
    path.write_bytes(content)
    path.chmod(mode)
    return path


def private_key() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def test_a_secret_shows_itself_only_when_revealed() -> None:
    secret = Secret(VALUE)
    assert secret.reveal() == VALUE
    shown = [str(secret), repr(secret), f"{secret}", f"{secret:>20}", f"{secret!r}", "%s" % secret, str([secret])]  # noqa: UP031
    assert all("horse" not in text and REDACTED in text for text in shown)
    assert not hasattr(secret, "__dict__")


def test_a_secret_cannot_be_pickled_or_made_json() -> None:
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(Secret(VALUE))
    with pytest.raises(TypeError) as caught:
        json.dumps({"token": Secret(VALUE)})
    assert "horse" not in str(caught.value)


def test_secrets_compare_by_value_and_copy_as_themselves() -> None:
    secret = Secret(VALUE)
    assert secret == Secret(VALUE)
    assert len({secret, Secret(VALUE), Secret("another value")}) == 2
    assert secret != VALUE
    assert copy.deepcopy(secret) is copy.copy(secret) is secret


@pytest.mark.parametrize("form", [str, json.dumps, repr, lambda text: json.dumps(text, ensure_ascii=False)])
def test_a_known_secret_is_scrubbed_in_every_spelling_of_a_log_line(form: object) -> None:
    Secret(VALUE)
    assert callable(form)
    line = f"before {form(VALUE)} after"
    assert "horse" not in scrub(line)
    assert scrub(line).startswith("before ")
    assert scrub(line).endswith(" after")


def test_a_secret_inside_another_leaves_nothing_behind() -> None:
    Secret("inner-secret")
    Secret("outer-inner-secret-tail")
    assert scrub("x outer-inner-secret-tail y") == f"x {REDACTED} y"


def test_values_too_short_to_tell_from_words_are_not_scrubbed() -> None:
    Secret("info")
    assert scrub("level info") == "level info"


def test_every_line_of_a_secret_of_many_lines_is_scrubbed() -> None:
    Secret("first-line-of-it\nsecond-line-of-it")
    assert scrub("a second-line-of-it b") == f"a {REDACTED} b"


@pytest.mark.parametrize("form", [str, json.dumps, repr])
def test_unknown_private_keys_are_scrubbed(form: object) -> None:
    key = private_key()
    assert callable(form)
    line = f"{form(key)} after"
    assert key.splitlines()[1] not in scrub(line)
    assert scrub(line).strip("'\"").startswith(REDACTED)
    assert scrub(line).endswith(" after")


def test_a_private_key_cut_short_is_scrubbed_and_the_json_around_it_stays_whole() -> None:
    line = json.dumps({"event": private_key()[:150], "next": 1})
    assert json.loads(scrub(line)) == {"event": REDACTED, "next": 1}


def test_certificates_and_public_keys_stay() -> None:
    text = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE----- -----BEGIN PUBLIC KEY-----"
    assert scrub(text) == text


@pytest.mark.parametrize(
    "line",
    [
        "authorization: bearer q8Zk2",
        "Authorization: Bearer q8Zk2",
        '{"authorization": "Bearer q8Zk2"}',
        "(('authorization', 'Bearer q8Zk2'),)",
        "authorization=Basic q8Zk2",
        "Metadatum(key='authorization', value='Bearer q8Zk2-0123456789abcdef')",
    ],
)
def test_unknown_bearer_tokens_are_scrubbed(line: str) -> None:
    assert "q8Zk2" not in scrub(line)
    assert REDACTED in scrub(line)


def test_sentences_about_bearer_tokens_stay() -> None:
    text = "authorization: expected a bearer token, found none"
    assert scrub(text) == text


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"tok-en-123\n", "tok-en-123"),
        (b"tok-en-123\r\n", "tok-en-123"),
        (b"two\nlines\n\n", "two\nlines\n"),
        ("tökén-123".encode(), "tökén-123"),
    ],
)
def test_a_secret_file_loses_one_line_end(tmp_path: Path, content: bytes, value: str) -> None:
    assert read_secret(secret_file(tmp_path, content)).reveal() == value


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610])
def test_a_secret_file_that_others_may_use_is_refused_with_the_cure(tmp_path: Path, mode: int) -> None:
    path = secret_file(tmp_path, b"tok-en-123", mode)
    with pytest.raises(ConfigError, match=f"chmod 600 {path}"):
        read_secret(path)
    assert read_secret(path, private=False).reveal() == "tok-en-123"


def test_a_systemd_credential_may_be_readable_by_its_group_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    path = secret_file(tmp_path, b"tok-en-123", 0o440)
    assert read_secret(path).reveal() == "tok-en-123"
    path.chmod(0o444)
    with pytest.raises(ConfigError, match="chmod 600"):
        read_secret(path)
    path.chmod(0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "elsewhere"))
    with pytest.raises(ConfigError, match="chmod 600"):
        read_secret(path)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"  \n", "is empty"),
        (b"tok-en-\xff123", "is not UTF-8 text"),
        (b"x" * 65_537, "too long for a secret"),
    ],
)
def test_a_file_that_holds_no_secret_is_refused_without_its_content(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    with pytest.raises(ConfigError, match=problem) as caught:
        read_secret(secret_file(tmp_path, content))
    assert "tok-en" not in str(caught.value)
    assert "xxx" not in str(caught.value)


def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(ConfigError, match="is not a regular file"):
        read_secret(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        read_secret(tmp_path)
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_secret(tmp_path / "gone")


def test_a_secret_that_is_only_a_key_s_first_line_does_not_uncover_other_keys() -> None:
    Secret("-----BEGIN PRIVATE KEY-----")
    body = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg"
    assert body not in scrub(f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")
