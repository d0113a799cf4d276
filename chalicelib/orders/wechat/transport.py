"""The only importer of ``requests``: one HTTP exchange, with one time limit for all of it.

By itself ``requests`` waits for each byte anew and for each IP address of a host, follows
redirects, asks the proxies and the ``.netrc`` of the environment, unpacks what it gets, reads
answers of any length, and shows the whole address in its exceptions and log lines. Here a timer
cuts the TCP line at the limit, through a second hold on it that TLS cannot take away (only the
look-up of a name has its own limit, the resolver's); nobody but the addressee is asked; and no
address leaves this module: that of OAuth carries a secret.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any

from requests import Request, Session
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool

from chalicelib.deadline import Deadline

_CHUNK_BYTES = 65_536
_HEADERS = {
    "Accept-Encoding": "identity",  # a signature and a hash are of the bytes as they are
    "Connection": "close",
    "User-Agent": "course-payments",
}


class NoAnswer(Exception):
    """No complete answer came; the text says why, and never what was asked."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer of any status; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def exchange(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: str | None,
    limit: Deadline,
    most_bytes: int,
) -> Answer:
    """Send exactly ``body`` to exactly ``url``, once, and read the whole answer.

    Raises
    ------
    NoAnswer
        It was not complete at ``limit``, is longer than ``most_bytes``, or did not come at all.
        Whether the request arrived is unknown.
    """
    line = _Line(limit)
    timer = threading.Timer(limit.remaining_seconds(), line.cut)
    timer.daemon = True
    timer.start()
    quiet = _exchanging.set(True)
    try:
        request = Request(method, url, headers={**_HEADERS, **headers})
        if body is not None:
            request.data = body.encode()
        answer = _tried(line, request, limit, most_bytes)
    finally:
        _exchanging.reset(quiet)
        timer.cancel()
        timer.join()
        line.close()
    # at the limit either the timer is first, or a wait of requests
    if line.was_cut or (isinstance(answer, str) and limit.passed()):
        raise NoAnswer("no complete answer in time")
    if isinstance(answer, str):
        raise NoAnswer(answer)
    return answer


def _tried(line: _Line, request: Request, limit: Deadline, most_bytes: int) -> Answer | str:
    """The answer, or why there is none.

    A text and no exception: those of ``requests`` show the address, and would hang on to ours.
    """
    try:
        with Session() as session:
            session.trust_env = False
            session.mount("http://", _Adapter(line))
            session.mount("https://", _Adapter(line))
            prepared = session.prepare_request(request)
            if prepared.url != request.url:
                return "the address would be changed on its way"  # and its signature be wrong
            seconds = limit.remaining_seconds()
            with session.send(
                prepared, timeout=(seconds, seconds), allow_redirects=False, stream=True
            ) as response:
                body = bytearray()
                for chunk in response.raw.stream(_CHUNK_BYTES, decode_content=False):
                    body += chunk
                    if len(body) > most_bytes:
                        return "the answer is too long"
                names = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status_code, names, bytes(body))
    except Exception as error:  # noqa: BLE001  three libraries raise what they like
        return type(error).__name__


class _Line:
    """The TCP line of one exchange, to be cut from another thread."""

    def __init__(self, limit: Deadline) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._hold: socket.socket | None = None
        self.was_cut = False

    def connect(self, host: str, port: int | None) -> socket.socket:
        """Connect to one of the host's addresses; all of them share the time that is left."""
        failure = OSError("the host has no address")
        for family, kind, protocol, _, address in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        ):
            if self._limit.passed():
                break
            connection = socket.socket(family, kind, protocol)
            try:
                connection.settimeout(self._limit.remaining_seconds())
                connection.connect(address)
            except OSError as error:
                connection.close()
                failure = error
            else:
                return self._held(connection)
        raise failure

    def _held(self, connection: socket.socket) -> socket.socket:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._hold = connection.dup()
        if self.was_cut:
            self.cut()
        return connection

    def cut(self) -> None:
        """End it for both sides, whatever they wait for."""
        with self._lock:
            self.was_cut = True
            if self._hold is not None:
                with contextlib.suppress(OSError):
                    self._hold.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of the second hold."""
        with self._lock:
            if self._hold is not None:
                self._hold.close()
                self._hold = None


class _Http(HTTPConnection):
    def __init__(self, line: _Line, **options: Any) -> None:
        self._line = line
        super().__init__(**options)

    def _new_conn(self) -> socket.socket:
        return self._line.connect(self._dns_host, self.port)


class _Https(HTTPSConnection):
    def __init__(self, line: _Line, **options: Any) -> None:
        self._line = line
        super().__init__(**options)

    def _new_conn(self) -> socket.socket:
        return self._line.connect(self._dns_host, self.port)


class _Adapter(HTTPAdapter):
    def __init__(self, line: _Line) -> None:
        self._line = line
        super().__init__(max_retries=0)

    def get_connection_with_tls_context(self, *arguments: Any, **more: Any) -> HTTPConnectionPool:
        pool = super().get_connection_with_tls_context(*arguments, **more)
        kind = _Https if pool.scheme == "https" else _Http
        pool.ConnectionCls = partial(kind, self._line)  # type: ignore[assignment]
        return pool


_exchanging: ContextVar[bool] = ContextVar("exchanging", default=False)


class _NoAddresses(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002
        return not _exchanging.get()


for _name in ("urllib3.connection", "urllib3.connectionpool", "urllib3.util.retry"):
    logging.getLogger(_name).addFilter(_NoAddresses())
