"""Checks requests and replies against the exchange's own OpenAPI document, where that is at hand.

The document is OpenAPI 3.0: `nullable` is turned into JSON Schema, and objects may have no field that it does not name.
"""

import re
from functools import lru_cache
from typing import Any, TypeAlias

import yaml
from jsonschema import Draft202012Validator, FormatChecker

from tests.conftest import ROOT

DOCUMENT = ROOT.parent / "shared" / "reference" / "kalshi-openapi.yaml"
PREFIX = "/trade-api/v2"

Schema: TypeAlias = dict[str, Any]

_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")
_ERROR_FIELDS = {"code", "message", "details"}
formats = FormatChecker(formats=())


@formats.checks("date-time")
def _is_date_time(value: object) -> bool:
    return not isinstance(value, str) or _DATE_TIME.fullmatch(value) is not None


def converted(schema: Any, *, closed: bool) -> Any:
    """Turn OpenAPI 3.0 into JSON Schema; `closed` forbids fields that are not named."""
    if isinstance(schema, list):
        return [converted(item, closed=closed) for item in schema]
    if not isinstance(schema, dict):
        return schema
    result = {name: converted(value, closed=closed) for name, value in schema.items() if name != "nullable"}
    if closed and "properties" in result:
        result.setdefault("additionalProperties", False)
    if schema.get("nullable"):
        return {"anyOf": [result, {"type": "null"}]}
    return result


class Document:
    """The document, its paths in order of how exactly they match."""

    def __init__(self) -> None:
        document = yaml.load(DOCUMENT.read_text(), Loader=yaml.CSafeLoader)
        self._components = document["components"]
        self._closed = {"components": {"schemas": converted(self._components["schemas"], closed=True)}}
        self._open = {"components": {"schemas": converted(self._components["schemas"], closed=False)}}
        self._paths = sorted(document["paths"].items(), key=lambda item: item[0].count("{"))

    def operation(self, method: str, path: str) -> Schema | None:
        """Find what is called; None if the document does not know it."""
        for template, operations in self._paths:
            pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template))
            if re.fullmatch(re.escape(PREFIX) + pattern, path) and method.lower() in operations:
                return dict(operations[method.lower()])
        return None

    def check_reply(self, method: str, path: str, status: int, body: Any) -> None:
        """Raise jsonschema's ValidationError, or AssertionError, if a reply is not as documented."""
        operation = self.operation(method, path)
        if operation is None:
            return
        if status >= 400:
            check_error_shape(body)
            return
        declared = operation["responses"].get(str(status))
        assert declared is not None, f"{method} {path} answered {status}, which is not documented"
        if "$ref" in declared:
            declared = self._components["responses"][declared["$ref"].rpartition("/")[2]]
        content = declared.get("content", {}).get("application/json")
        if content is None:
            assert body is None, f"{method} {path} has no body in the document"
            return
        self._validate(content["schema"], body, closed=True)

    def check_request(self, method: str, path: str, query: list[tuple[str, str]], body: Any) -> None:
        """Raise if a request that was accepted is not as documented."""
        operation = self.operation(method, path)
        if operation is None:
            return
        parameters = [
            self._components["parameters"][given["$ref"].rpartition("/")[2]] if "$ref" in given else given
            for given in operation.get("parameters", ())
        ]
        known = {parameter["name"]: parameter for parameter in parameters if parameter["in"] == "query"}
        names = {name for name, _ in query}
        assert names <= set(known), f"{method} {path} knows no {names - set(known)}"
        missing = {name for name, parameter in known.items() if parameter.get("required")} - names
        assert not missing, f"{method} {path} needs {missing}"
        if (declared := operation.get("requestBody")) is not None and body is not None:
            self._validate(declared["content"]["application/json"]["schema"], body, closed=False)

    def _validate(self, schema: Schema, value: Any, *, closed: bool) -> None:
        whole = converted(schema, closed=closed) | (self._closed if closed else self._open)
        Draft202012Validator(whole, format_checker=formats).validate(value)


def check_error_shape(body: Any) -> None:
    """An error has one of the four shapes that the exchange's have, with texts in it."""
    assert isinstance(body, dict), body
    if set(body) == {"msg"} or body == {"error": "too many requests"}:
        assert all(isinstance(text, str) for text in body.values())
        return
    fields = body["error"] if set(body) == {"error"} else body
    assert isinstance(fields, dict), body
    assert {"code", "message"} <= set(fields) <= _ERROR_FIELDS, body
    assert all(isinstance(text, str) for text in fields.values()), body


@lru_cache(maxsize=1)
def document() -> Document | None:
    """The document, read once; None where it is not at hand."""
    return Document() if DOCUMENT.exists() else None
