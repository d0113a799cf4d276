"""Serves a Flask app on loopback: what every simulator of the local stack runs on."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Callable
from types import TracebackType

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

LOOPBACK = "127.0.0.1"
STOP_POLL_SECONDS = 0.05
_access = logging.getLogger("infra.local.access")


class _AccessLog(WSGIRequestHandler):
    """Logs method, path and status: query strings here hold signatures and tokens."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:  # noqa: ARG002  its signature
        path = getattr(self, "path", "-").partition("?")[0]
        _access.info("%s %s %s", getattr(self, "command", "-"), path, code)

    def log(self, type: str, message: str, *args: object) -> None:
        _access.log(logging.ERROR if type == "error" else logging.INFO, message, *args)


class WebServer:
    """A threaded server of one app on 127.0.0.1; a context manager that starts and stops it.

    Parameters
    ----------
    app
        Gets ``GET /healthz`` -> 200 in addition.
    port
        0 takes a free one; `url` tells which.
    on_stop
        Called when the server stops; safe to repeat.

    Raises
    ------
    SystemExit
        The port is taken, which is said on stderr.
    """

    def __init__(
        self, app: Flask, port: int = 0, on_stop: Callable[[], None] | None = None
    ) -> None:
        app.add_url_rule("/healthz", "healthz", lambda: ("ok", {"Content-Type": "text/plain"}))
        self._server = make_server(LOOPBACK, port, app, threaded=True, request_handler=_AccessLog)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(STOP_POLL_SECONDS,), name=app.name
        )
        self._on_stop = on_stop

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``."""
        return f"http://{LOOPBACK}:{self._server.server_port}"

    def start(self) -> None:
        """Answer requests from now on, in threads of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more; returns when the port is free again. Safe to repeat."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
        if self._on_stop is not None:
            self._on_stop()

    def __enter__(self) -> WebServer:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def serve_until_told_to_stop(server: WebServer, name: str) -> None:
    """Serve from the main thread of a process until SIGTERM or Ctrl-C, then stop cleanly."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    logging.getLogger("httpx").setLevel(logging.WARNING)
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    with server:
        print(f"{name} at {server.url}", flush=True)
        told.wait()
