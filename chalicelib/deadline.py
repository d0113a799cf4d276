"""How much time a handler has left, so that it starts no remote call that it cannot finish.

A handler runs ``within`` its deadline; what repeats calls below it asks ``time_left`` before each
one. Between the two nobody hands the deadline on.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any


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


_running: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


@contextmanager
def within(deadline: Deadline) -> Iterator[None]:
    """Run a handler under ``deadline``."""
    token = _running.set(deadline)
    try:
        yield
    finally:
        _running.reset(token)


def time_left() -> float:
    """Seconds until the running handler's deadline; without one, without end."""
    deadline = _running.get()
    return math.inf if deadline is None else deadline.remaining_seconds()


def remaining_millis(lambda_context: Any) -> Callable[[], int]:
    """How Lambda is asked for the time that is left of an invocation, in milliseconds.

    Chalice types the context as a dict; Lambda hands over its own object.
    https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
    """
    remaining: Callable[[], int] = lambda_context.get_remaining_time_in_millis
    return remaining
