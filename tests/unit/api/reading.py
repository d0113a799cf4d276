"""docs/api.yaml as the tests read it: its operations, examples and error codes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chalicelib import errors
from chalicelib.errors import AppError
from tests.api_contract import document

METHODS = ("get", "head", "post", "put", "patch", "delete")
Operation = tuple[str, str]
"""Method and path, with path parameters in camelCase."""


def operations() -> Iterator[tuple[Operation, dict[str, Any]]]:
    for path, item in document()["paths"].items():
        for method in METHODS:
            if method in item:
                yield (method.upper(), path), item[method]


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        found: Any = document()
        for key in node["$ref"].removeprefix("#/").split("/"):
            found = found[key]
        node = found
    return node


def nodes(node: Any, pointer: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of the document with its JSON pointer."""
    if isinstance(node, dict):
        yield pointer, node
        for key, child in node.items():
            escaped = str(key).replace("~", "~0").replace("/", "~1")
            yield from nodes(child, f"{pointer}/{escaped}")
    elif isinstance(node, list):
        for index, child in enumerate(node):
            yield from nodes(child, f"{pointer}/{index}")


def examples() -> Iterator[tuple[str, Any]]:
    """Each example, and the pointer of the schema that it is an example of."""
    for pointer, node in nodes(document()):
        if "schema" in node:
            named = [example["value"] for example in node.get("examples", {}).values()]
            for value in ([node["example"]] if "example" in node else []) + named:
                yield f"{pointer}/schema", value
        elif isinstance(node.get("examples"), list):
            for value in node["examples"]:
                yield pointer, value


def error_classes(root: type[AppError] = AppError) -> Iterator[type[AppError]]:
    yield root
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from error_classes(child)


def refused_codes() -> Iterator[tuple[Operation, int, str]]:
    """Every ``errCode`` that an operation names for a status."""
    for operation, described in operations():
        for status, response in described["responses"].items():
            content = resolved(response).get("content", {}).get("application/json")
            for part in content["schema"].get("allOf", []) if content else []:
                for code in part.get("properties", {}).get("errCode", {}).get("enum", []):
                    yield operation, int(status), code
