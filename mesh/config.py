"""Configuration: one frozen strict model per daemon, read from one TOML file.

Values come from the file and from repeated `--set table.key=value`, later ones winning. There is no overlay from the
environment: a misspelled variable would be ignored in silence. Secrets are files, named by path in the configuration.

Types are strict: a string where a number belongs is refused. Dates, paths, enumerations and tuples are written the way
TOML can write them. Every relative path, defaults included, is taken from the folder of the configuration file (from
the working folder where there is no file), so a daemon finds its files wherever it is started from. Validators run
before that and see a path as written.

No message of this module repeats a value, because someone will paste a key into the wrong place one day.
"""

import difflib
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

_OVERRIDE = "--set"
_NO_FILE = "configuration"
_MIN_HIDDEN = 4  # characters; shorter values are no secrets, and replacing them would garble the text
_MESSAGES = {"missing": "is required", "union_tag_not_found": "lacks the key that says which kind it is"}


class ConfigError(Exception):
    """The configuration cannot be used; an operator has to change it.

    The text is for people: one problem a line, no value repeated. `problems` holds the same lines.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Strict(BaseModel):
    """Base of every configuration table: frozen, no unknown key, no coercion, docstrings as descriptions."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True, hide_input_in_errors=True
    )


C = TypeVar("C", bound=Strict)


def load(path: Path | None, model: type[C], overrides: Sequence[str] = ()) -> C:
    """Read and validate a configuration.

    Args:
        path: The TOML file, or None to use defaults and overrides only.
        model: What it must be.
        overrides: `table.key=value` each. The value is read as TOML and taken as a plain string where it is none:
            `log.level=debug`, `limits.streams=8` and `hosts=["a", "b"]` work; a string that looks like a number
            needs its quotes.

    Raises:
        ConfigError: The file cannot be read or is not TOML, or values are wrong; lists every problem.
    """
    data = _read(path) if path else {}
    overridden = _override(data, overrides)
    try:
        # JSON mode is the strict mode that knows text forms: "a/b" is a path there, while "8" is still no number.
        config = model.model_validate_json(json.dumps(data, default=_iso))
    except ValidationError as error:
        details = error.errors(include_url=False)
        source = str(path or _NO_FILE)
        raise ConfigError(*(_problem(model, detail, source, overridden) for detail in details)) from None
    folder = path.absolute().parent if path else Path.cwd()
    absolute: C = _absolute(config, folder)
    return absolute


def _read(path: Path) -> dict[str, Any]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        return tomllib.loads(content.decode())
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        raise ConfigError(f"{path}: is not TOML: not UTF-8 text (at line {line}, column {column})") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from None


def _override(data: dict[str, Any], overrides: Sequence[str]) -> list[tuple[str, ...]]:
    """Put the overrides into `data`; gives the places they went to."""
    places: list[tuple[str, ...]] = []
    problems: list[str] = []
    for number, text in enumerate(overrides, start=1):
        key, found, value = text.partition("=")
        place = _place(key) if found else ()
        if not place:
            problems.append(f"{_OVERRIDE} number {number}: expected table.key=value")
        elif blocked := _put(data, place, _value(value)):
            problems.append(f"{_OVERRIDE}: {'.'.join(place)}: {blocked} is not a table")
        places.append(place)
    if problems:
        raise ConfigError(*problems)
    return places


def _put(data: dict[str, Any], place: Sequence[str], value: object) -> str | None:
    """Set a value, making tables on the way; gives the name of what stood in the way, if anything."""
    table = data
    for depth, name in enumerate(place[:-1], start=1):
        table = table.setdefault(name, {})
        if not isinstance(table, dict):
            return ".".join(place[:depth])
    table[place[-1]] = value
    return None


def _place(key: str) -> tuple[str, ...]:
    """Split a dotted key as TOML does, quoted parts included; empty where it is none."""
    try:
        return _keys(tomllib.loads(f"{key} = {{}}")) if "\n" not in key else ()
    except tomllib.TOMLDecodeError:
        return ()


def _keys(tables: Mapping[str, Any]) -> tuple[str, ...]:
    for name, inner in tables.items():
        return (name, *_keys(inner))
    return ()


def _value(text: str) -> Any:
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return parsed["value"] if len(parsed) == 1 else text


def _iso(value: object) -> str:
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    raise TypeError(f"TOML has no {type(value).__name__}")


def _problem(model: type[BaseModel], detail: ErrorDetails, source: str, overridden: Sequence[tuple[str, ...]]) -> str:
    where = detail["loc"]
    if any(where[: len(keys)] == keys for keys in overridden):
        source = _OVERRIDE
    dotted = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where).lstrip(".")
    return ": ".join(filter(None, (source, dotted, _what(model, detail))))


def _what(model: type[BaseModel], detail: ErrorDetails) -> str:
    kind, where, given = detail["type"], detail["loc"], detail["input"]
    if kind == "extra_forbidden":
        known = {name for owner in _models_at(model, where[:-1]) for name in owner.model_fields}
        near = difflib.get_close_matches(str(where[-1]), sorted(known), n=1)
        return f"unknown key, did you mean '{near[0]}'?" if near else "unknown key"
    if kind == "union_tag_invalid":  # pydantic's own text repeats the value
        return f"expected one of {detail['ctx']['expected_tags']}"
    text = _MESSAGES.get(kind, detail["msg"])
    if kind in {"value_error", "assertion_error"} and isinstance(given, str) and len(given) >= _MIN_HIDDEN:
        text = text.replace(given, "[value]")  # a validator's own text may repeat what it was given
    return text.removeprefix("Value error, ").removeprefix("Assertion failed, ")


def _models_at(model: type[BaseModel], where: Sequence[int | str]) -> list[type[BaseModel]]:
    """Models that can stand at a place; indexes, dictionary keys and union tags lead no deeper."""
    models = [model]
    for part in where:
        owners = [owner.model_fields[part] for owner in models if isinstance(part, str) and part in owner.model_fields]
        models = [inner for field in owners for inner in _models_in(field.annotation)] or models
    return models


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def _absolute(value: Any, folder: Path) -> Any:
    match value:
        case Path():
            return folder / value
        case BaseModel():
            fields = {name: getattr(value, name) for name in type(value).model_fields}
            moved = {name: _absolute(inner, folder) for name, inner in fields.items()}
            changed = {name: inner for name, inner in moved.items() if inner is not fields[name]}
            return value.model_copy(update=changed) if changed else value
        case tuple() | list() | set() | frozenset():
            items = [_absolute(inner, folder) for inner in value]
            return type(value)(items) if any(new is not old for new, old in zip(items, value, strict=True)) else value
        case dict():
            entries = {key: _absolute(inner, folder) for key, inner in value.items()}
            return entries if any(entries[key] is not value[key] for key in value) else value
        case _:
            return value
