"""Write docs/configuration.md from the configuration models: what stands there is what the daemons check.

`python -m tools.configuration_docs` writes the page; with `--check` it fails if the page is not current.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from collector.config import CollectorConfig
from collector.coordinator.config import CoordinatorConfig
from console.phone.config import PhoneConfig
from forecast_server.config import ForecastServerConfig
from forecast_server.policy import PolicyFile
from mesh.config import Strict
from mesh.kalshi.config import KalshiConfig
from mesh.rpc.config import ClientConfig
from sim_exchange.config import ExchangeConfig
from trader.config import TraderConfig

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "configuration.md"

Schema: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Section:
    """One file, or one table that several files contain."""

    title: str
    intro: str
    model: type[Strict]


SECTIONS = (
    Section(
        "The forecast server",
        "`foremesh-forecast-server --config FILE`. A commented sample is\n"
        "[deploy/config/forecast_server.toml](../deploy/config/forecast_server.toml).",
        ForecastServerConfig,
    ),
    Section(
        "The policy file",
        "What `policy_file` of the forecast server names. The one that is shipped is\n"
        "[forecast_server/policy.toml](../forecast_server/policy.toml).",
        PolicyFile,
    ),
    Section(
        "The coordinator",
        "`foremesh-coordinator --config FILE`; see [docs/collection.md](collection.md). A commented sample is\n"
        "[deploy/config/coordinator.toml](../deploy/config/coordinator.toml).",
        CoordinatorConfig,
    ),
    Section(
        "The collector",
        "`foremesh-collector --config FILE`; see [docs/collection.md](collection.md). A commented sample is\n"
        "[deploy/config/collector.toml](../deploy/config/collector.toml).",
        CollectorConfig,
    ),
    Section(
        "The trader",
        "`foremesh-trader --config FILE`; see [docs/runbook.md](runbook.md). A commented sample is\n"
        "[deploy/config/trader.toml](../deploy/config/trader.toml).",
        TraderConfig,
    ),
    Section(
        "The simulated exchange",
        "`foremesh-exchange --config FILE`; see [docs/exchange.md](exchange.md). A commented sample is\n"
        "[deploy/config/exchange.toml](../deploy/config/exchange.toml).",
        ExchangeConfig,
    ),
    Section(
        "The phone's page",
        "`foremesh-phone --config FILE`; see [docs/phone.md](phone.md).",
        PhoneConfig,
    ),
    Section(
        "The way to the exchange",
        "How a process reaches Kalshi or the simulated exchange; in Python it is a `mesh.kalshi.config.KalshiConfig`.",
        KalshiConfig,
    ),
    Section(
        "A client's table",
        "How a process connects to a service. `foremesh forecast --config FILE` reads a file with these keys, and\n"
        "Python code builds a `mesh.rpc.config.ClientConfig`; later daemons have a table for each service they call.",
        ClientConfig,
    ),
)

HEAD = """\
# Configuration

<!-- Written by `python -m tools.configuration_docs` from the configuration models; do not edit. -->

Every daemon reads one TOML file: `--config FILE`. `--set table.key=value` overrides one value and may be repeated;
`--check-config` validates the result and exits, 0 if it is right and 78 if not. An unknown key, a string where a number
belongs or a value out of range is refused with its place. There is no overlay from the environment. A relative path is
taken from the folder of the configuration file. Secrets are files that the configuration names.
"""


def render() -> str:
    """Return the whole page."""
    return "\n".join([HEAD, *(line for section in SECTIONS for line in _section(section))])


def _section(section: Section) -> Iterator[str]:
    yield f"## {section.title}\n"
    yield f"{section.intro}\n"
    root = section.model.model_json_schema()
    yield from _table("", root, root)


def _table(path: str, table: Schema, root: Schema, leave_out: frozenset[str] = frozenset()) -> Iterator[str]:
    """Write the keys of a table, then the tables below it."""
    required = set(table.get("required", ()))
    below: list[tuple[str, list[Schema], Schema]] = []
    rows: list[str] = []
    for name, described in table["properties"].items():
        if name in leave_out:
            continue
        field = _with_words(described, root)
        inner, brackets = _inner_tables(field, root)
        if inner:
            below.append((brackets.format(f"{path}.{name}".lstrip(".")), inner, field))
            continue
        default = "required" if name in required else _value(_default(field))
        rows.append(f"| `{name}` | {_type(field)} | {default} | {_text(field)} |")
    if rows:
        yield from ("| key | type | default | meaning |", "| --- | --- | --- | --- |", *rows, "")
    for inner_path, variants, field in below:
        yield f"### `{inner_path}`\n"
        if len(variants) == 1:
            yield f"{_text(field) or _text(variants[0])}{_presence(field, variants[0])}\n"
            yield from _table(inner_path.strip("[]"), variants[0], root)
        else:
            yield f"{_text(field)}\n"
            yield from _variants(inner_path, variants, root)


def _variants(path: str, variants: list[Schema], root: Schema) -> Iterator[str]:
    """Write the keys that all kinds of a table have, then each kind with its own."""
    first, *others = (variant["properties"] for variant in variants)
    shared = [name for name in first if all(other.get(name) == first[name] for other in others)]
    if shared:
        yield "Of every kind:\n"
        yield from _table(path.strip("[]"), {"properties": {name: first[name] for name in shared}}, root)
    for variant in variants:
        kinds = variant["properties"]["kind"]
        names = ", ".join(f'`"{name}"`' for name in kinds.get("enum") or [kinds["const"]])
        yield f"`{path}` with `kind` = {names}: {_text(variant)}\n"
        yield from _table(path.strip("[]"), variant, root, frozenset({*shared, "kind"}))


def _text(schema: Schema) -> str:
    return " ".join(schema.get("description", "").split())


def _presence(field: Schema, inner: Schema) -> str:
    """Say what holds where the table is absent, if that is not its keys' own defaults."""
    if "default" not in field:
        return " Required."
    if field["default"] is None:
        return " Absent by default."
    own = {name: _default(key) for name, key in inner["properties"].items()}

    def differing(table: Schema) -> list[str]:
        return [f"{name} = {json.dumps(value)}" for name, value in table.items() if value != own.get(name)]

    if isinstance(field["default"], list):
        listed = ", ".join(f"`{{ {', '.join(differing(table))} }}`" for table in field["default"])
    else:
        listed = ", ".join(f"`{pair}`" for pair in differing(field["default"]))
    return f" Where the whole table is absent: {listed}." if listed else ""


def _default(key: Schema) -> object:
    """Return what a key is where it is absent; a table that is made anew each time is not in the schema."""
    return key.get("default", {} if key.get("type") == "object" else None)


def _inner_tables(field: Schema, root: Schema) -> tuple[list[Schema], str]:
    """Return the tables that a key may hold, with its TOML brackets; none for a plain value."""
    for choice in _choices(field):
        for schema, brackets in ((choice, "[{}]"), (choice.get("items", {}), "[[{}]]")):
            references = [one for one in schema.get("oneOf", [schema]) if "$ref" in one]
            if references:
                return [_resolved(reference, root) for reference in references], brackets
    return [], ""


def _with_words(field: Schema, root: Schema) -> Schema:
    """Put the words that a key may be into its own schema, where they are defined elsewhere."""
    words = _resolved(field, root).get("enum") if "$ref" in field else None
    return (
        field if words is None else {name: value for name, value in field.items() if name != "$ref"} | {"enum": words}
    )


def _resolved(reference: Schema, root: Schema) -> Schema:
    found: Schema = root["$defs"][reference["$ref"].rpartition("/")[2]]
    return found


def _choices(field: Schema) -> list[Schema]:
    return [choice for choice in field.get("anyOf", [field]) if choice.get("type") != "null"]


def _type(field: Schema) -> str:
    return " or ".join(_plain_type(choice) for choice in _choices(field))


def _plain_type(field: Schema) -> str:
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    if field.get("type") == "array":
        return f"list of {_plain_type(field['items'])}"
    if field.get("format") == "path":
        return "path"
    if "[0-9]{1,5}" in field.get("pattern", ""):
        return "`host:port`"
    if field.get("type") == "object":
        return f"table of {_plain_type(field['additionalProperties'])}"
    bounds = [f"{sign} {field[key]:g}" for key, sign in _BOUNDS.items() if abs(field.get(key, _ENDLESS)) < _ENDLESS]
    return " ".join([field["type"], ", ".join(bounds)]).strip()


_ENDLESS = 1e15
_BOUNDS = {"exclusiveMinimum": "&gt;", "minimum": "≥", "exclusiveMaximum": "&lt;", "maximum": "≤"}


def _value(default: object) -> str:
    return "absent" if default is None else f"`{json.dumps(default)}`"


def main() -> None:
    """Write the page, or check it."""
    if "--check" in sys.argv[1:]:
        if not TARGET.exists() or TARGET.read_text() != render():
            sys.exit(f"{TARGET.relative_to(ROOT)} is not current: run python -m tools.configuration_docs")
        return
    TARGET.write_text(render())


if __name__ == "__main__":
    main()
