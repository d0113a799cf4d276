"""A gate in front of the DynamoDB engine: passes every request on, until it shall hold one.

A process that waits for the answer of a held request is in the middle of its work for sure, however
fast the machine is: that is the moment at which to kill it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import urlsplit

_HELD_SECONDS = 30
_NOT_PASSED_ON = frozenset({"connection", "host", "transfer-encoding", "content-length"})


@dataclass(eq=False)
class Held:
    """One request that shall not get its answer, or each of its kind until it is let go.

    ``names`` are texts that its body has, all of them; ``carried_out`` says whether the engine gets
    it all the same. ``client_port`` is that of whoever asked first.
    """

    operation: str
    names: tuple[str, ...]
    carried_out: bool
    each: bool = False
    reached: threading.Event = field(default_factory=threading.Event)
    client_port: int = 0

    def wait(self) -> None:
        """Wait until it has come, and the engine has carried it out if it shall."""
        assert self.reached.wait(_HELD_SECONDS), f"no {self.operation} about {self.names} came"

    def fits(self, operation: str, body: bytes) -> bool:
        """Whether this is the request."""
        return operation == self.operation and all(name.encode() in body for name in self.names)


class DatabaseGate:
    """A server on the loopback interface; ``url`` is an endpoint as good as the engine's own."""

    def __init__(self, engine_url: str) -> None:
        engine = urlsplit(engine_url)
        self._host, self._port = engine.hostname or "", engine.port or 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("_", (_Pass,), {"gate": self}))
        self._server.daemon_threads = True
        self._lock = threading.Lock()
        self._held: list[Held] = []
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def hold(self, operation: str, *names: str, carried_out: bool) -> Held:
        """Hold the next such request; what comes after it passes."""
        return self._hold(Held(operation, names, carried_out))

    @contextmanager
    def holding_each(self, operation: str, *names: str) -> Iterator[Held]:
        """Hold every such request, which the engine never gets, until the end of the block."""
        held = self._hold(Held(operation, names, carried_out=False, each=True))
        try:
            yield held
        finally:
            with self._lock:
                self._held.remove(held)

    def _hold(self, held: Held) -> Held:
        with self._lock:
            self._held.append(held)
        return held

    def take(self, operation: str, body: bytes) -> Held | None:
        """What shall happen to a request; None: pass it on."""
        with self._lock:
            found = next((held for held in self._held if held.fits(operation, body)), None)
            if found is not None and not found.each:
                self._held.remove(found)
            return found

    def connect(self) -> HTTPConnection:
        """A connection to the engine."""
        return HTTPConnection(self._host, self._port, timeout=_HELD_SECONDS)


class _Pass(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    gate: DatabaseGate

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        held = self.gate.take(self.headers.get("X-Amz-Target", "").partition(".")[2], body)
        try:
            if held is None or held.carried_out:
                status, headers, answer = self._ask(body)
            if held is not None:
                held.client_port = held.client_port or self.client_address[1]
                held.reached.set()
                # the client says no more until it has its answer, so it ends here with the client
                self.rfile.read(1)
                self.close_connection = True
                return
        except (OSError, HTTPException):
            # as the engine does to its client, so the gate does to its own
            self.close_connection = True
            return
        with suppress(OSError):
            self._send(status, headers, answer)

    def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        headers = {
            name: value
            for name, value in self.headers.items()
            if name.lower() not in _NOT_PASSED_ON
        }
        with closing(self.gate.connect()) as engine:
            engine.request("POST", self.path, body, headers)
            answer = engine.getresponse()
            return answer.status, answer.getheaders(), answer.read()

    def _send(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in _NOT_PASSED_ON:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
