"""What the relay and the drains need of a broker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Protocol

from chalicelib.deadline import Deadline
from chalicelib.errors import BrokerError
from chalicelib.mq.delivery import Delivery
from chalicelib.mq.message import OutboxMessage
from chalicelib.mq.topology import Subscription


class PublishResult(Enum):
    """What became of one message."""

    CONFIRMED = "confirmed"
    """The broker has taken it on, and at least one queue has it."""
    RETURNED = "returned"
    """The broker found no queue for it."""
    NACKED = "nacked"
    """The broker refused to take it on; some queues may have it."""
    UNKNOWN = "unknown"
    """No answer: it may be in the queues or not."""


class Publisher(Protocol):
    """Brings messages to their exchanges."""

    def publish(
        self, messages: Sequence[OutboxMessage], deadline: Deadline
    ) -> Mapping[str, PublishResult]:
        """Publish a batch and wait for the broker's answers, no longer than ``deadline``.

        Parameters
        ----------
        messages : Sequence[OutboxMessage]
            With event keys of their own.

        Returns
        -------
        Mapping[str, PublishResult]
            The result of each message, by event key.

        Raises
        ------
        BrokerError
            The broker cannot be used, or an exchange of the batch or a queue that is expected
            there is missing. Nothing was published.
        """
        ...


class ForwardRefused(BrokerError):
    """The broker lives and did not take on a copy: its queue is full, or missing."""


class Inbox(Protocol):
    """One consumer on the work queue of a subscription. Every method may raise BrokerError."""

    def next(self, wait_seconds: float) -> Delivery | None:
        """The next delivery; None if none came in time. With 0, only one that is here already."""
        ...

    def ack_up_to(self, tag: int) -> None:
        """Acknowledge this delivery and all before it."""
        ...

    def ack(self, tags: Sequence[int]) -> None:
        """Acknowledge these deliveries and no others."""
        ...

    def forward(
        self, delivery: Delivery, queue: str, headers: Mapping[str, str | int], deadline: Deadline
    ) -> None:
        """Put a copy into another queue of the subscription, with these headers alone.

        Raises
        ------
        ForwardRefused
            The queue does not have it; the inbox can go on.
        BrokerError
            The broker did not confirm in time that the queue has it; it may have it all the same.
        """
        ...

    def wait(self, seconds: float) -> None:
        """Let time pass while the connection stays alive."""
        ...

    def close(self) -> None:
        """Leave; what is not acknowledged goes back to the queue. Raises nothing."""
        ...


Connect = Callable[[Subscription, int, Deadline], Inbox]
"""Declares what a subscription needs, then consumes its work queue with a prefetch."""
