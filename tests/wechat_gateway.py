"""A gateway of WeChat Pay on loopback that says what it is told to say."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.fakes.clock import START
from tests.wechat_peer import CERT_SERIAL, MCH_ID, SCHEME, wechat_peer


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it arrived."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    def check_signed(self) -> None:
        """Fails unless the merchant signed just this, at `START`."""
        scheme, _, rest = self.headers["Authorization"].partition(" ")
        values = dict(re.findall(r'([a-z_]+)="([^"]*)"', rest))
        timestamp = str(int(START.timestamp()))
        assert scheme == SCHEME
        assert (values["mchid"], values["serial_no"]) == (MCH_ID, CERT_SERIAL)
        assert values["timestamp"] == timestamp
        wechat_peer().check_merchant_signed(
            *(values["signature"], self.method, self.target, timestamp),
            *(values["nonce_str"], self.body.decode()),
        )


Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Gateway:
    """A gateway that says what it is told to say."""

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    """Given in turn, the last one for ever."""
    asked: list[Asked] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def says(
        self, content: Any, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        """Answer with ``content`` (JSON unless bytes), signed unless there are ``headers``."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.answers = [
            raw(status, wechat_peer().headers(body) if headers is None else headers, body)
        ]

    def refuses(self, status: int, code: str) -> None:
        self.says({"code": code, "message": "不"}, status)


def raw(
    status: int, headers: Mapping[str, str], body: bytes, *, length: int | None = None
) -> Answer:
    """An answer of just these bytes; ``length`` is what it claims to have."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            handler.send_header(name, value)
        if status != 204:
            handler.send_header("Content-Length", str(len(body) if length is None else length))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@contextmanager
def a_gateway() -> Iterator[Gateway]:
    """A gateway on loopback, for the life of a test."""
    gateway = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            gateway.asked.append(Asked(self.command, self.path, dict(self.headers.items()), body))
            answers = gateway.answers
            (answers.pop(0) if len(answers) > 1 else answers[0])(self)

        do_GET = do_POST = _answer  # noqa: N815  the names that http.server looks for

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    gateway.url = f"http://127.0.0.1:{server.server_port}"
    yield gateway
    gateway.stopping.set()
    server.shutdown()
    server.server_close()
    thread.join()
