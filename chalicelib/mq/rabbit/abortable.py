"""The event loop services of pika, with a way to drop a connection without asking the broker.

pika closes an open connection only by an exchange of frames, which a broker that does not answer
never finishes. Its transports can be aborted, but only their creator sees them
(https://pika.readthedocs.io/en/stable/modules/adapters/index.html).
"""

from __future__ import annotations

from typing import Any

from pika.adapters.utils.nbio_interface import AbstractStreamTransport
from pika.adapters.utils.selector_ioloop_adapter import SelectorIOServicesAdapter


class AbortableServices(SelectorIOServicesAdapter):
    """Remembers the transport of its one connection."""

    def __init__(self, loop: Any) -> None:
        super().__init__(loop)
        self._transport: AbstractStreamTransport | None = None

    def create_streaming_connection(
        self, protocol_factory: Any, sock: Any, on_done: Any, *tls: Any, **tls_options: Any
    ) -> Any:
        """As pika's own."""

        def remember(result: Any) -> None:
            if isinstance(result, tuple):
                self._transport = result[0]
            on_done(result)

        return super().create_streaming_connection(
            protocol_factory, sock, remember, *tls, **tls_options
        )

    def abort(self) -> None:
        """Close the socket; the event loop tells the connection so when it runs next."""
        if self._transport is not None:
            self._transport.abort()
