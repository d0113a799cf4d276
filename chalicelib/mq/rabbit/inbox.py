"""A drain's way from the broker: one consumer on one work queue."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import pika

from chalicelib.deadline import Deadline
from chalicelib.errors import BrokerError
from chalicelib.mq.delivery import Delivery
from chalicelib.mq.ports import Connect, ForwardRefused, Inbox, PublishResult
from chalicelib.mq.rabbit.address import BrokerAddress
from chalicelib.mq.rabbit.arrival import arrive
from chalicelib.mq.rabbit.confirms import ConfirmChannel, Outgoing
from chalicelib.mq.rabbit.connection import RabbitConnection
from chalicelib.mq.rabbit.faults import ConnectionLost, as_faults
from chalicelib.mq.rabbit.login import log_in
from chalicelib.mq.topology import Subscription

_SENDING_SECONDS = 0.002
# https://www.rabbitmq.com/docs/confirms: a queue that is full nacks, a missing one returns
_REFUSALS = (PublishResult.NACKED, PublishResult.RETURNED)


def connector(address: BrokerAddress) -> Connect:
    """How a drain gets its inbox."""

    def connect(subscription: Subscription, prefetch: int, deadline: Deadline) -> Inbox:
        return RabbitInbox(address, subscription, prefetch, deadline)

    return connect


class RabbitInbox:
    """Implements `chalicelib.mq.ports.Inbox`. Not for more than one thread.

    Declares and binds the subscription's queues, then consumes its work queue. Queues that are
    there with other properties are taken as they are.

    Raises
    ------
    BrokerError
        The broker cannot be used, or there is no work queue and it cannot be made.
    """

    def __init__(
        self,
        address: BrokerAddress,
        subscription: Subscription,
        prefetch: int,
        deadline: Deadline,
    ) -> None:
        self._arrived: deque[Delivery] = deque()
        self._cancelled = False
        self._confirms: ConfirmChannel | None = None
        name = f"drain of {subscription.work_queue}"
        self._connection: RabbitConnection = arrive(
            lambda: log_in(address, name, deadline), subscription, deadline
        )
        try:
            self._channel = self._connection.channel(deadline)
            self._consume(subscription.work_queue, prefetch, deadline)
        except BaseException:
            self._connection.abort()
            raise

    def next(self, wait_seconds: float) -> Delivery | None:
        """The next delivery; None if none came in time."""
        if not self._arrived and wait_seconds > 0:
            self._connection.run(
                lambda: bool(self._arrived) or self._cancelled,
                Deadline.after(wait_seconds),
                "waiting for messages",
            )
        if self._arrived:
            return self._arrived.popleft()
        if self._cancelled:
            raise ConnectionLost(detail="the broker cancelled the consumer: its queue is gone")
        return None

    def ack_up_to(self, tag: int) -> None:
        """Acknowledge this delivery and all before it."""
        with as_faults("acknowledging"):
            self._channel.basic_ack(tag, multiple=True)
        self._send_acknowledgements()

    def ack(self, tags: Sequence[int]) -> None:
        """Acknowledge these deliveries and no others."""
        with as_faults("acknowledging"):
            for tag in tags:
                self._channel.basic_ack(tag, multiple=False)
        self._send_acknowledgements()

    def forward(
        self, delivery: Delivery, queue: str, headers: Mapping[str, str | int], deadline: Deadline
    ) -> None:
        """Put a copy into another queue; see the port."""
        if self._confirms is None:
            self._confirms = ConfirmChannel(self._connection, deadline)
        results = {queue: PublishResult.UNKNOWN}
        copy = Outgoing(
            key=queue,
            exchange="",
            routing_key=queue,
            message_id=delivery.message_id,
            body=delivery.body,
            headers=headers,
        )
        self._confirms.publish([copy], results, deadline)
        result = results[queue]
        if result in _REFUSALS:
            raise ForwardRefused(detail=f"forwarding to {queue}: {result.value}")
        if result is not PublishResult.CONFIRMED:
            raise BrokerError(detail=f"forwarding to {queue}: {result.value}")

    def wait(self, seconds: float) -> None:
        """Let time pass while heartbeats go on."""
        self._connection.run(lambda: False, Deadline.after(seconds), "waiting")

    def close(self) -> None:
        """Leave; what is not acknowledged goes back to the queue."""
        self._connection.close()

    def _send_acknowledgements(self) -> None:
        # pika only notes it. The event loop sends it, and whoever has messages at hand does not
        # run that for long: the broker would send no more, and in the end take us for dead.
        self._connection.run(lambda: False, Deadline.after(_SENDING_SECONDS), "acknowledging")

    def _consume(self, queue: str, prefetch: int, deadline: Deadline) -> None:
        limited: list[object] = []
        consuming: list[object] = []
        then = self._connection.then
        with as_faults(f"consuming {queue}"):
            self._channel.basic_qos(prefetch_count=prefetch, callback=then(limited.append))
        self._connection.wait_until(lambda: bool(limited), deadline, f"consuming {queue}")
        with as_faults(f"consuming {queue}"):
            self._channel.add_on_cancel_callback(then(self._on_cancel))
            self._channel.basic_consume(
                queue, then(self._on_message), callback=then(consuming.append)
            )
        self._connection.wait_until(lambda: bool(consuming), deadline, f"consuming {queue}")

    def _on_message(
        self, _: Any, method: Any, properties: pika.BasicProperties, body: bytes
    ) -> None:
        self._arrived.append(delivery_of(method, properties, body))

    def _on_cancel(self, _: object) -> None:
        self._cancelled = True


def delivery_of(method: Any, properties: pika.BasicProperties, body: bytes) -> Delivery:
    """A message as pika hands it over; an id that is not UTF-8 counts as none."""
    message_id: object = properties.message_id
    return Delivery(
        tag=method.delivery_tag,
        message_id=message_id if isinstance(message_id, str) else "",
        body=body,
        redelivered=method.redelivered,
        headers=properties.headers or {},
    )
