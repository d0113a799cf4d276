"""Serves the app over HTTP on loopback, answering as API Gateway does, with the H5 in front.

    python -m infra.local.aws.gateway --port 8000

``LOCAL_BROWSER_BAR=1`` shows the switch of browsers on every page, and ``H5_CLIENT_ID`` is the H5's
name at another identity provider than that of the local stack (`infra.local.front`).
Each request is logged as method, path, status and milliseconds. The query is left out: it carries
signatures. On SIGTERM no new request is taken, and those under way are answered first.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections.abc import Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from chalice.deploy.validate import validate_routes

from chalicelib.errors import AppError, InvalidRequest, PayloadTooLarge
from chalicelib.settings import settings
from infra.local.aws.api_gateway import MAX_BODY_BYTES, ApiGateway, HttpAnswer, HttpRequest
from infra.local.aws.lambda_runtime import PROJECT_APP, load_app, log_to_stdout, stop_on_signals
from infra.local.front.front import Answering, Front
from infra.local.front.settings import FrontSettings
from infra.local.processes.children import ROOT
from infra.local.services.identity.client import H5_CLIENT_ID

LOOPBACK = "127.0.0.1"

_STOP_SECONDS = 8
_IDLE_SECONDS = 60
_CHUNK_BYTES = 64 * 1024
_WITHOUT_LENGTH = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
# A client that is still sending does not read: what is too large is swallowed before it is refused.
_MOST_SWALLOWED_BYTES = 8 * MAX_BODY_BYTES


class GatewayServer(ThreadingHTTPServer):
    """A threaded server on 127.0.0.1; port 0 takes a free one."""

    request_queue_size = 128

    def __init__(self, gateway: Answering, port: int = 0) -> None:
        super().__init__((LOOPBACK, port), _Connection)
        self.gateway = gateway
        self._under_way = 0
        self._changed = threading.Condition()

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``."""
        return f"http://{LOOPBACK}:{self.server_port}"

    def begin(self) -> None:
        """A request is under way."""
        with self._changed:
            self._under_way += 1

    def end(self) -> None:
        """The answer to a request is written."""
        with self._changed:
            self._under_way -= 1
            self._changed.notify_all()

    def stop(self, *, seconds: float = _STOP_SECONDS) -> None:
        """Take no more requests; wait up to ``seconds`` for those under way."""
        self.shutdown()
        with self._changed:
            self._changed.wait_for(lambda: self._under_way == 0, timeout=seconds)
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no error of ours."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    disable_nagle_algorithm = True
    server: GatewayServer

    def _answer(self) -> None:
        started = time.monotonic()
        self.server.begin()
        try:
            answer = self._read_and_answer()
            self._send(answer)
            path = ascii(self.path.partition("?")[0])[1:-1]
            took_ms = (time.monotonic() - started) * 1000
            # One write a line, so that the lines of several threads do not mix.
            print(f"{self.command} {path} {answer.status} {took_ms:.0f} ms\n", end="", flush=True)
        finally:
            self.server.end()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _answer  # noqa: N815

    def _read_and_answer(self) -> HttpAnswer:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not (length.isascii() and length.isdigit()):
            self.close_connection = True
            return self.server.gateway.refusal(InvalidRequest(detail="a body of unknown length"))
        size = int(length)
        if size > MAX_BODY_BYTES:
            self._swallow(size)
            return self.server.gateway.refusal(PayloadTooLarge(detail=f"{size} bytes"))
        body = self.rfile.read(size)
        if len(body) < size:
            self.close_connection = True
            return self.server.gateway.refusal(InvalidRequest(detail="the body broke off"))
        headers = tuple(self.headers.items())
        return self.server.gateway.answer(HttpRequest(self.command, self.path, headers, body))

    def _swallow(self, size: int) -> None:
        self.close_connection = True
        left = min(size, _MOST_SWALLOWED_BYTES)
        while left and (chunk := self.rfile.read(min(left, _CHUNK_BYTES))):
            left -= len(chunk)

    def _send(self, answer: HttpAnswer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        if answer.status not in _WITHOUT_LENGTH:
            self.send_header("Content-Length", str(len(answer.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def send_error(self, code: int, *_: Any) -> None:
        """What is no HTTP request, or one with an unknown method."""
        self.close_connection = True
        kind = InvalidRequest if code < HTTPStatus.INTERNAL_SERVER_ERROR else AppError
        # The standard message is left out: it may hold the query.
        self._send(self.server.gateway.refusal(kind(detail="not a request"), code))

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the standard lines have the query in them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; see the module's text."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.aws.gateway")
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one")
    parser.add_argument("--app", default=PROJECT_APP, help="the Chalice app, as module:attribute")
    parser.add_argument(
        "--raw-bodies",
        action="store_true",
        help="hand bodies over as bytes, which API Gateway does not do",
    )
    parser.add_argument("--h5", type=Path, default=ROOT / "h5", help="the folder of the H5")
    parser.add_argument("--bridge", default="", metavar="URL", help="the simulated WeChat's script")
    chosen = parser.parse_args(arguments)
    log_to_stdout()
    stopping = stop_on_signals()
    app = load_app(chosen.app)
    # What could not be deployed is not served either.
    validate_routes(app.routes)
    api = ApiGateway(app, h5_origin=settings().h5_origin, bodies_as_text=not chosen.raw_bodies)
    server = GatewayServer(Front(api, _front_settings(chosen.h5, chosen.bridge)), chosen.port)
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
    print(f"ready {server.url}", flush=True)
    stopping.wait()
    server.stop()
    return 0


def _front_settings(folder: Path, bridge: str) -> FrontSettings:
    return FrontSettings(
        folder=folder,
        issuer=settings().jwt_issuer,
        audience=settings().jwt_audience,
        client_id=os.environ.get("H5_CLIENT_ID") or H5_CLIENT_ID,
        bridge=bridge,
        bar=os.environ.get("LOCAL_BROWSER_BAR") == "1",
    )


if __name__ == "__main__":
    sys.exit(main())
