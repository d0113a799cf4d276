"""How much time a handler has left, so that it starts no remote call that it cannot finish."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on the monotonic clock; wall-clock jumps do not move it."""

    at_seconds: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """The moment that lies ``seconds`` ahead."""
        return cls(time.monotonic() + seconds)

    def remaining_seconds(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.at_seconds - time.monotonic())

    def cut(self, seconds: float) -> float:
        """A time-out of ``seconds``, shortened to what is left."""
        return min(seconds, self.remaining_seconds())

    def passed(self) -> bool:
        """Whether nothing is left."""
        return self.remaining_seconds() <= 0
