"""A front with a small H5 and an API that answers with what it was asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from chalicelib.errors import AppError
from infra.local.aws.api_gateway import HttpAnswer, HttpRequest
from infra.local.front.front import Front
from infra.local.front.settings import FrontSettings

ISSUER = "http://127.0.0.1:9001"
BRIDGE = "http://127.0.0.1:9003/_bridge.js"
PAGE = (
    '<!doctype html><html><head><meta charset="utf-8"><title>课程</title></head>'
    "<body></body></html>"
)
PAGE_OF_API = "<!DOCTYPE html><html><head><title>收银台</title></head><body></body></html>"
POLICY_OF_API = "default-src 'none'; img-src data:; style-src 'nonce-a'; script-src 'nonce-a'"


def small_h5(folder: Path) -> Path:
    h5 = folder / "h5"
    (h5 / "js").mkdir(parents=True)
    (h5 / "index.html").write_text(PAGE, "utf-8")
    (h5 / "style.css").write_text("body{}", "utf-8")
    (h5 / "js" / "api.js").write_text("export {};", "utf-8")
    (h5 / "notes.txt").write_text("not served", "utf-8")
    (h5 / ".hidden.html").write_text("not served", "utf-8")
    (folder / "secret.html").write_text("not served", "utf-8")
    return h5


@dataclass
class AskedApi:
    """An API whose answers a test sets; it remembers what it was asked."""

    page: bytes = PAGE_OF_API.encode()
    content_type: str = "text/html; charset=utf-8"
    asked: list[HttpRequest] = field(default_factory=list)

    def answer(self, request: HttpRequest) -> HttpAnswer:
        self.asked.append(request)
        headers = (
            ("Content-Type", self.content_type),
            ("Content-Security-Policy", POLICY_OF_API),
            ("ETag", '"api"'),
            ("Set-Cookie", "a=1"),
        )
        return HttpAnswer(200, headers, self.page)

    def refusal(self, error: AppError, status: int | None = None) -> HttpAnswer:
        return HttpAnswer(status or error.http_status, (), error.code.encode())


@dataclass
class Site:
    front: Front
    api: AskedApi
    folder: Path

    def get(
        self, target: str, *, method: str = "GET", **headers: str
    ) -> tuple[int, dict[str, str], str]:
        named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        answer = self.front.answer(HttpRequest(method, target, named))
        return answer.status, dict(answer.headers), answer.body.decode("utf-8")


def site_in(folder: Path, *, bar: bool = False, bridge: str = BRIDGE) -> Site:
    h5 = small_h5(folder)
    api = AskedApi()
    settings = FrontSettings(folder=h5, issuer=ISSUER, audience="api", bridge=bridge, bar=bar)
    return Site(Front(api, settings), api, h5)
