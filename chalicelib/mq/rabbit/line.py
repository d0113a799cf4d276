"""The event loop services of pika, with a hand on the line to the broker.

pika ends an open connection by an exchange of frames, which a silent broker never finishes, and
fails when it is asked to close one in the middle of the AMQP handshake. A line that is cut, though,
it copes with at any moment: so that is how a connection is dropped here.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any

from pika.adapters.utils.selector_ioloop_adapter import SelectorIOServicesAdapter


class LineServices(SelectorIOServicesAdapter):
    """Keeps a second handle of the socket of its one connection."""

    def __init__(self, loop: Any) -> None:
        super().__init__(loop)
        self._line: socket.socket | None = None
        self.established = False
        """Whether TCP and TLS are done; before that pika can close the connection itself."""

    def create_streaming_connection(
        self,
        protocol_factory: Any,
        sock: socket.socket,
        on_done: Any,
        *tls: Any,
        **tls_options: Any,
    ) -> Any:
        """As pika's own."""
        self.release()
        self._line = sock.dup()

        def note(result: Any) -> None:
            self.established = not isinstance(result, BaseException)
            on_done(result)

        return super().create_streaming_connection(
            protocol_factory, sock, note, *tls, **tls_options
        )

    def cut(self) -> None:
        """End the line at once; the connection learns of it when the event loop runs next."""
        if self._line is not None:
            with suppress(OSError):  # the broker was faster
                self._line.shutdown(socket.SHUT_RDWR)

    def release(self) -> None:
        """Close the handle: without it the line would outlive the connection."""
        if self._line is not None:
            self._line.close()
            self._line = None
