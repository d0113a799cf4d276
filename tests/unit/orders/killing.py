"""Killing a handler before or after one of its remote calls (I7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


class Killed(BaseException):
    """The container is gone; nothing may catch this."""


@dataclass
class Fate:
    """Which remote call is fatal, and whether it is done first."""

    left: int
    done: bool

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **options: Any) -> Any:
            self.left -= 1
            if self.left == 0 and not self.done:
                raise Killed
            answer = call(*args, **options)
            if self.left == 0:
                raise Killed
            return answer

        return counted
