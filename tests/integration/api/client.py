"""The app behind an API Gateway in this process, and what its answers must look like."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from chalice.app import Chalice

from infra.local.aws.api_gateway import ApiGateway, HttpRequest
from tests.api_contract import assert_documented

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
UNDOCUMENTED = frozenset({"/nothing/at/all"})
"""A path that no route has."""
_CHINESE = re.compile(r"[\u4e00-\u9fff]{2}")
_ERROR_KEYS = {"errCode", "errMessage", "requestId"}


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")

    @property
    def media_type(self) -> str:
        return self.headers["content-type"].partition(";")[0]

    def json(self) -> dict[str, Any]:
        assert self.media_type == JSON, (self.status, self.headers, self.text)
        read: dict[str, Any] = json.loads(self.body)
        return read

    def ok(self) -> dict[str, Any]:
        """The body of a JSON answer that must be 200."""
        assert self.status == 200, (self.status, self.text)
        return self.json()

    def without_request_id(self) -> tuple[int, dict[str, Any]]:
        """What two answers to the same mistake have in common."""
        return self.status, {k: v for k, v in self.json().items() if k != "requestId"}


class Client:
    """Sends requests as a browser would; ``h5_origin`` is the origin that the app trusts.

    Every request goes through the gateway, which hands bodies over as text; ``raw_bytes`` takes
    one that hands them over as they are. Every answer must be one that docs/api.yaml allows.
    """

    def __init__(self, app: Chalice, h5_origin: str) -> None:
        self.h5_origin = h5_origin
        self._as_text = ApiGateway(app, h5_origin=h5_origin)
        self._as_bytes = ApiGateway(app, h5_origin=h5_origin, bodies_as_text=False)

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | str = "",
        token: str | None = None,
        content_type: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        raw_bytes: bool = False,
    ) -> Answer:
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        if content_type is not None:
            sent["Content-Type"] = content_type
        text = query if isinstance(query, str) else urlencode(query)
        target = f"{path}?{text}" if text else path
        gateway = self._as_bytes if raw_bytes else self._as_text
        answer = gateway.answer(HttpRequest(method, target, tuple(sent.items()), body))
        lowered = {name.lower(): value for name, value in answer.headers}
        if path not in UNDOCUMENTED:
            assert_documented(method, path, answer.status, lowered, answer.body)
        return Answer(answer.status, lowered, answer.body)

    def get(
        self, path: str, query: Mapping[str, str] | str = "", token: str | None = None
    ) -> Answer:
        return self.send("GET", path, query=query, token=token)

    def post_json(self, path: str, value: object, token: str | None = None) -> Answer:
        body = json.dumps(value, ensure_ascii=False).encode()
        return self.send("POST", path, token=token, content_type=JSON, body=body)

    def post_form(self, path: str, fields: Mapping[str, str] | bytes) -> Answer:
        body = fields if isinstance(fields, bytes) else urlencode(fields).encode()
        return self.send("POST", path, content_type=f"{FORM}; charset=utf-8", body=body)

    def follow(self, method: str, url: str, user_agent: str = "Mozilla/5.0 (iPhone)") -> Answer:
        """Open an address of ours, as a link that somebody was given."""
        path, _, query = url.partition("://")[2].partition("/")[2].partition("?")
        return self.send(method, f"/{path}", query=query, headers={"User-Agent": user_agent})


def assert_refused(answer: Answer, status: int, code: str, says: str = "") -> None:
    """An error in our shape, with a message for a person."""
    body = answer.json()
    assert (answer.status, body.get("errCode")) == (status, code), body
    assert body.keys() == _ERROR_KEYS
    assert _CHINESE.search(body["errMessage"]), body
    assert says in body["errMessage"], body
    assert body["requestId"] == answer.headers["x-amzn-requestid"]


def assert_page_refuses(answer: Answer, status: int, says: str) -> None:
    """A page for the payer that says why not, and leads nowhere."""
    assert answer.status == status, answer.text
    assert answer.media_type == "text/html"
    assert says in answer.text
    assert "<form" not in answer.text
    assert "location" not in answer.headers
    assert "no-store" in answer.headers["cache-control"]


def assert_notify_failed(answer: Answer, status: int) -> None:
    """What makes Alipay send a notification again."""
    assert (answer.status, answer.body) == (status, b"fail")
    assert answer.media_type == "text/plain"


def assert_notify_taken(answer: Answer) -> None:
    """What ends Alipay's repetitions: this body and nothing else."""
    assert (answer.status, answer.body) == (200, b"success")
    assert answer.media_type == "text/plain"
