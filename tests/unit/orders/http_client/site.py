"""A server on loopback that hears whole requests and says the very bytes that it is told to say."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from socketserver import StreamRequestHandler, ThreadingTCPServer

Answer = Callable[[StreamRequestHandler], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it arrived; the names of its headers are in lower case."""

    line: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Site:
    """Gives the same ``answer`` to everybody."""

    port: int
    answer: Answer
    scheme: str = "http"
    asked: list[Asked] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def origin(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def says(self, *parts: bytes) -> None:
        """Answer with just these bytes, then hang up."""
        self.answer = lambda request: [request.wfile.write(part) for part in parts] and None

    def drips(self, *parts: bytes) -> None:
        """Answer in parts with pauses, each much shorter than the limits of these tests."""

        def drip(request: StreamRequestHandler) -> None:
            with suppress(OSError):  # hung up on
                for part in parts:
                    if self.stopping.wait(0.05):
                        return
                    request.wfile.write(part)

        self.answer = drip

    def is_silent(self) -> None:
        """Keep every line and say nothing."""
        self.answer = lambda _: self.stopping.wait(30) and None


def ok(body: bytes, *headers: str, length: int | None = None) -> bytes:
    """A whole answer; ``length`` is what it claims to have."""
    length = len(body) if length is None else length
    head = ["HTTP/1.1 200 OK", f"Content-Length: {length}", *headers, "", ""]
    return "\r\n".join(head).encode() + body


@contextmanager
def a_site(tls: ssl.SSLContext | None = None) -> Iterator[Site]:
    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):  # a handshake that fails, or a line that is cut
                site.asked.append(_heard(self))
                site.answer(self)

        def finish(self) -> None:
            with suppress(OSError):
                super().finish()

    class Server(ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Handler) as server:
        site = Site(int(server.server_address[1]), lambda _: None)
        if tls is not None:
            site.scheme = "https"
            server.socket = tls.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield site
        finally:
            site.stopping.set()
            server.shutdown()
            thread.join()


def _heard(request: StreamRequestHandler) -> Asked:
    line = request.rfile.readline().decode().rstrip("\r\n")
    headers = {}
    while name := request.rfile.readline().decode().rstrip("\r\n"):
        name, _, value = name.partition(": ")
        headers[name.lower()] = value
    return Asked(line, headers, request.rfile.read(int(headers.get("content-length", 0))))


@contextmanager
def a_deaf_listener(host: str, port: int = 0) -> Iterator[int]:
    """A port whose queue is full: who connects now hears nothing, not even a refusal."""
    with ExitStack() as kept:
        listener = kept.enter_context(socket.socket())
        listener.bind((host, port))
        listener.listen(0)
        while True:
            caller = kept.enter_context(socket.socket())
            caller.settimeout(0.2)
            try:
                caller.connect(listener.getsockname())
            except TimeoutError:
                break
        yield int(listener.getsockname()[1])
