"""Snowflake numbers: 41 bits of milliseconds since 2025, 10 bits of worker id, 12 of sequence.

They fit into 63 bits, so into a Java long, and into 19 decimal digits, which every payment
platform takes as an ``out_trade_no``. They last until September 2094.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

EPOCH_MS = 1_735_689_600_000
"""2025-01-01T00:00:00Z."""

_WORKER_BITS = 10
_SEQUENCE_BITS = 12
WORKERS = 1 << _WORKER_BITS
SEQUENCES = 1 << _SEQUENCE_BITS
LAST_MS = EPOCH_MS + (1 << 41) - 1


@dataclass(frozen=True, slots=True, order=True)
class Parts:
    """What a number is made of."""

    millis: int
    worker_id: int
    sequence: int


def compose(parts: Parts) -> int:
    """The number of some parts.

    Raises
    ------
    ValueError
        A part does not fit.
    """
    if not (
        EPOCH_MS <= parts.millis <= LAST_MS
        and 0 <= parts.worker_id < WORKERS
        and 0 <= parts.sequence < SEQUENCES
    ):
        raise ValueError(f"out of range: {parts}")
    since_epoch = parts.millis - EPOCH_MS
    return ((since_epoch << _WORKER_BITS | parts.worker_id) << _SEQUENCE_BITS) | parts.sequence


def decompose(number: int) -> Parts:
    """The parts of a number; `compose` turned round."""
    high, sequence = divmod(number, SEQUENCES)
    since_epoch, worker_id = divmod(high, WORKERS)
    return Parts(since_epoch + EPOCH_MS, worker_id, sequence)


class Minter:
    """Mints the numbers of one lease: strictly increasing, whatever the clock does.

    The first one lies after ``floor_ms``, up to which an earlier holder of the worker id may have
    minted, and none lies after ``until_ms``, from which on a later one may. A clock that stands
    still or goes back is carried on by counting. Safe to share between threads.
    """

    def __init__(
        self, worker_id: int, *, floor_ms: int, until_ms: int, now_ms: Callable[[], int]
    ) -> None:
        self.worker_id = worker_id
        self._until_ms = min(until_ms, LAST_MS)
        self._now_ms = now_ms
        self._lock = threading.Lock()
        # The floor's own millisecond counts as used up: its numbers may be an earlier holder's.
        self._last_ms = max(floor_ms, EPOCH_MS - 1)
        self._sequence = SEQUENCES - 1

    @property
    def until_ms(self) -> int:
        """The last millisecond of the lease, as far as this holder has heard."""
        return self._until_ms

    def extend(self, until_ms: int) -> None:
        """Go on until ``until_ms``; only for a renewal whose answer was heard."""
        with self._lock:
            self._until_ms = min(until_ms, LAST_MS)

    def mint(self) -> int | None:
        """The next number; None when the lease has none left."""
        with self._lock:
            millis, sequence = self._next()
            if millis > self._until_ms:
                return None
            self._last_ms, self._sequence = millis, sequence
        return compose(Parts(millis, self.worker_id, sequence))

    def _next(self) -> tuple[int, int]:
        now = self._now_ms()
        if now > self._last_ms:
            return now, 0
        if self._sequence + 1 < SEQUENCES:
            return self._last_ms, self._sequence + 1
        return self._last_ms + 1, 0
