"""Whether messages may be published: an operator stops it while queues are rebuilt.

Who publishes asks before each batch, and publishes it no longer than the permission holds. The
permission is counted from before the question. So when its length has passed since a pause was
stored, every batch that began before is over: that is how long whoever pauses has to wait.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chalicelib.deadline import Deadline


class PublishingPause(Protocol):
    """The switch, as those who publish see it."""

    def is_paused(self) -> bool:
        """Whether publishing is paused now, by a consistent read.

        Raises
        ------
        Unavailable
            It cannot be read: nothing may be published.
        """
        ...


class NoSwitch:
    """Implements `PublishingPause` where nobody can pause."""

    def is_paused(self) -> bool:
        """Never."""
        return False


def permission(pause: PublishingPause, seconds: float) -> Deadline | None:
    """Until when a batch may be published, at most ``seconds`` from now; None: not at all.

    Raises
    ------
    Unavailable
        The switch cannot be read.
    """
    until = Deadline.after(seconds)
    return None if pause.is_paused() else until


@dataclass(frozen=True, slots=True)
class Turn:
    """Somebody turned the switch. ``at`` is None when it is stored, but cannot be read."""

    by: str
    at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class SwitchState:
    """The switch, with the last pause and the last resumption; None: there was none yet."""

    is_paused: bool
    last_pause: Turn | None
    last_resumption: Turn | None


class Switch(PublishingPause, Protocol):
    """The switch, as operators see it. Every method may raise Unavailable."""

    def state(self) -> SwitchState:
        """How it stands, by a consistent read."""
        ...

    def pause(self, turn: Turn) -> None:
        """Store that publishing is paused. Idempotent."""
        ...

    def resume(self, turn: Turn) -> None:
        """Store that publishing goes on. Idempotent."""
        ...
