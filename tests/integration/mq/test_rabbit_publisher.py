"""The publisher against the real broker: what is on the wire. Its faults are in ``faults``."""

from __future__ import annotations

import socket
from dataclasses import replace
from urllib.parse import urlsplit

import pika
import pytest

from chalicelib.clock import SystemClock
from chalicelib.deadline import Deadline
from chalicelib.errors import BrokerError
from chalicelib.mq.message import OutboxMessage
from chalicelib.mq.ports import PublishResult
from chalicelib.mq.rabbit import BrokerAddress, RabbitPublisher
from chalicelib.mq.rabbit.faults import NoAnswer
from chalicelib.mq.topology import Subscription, Topology
from chalicelib.secrets import FetchedSecrets
from chalicelib.settings import Settings
from tests.integration.mq.conftest import ANSWER_SECONDS, Wire, messages_to
from tests.integration.mq.tcp_proxy import in_front_of

GOOD = {PublishResult.CONFIRMED}


def soon() -> Deadline:
    return Deadline.after(ANSWER_SECONDS)


def address_of(url: str) -> BrokerAddress:
    return BrokerAddress(Settings.from_env({"RABBITMQ_URL": url}), FetchedSecrets(dict))


def through(wire: Wire, port: int) -> BrokerAddress:
    parts = urlsplit(wire.broker.amqp_url)
    return address_of(f"amqp://{parts.username}:{parts.password}@127.0.0.1:{port}{parts.path}")


def a_batch(wire: Wire, count: int = 3) -> list[OutboxMessage]:
    return messages_to(wire.subscription.exchange, count)


def test_a_message_is_persistent_json_under_its_own_id(wire: Wire) -> None:
    wire.declare()
    (message,) = a_batch(wire, 1)
    wire.publisher().publish([message], soon())
    ((properties, body),) = wire.take_all(wire.subscription.work_queue)
    assert body == message.body.encode()
    assert properties.message_id == message.message_id
    assert properties.correlation_id == message.message_id
    assert properties.delivery_mode == pika.DeliveryMode.Persistent.value
    assert properties.content_type == "application/json"


def test_the_connection_is_kept_between_batches(wire: Wire) -> None:
    wire.declare()
    with in_front_of(wire.broker.amqp_url) as proxy:
        publisher = wire.publisher(through(wire, proxy.port))
        for _ in range(3):
            assert set(publisher.publish(a_batch(wire), soon()).values()) == GOOD
        assert proxy.connections == 1
        publisher.close()


def test_one_id_on_two_exchanges_is_returned_only_where_no_queue_took_it(wire: Wire) -> None:
    wire.declare()
    other = Subscription(f"{wire.subscription.exchange}.other", wire.subscription.dead_queue, ())
    wire.on_channel(lambda c: c.exchange_declare(other.exchange, "fanout", durable=True))
    (taken,) = a_batch(wire, 1)
    lost = replace(taken, event_key="0#refund", exchange=other.exchange)
    topology = Topology((wire.subscription, other))
    publisher = RabbitPublisher(wire.address, topology, SystemClock())

    for batch in ([taken, lost], [lost, taken]):
        results = publisher.publish(batch, soon())
        assert results == {
            taken.event_key: PublishResult.CONFIRMED,
            lost.event_key: PublishResult.RETURNED,
        }

    publisher.close()
    wire.on_channel(lambda c: c.exchange_delete(other.exchange))
    assert wire.bodies(wire.subscription.work_queue) == [taken.body.encode()] * 2


def test_one_id_twice_on_one_exchange_has_one_fate(wire: Wire) -> None:
    wire.declare()
    (first,) = a_batch(wire, 1)
    second = replace(first, event_key="0#again")
    publisher = wire.publisher()
    assert publisher.publish([first, second], soon()) == {
        first.event_key: PublishResult.CONFIRMED,
        second.event_key: PublishResult.CONFIRMED,
    }
    queue, exchange = wire.subscription.work_queue, wire.subscription.exchange
    wire.on_channel(lambda c: c.queue_unbind(queue, exchange))
    assert publisher.publish([first, second], soon()) == {
        first.event_key: PublishResult.RETURNED,
        second.event_key: PublishResult.RETURNED,
    }


def test_a_batch_larger_than_the_buffers_of_the_line_is_confirmed_whole(wire: Wire) -> None:
    wire.declare()
    large = [replace(m, body=f'{{"x":"{"x" * 60_000}"}}') for m in a_batch(wire, 100)]
    results = wire.publisher().publish(large, soon())
    assert set(results.values()) == GOOD
    assert len(wire.bodies(wire.subscription.work_queue)) == 100


def test_a_listener_that_never_says_a_word(wire: Wire) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        publisher = wire.publisher(through(wire, mute.getsockname()[1]))
        with pytest.raises(NoAnswer):
            publisher.publish(a_batch(wire), Deadline.after(0.5))


def test_tls_to_a_port_that_speaks_none(wire: Wire) -> None:
    address = address_of(wire.broker.amqp_url.replace("amqp://", "amqps://"))
    with pytest.raises(BrokerError, match="SSL"):
        wire.publisher(address).publish(a_batch(wire), soon())
