"""The same questions to the broker in memory and to RabbitMQ."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Protocol

import pika
import pytest

from chalicelib.clock import SystemClock
from chalicelib.deadline import Deadline
from chalicelib.mq.dead_letters import DeadQueue
from chalicelib.mq.ports import Inbox, Publisher
from chalicelib.mq.rabbit import (
    BrokerAddress,
    RabbitDeadQueue,
    RabbitInbox,
    RabbitPublisher,
)
from chalicelib.mq.topology import Subscription, Topology
from chalicelib.secrets import FetchedSecrets
from chalicelib.settings import Settings
from tests.fakes.mq import FakeBroker, FakeDeadQueue, FakeInbox, FakePublisher

ANSWER_SECONDS = 30


class Stage(Protocol):
    """A broker, as a contract test arranges and observes it."""

    def publisher(self, topology: Topology) -> Publisher: ...

    def inbox(self, subscription: Subscription, prefetch: int = 10) -> Inbox: ...

    def dead_queue(self, subscription: Subscription) -> DeadQueue: ...

    def declare(self, subscription: Subscription) -> None: ...

    def unbind(self, subscription: Subscription) -> None: ...

    def delete_queue(self, name: str) -> None: ...

    def delete_exchange(self, name: str) -> None: ...

    def fill(self, subscription: Subscription) -> None:
        """Make the work queue refuse every further message."""

    def bodies(self, queue: str) -> list[bytes]:
        """What waits in a queue."""


class FakeStage:
    def __init__(self) -> None:
        self.broker = FakeBroker()

    def publisher(self, topology: Topology) -> Publisher:
        return FakePublisher(self.broker, topology)

    def inbox(self, subscription: Subscription, prefetch: int = 10) -> Inbox:
        return FakeInbox(self.broker, subscription, prefetch)

    def dead_queue(self, subscription: Subscription) -> DeadQueue:
        return FakeDeadQueue(self.broker, subscription)

    def declare(self, subscription: Subscription) -> None:
        self.broker.declare(subscription)

    def unbind(self, subscription: Subscription) -> None:
        self.broker.unbind(subscription)

    def delete_queue(self, name: str) -> None:
        self.broker.delete_queue(name)

    def delete_exchange(self, name: str) -> None:
        self.broker.delete_exchange(name)

    def fill(self, subscription: Subscription) -> None:
        self.broker.declare(subscription)
        self.broker.full.add(subscription.work_queue)

    def bodies(self, queue: str) -> list[bytes]:
        return self.broker.bodies(queue)


class RabbitStage:
    """RabbitMQ; everything that a test declares is deleted after it."""

    def __init__(self, amqp_url: str) -> None:
        settings = Settings.from_env({"RABBITMQ_URL": amqp_url})
        self.address = BrokerAddress(settings, FetchedSecrets(dict))
        self._connection = pika.BlockingConnection(pika.URLParameters(amqp_url))
        self._channel = self._connection.channel()
        self._subscriptions: list[Subscription] = []
        self._publishers: list[RabbitPublisher] = []
        self._inboxes: list[Inbox] = []
        self._dead_queues: list[DeadQueue] = []

    def publisher(self, topology: Topology) -> Publisher:
        publisher = RabbitPublisher(self.address, topology, SystemClock())
        self._publishers.append(publisher)
        return publisher

    def inbox(self, subscription: Subscription, prefetch: int = 10) -> Inbox:
        self._subscriptions.append(subscription)
        inbox = RabbitInbox(self.address, subscription, prefetch, Deadline.after(ANSWER_SECONDS))
        self._inboxes.append(inbox)
        return inbox

    def dead_queue(self, subscription: Subscription) -> DeadQueue:
        queue = RabbitDeadQueue(self.address, subscription)
        self._dead_queues.append(queue)
        return queue

    def declare(self, subscription: Subscription) -> None:
        self.inbox(subscription).close()

    def unbind(self, subscription: Subscription) -> None:
        self._channel.queue_unbind(subscription.work_queue, subscription.exchange)

    def delete_queue(self, name: str) -> None:
        self._channel.queue_delete(name)

    def delete_exchange(self, name: str) -> None:
        self._channel.exchange_delete(name)

    def fill(self, subscription: Subscription) -> None:
        self._subscriptions.append(subscription)
        self._channel.exchange_declare(subscription.exchange, "fanout", durable=True)
        arguments = {"x-max-length": 0, "x-overflow": "reject-publish"}
        self._channel.queue_declare(subscription.work_queue, durable=True, arguments=arguments)
        self._channel.queue_bind(subscription.work_queue, subscription.exchange)

    def bodies(self, queue: str) -> list[bytes]:
        channel = self._connection.channel()
        bodies: list[bytes] = []
        while True:
            method, _, body = channel.basic_get(queue)
            if method is None or body is None:
                break
            bodies.append(body)
        channel.close()
        return bodies

    def clean_up(self) -> None:
        for publisher in self._publishers:
            publisher.close()
        for consumer in (*self._inboxes, *self._dead_queues):
            consumer.close()
        for subscription in self._subscriptions:
            for queue in subscription.queues():
                self._channel.queue_delete(queue.name)
            self._channel.exchange_delete(subscription.exchange)
        self._connection.close()


@pytest.fixture(params=["memory", "rabbitmq"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """A broker, in memory and in earnest."""
    if request.param == "memory":
        yield FakeStage()
        return
    rabbit = RabbitStage(request.getfixturevalue("broker").amqp_url)
    yield rabbit
    rabbit.clean_up()


@pytest.fixture
def subscription() -> Subscription:
    """A subscription with names of its own, on an exchange of its own."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    return Subscription(f"{name}.exchange", f"{name}.queue", (1, 2))


@pytest.fixture
def other_exchange(subscription: Subscription) -> Subscription:
    """A subscription on another exchange."""
    return Subscription(f"{subscription.exchange}2", f"{subscription.work_queue}3", (1, 2))


@pytest.fixture
def second_subscription(subscription: Subscription) -> Subscription:
    """Another subscriber of the same exchange."""
    return Subscription(subscription.exchange, f"{subscription.work_queue}2", (1, 2))
