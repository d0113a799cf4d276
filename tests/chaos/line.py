"""The line between the functions and the broker: it can be cut, and it can go silent.

It outlives the broker: while nobody listens behind it, whoever connects is cut off at once.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Self

_CHUNK = 65_536


class Line:
    """A TCP proxy on the loopback interface."""

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.cuts = 0
        """How often `cut_every` has cut."""
        self.swallowed_bytes = 0
        """What was said into the silence."""
        self._lock = threading.Lock()
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._silent = False
        self._cut_every_bytes = 0
        self._bytes = 0
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        self._thread.join(10)

    def cut(self) -> None:
        """Cut every connection now; new ones can be made."""
        with self._lock:
            for pair in self._pairs:
                for end in pair:
                    with suppress(OSError):
                        end.shutdown(socket.SHUT_RDWR)

    def cut_every(self, sent_bytes: int) -> None:
        """Cut all connections each time the clients have sent so much; 0: no more."""
        with self._lock:
            self._cut_every_bytes, self._bytes = sent_bytes, 0

    def silence(self) -> None:
        """From now on all that either side says is swallowed, and nobody is told."""
        self._silent = True

    def speak(self) -> None:
        """The line carries again. What was swallowed is lost, so old connections are cut."""
        self.cut()
        self._silent = False

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                broker = socket.create_connection(("127.0.0.1", self._to_port), timeout=5)
                broker.settimeout(None)
            except OSError:
                client.close()
                continue
            pair = client, broker
            with self._lock:
                self._pairs.add(pair)
            threading.Thread(target=self._carry, args=(pair,), daemon=True).start()

    def _carry(self, pair: tuple[socket.socket, socket.socket]) -> None:
        client, broker = pair
        back = threading.Thread(target=self._pump, args=(broker, client, False), daemon=True)
        back.start()
        self._pump(client, broker, True)
        back.join()
        with self._lock:
            self._pairs.discard(pair)
        client.close()
        broker.close()

    def _pump(self, giver: socket.socket, taker: socket.socket, from_client: bool) -> None:
        with suppress(OSError):
            while chunk := giver.recv(_CHUNK):
                if self._silent:
                    self.swallowed_bytes += len(chunk)
                    continue
                taker.sendall(chunk)
                if from_client and self._has_sent(len(chunk)):
                    self.cut()
                    self.cuts += 1
        for end in (giver, taker):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _has_sent(self, more_bytes: int) -> bool:
        with self._lock:
            self._bytes += more_bytes
            if not self._cut_every_bytes or self._bytes < self._cut_every_bytes:
                return False
            self._bytes = 0
            return True
