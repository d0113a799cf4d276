"""A gateway on loopback that says what a test tells it to say."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Gateway:
    """Answers each request with the next of ``answers``; the last one stands for ever."""

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    requests: list[dict[str, str]] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def origin(self) -> str:
        return self.url.removesuffix("/gateway.do")

    def says(self, *bodies: str | bytes, status: int = 200, **headers: str) -> None:
        self.answers = [whole(body, status, **headers) for body in bodies]

    def does(self, *answers: Answer) -> None:
        self.answers = list(answers)

    def content(self, number: int = 0) -> dict[str, Any]:
        """The ``biz_content`` of a request."""
        return dict(json.loads(self.requests[number]["biz_content"]))

    @property
    def methods(self) -> list[str]:
        """What the gateway was asked, as far as it was asked and not fetched from."""
        return [request["method"] for request in self.requests if "method" in request]

    def silence(self, _: BaseHTTPRequestHandler) -> None:
        """Keep the line and say nothing."""
        self.stopping.wait(30)

    def dripping(self, body: str | bytes) -> Answer:
        """All of it, a byte each 50 ms."""
        return lambda handler: self._drip(handler, as_bytes(body))

    def _drip(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        for byte in body:
            if self.stopping.wait(0.05):
                return
            try:
                handler.wfile.write(bytes([byte]))
            except OSError:
                return

    def dripping_headers(self, handler: BaseHTTPRequestHandler) -> None:
        """One more header each 100 ms."""
        handler.send_response(200)
        handler.flush_headers()
        for number in range(200):
            if self.stopping.wait(0.1):
                return
            try:
                handler.wfile.write(b"X-%d: a\r\n" % number)
            except OSError:
                return


@contextmanager
def running_gateway() -> Iterator[Gateway]:
    """A gateway that listens."""
    gateway = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            gateway.paths.append(address.path)
            gateway.requests.append(dict(parse_qsl(address.query)))
            answers = gateway.answers
            (answers.pop(0) if len(answers) > 1 else answers[0])(self)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    gateway.url = f"http://127.0.0.1:{server.server_port}/gateway.do"
    try:
        yield gateway
    finally:
        gateway.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()


def whole(body: str | bytes, status: int = 200, **headers: str) -> Answer:
    """A complete HTTP answer."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(as_bytes(body))))
        handler.end_headers()
        handler.wfile.write(as_bytes(body))

    return answer


def cut_off(body: str | bytes) -> Answer:
    """Half of an answer, then the line ends."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(as_bytes(body))))
        handler.end_headers()
        handler.wfile.write(as_bytes(body)[: len(body) // 2])

    return answer


def hung_up(handler: BaseHTTPRequestHandler) -> None:
    """The line ends without an answer."""
    handler.connection.close()


def as_bytes(body: str | bytes) -> bytes:
    return body.encode() if isinstance(body, str) else body
