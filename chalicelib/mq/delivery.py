"""A message on the receiving side, and what may become of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

ATTEMPT_HEADER = "x-attempt"
"""The attempt that a message waits for, or, in a dead queue, the one that was its last."""
REASON_HEADER = "x-reason"
"""Why the message was put off, or is dead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message as a queue hands it out.

    ``tag`` grows from delivery to delivery of one inbox. ``message_id`` is empty if the sender
    gave none.
    """

    tag: int
    message_id: str
    body: bytes
    redelivered: bool = False
    headers: Mapping[str, object] = field(default_factory=dict)

    @property
    def attempt(self) -> int:
        """Which attempt this is: 1, unless it was put off before.

        Deliveries that ended without an outcome are not counted.
        """
        number = self.headers.get(ATTEMPT_HEADER)
        if isinstance(number, bool) or not isinstance(number, int):
            return 1
        return max(number, 1)


@dataclass(frozen=True, slots=True)
class Ack:
    """The effect is stored, or there is none to store."""


@dataclass(frozen=True, slots=True)
class Retry:
    """It failed for a reason of its own; try again later. Counts as an attempt."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Dead:
    """It can never be done; an operator has to look."""

    reason: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing can be done now: our own store does not answer. Counts no attempt."""

    reason: str = ""


Outcome = Ack | Retry | Dead | Pause

Handler = Callable[[Delivery], Outcome]
"""Stores the effect of a message, at least once; so the effect must be idempotent."""
