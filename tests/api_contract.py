"""Answers of the API against docs/api.yaml: what is not documented there is an error.

Any suite that gets an answer, from Chalice's test client or over HTTP, passes it through here::

    assert_documented("GET", "/learning/mycoursetable", answer.status, answer.headers, answer.body)

A path, a method, a status, a content type, a field or a code that the document does not have
fails, and so does a field that it has and the answer has not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from jsonschema.exceptions import ValidationError
from jsonschema_path import SchemaPath
from openapi_core import V31ResponseValidator
from openapi_core.templating.paths.exceptions import PathError
from openapi_core.templating.paths.finders import APICallPathFinder
from openapi_core.testing import MockRequest, MockResponse
from openapi_spec_validator.readers import read_from_filename

DOCUMENT = Path(__file__).parents[1] / "docs" / "api.yaml"
_HOST = "http://localhost"
_JSON = "application/json"


class Undocumented(AssertionError):
    """An answer that docs/api.yaml does not allow; the text says what is wrong with it."""


@cache
def document() -> dict[str, Any]:
    """The document as plain data."""
    loaded, _ = read_from_filename(str(DOCUMENT))
    return dict(loaded)


def assert_documented(
    method: str, target: str, status: int, headers: Mapping[str, str], body: bytes | str
) -> None:
    """Pass if docs/api.yaml allows this answer.

    Parameters
    ----------
    target
        The path without the stage; a query after it is not looked at.
    headers
        Names in any case. Without ``Content-Type`` the answer is JSON, as API Gateway says then.

    Raises
    ------
    Undocumented
        It does not; every fault that was found is listed.
    """
    path = target.partition("?")[0]
    given = body.encode("utf-8") if isinstance(body, str) else body
    # nothing of the body of an answer to HEAD reaches a client
    answered = b"" if method.upper() == "HEAD" else given
    named = {name.lower(): value for name, value in headers.items()}
    answer = MockResponse(
        answered, status, dict(headers), content_type=named.get("content-type", _JSON)
    )
    faults = list(_faults(MockRequest(_HOST, method, path), answer))
    if faults:
        listed = "\n".join(f"  - {fault}" for fault in faults)
        raise Undocumented(f"{method} {path} -> {status}\n{listed}\n{given[:2000]!r}")


def assert_documented_answer(answer: httpx.Response, *, base_path: str = "") -> None:
    """The same for an answer over HTTP; ``base_path`` is what stands before our paths."""
    path = answer.request.url.path.removeprefix(base_path)
    assert_documented(
        answer.request.method, path, answer.status_code, answer.headers, answer.content
    )


@cache
def _spec() -> SchemaPath:
    return SchemaPath.from_dict(document())


@cache
def _validator() -> V31ResponseValidator:
    return V31ResponseValidator(_spec())


def _faults(request: MockRequest, answer: MockResponse) -> Iterator[str]:
    try:
        found = APICallPathFinder(_spec()).find(request.method, _HOST + request.path)
    except PathError as unknown:
        yield str(unknown)
        return
    for error in _validator().iter_errors(request, answer):
        yield from _described(error)
    documented = found.operation / "responses" / str(answer.status_code)
    if documented.exists() and "content" not in documented and answer.data:
        yield "a body where none is documented"


def _described(error: BaseException) -> Iterator[str]:
    """The error, and the faults of single fields that it stands for."""
    causes = getattr(error.__cause__, "schema_errors", None)
    if causes is None:
        yield str(error.__cause__ or error)
        return
    for cause in causes:
        yield from _of_the_nearest_schema(cause)


def _of_the_nearest_schema(fault: ValidationError) -> Iterator[str]:
    """Where one of several schemas should hold, only the faults against the nearest are of use."""
    if not fault.context:
        yield f"{fault.json_path}: {fault.message}"
        return
    of_schema: dict[object, list[ValidationError]] = {}
    for part in fault.context:
        of_schema.setdefault(part.schema_path[0], []).append(part)
    for part in min(of_schema.values(), key=len):
        yield from _of_the_nearest_schema(part)
