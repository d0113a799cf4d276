"""What Ctrl-C, SIGTERM and SIGHUP do to a supervisor: end it in order, and at a safe moment.

Python runs signal handlers in the main thread only; elsewhere these change nothing.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_Handler = Callable[[int, FrameType | None], None] | signal.Handlers

_INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def raised() -> Iterator[None]:
    """Within it SIGTERM and SIGHUP raise `SystemExit` (128 + number), as Ctrl-C raises its own."""

    def end(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    with _handled(end, signal.SIGTERM, signal.SIGHUP):
        yield


@contextmanager
def ignored() -> Iterator[None]:
    """Within it nothing interrupts: for what ends within a time of its own."""
    with _handled(signal.SIG_IGN, *_INTERRUPTIONS):
        yield


@contextmanager
def postponed() -> Iterator[None]:
    """Within it nothing interrupts; what came interrupts at its end."""
    came: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        came.append(number)

    try:
        with _handled(note, *_INTERRUPTIONS):
            yield
    finally:
        for number in came:
            signal.raise_signal(number)


@contextmanager
def _handled(handler: _Handler, *numbers: signal.Signals) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, handler_before in before.items():
            signal.signal(number, handler_before)
