"""How a script inside an SDK's environment is asked, and how it answers. Standard library only."""

import asyncio
import inspect
import json
import sys
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any


def main(functions: Mapping[str, Callable[..., Any]]) -> None:
    """Call the function that the command line names with the JSON of standard input, and print what it returns."""
    answer = functions[sys.argv[1]](**json.load(sys.stdin))
    if inspect.iscoroutine(answer):
        answer = asyncio.run(answer)
    print(json.dumps(answer, default=plain))


def plain(value: Any) -> Any:
    """Turn what SDKs return into what JSON knows: models into their fields, times and decimals into text."""
    if isinstance(value, Enum):
        return value.value
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    return str(value)
