"""Requests to the app as a student's browser sends them, and what comes back."""

from __future__ import annotations

import json
from typing import Any

from chalice.test import Client, HTTPResponse

from tests.unit.learning.builders import STUDENT


def call(
    client: Client,
    method: str,
    path: str,
    *,
    body: bytes = b"",
    token: str | None = STUDENT,
    content_type: str | None = None,
) -> HTTPResponse:
    headers = {}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    if content_type is not None:
        headers["Content-Type"] = content_type
    return client.http.request(method, path, headers=headers, body=body)


def answer(response: HTTPResponse) -> dict[str, Any]:
    assert response.status_code == 200, response.body
    assert response.headers["Cache-Control"] == "no-store"
    return json.loads(response.body)


def refusal(response: HTTPResponse) -> tuple[int, str, str]:
    error = json.loads(response.body)
    assert set(error) == {"errCode", "errMessage", "requestId"}
    return response.status_code, error["errCode"], error["errMessage"]
