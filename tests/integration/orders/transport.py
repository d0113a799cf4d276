"""HTTP without sockets: bytes in to the two simulators, bytes out, and a cut line is a cut line.

It stands in for `fetch` and `exchange` of `chalicelib.orders.http_client.exchange`, whose own
behaviour on a real line has tests of its own. A purchase asks the platforms a dozen times; without
sockets that is a dozen times faster.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.test import EnvironBuilder, run_wsgi_app

from chalicelib.deadline import Deadline
from chalicelib.orders.http_client.exchange import Answer, NoAnswer


class _Line(socket.socket):
    """What a simulator cuts when an answer shall be lost."""

    was_cut = False

    def shutdown(self, how: int) -> None:
        self.was_cut = True


class InProcess:
    """Carries requests to apps by their host names."""

    def __init__(self) -> None:
        self._apps: dict[str, Flask] = {}

    def serve(self, host: str, app: Flask) -> None:
        self._apps[host] = app

    def carry(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> Answer | None:
        """The answer of any status; None when the line was cut."""
        parts = urlsplit(url)
        target = url.partition(parts.netloc)[2]
        with _Line() as line:
            builder = EnvironBuilder(
                parts.path,
                base_url=f"{parts.scheme}://{parts.netloc}",
                query_string=parts.query,
                method=method,
                headers=dict(headers),
                data=body,
            )
            environ = builder.get_environ() | {"REQUEST_URI": target, "werkzeug.socket": line}
            builder.close()
            chunks, status, answered = run_wsgi_app(self._apps[parts.netloc].wsgi_app, environ)
            content = b"".join(chunks)
            if line.was_cut:
                return None
        names = {name.lower(): value for name, value in answered.items()}
        return Answer(int(status.partition(" ")[0]), names, content)

    def fetch(self, url: str, limit: Deadline, most_bytes: int) -> bytes:
        """In the place of `fetch`."""
        answer = self.carry("GET", url, {}, b"")
        if answer is None:
            raise NoAnswer("the line was cut")
        if answer.status != HTTPStatus.OK:
            raise NoAnswer(f"HTTP {answer.status}")
        return answer.body

    def exchange(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: str | None,
        limit: Deadline,
        most_bytes: int,
    ) -> Answer:
        """In the place of `exchange`."""
        answer = self.carry(method, url, headers, (body or "").encode())
        if answer is None:
            raise NoAnswer("the line was cut")
        return answer
