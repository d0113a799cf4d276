"""A broker in memory, with the publisher and the inbox that obey our ports."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from chalicelib.deadline import Deadline
from chalicelib.errors import BrokerError
from chalicelib.mq.delivery import Delivery
from chalicelib.mq.message import OutboxMessage
from chalicelib.mq.ports import ForwardRefused, PublishResult
from chalicelib.mq.topology import Subscription, Topology


@dataclass(frozen=True)
class Queued:
    """A message in a queue."""

    message_id: str
    body: bytes
    headers: Mapping[str, object] = field(default_factory=dict)
    redelivered: bool = False


class FakeBroker:
    """Exchanges, queues and bindings; ``silent`` takes messages on without ever saying so."""

    def __init__(self) -> None:
        self.queues: dict[str, deque[Queued]] = {}
        self.bindings: dict[str, list[str]] = {}
        self.full: set[str] = set()
        self.down = False
        self.silent = False

    def declare(self, subscription: Subscription) -> None:
        self.check_up()
        bound = self.bindings.setdefault(subscription.exchange, [])
        for queue in subscription.queues():
            self.queues.setdefault(queue.name, deque())
        if subscription.work_queue not in bound:
            bound.append(subscription.work_queue)

    def unbind(self, subscription: Subscription) -> None:
        self.bindings[subscription.exchange].remove(subscription.work_queue)

    def delete_queue(self, name: str) -> None:
        del self.queues[name]
        for bound in self.bindings.values():
            if name in bound:
                bound.remove(name)

    def delete_exchange(self, name: str) -> None:
        del self.bindings[name]

    def bodies(self, queue: str) -> list[bytes]:
        return [message.body for message in self.queues[queue]]

    def check_up(self) -> None:
        if self.down:
            raise BrokerError(detail="the broker is down")

    def route(self, message: OutboxMessage) -> PublishResult:
        queues = self.bindings[message.exchange]
        for queue in queues:
            if queue not in self.full:
                self.queues[queue].append(Queued(message.message_id, message.body.encode()))
        if self.silent:
            return PublishResult.UNKNOWN
        if not queues:
            return PublishResult.RETURNED
        return PublishResult.NACKED if self.full & set(queues) else PublishResult.CONFIRMED

    def expire(self, retry_queue: str, work_queue: str) -> None:
        """What the time to live of a retry queue does."""
        self.queues[work_queue].extend(self.queues[retry_queue])
        self.queues[retry_queue].clear()


class FakePublisher:
    """Implements `chalicelib.mq.ports.Publisher`; remembers its batches."""

    def __init__(self, broker: FakeBroker, topology: Topology) -> None:
        self._broker = broker
        self._topology = topology
        self.batches: list[tuple[str, ...]] = []

    def publish(
        self, messages: Sequence[OutboxMessage], deadline: Deadline
    ) -> dict[str, PublishResult]:
        if not messages:
            return {}
        self._broker.check_up()
        if deadline.passed():
            raise BrokerError(detail="no time left")
        expected = self._topology.of({message.exchange for message in messages})
        for exchange in expected.exchanges():
            if exchange not in self._broker.bindings:
                raise BrokerError(detail=f"missing exchange {exchange}")
        for queue in expected.work_queues():
            if queue not in self._broker.queues:
                raise BrokerError(detail=f"missing queue {queue}")
        self.batches.append(tuple(message.event_key for message in messages))
        return {message.event_key: self._broker.route(message) for message in messages}


class FakeInbox:
    """Implements `chalicelib.mq.ports.Inbox`. Waiting moves only its own time."""

    def __init__(self, broker: FakeBroker, subscription: Subscription, prefetch: int) -> None:
        broker.declare(subscription)
        self._broker = broker
        self._queue = subscription.work_queue
        self._prefetch = prefetch
        self._last_tag = 0
        self._out: dict[int, Queued] = {}
        self.seconds_waited = 0.0
        self.acks: list[int] = []
        self.closed = False

    def next(self, wait_seconds: float) -> Delivery | None:
        self._broker.check_up()
        queue = self._broker.queues[self._queue]
        if not queue or len(self._out) >= self._prefetch:
            self.seconds_waited += wait_seconds
            return None
        message = queue.popleft()
        self._last_tag += 1
        self._out[self._last_tag] = message
        return Delivery(
            tag=self._last_tag,
            message_id=message.message_id,
            body=message.body,
            redelivered=message.redelivered,
            headers=message.headers,
        )

    def ack_up_to(self, tag: int) -> None:
        self._broker.check_up()
        self.acks.append(tag)
        self._out = {have: message for have, message in self._out.items() if have > tag}

    def ack(self, tags: Sequence[int]) -> None:
        self._broker.check_up()
        self.acks.extend(tags)
        for tag in tags:
            del self._out[tag]

    def forward(
        self, delivery: Delivery, queue: str, headers: Mapping[str, str | int], deadline: Deadline
    ) -> None:
        self._broker.check_up()
        if self._broker.silent:
            raise BrokerError(detail=f"{queue} did not confirm")
        if queue not in self._broker.queues or queue in self._broker.full:
            raise ForwardRefused(detail=f"{queue} is full or missing")
        self._broker.queues[queue].append(Queued(delivery.message_id, delivery.body, dict(headers)))

    def wait(self, seconds: float) -> None:
        self.seconds_waited += seconds

    def close(self) -> None:
        self.closed = True
        back = [replace(message, redelivered=True) for message in self._out.values()]
        self._broker.queues[self._queue].extendleft(reversed(back))
        self._out.clear()


class FakeDeadQueue:
    """Implements `chalicelib.mq.dead_letters.DeadQueue`."""

    def __init__(self, broker: FakeBroker, subscription: Subscription) -> None:
        broker.check_up()
        if subscription.dead_queue not in broker.queues:
            raise BrokerError(detail=f"missing queue {subscription.dead_queue}")
        self._broker = broker
        self._subscription = subscription
        self._queue = broker.queues[subscription.dead_queue]
        self._taken: dict[int, Queued] = {}
        self._last_tag = 0
        self.waiting = len(self._queue)
        self.closed = False

    def take(self) -> Delivery | None:
        self._broker.check_up()
        if not self._queue:
            return None
        self._last_tag += 1
        message = self._taken[self._last_tag] = self._queue.popleft()
        return Delivery(
            tag=self._last_tag,
            message_id=message.message_id,
            body=message.body,
            redelivered=message.redelivered,
            headers=message.headers,
        )

    def to_work_queue(self, delivery: Delivery) -> None:
        self._broker.check_up()
        work_queue = self._subscription.work_queue
        if self._broker.silent or work_queue not in self._broker.queues:
            raise BrokerError(detail=f"{work_queue} did not confirm")
        self._broker.queues[work_queue].append(Queued(delivery.message_id, delivery.body))

    def settle(self, deliveries: Sequence[Delivery]) -> None:
        self._broker.check_up()
        for delivery in deliveries:
            del self._taken[delivery.tag]

    def close(self) -> None:
        self.closed = True
        back = [replace(message, redelivered=True) for message in self._taken.values()]
        self._queue.extendleft(reversed(back))
        self._taken.clear()
