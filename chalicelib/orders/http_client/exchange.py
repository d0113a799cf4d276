"""The only importer of ``requests``: one HTTP exchange, with one time limit for all of it.

By itself ``requests`` waits for each byte and each IP address anew; its sessions follow redirects
and ask the proxies and the ``.netrc`` of the environment; it unpacks what it gets, reads answers
of any length, and shows the whole address in its exceptions and log lines. Here no session is
used, a `Line` ends at the limit, and no address leaves this module: that of OAuth has a secret in
it, that of a bill is a key to it.
"""

from __future__ import annotations

import logging
import socket
import ssl
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, partial
from http import HTTPStatus
from http.client import HTTPException
from typing import Any

from requests import Request
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool

from chalicelib.deadline import Deadline
from chalicelib.orders.http_client.line import Line

_CHUNK_BYTES = 65_536
_HEADERS = {
    "Accept-Encoding": "identity",  # a signature and a hash are of the bytes as they are
    "Connection": "close",
    "User-Agent": "course-payments",
}


class NoAnswer(Exception):
    """No complete answer came, or none of use; the text says why, and never what was asked."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer of any status; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def fetch(url: str, *, limit: Deadline, most_bytes: int) -> bytes:
    """The body of the answer to a GET.

    Raises
    ------
    NoAnswer
        As `exchange`; or the answer has another status than 200, a redirect among them.
    """
    answer = exchange("GET", url, headers={}, body=None, limit=limit, most_bytes=most_bytes)
    if answer.status != HTTPStatus.OK:
        raise NoAnswer(f"HTTP {answer.status}")
    return answer.body


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
        It was not complete at ``limit``, is longer than ``most_bytes``, or did not come at all;
        or ``url`` is none, or not spelt as it would be sent. Unless the text says that, whether
        the request arrived is unknown.
    """
    request = Request(method, url, headers={**_HEADERS, **headers})
    if body is not None:
        request.data = body.encode()
    with _logging_nothing(), Line(limit) as line:
        answer = _tried(line, request, limit, most_bytes)
    # at the limit either the line is cut first, or a wait of its own ends
    if line.was_cut or (isinstance(answer, str) and limit.passed()):
        raise NoAnswer("no complete answer in time")
    if isinstance(answer, str):
        raise NoAnswer(answer)
    return answer


def _tried(line: Line, request: Request, limit: Deadline, most_bytes: int) -> Answer | str:
    """The answer, or why there is none.

    A text and no exception: those of ``requests`` show the address, and would hang on to ours.
    """
    handled = sys.exception()
    try:
        prepared = request.prepare()
        if prepared.url != request.url:
            return "the address would be changed on its way"  # and its signature be wrong
        with (
            closing(_Adapter(line)) as adapter,
            adapter.send(prepared, stream=True, timeout=limit.remaining_seconds()) as response,
        ):
            body = bytearray()
            for chunk in response.raw.stream(_CHUNK_BYTES, decode_content=False):
                body += chunk
                if len(body) > most_bytes:
                    return "the answer is too long"
            names = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status_code, names, bytes(body))
    except Exception as error:  # noqa: BLE001  three libraries raise what they like
        return _kind(error, handled)


def _kind(error: BaseException, handled: BaseException | None) -> str:
    """That of the innermost failure of a line or of HTTP: those around it say only "failed".

    ``handled`` is what our caller was busy with; it has nothing to do with us.
    """
    kind, inner = type(error), error.__cause__ or error.__context__
    while inner is not None and inner is not handled:
        if isinstance(inner, OSError | HTTPException):
            kind = type(inner)
        inner = inner.__cause__ or inner.__context__
    return kind.__name__


class _Http(HTTPConnection):
    def __init__(self, line: Line, **options: Any) -> None:
        self._line = line
        super().__init__(**options)

    def _new_conn(self) -> socket.socket:
        return self._line.connect(self.host, self.port)


class _Https(_Http, HTTPSConnection):
    def __init__(self, line: Line, **options: Any) -> None:
        # given both, urllib3 would read the roots anew for each line
        super().__init__(line, ssl_context=_trusting(options.pop("ca_certs")), **options)


@cache
def _trusting(roots: str) -> ssl.SSLContext:
    """Verifies certificate and host name; reading ``roots`` costs more than a handshake does."""
    return ssl.create_default_context(cafile=roots)


class _Adapter(HTTPAdapter):
    def __init__(self, line: Line) -> None:
        self._line = line
        super().__init__(max_retries=0)

    def get_connection_with_tls_context(self, *arguments: Any, **more: Any) -> HTTPConnectionPool:
        pool = super().get_connection_with_tls_context(*arguments, **more)
        kind = _Https if pool.scheme == "https" else _Http
        pool.ConnectionCls = partial(kind, self._line)  # type: ignore[assignment]
        return pool


_exchanging: ContextVar[bool] = ContextVar("exchanging", default=False)


@contextmanager
def _logging_nothing() -> Iterator[None]:
    """Nothing of urllib3's own; that of others who use it at the same time is logged."""
    token = _exchanging.set(True)
    try:
        yield
    finally:
        _exchanging.reset(token)


class _NoAddresses(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002
        return not _exchanging.get()


for _name in ("urllib3.connection", "urllib3.connectionpool", "urllib3.util.retry"):
    logging.getLogger(_name).addFilter(_NoAddresses())
