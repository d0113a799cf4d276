"""An operator's way to a dead queue: messages are taken one by one, and kept until he decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pika
from pika.spec import Basic

from chalicelib.deadline import Deadline
from chalicelib.errors import BrokerError
from chalicelib.mq.dead_letters import DeadQueue, OpenDeadQueue
from chalicelib.mq.delivery import Delivery
from chalicelib.mq.ports import PublishResult
from chalicelib.mq.rabbit.address import BrokerAddress
from chalicelib.mq.rabbit.confirms import ConfirmChannel, Outgoing
from chalicelib.mq.rabbit.connection import RabbitConnection
from chalicelib.mq.rabbit.faults import as_faults
from chalicelib.mq.rabbit.inbox import delivery_of
from chalicelib.mq.rabbit.login import log_in
from chalicelib.mq.topology import Subscription

_ANSWER_SECONDS = 10


def dead_queue_opener(address: BrokerAddress) -> OpenDeadQueue:
    """How an operator gets at dead letters."""

    def open_queue(subscription: Subscription) -> DeadQueue:
        return RabbitDeadQueue(address, subscription)

    return open_queue


class RabbitDeadQueue:
    """Implements `chalicelib.mq.dead_letters.DeadQueue`. Not for more than one thread.

    Each answer is awaited for ten seconds at most. Taken is by ``basic.get``, which starts no
    consumer: no more than what is asked for leaves the queue.

    Raises
    ------
    BrokerError
        The broker cannot be used, or there is no such queue.
    """

    def __init__(self, address: BrokerAddress, subscription: Subscription) -> None:
        self._work_queue = subscription.work_queue
        self._queue = subscription.dead_queue
        self._confirms: ConfirmChannel | None = None
        self._answers: list[Delivery | None] = []
        deadline = _soon()
        self._connection: RabbitConnection = log_in(
            address, f"dead letters of {self._work_queue}", deadline
        )
        try:
            self._channel = self._connection.channel(deadline)
            self._channel.add_callback(
                self._connection.then(self._on_empty), [Basic.GetEmpty], one_shot=False
            )
            self._waiting = self._count()
        except BaseException:
            self._connection.abort()
            raise

    @property
    def waiting(self) -> int:
        """How many messages were there when the look began."""
        return self._waiting

    def take(self) -> Delivery | None:
        """The next message; None if there is no other now."""
        self._answers.clear()
        doing = f"taking from {self._queue}"
        with as_faults(doing):
            self._channel.basic_get(self._queue, self._connection.then(self._on_message))
        self._connection.wait_until(lambda: bool(self._answers), _soon(), doing)
        return self._answers[0]

    def to_work_queue(self, delivery: Delivery) -> None:
        """Put a clean copy into the work queue; see the port."""
        deadline = _soon()
        if self._confirms is None:
            self._confirms = ConfirmChannel(self._connection, deadline)
        results = {"copy": PublishResult.UNKNOWN}
        copy = Outgoing(
            key="copy",
            exchange="",
            routing_key=self._work_queue,
            message_id=delivery.message_id,
            body=delivery.body,
        )
        self._confirms.publish([copy], results, deadline)
        if results["copy"] is not PublishResult.CONFIRMED:
            raise BrokerError(detail=f"replaying to {self._work_queue}: {results['copy'].value}")

    def settle(self, deliveries: Sequence[Delivery]) -> None:
        """Remove these for good; the broker has heard it when this returns."""
        with as_faults(f"settling in {self._queue}"):
            for delivery in deliveries:
                self._channel.basic_ack(delivery.tag)
        # AMQP answers no acknowledgement; but what comes after it on its channel is done after it
        self._count()

    def close(self) -> None:
        """Leave; what is not settled goes back to the queue."""
        self._connection.close()

    def _on_message(
        self, _: Any, method: Any, properties: pika.BasicProperties, body: bytes
    ) -> None:
        self._answers.append(delivery_of(method, properties, body))

    def _on_empty(self, _: object) -> None:
        self._answers.append(None)

    def _count(self) -> int:
        counts: list[int] = []
        doing = f"looking into {self._queue}"
        with as_faults(doing):
            self._channel.queue_declare(
                self._queue,
                passive=True,
                callback=self._connection.then(
                    lambda answer: counts.append(answer.method.message_count)
                ),
            )
        self._connection.wait_until(lambda: bool(counts), _soon(), doing)
        return counts[0]


def _soon() -> Deadline:
    return Deadline.after(_ANSWER_SECONDS)
