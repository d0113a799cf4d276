"""A subscription of the test's own on the real broker, and ways to look at what is there."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from pynamodb.transactions import TransactWrite

from chalicelib.clock import SystemClock
from chalicelib.deadline import Deadline
from chalicelib.dynamo import Dynamo
from chalicelib.mq.message import OutboxMessage
from chalicelib.mq.outbox import OutboxItem, put_in
from chalicelib.mq.rabbit import BrokerAddress, RabbitInbox, RabbitPublisher
from chalicelib.mq.topology import Subscription, Topology
from chalicelib.secrets import FetchedSecrets
from chalicelib.settings import Settings
from infra.local.services.broker import Broker, ExternalBroker

ANSWER_SECONDS = 60
STREAM_OWNS = timedelta(seconds=60)


class Wire:
    """The broker as another client sees it; each look has a connection of its own."""

    def __init__(self, broker: Broker | ExternalBroker, subscription: Subscription) -> None:
        self.broker = broker
        self.subscription = subscription
        settings = Settings.from_env({"RABBITMQ_URL": broker.amqp_url})
        self.address = BrokerAddress(settings, FetchedSecrets(dict))
        self.topology = Topology((subscription,))
        self._publishers: list[RabbitPublisher] = []

    def publisher(self, address: BrokerAddress | None = None) -> RabbitPublisher:
        publisher = RabbitPublisher(address or self.address, self.topology, SystemClock())
        self._publishers.append(publisher)
        return publisher

    def declare(self) -> None:
        self.inbox().close()

    def inbox(self, prefetch: int = 10) -> RabbitInbox:
        deadline = Deadline.after(ANSWER_SECONDS)
        return RabbitInbox(self.address, self.subscription, prefetch, deadline)

    def on_channel(self, use: Callable[[BlockingChannel], object]) -> None:
        connection = pika.BlockingConnection(pika.URLParameters(self.broker.amqp_url))
        use(connection.channel())
        connection.close()

    def put(self, *bodies: bytes, headers: dict[str, Any] | None = None) -> None:
        """Publish as some other service would."""

        def publish(channel: BlockingChannel) -> None:
            channel.confirm_delivery()
            for body in bodies:
                properties = pika.BasicProperties(
                    message_id=body.decode("ascii", "replace"), delivery_mode=2, headers=headers
                )
                channel.basic_publish(
                    self.subscription.exchange, "", body, properties, mandatory=True
                )

        self.on_channel(publish)

    def take_all(self, queue: str) -> list[tuple[pika.BasicProperties, bytes]]:
        """Empty a queue."""
        taken: list[tuple[pika.BasicProperties, bytes]] = []

        def get(channel: BlockingChannel) -> None:
            while True:
                method, properties, body = channel.basic_get(queue, auto_ack=True)
                if method is None:
                    return
                assert properties is not None
                assert body is not None
                taken.append((properties, body))

        self.on_channel(get)
        return taken

    def bodies(self, queue: str) -> list[bytes]:
        return [body for _, body in self.take_all(queue)]

    def leave(self) -> None:
        for publisher in self._publishers:
            publisher.close()

    def clean_up(self) -> None:
        def delete(channel: BlockingChannel) -> None:
            for queue in self.subscription.queues():
                channel.queue_delete(queue.name)
            channel.exchange_delete(self.subscription.exchange)

        self.on_channel(delete)


@pytest.fixture
def wire(request: pytest.FixtureRequest, broker: Broker | ExternalBroker) -> Iterator[Wire]:
    """An exchange and queues that nobody else uses, with one and two seconds of retry delay."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    wire = Wire(broker, Subscription(f"{name}.exchange", f"{name}.queue", (1, 2)))
    yield wire
    wire.leave()
    # RabbitMQ 3.10.8 loses its at-least-once dead-lettering for all queues (a supervisor gives up)
    # when such a queue is deleted while its worker starts, which it does after a restart.
    if request.node.get_closest_marker("restarts_broker") is None:
        wire.clean_up()


def messages_to(
    exchange: str, count: int, created_at: datetime | None = None
) -> list[OutboxMessage]:
    return [
        OutboxMessage(
            event_key=f"{number}#paid",
            message_id=str(number),
            exchange=exchange,
            body=f'{{"id":"{number}"}}',
            created_at=created_at or SystemClock().now(),
        )
        for number in range(count)
    ]


def put_by_transactions(dynamo: Dynamo, messages: Sequence[OutboxMessage]) -> None:
    """Put rows as a store does, a hundred a transaction."""
    model = dynamo.bind(OutboxItem)
    rest = list(messages)
    while rest:
        chunk, rest = rest[:100], rest[100:]

        def add(transaction: TransactWrite, chunk: list[OutboxMessage] = chunk) -> None:
            for message in chunk:
                put_in(transaction, model, message, STREAM_OWNS)

        dynamo.transact(add)


def eventually(holds: Callable[[], bool], what: str, seconds: float = ANSWER_SECONDS) -> None:
    """Wait until a condition holds; fail with ``what`` if it does not."""
    deadline = Deadline.after(seconds)
    while not holds():
        assert not deadline.passed(), what
        time.sleep(0.02)
