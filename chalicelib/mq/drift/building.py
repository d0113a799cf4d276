"""The hand on the broker's topology, as operators' commands need it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from chalicelib.mq.drift.plan import Step


class Builder(Protocol):
    """Every method may raise BrokerError."""

    def carry_out(self, steps: Iterable[Step]) -> None:
        """Make these, in this order; what is there already stays. Idempotent."""
        ...

    def ready(self, queues: Iterable[str]) -> int:
        """How many messages wait in these queues now; not those that consumers hold."""
        ...

    def delete(self, queue: str, *, if_empty: bool) -> None:
        """Delete a queue with all that is in it; one that is not there is no error.

        With ``if_empty``, which quorum queues do not know, not if a message waits in it.
        """
        ...
