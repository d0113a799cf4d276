"""pika's event loop, with a hand on the line to the broker.

pika ends an open connection by an exchange of frames, which a silent broker never finishes, and
fails when it is asked to close one in the middle of the AMQP handshake. A line that is cut, though,
it copes with at any moment: so that is how a connection is dropped here.

An event loop of one's own is what ``SelectConnection(custom_ioloop=...)`` is for; the interface
that pika puts around it (``nbio_interface``) is not public.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import suppress

from pika.adapters.select_connection import IOLoop


class LineLoop(IOLoop):
    """An event loop that knows the socket of its one connection, while that is watched."""

    def __init__(self) -> None:
        super().__init__()
        self._watched: set[int] = set()

    def add_handler(self, fd: int, handler: Callable[[int, int], None], events: int) -> None:
        """As pika's own."""
        super().add_handler(fd, handler, events)
        self._watched.add(fd)

    def remove_handler(self, fd: int) -> None:
        """As pika's own, which calls it before it closes a socket."""
        self._watched.discard(fd)
        super().remove_handler(fd)

    def cut(self) -> None:
        """End the line at once; the connection learns of it when the loop runs next."""
        for fd in self._watched:
            with suppress(OSError), socket.socket(fileno=os.dup(fd)) as line:
                line.shutdown(socket.SHUT_RDWR)  # fails if the broker was faster
