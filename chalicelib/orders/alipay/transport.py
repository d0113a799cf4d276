"""One HTTP question with one time limit for all of it: name, connecting, TLS, headers and body.

A socket's time-out counts from each byte anew, so a gateway that dribbles would be waited for
without end. Here a timer cuts the TCP line at the limit, through a second hold on it that TLS
cannot take away. Before there is a line, the addresses of a name share what is left; looking the
name up cannot be cut, so at the limit it is left behind.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from functools import cache
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.error import HTTPError
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    Request,
)

from chalicelib.deadline import Deadline

_CHUNK_BYTES = 65_536


def fetch(url: str, limit: Deadline, most_bytes: int) -> bytes:
    """The body of a GET; no proxy of the environment, no redirect, no other scheme than HTTP(S).

    Raises
    ------
    TimeoutError
        It was not complete at ``limit``.
    OSError
        It is longer than ``most_bytes``, or anything else keeps it from coming.
    """
    line = _Line(limit)
    timer = threading.Timer(limit.remaining_seconds(), line.cut)
    timer.start()
    try:
        return _read(_opener(line).open(url, timeout=limit.remaining_seconds()), most_bytes)
    except HTTPError as error:
        error.close()
        raise
    except Exception as error:  # a cut line fails in many ways, all of them the limit
        if line.was_cut or limit.passed():
            raise TimeoutError("no complete answer in time") from error
        raise
    finally:
        timer.cancel()
        timer.join()
        line.close()
        if line.was_cut:
            raise TimeoutError("no complete answer in time")


def _read(response: HTTPResponse, most_bytes: int) -> bytes:
    body = bytearray()
    with response:
        while chunk := response.read1(_CHUNK_BYTES):
            body += chunk
            if len(body) > most_bytes:
                raise OSError("the answer is too long")
        if response.length:  # read1 takes the end of the line for the end of the body
            raise OSError("the answer is cut off")
    return bytes(body)


class _Line:
    """The TCP line of one request, to be cut from another thread."""

    def __init__(self, limit: Deadline) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._hold: socket.socket | None = None
        self.was_cut = False

    def connect(self, address: tuple[str, int], *_: object) -> socket.socket:
        """As ``socket.create_connection``, but all addresses of a name share the limit."""
        connection = _connected(address, self._limit)
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


_Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]


def _connected(address: tuple[str, int], limit: Deadline) -> socket.socket:
    found = _looked_up(address, limit)
    failed: OSError = OSError("the name has no address")
    for left, (family, kind, protocol, _, where) in zip(
        range(len(found), 0, -1), found, strict=True
    ):
        connection = socket.socket(family, kind, protocol)
        try:
            # a share, so that one address that never answers leaves time for the next
            connection.settimeout(_time_left(limit) / left)
            connection.connect(where)
            connection.settimeout(_time_left(limit))
        except OSError as error:
            connection.close()
            failed = error
        else:
            return connection
    raise failed


def _looked_up(address: tuple[str, int], limit: Deadline) -> Sequence[_Address]:
    answers: queue.SimpleQueue[Sequence[_Address] | OSError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(socket.getaddrinfo(*address, type=socket.SOCK_STREAM))
        except OSError as error:
            answers.put(error)
        except UnicodeError:
            answers.put(OSError("the name is malformed"))

    threading.Thread(target=look_up, daemon=True).start()
    try:
        answer = answers.get(timeout=_time_left(limit))
    except queue.Empty:
        raise TimeoutError("the name was not found in time") from None
    if isinstance(answer, OSError):
        raise answer
    return answer


def _time_left(limit: Deadline) -> float:
    seconds = limit.remaining_seconds()
    if seconds <= 0:  # which sockets and queues take for "do not wait at all"
        raise TimeoutError("no time left")
    return seconds


def _opener(line: _Line) -> OpenerDirector:
    opener = OpenerDirector()
    for handler in (_Http(line), _Https(line), HTTPErrorProcessor(), HTTPDefaultErrorHandler()):
        opener.add_handler(handler)
    return opener


def _on(line: _Line, kind: type[HTTPConnection]) -> Callable[..., HTTPConnection]:
    def connection(host: str, **options: Any) -> HTTPConnection:
        made = kind(host, **options)
        made._create_connection = line.connect  # type: ignore[attr-defined]
        return made

    return connection


class _Http(HTTPHandler):
    def __init__(self, line: _Line) -> None:
        super().__init__()
        self._line = line

    def http_open(self, request: Request) -> HTTPResponse:
        return self.do_open(_on(self._line, HTTPConnection), request)


class _Https(HTTPSHandler):
    def __init__(self, line: _Line) -> None:
        super().__init__(context=_tls_context())
        self._line = line

    def https_open(self, request: Request) -> HTTPResponse:
        return self.do_open(_on(self._line, HTTPSConnection), request, context=_tls_context())


@cache
def _tls_context() -> ssl.SSLContext:
    """Verifies certificate and host name; making one costs more than a connection does."""
    return ssl.create_default_context()
