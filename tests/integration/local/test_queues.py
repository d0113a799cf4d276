from __future__ import annotations

import uuid
from collections.abc import Iterator

import pika
import pytest

from infra.local.services.broker import Broker, ExternalBroker
from infra.local.services.queues import missing


@pytest.fixture
def connection(broker: Broker | ExternalBroker) -> Iterator[pika.BlockingConnection]:
    opened = pika.BlockingConnection(pika.URLParameters(broker.amqp_url))
    yield opened
    opened.close()


def test_the_first_queue_that_is_not_there_is_named_until_all_are(
    connection: pika.BlockingConnection,
) -> None:
    first, second = (f"test-{uuid.uuid4().hex}" for _ in range(2))
    assert missing(connection, (first, second)) == first

    channel = connection.channel()
    channel.queue_declare(first, exclusive=True)
    assert missing(connection, (first, second)) == second

    channel.queue_declare(second, exclusive=True)
    assert missing(connection, (first, second)) is None
