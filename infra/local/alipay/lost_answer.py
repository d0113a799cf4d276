"""An answer that never arrives: the work is done, and the connection ends."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from flask import Response


def lost(environ: Mapping[str, Any]) -> Response:
    """End the connection of a request, so that its client reads no answer at all.

    A request that came without a connection (a test client in the same process) gets a 502.
    """
    connection = environ.get("werkzeug.socket")
    if isinstance(connection, socket.socket):
        # the client may have gone already
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
    return Response("", 502)
