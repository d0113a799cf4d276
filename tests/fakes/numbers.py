"""Order numbers that a test can read: they count upwards, also between threads."""

from __future__ import annotations

import itertools

FIRST = 100_000_000_000_000_001


class FakeNumbers:
    """Implements `chalicelib.orders.ports.Numbers` and `chalicelib.learning.ports.Numbers`."""

    def __init__(self, first: int = FIRST) -> None:
        self._count = itertools.count(first)

    def next_number(self) -> str:
        return str(next(self._count))
