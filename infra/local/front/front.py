"""Who answers a request: the H5's files, the switch, or the API behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from chalicelib.errors import AppError, NotFound
from infra.local.aws.api_gateway import HttpAnswer, HttpRequest
from infra.local.front import switch
from infra.local.front.dressing import dressed
from infra.local.front.files import Files
from infra.local.front.kinds import Kind
from infra.local.front.policy import page_headers
from infra.local.front.settings import FrontSettings

_H5 = "/h5/"
_CONFIG = "config.json"
_WITH_BRIDGE = (_H5, "/orders/")


class Answering(Protocol):
    """What answers requests over HTTP."""

    def answer(self, request: HttpRequest) -> HttpAnswer:
        """The answer to ``request``; never raises."""
        ...

    def refusal(self, error: AppError, status: int | None = None) -> HttpAnswer:
        """The answer to what cannot even be read as a request."""
        ...


class Front:
    """Answers for the H5 itself and lets the API answer all else; safe to use from many threads."""

    def __init__(self, api: Answering, settings: FrontSettings) -> None:
        self._api = api
        self._settings = settings
        self._headers = page_headers(settings.issuer)
        self._files = Files(settings.folder, self._headers)

    def answer(self, request: HttpRequest) -> HttpAnswer:
        """The answer to ``request``; never raises."""
        path, _, query = request.target.partition("?")
        reads = request.method in ("GET", "HEAD")
        if reads and path in ("/", _H5.rstrip("/")):
            return HttpAnswer(302, (("Location", _H5), ("Cache-Control", "no-store")))
        if reads and path == switch.PATH:
            return switch.switched(query)
        kind = switch.kind_of(request.headers)
        is_dressed = self._settings.bar or kind is not None
        if path.startswith(_H5):
            # a page that is dressed anew each time is never the one that the browser has
            has = "" if is_dressed else _header(request.headers, "if-none-match")
            answer = self._file(path.removeprefix(_H5), has) if reads else None
            answer = answer or self._api.refusal(NotFound(detail="no such file"))
        else:
            answer = self._api.answer(request if kind is None else _as(request, kind))
        if not is_dressed:
            return answer
        bridge = self._settings.bridge if path.startswith(_WITH_BRIDGE) else ""
        return dressed(answer, kind, bridge=bridge)

    def refusal(self, error: AppError, status: int | None = None) -> HttpAnswer:
        """The answer to what cannot even be read as a request."""
        return self._api.refusal(error, status)

    def _file(self, path: str, has: str) -> HttpAnswer | None:
        if path == _CONFIG:
            headers = (
                ("Content-Type", "application/json"),
                ("Cache-Control", "no-store"),
                *self._headers.items(),
            )
            return HttpAnswer(200, headers, self._settings.config_json())
        return self._files.answer(path, has=has)


def _as(request: HttpRequest, kind: Kind) -> HttpRequest:
    """The request as a browser of that kind sends it."""
    others = [(name, value) for name, value in request.headers if name.lower() != "user-agent"]
    return replace(request, headers=(*others, ("User-Agent", kind.user_agent)))


def _header(headers: Sequence[tuple[str, str]], name: str) -> str:
    return ", ".join(value for found, value in headers if found.lower() == name)
