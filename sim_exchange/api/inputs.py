"""Query parameters, refused in the words of the exchange's generated code (oapi-codegen on Go). Pure."""

import re
from collections.abc import Collection
from typing import TypeVar
from urllib.parse import parse_qs

from sim_exchange.api.replies import parameter_problem, problem

_INTEGER = re.compile(r"[+-]?[0-9]+")
_INT64 = 2**63
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})
_PARAMETERS = 1000  # beyond it nothing is read: no honest call has that many

T = TypeVar("T")


class Query:
    """The query of one request.

    Methods raise Problem (400) for what the operation does not accept.

    Args:
        operation: The operation's name in the exchange's code, such as `GetMarkets`; it is part of its error texts.
        text: The query as sent, without the question mark.
    """

    def __init__(self, operation: str, text: str) -> None:
        self._operation = operation
        try:
            self._values = parse_qs(text, keep_blank_values=True, max_num_fields=_PARAMETERS) if text else {}
        except ValueError:
            raise parameter_problem("Invalid query: too many parameters") from None

    def text(self, name: str) -> str | None:
        """Give a parameter; None if it is absent or empty."""
        return self._one(name) or None

    def integer(self, name: str, *, minimum: int | None = None, maximum: int | None = None) -> int | None:
        """Give a 64-bit integer within bounds; None if it is absent."""
        text = self._one(name)
        if text is None:
            return None
        if not _INTEGER.fullmatch(text):
            raise self._format(name, f'strconv.ParseInt: parsing "{text}": invalid syntax')
        if len(text) > len(str(_INT64)) or not -_INT64 <= int(text) < _INT64:
            raise self._format(name, f'strconv.ParseInt: parsing "{text}": value out of range')
        value = int(text)
        if minimum is not None and value < minimum:
            raise self.invalid(name, "gte")
        if maximum is not None and value > maximum:
            raise self.invalid(name, "lte")
        return value

    def required_integer(self, name: str) -> int:
        """Give a 64-bit integer that must be there."""
        value = self.integer(name)
        return self.required(name, value)

    def required(self, name: str, value: T | None) -> T:
        """Refuse the absence of a value."""
        if value is None:
            raise parameter_problem(f"Query argument {name} is required, but not found")
        return value

    def boolean(self, name: str) -> bool | None:
        """Give a flag; None if it is absent."""
        text = self._one(name)
        if text is None:
            return None
        if text not in _TRUE and text not in _FALSE:
            raise self._format(name, f'strconv.ParseBool: parsing "{text}": invalid syntax')
        return text in _TRUE

    def word(self, name: str, words: Collection[str]) -> str | None:
        """Give one of the words that the operation knows; None if it is absent."""
        text = self.text(name)
        if text is not None and text not in words:
            raise self.invalid(name, "oneof")
        return text

    def comma_list(self, name: str, *, most: int | None = None) -> list[str] | None:
        """Give the parts of a comma-separated list; None if it is absent."""
        text = self.text(name)
        if text is None:
            return None
        parts = [part for part in text.split(",") if part]
        if most is not None and len(parts) > most:
            raise problem(400, "bad_request", f"too many {name}: {len(parts)}, max: {most}")
        return parts

    def repeated(self, name: str) -> list[str]:
        """Give all values of a parameter that is repeated; a comma does not separate."""
        return self._values.get(name, [])

    def invalid(self, name: str, tag: str) -> Exception:
        """Make the refusal of the exchange's validator for a value that breaks the rule `tag`."""
        field = "".join(part.capitalize() for part in name.split("_"))
        return parameter_problem(
            f"Parameter validation failed for {self._operation}: Key: '{self._operation}Params.{field}' "
            f"Error:Field validation for '{field}' failed on the '{tag}' tag"
        )

    def _one(self, name: str) -> str | None:
        values = self._values.get(name)
        if values is None:
            return None
        if len(values) > 1:
            raise parameter_problem(
                f"Invalid format for parameter {name}: multiple values for single value parameter '{name}'"
            )
        return values[0]

    @staticmethod
    def _format(name: str, why: str) -> Exception:
        return parameter_problem(f"Invalid format for parameter {name}: error binding string parameter: {why}")
