"""A TCP line with one time limit for all of it: name, connecting, and whatever is waited for.

A socket's time-out counts from each byte anew, so a server that dribbles would be waited for
without end. Here a timer cuts the line at the limit, through a second hold on it that TLS cannot
take away. Before there is a line, the addresses of a name share what is left; looking the name up
cannot be cut, so at the limit it is left behind.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
from collections.abc import Sequence
from typing import Any

from chalicelib.deadline import Deadline

_Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]


class Line:
    """At most one TCP line, for the length of a ``with``; only there the limit is watched."""

    def __init__(self, limit: Deadline) -> None:
        self._limit = limit
        self._timer = threading.Timer(limit.remaining_seconds(), self._cut)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._hold: socket.socket | None = None
        self.was_cut = False
        """Whether the limit came first; then whatever was read may be only a part."""

    def __enter__(self) -> Line:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._timer.join()
        if self._hold is not None:
            self._hold.close()

    def connect(self, host: str, port: int) -> socket.socket:
        """The line to the first address of ``host`` that takes it up; the caller closes it.

        Raises
        ------
        TimeoutError
            Nobody did before the limit.
        OSError, UnicodeError
            Nobody will, or ``host`` is no name.
        """
        connection = _connected(_looked_up(host, port, self._limit), self._limit)
        with self._lock:
            self._hold = connection.dup()
        if self.was_cut:
            self._cut()
        return connection

    def _cut(self) -> None:
        """End it for both sides, whatever they wait for."""
        with self._lock:
            self.was_cut = True
            if self._hold is not None:
                with contextlib.suppress(OSError):
                    self._hold.shutdown(socket.SHUT_RDWR)


def _connected(found: Sequence[_Address], limit: Deadline) -> socket.socket:
    failed: OSError = OSError("the name has no address")
    for left, address in zip(range(len(found), 0, -1), found, strict=True):
        try:
            # a share, so that an address that never answers leaves time for the next
            return _connected_to(address, _time_left(limit) / left)
        except OSError as error:
            failed = error
    raise failed


def _connected_to(address: _Address, seconds: float) -> socket.socket:
    family, kind, protocol, _, where = address
    connection = socket.socket(family, kind, protocol)
    try:
        connection.settimeout(seconds)
        connection.connect(where)
        # a body follows its headers at once, and not when their arrival is confirmed
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError:
        connection.close()
        raise
    return connection


def _looked_up(host: str, port: int, limit: Deadline) -> Sequence[_Address]:
    answers: queue.SimpleQueue[Sequence[_Address] | OSError | UnicodeError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    threading.Thread(target=look_up, daemon=True).start()
    try:
        answer = answers.get(timeout=_time_left(limit))
    except queue.Empty:
        raise TimeoutError("the name was not found in time") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _time_left(limit: Deadline) -> float:
    seconds = limit.remaining_seconds()
    if seconds <= 0:  # which sockets and queues take for "do not wait at all"
        raise TimeoutError("no time left")
    return seconds
