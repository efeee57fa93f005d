"""Makes credential files of the owner's `kalshi.env`, as the trader's unit hands them over; shows no secret."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from pydantic import ValidationError

from console.installing.envfile import EnvFileError, parse
from console.installing.hosts import CREDENTIALS, TRADER, UNITS
from console.installing.plan import Wanted
from mesh.config import ConfigError
from mesh.kalshi.config import KalshiConfig
from mesh.kalshi.transport.signing import private_key
from mesh.secret import Secret, read_secret

KEY, NOTIFY, HEARTBEAT = "kalshi.key", "notify.urls", "heartbeat.url"
DROP_IN = f"{UNITS}/{TRADER.unit}.d/credentials.conf"
_KEY_ID, _KEY_FILE = "KALSHI_API_KEY", "KALSHI_PRIVATE_KEY_PATH"
_USER, _TOKEN = "PUSHOVER_USER", "PUSHOVER_TOKEN"
_PUSHOVER = re.compile(r"[A-Za-z0-9]{30}")
_OTHERS = 0o077


@dataclass(frozen=True, slots=True)
class Imported:
    """What an environment file came to."""

    wanted: tuple[Wanted, ...]
    settings: tuple[str, ...]
    """Lines for the trader's configuration; nothing secret is in them."""
    warnings: tuple[str, ...]


def imported(file: Path, environment: Mapping[str, str], present: Callable[[str], bool]) -> Imported:
    """Read an environment file, and the key that it names, and say what files they should be.

    Args:
        file: With any of KALSHI_API_KEY and KALSHI_PRIVATE_KEY_PATH, PUSHOVER_USER and PUSHOVER_TOKEN.
        environment: Variables that values may name, such as HOME.
        present: Tells whether a file is on the host: credentials of earlier imports stay.

    Raises:
        ConfigError: the file cannot be understood, or lacks half of a pair, or what it names is no usable key.
    """
    warnings = [_open(file)]
    try:
        values = parse(read_secret(file, private=False).reveal(), environment)
    except EnvFileError as error:
        raise ConfigError(f"{file}: {error}") from None
    files: list[Wanted] = []
    settings: list[str] = []
    if pair := _pair(file, values, _KEY_ID, _KEY_FILE):
        source = _named(file, pair[1], environment)
        files.append(_secret(KEY, _key(source).reveal()))
        warnings.append(_open(source))
        settings += ["[kalshi]", 'environment = "production"', f'key_id = "{_key_id(file, pair[0])}"']
        settings.append(f'private_key_file = "{handed(KEY)}"')
    if pair := _pair(file, values, _USER, _TOKEN):
        for name, value in zip((_USER, _TOKEN), pair, strict=True):
            if not _PUSHOVER.fullmatch(value):
                warnings.append(f"{file}: {name} is not 30 letters and digits, as Pushover's are; taken as it is")
        url = f"pover://{quote(pair[0], safe='')}@{quote(pair[1], safe='')}"
        files.append(_secret(NOTIFY, Secret(url).reveal()))
        settings += [*([""] if settings else []), "[notify]", f'url_file = "{handed(NOTIFY)}"']
    if not files:
        raise ConfigError(f"{file}: none of {_KEY_ID}, {_KEY_FILE}, {_USER}, {_TOKEN} is in it")
    fresh = {each.path for each in files}
    loaded = [name for name in (KEY, NOTIFY, HEARTBEAT) if kept(name) in fresh or present(kept(name))]
    folder = Wanted(CREDENTIALS, 0o700, secret=True)
    drop_in = Wanted(DROP_IN, 0o644, _drop_in(loaded).encode())
    return Imported((folder, *files, drop_in), tuple(settings), tuple(filter(None, warnings)))


def kept(name: str) -> str:
    """Say where root keeps a credential."""
    return f"{CREDENTIALS}/{name}"


def handed(name: str) -> str:
    """Say where systemd gives the trader its copy."""
    return f"/run/credentials/{TRADER.unit}/{name}"


def _drop_in(names: list[str]) -> str:
    lines = "".join(f"LoadCredential={name}:{kept(name)}\n" for name in names)
    return f"# What root keeps for the trader alone, by `foremesh install --import-env`.\n[Service]\n{lines}"


def _secret(name: str, text: str) -> Wanted:
    return Wanted(kept(name), 0o600, f"{text}\n".encode(), secret=True)


def _pair(file: Path, values: Mapping[str, str], first: str, second: str) -> tuple[str, str] | None:
    """Give two values that belong together; None where there is neither."""
    given = [name for name in (first, second) if values.get(name, "").strip()]
    if not given:
        return None
    if len(given) == 1:
        [lacking] = {first, second} - set(given)
        raise ConfigError(f"{file}: {given[0]} is there and {lacking} is not, or is empty")
    return values[first].strip(), values[second].strip()


def _key_id(file: Path, text: str) -> str:
    try:
        KalshiConfig(key_id=text, private_key_file=Path(KEY))
    except ValidationError:
        raise ConfigError(f"{file}: {_KEY_ID} must be printable ASCII without spaces") from None
    if set('"\\') & set(text):
        raise ConfigError(f"{file}: {_KEY_ID} holds a quote or a backslash: that is no id of the exchange")
    return text


def _named(file: Path, text: str, environment: Mapping[str, str]) -> Path:
    """Find what the file names: from its own folder on, `~` as a shell reads it."""
    if text.startswith("~/") and "HOME" in environment:
        text = environment["HOME"] + text[1:]
    return file.parent / text


def _key(source: Path) -> Secret:
    pem = read_secret(source, private=False)
    private_key(pem, source)
    return pem


def _open(file: Path) -> str:
    """Warn of a file that holds a secret and can be read by others; empty where it does not or is not there."""
    try:
        others = file.stat().st_mode & _OTHERS
    except OSError:
        return ""  # who reads it says so
    return f"{file}: others on this machine may read it; run: chmod 600 {file}, or make a new key" if others else ""
