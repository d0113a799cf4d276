"""Counts the confirms on their way from the broker, and lets as many pass as it is told.

An AMQP frame is its type, its channel and the size of its payload, then the payload and an end
octet; the payload of a method frame begins with the numbers of its class and its method.
https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf
"""

from __future__ import annotations

import struct

_HEAD = struct.Struct(">BHI")
_ACK = struct.Struct(">HHQB")
_METHOD_FRAME = 1
_BASIC_ACK = (60, 80)
_END = b"\xce"


class ConfirmGate:
    """Holds the confirms of one channel back until ``of`` messages have theirs.

    Then it lets ``passing`` of them go, one frame each and in the order of their tags, and nothing
    after them: ``shut`` becomes true.
    """

    def __init__(self, of: int, passing: int) -> None:
        self.passed: list[int] = []
        self.shut = False
        self._of = of
        self._passing = passing
        self._first = 1
        self._held: set[int] = set()
        self._rest = b""

    def feed(self, chunk: bytes) -> bytes:
        """What may go on to the client of what came."""
        self._rest += chunk
        out = b""
        while not self.shut and len(self._rest) >= _HEAD.size:
            kind, channel, size = _HEAD.unpack_from(self._rest)
            end = _HEAD.size + size + len(_END)
            if len(self._rest) < end:
                break
            frame, self._rest = self._rest[:end], self._rest[end:]
            out += self._frame(kind, channel, frame)
        return out

    def _frame(self, kind: int, channel: int, frame: bytes) -> bytes:
        if kind != _METHOD_FRAME or len(frame) != _HEAD.size + _ACK.size + len(_END):
            return frame
        *method, tag, multiple = _ACK.unpack_from(frame, _HEAD.size)
        if tuple(method) != _BASIC_ACK:
            return frame
        self._held |= set(range(self._first, tag + 1)) if multiple else {tag}
        while self._first in self._held:
            self._first += 1
        if len(self._held) < self._of:
            return b""
        self.passed = sorted(self._held)[: self._passing]
        self.shut = True
        return b"".join(_ack(channel, tag) for tag in self.passed)


def _ack(channel: int, tag: int) -> bytes:
    payload = _ACK.pack(*_BASIC_ACK, tag, 0)
    return _HEAD.pack(_METHOD_FRAME, channel, len(payload)) + payload + _END
