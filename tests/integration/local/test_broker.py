from __future__ import annotations

import uuid
from pathlib import Path

import httpx
import pika
import pytest

from infra.local.processes import proc
from infra.local.processes.children import wait_until
from infra.local.services.broker import Broker
from tests.integration.local.listening import addresses_of_group


def test_a_message_published_to_the_broker_comes_back(broker: Broker) -> None:
    queue = f"test-{uuid.uuid4().hex}"
    with pika.BlockingConnection(pika.URLParameters(broker.amqp_url)) as connection:
        channel = connection.channel()
        channel.queue_declare(queue, auto_delete=True)
        channel.basic_publish("", queue, b"paid")
        _, _, body = channel.basic_get(queue, auto_ack=True)

    assert body == b"paid"


@pytest.mark.own_broker
def test_the_management_api_answers_with_the_node(broker: Broker) -> None:
    overview = httpx.get(f"{broker.management_url}/api/overview").json()

    assert overview["node"] in broker.ctl("status")


@pytest.mark.own_broker
def test_everything_the_broker_listens_on_is_loopback(broker: Broker) -> None:
    addresses = addresses_of_group(broker.pid)

    assert len(addresses) >= 3, "AMQP, management, and the port between nodes"
    assert {a.rpartition(":")[0] for a in addresses} <= {"127.0.0.1", "[::1]"}


@pytest.mark.restarts_broker
def test_a_durable_message_survives_kill_and_restart_on_the_same_url(broker: Broker) -> None:
    queue = f"test-{uuid.uuid4().hex}"
    parameters = pika.URLParameters(broker.amqp_url)
    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})
        channel.basic_publish("", queue, b"paid", pika.BasicProperties(delivery_mode=2))

    assert wait_until(lambda: broker.keeps(queue), seconds=10)
    killed = broker.pid
    broker.kill()
    assert not proc.group_members(killed)
    broker.restart()

    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        _, _, body = channel.basic_get(queue, auto_ack=True)
        channel.queue_delete(queue)
    assert broker.pid != killed
    assert body == b"paid"


def test_a_broker_that_was_never_started_can_be_stopped(tmp_path: Path) -> None:
    broker = Broker(tmp_path)

    broker.stop()
    broker.kill()

    assert not broker.running
