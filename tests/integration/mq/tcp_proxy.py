"""A TCP proxy in front of the broker that can cut the line, or let it go silent."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit

from tests.integration.mq.confirm_gate import ConfirmGate

_CHUNK = 65_536


class TcpProxy:
    """Listens on the loopback interface, with TLS if it has something to present."""

    def __init__(
        self, to_port: int, tls: ssl.SSLContext | None = None, to_host: str = "127.0.0.1"
    ) -> None:
        self._to = to_host, to_port
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self._silent = threading.Event()
        self._before: tuple[bytes, Callable[[], object]] | None = None
        self._gate: tuple[ConfirmGate, Callable[[], object]] | None = None
        self._refusing = False
        self.left = threading.Event()
        """Set when the broker has ended a line."""
        self._cut_after_bytes: int | None = None
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join(10)
        for pair in self._pairs:
            for end in pair:
                end.close()

    def silence(self) -> None:
        """From now on the broker's answers are lost, and nobody is told."""
        self._silent.set()

    def listen(self) -> None:
        """Let the broker's answers through again."""
        self._silent.clear()

    def silence_from(self, text: bytes) -> None:
        """Go silent when the client sends ``text``."""
        self.before(text, self.silence)

    def before(self, text: bytes, act: Callable[[], object]) -> None:
        """``act`` when the client sends ``text``, once, and only then pass it on."""
        self._before = text, act

    def gate_confirms(self, gate: ConfirmGate, then: Callable[[], object]) -> None:
        """Of the broker's answers pass on what ``gate`` lets pass; when it is shut, ``then``.

        It is there for one line; those that are opened later are whole.
        """
        self._gate = gate, then

    def refuse(self) -> None:
        """Hang up on whoever connects from now on."""
        self._refusing = True

    def cut_after(self, more_bytes: int) -> None:
        """Cut the line once the client has sent this much more; later connections are whole."""
        self._cut_after_bytes = more_bytes

    def cut(self) -> None:
        """Cut every line now."""
        for pair in self._pairs:
            for end in pair:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            if self._refusing:
                client.close()
                continue
            if self._tls is not None:
                try:
                    client = self._tls.wrap_socket(client, server_side=True)
                except OSError:  # the client does not trust us
                    client.close()
                    continue
            try:
                broker = socket.create_connection(self._to)
            except OSError:  # nobody listens there at the moment
                client.close()
                continue
            self._pairs.append((client, broker))
            for pump in (self._to_broker, self._to_client):
                thread = threading.Thread(target=pump, args=(client, broker))
                self._threads.append(thread)
                thread.start()

    def _to_broker(self, client: socket.socket, broker: socket.socket) -> None:
        with suppress(OSError):
            while chunk := client.recv(_CHUNK):
                if self._before is not None and self._before[0] in chunk:
                    (_, act), self._before = self._before, None
                    act()
                broker.sendall(chunk)
                if self._cut_after_bytes is not None:
                    self._cut_after_bytes -= len(chunk)
                    if self._cut_after_bytes <= 0:
                        self._cut_after_bytes = None
                        self.cut()
        self._end(broker)

    def _to_client(self, client: socket.socket, broker: socket.socket) -> None:
        gate_was_shut = False
        with suppress(OSError):
            while chunk := broker.recv(_CHUNK):
                if self._silent.is_set() or gate_was_shut:
                    continue
                client.sendall(self._through_gate(chunk))
                if self._gate is not None and self._gate[0].shut:
                    (_, then), self._gate = self._gate, None
                    gate_was_shut = True
                    then()
        self.left.set()
        self._end(client)

    def _through_gate(self, chunk: bytes) -> bytes:
        return chunk if self._gate is None else self._gate[0].feed(chunk)

    @staticmethod
    def _end(peer: socket.socket) -> None:
        with suppress(OSError):
            peer.shutdown(socket.SHUT_RDWR)


def in_front_of(amqp_url: str, tls: ssl.SSLContext | None = None) -> TcpProxy:
    """A proxy for the broker of a plain URL; with TLS towards the client if that is given."""
    parts = urlsplit(amqp_url)
    return TcpProxy(parts.port or 5672, tls, parts.hostname or "127.0.0.1")
