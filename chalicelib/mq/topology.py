"""Exchanges and queues as they should be; ``chalicelib.mq.rabbit`` makes and checks them.

Every subscriber has a work queue, one retry queue per delay, and a dead queue::

    exchange (fanout) ──► <queue> ──consumer──► <queue>.retry.10s ──TTL──► <queue>
                             │                  <queue>.retry.60s ──TTL──► <queue>
                             │                  <queue>.dead
                             └─ delivery limit ─► <queue>.dead

All queues are quorum queues, and every argument is explicit, because the defaults of RabbitMQ 3.x
and 4.x differ (https://www.rabbitmq.com/docs/quorum-queues). Dead-lettering is at-least-once, which
needs ``reject-publish`` (https://www.rabbitmq.com/docs/quorum-queues#dead-lettering). The one
exception is a work queue that was there before us, see `QueueStyle.PLAIN`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from chalicelib.mq.message import (
    PAYNOTIFY_EXCHANGE,
    PAYNOTIFY_QUEUE,
    PAYNOTIFY_RESOURCES_QUEUE,
)
from chalicelib.mq.refund_message import (
    REFUNDNOTIFY_EXCHANGE,
    REFUNDNOTIFY_QUEUE,
    REFUNDNOTIFY_RESOURCES_QUEUE,
)

Arguments = Mapping[str, str | int]

_MILLIS = 1000

# Each drain that leaves with unacknowledged messages costs them one delivery. So the limit stands
# for a week of drains, one a minute, that cannot store anything; it catches only what kills its
# consumer each time. RabbitMQ 4 would take 20 by default.
_DELIVERY_LIMIT = 10_000

# Nothing follows the dead queue: at the limit a message would be dropped. Looking at a dead letter
# counts as a delivery.
_DEAD_DELIVERY_LIMIT = 1_000_000


class QueueStyle(Enum):
    """What kind of queue a work queue is."""

    QUORUM = "quorum"
    """As the module's text says."""
    PLAIN = "plain"
    """Durable and without arguments, as a platform has it that declared it before us.

    Which type that is decides the broker, or the virtual host. Such a queue has no delivery limit:
    what kills its consumer each time stays in it. Retry and dead queues are ours all the same,
    because a drain puts messages there by itself.
    """


@dataclass(frozen=True, slots=True)
class Queue:
    """A durable queue with its arguments."""

    name: str
    arguments: Arguments = field(hash=False)


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscriber of a fanout exchange, with the queues that are its own.

    Parameters
    ----------
    exchange : str
        A durable fanout exchange.
    work_queue : str
        Its name; the other queues are named after it.
    retry_delays_seconds : tuple[int, ...]
        The wait after the first failed attempt, after the second, and so on.
    style : QueueStyle
        That of the work queue.
    """

    exchange: str
    work_queue: str
    retry_delays_seconds: tuple[int, ...]
    style: QueueStyle = QueueStyle.QUORUM

    @property
    def attempts(self) -> int:
        """How often a message is tried before it is dead."""
        return len(self.retry_delays_seconds) + 1

    @property
    def dead_queue(self) -> str:
        """Where an operator finds what could not be done."""
        return f"{self.work_queue}.dead"

    def retry_queue(self, after_attempt: int) -> str | None:
        """Where a message waits after its ``after_attempt``-th attempt; None after the last."""
        if not 1 <= after_attempt < self.attempts:
            return None
        return self._retry_queue(self.retry_delays_seconds[after_attempt - 1])

    def queues(self) -> tuple[Queue, ...]:
        """All queues, in an order in which they can be declared."""
        dead = Queue(
            self.dead_queue,
            {
                "x-queue-type": "quorum",
                "x-delivery-limit": _DEAD_DELIVERY_LIMIT,
                "x-overflow": "reject-publish",
            },
        )
        return (
            dead,
            self._work(),
            *(self._retry(delay) for delay in dict.fromkeys(self.retry_delays_seconds)),
        )

    def _work(self) -> Queue:
        plain = self.style is QueueStyle.PLAIN
        return Queue(self.work_queue, {} if plain else _dead_lettering_to(self.dead_queue))

    def _retry_queue(self, delay_seconds: int) -> str:
        return f"{self.work_queue}.retry.{delay_seconds}s"

    def _retry(self, delay_seconds: int) -> Queue:
        # One queue per delay: only the message at the head expires.
        arguments = {
            **_dead_lettering_to(self.work_queue),
            "x-message-ttl": delay_seconds * _MILLIS,
        }
        return Queue(self._retry_queue(delay_seconds), arguments)


@dataclass(frozen=True, slots=True)
class Topology:
    """What a publisher expects to find: mandatory does not see one missing queue of two.

    Each exchange has expectations of its own: a queue that is missing on one holds nothing back
    on another.
    """

    subscriptions: Sequence[Subscription]

    def exchanges(self) -> tuple[str, ...]:
        """The exchanges that messages may be published to."""
        return tuple(dict.fromkeys(s.exchange for s in self.subscriptions))

    def work_queues(self) -> tuple[str, ...]:
        """The queues that a message must reach."""
        return tuple(s.work_queue for s in self.subscriptions)

    def queues(self) -> tuple[Queue, ...]:
        """All queues of all subscribers."""
        return tuple(queue for s in self.subscriptions for queue in s.queues())

    def of(self, exchanges: Collection[str]) -> Topology:
        """What must be there for messages to these exchanges alone."""
        return Topology(tuple(s for s in self.subscriptions if s.exchange in exchanges))


def learning_subscription(
    retry_delays_seconds: tuple[int, ...], style: QueueStyle = QueueStyle.QUORUM
) -> Subscription:
    """The learning centre's part of the payment results."""
    return Subscription(PAYNOTIFY_EXCHANGE, PAYNOTIFY_QUEUE, retry_delays_seconds, style)


def learning_refund_subscription(retry_delays_seconds: tuple[int, ...]) -> Subscription:
    """The learning centre's part of the refunds."""
    return Subscription(REFUNDNOTIFY_EXCHANGE, REFUNDNOTIFY_QUEUE, retry_delays_seconds)


def resources_subscription(retry_delays_seconds: tuple[int, ...]) -> Subscription:
    """The study materials' part of the payment results."""
    return Subscription(PAYNOTIFY_EXCHANGE, PAYNOTIFY_RESOURCES_QUEUE, retry_delays_seconds)


def resources_refund_subscription(retry_delays_seconds: tuple[int, ...]) -> Subscription:
    """The study materials' part of the refunds."""
    return Subscription(REFUNDNOTIFY_EXCHANGE, REFUNDNOTIFY_RESOURCES_QUEUE, retry_delays_seconds)


def platform_topology(
    retry_delays_seconds: tuple[int, ...], paynotify_style: QueueStyle = QueueStyle.QUORUM
) -> Topology:
    """All subscriptions that this project owns."""
    return Topology(
        (
            learning_subscription(retry_delays_seconds, paynotify_style),
            learning_refund_subscription(retry_delays_seconds),
            resources_subscription(retry_delays_seconds),
            resources_refund_subscription(retry_delays_seconds),
        )
    )


def _dead_lettering_to(queue: str) -> dict[str, str | int]:
    return {
        "x-queue-type": "quorum",
        "x-delivery-limit": _DELIVERY_LIMIT,
        "x-overflow": "reject-publish",
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": queue,
        "x-dead-letter-strategy": "at-least-once",
    }
