"""Bearer tokens, for callers that cannot have a client certificate; only ever sent over TLS.

A server keeps one TOML file, with the digest of each token and never the token itself:

    [tokens.phone]
    role = "viewer"
    sha256 = "<64 hex digits>"

A plain digest is enough because a token is 32 random bytes: there is no dictionary to try it against.
"""

import hashlib
import hmac
import secrets
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from mesh.certs import ROLES, CertificateError, Role, check_name
from mesh.files import locked, os_errors_as, replace_files

_HEADER: Final = "# Written by `foremesh certs token`. Digests only; comments are not kept.\n"
_DIGEST_OF_NOTHING: Final = hashlib.sha256(b"").hexdigest()
_TOKEN_BYTES: Final = 32


class TokenError(Exception):
    """A token file cannot be read or changed as asked; the text is one line and repeats no value of the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenEntry:
    """One caller that may come with a token."""

    name: str
    role: Role
    sha256: str = field(repr=False)
    """Of the token, lower case hex."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenTable:
    """The tokens that a server accepts."""

    entries: tuple[TokenEntry, ...] = ()

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read and check a token file; raises TokenError if it is missing or anything in it is not understood."""
        with os_errors_as(TokenError):
            content = path.read_bytes()
        try:
            file = _TokenFile.model_validate(tomllib.loads(content.decode()))
        except ValidationError as error:
            # Neither the value nor the cause is repeated: somebody may have put the token where its digest belongs.
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            raise TokenError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        except ValueError as error:  # not UTF-8 or not TOML, a name given twice included
            raise TokenError(f"{path}: not a TOML file: {error}") from None
        return cls(entries=_checked(path, file))

    def identify(self, token: str) -> tuple[str, Role] | None:
        """Return the name and role that `token` stands for; takes as long for any token, right or wrong."""
        digest = hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()
        found = None
        for entry in self.entries:
            if hmac.compare_digest(digest, entry.sha256):
                found = (entry.name, entry.role)
        return found


@os_errors_as(TokenError)
def create(path: Path, name: str, role: Role) -> str:
    """Add `name` to the file, made (0600) if missing, and return its token: the only time it can be seen.

    Raises TokenError if the name or role is refused or the name has a token already.
    """
    _check(path, name)
    if role not in ROLES:
        raise TokenError(f"role {role!r}: use one of {', '.join(ROLES)}")
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(path.parent):
        entries = TokenTable.load(path).entries if path.exists() else ()
        if any(entry.name == name for entry in entries):
            raise TokenError(f"{path}: {name!r} has a token already; revoke it first")
        _write(path, (*entries, TokenEntry(name=name, role=role, sha256=hashlib.sha256(token.encode()).hexdigest())))
    return token


@os_errors_as(TokenError)
def revoke(path: Path, name: str) -> None:
    """Remove `name` from the file; raises TokenError if it is not there."""
    with locked(path.parent):
        entries = TokenTable.load(path).entries
        kept = tuple(entry for entry in entries if entry.name != name)
        if len(kept) == len(entries):
            raise TokenError(f"{path}: {name!r} has no token")
        _write(path, kept)


class _TokenSection(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    role: Role
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}\z")]


class _TokenFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    tokens: dict[str, _TokenSection] = {}


def _checked(path: Path, file: _TokenFile) -> tuple[TokenEntry, ...]:
    names_by_digest: dict[str, str] = {_DIGEST_OF_NOTHING: "the empty text"}
    for name, section in file.tokens.items():
        _check(path, name)
        other = names_by_digest.setdefault(section.sha256, name)
        if other != name:
            raise TokenError(f"{path}: tokens.{name}: same token as {other}")
    return tuple(TokenEntry(name=name, role=item.role, sha256=item.sha256) for name, item in file.tokens.items())


def _check(path: Path, name: str) -> None:
    try:
        check_name(name)
    except CertificateError as error:
        raise TokenError(f"{path}: {error}") from None


def _write(path: Path, entries: tuple[TokenEntry, ...]) -> None:
    # Names, roles and hex digits need no TOML quoting rules.
    sections = [f'\n[tokens.{entry.name}]\nrole = "{entry.role}"\nsha256 = "{entry.sha256}"\n' for entry in entries]
    replace_files([(path, (_HEADER + "".join(sections)).encode(), 0o600)])
