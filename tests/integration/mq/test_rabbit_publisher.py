"""The publisher against the real broker: what is on the wire, and what goes wrong on it."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

import pika
import pytest

from chalicelib.clock import SystemClock
from chalicelib.deadline import Deadline
from chalicelib.errors import BrokerError
from chalicelib.mq.message import OutboxMessage
from chalicelib.mq.ports import PublishResult
from chalicelib.mq.rabbit import BrokerAddress, RabbitPublisher
from chalicelib.mq.rabbit.faults import LoginRefused, NoAnswer
from chalicelib.secrets import FetchedSecrets
from chalicelib.settings import Settings
from infra.local.services.broker import Broker
from tests.fakes.clock import FakeClock
from tests.integration.mq.conftest import ANSWER_SECONDS, Wire, messages_to
from tests.integration.mq.tcp_proxy import TcpProxy

GOOD = {PublishResult.CONFIRMED}


def soon() -> Deadline:
    return Deadline.after(ANSWER_SECONDS)


def settings_for(url: str) -> Settings:
    return Settings.from_env({"RABBITMQ_URL": url})


def address_of(url: str) -> BrokerAddress:
    return BrokerAddress(settings_for(url), FetchedSecrets(dict))


def through(wire: Wire, port: int) -> BrokerAddress:
    parts = urlsplit(wire.broker.amqp_url)
    return address_of(f"amqp://{parts.username}:{parts.password}@127.0.0.1:{port}{parts.path}")


def port_of(wire: Wire) -> int:
    return urlsplit(wire.broker.amqp_url).port or 5672


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
    with TcpProxy(port_of(wire)) as proxy:
        publisher = wire.publisher(through(wire, proxy.port))
        for _ in range(3):
            assert set(publisher.publish(a_batch(wire), soon()).values()) == GOOD
        assert proxy.connections == 1
        publisher.close()


def test_an_idle_connection_is_replaced(wire: Wire) -> None:
    wire.declare()
    clock = FakeClock()
    with TcpProxy(port_of(wire)) as proxy:
        publisher = RabbitPublisher(through(wire, proxy.port), wire.topology, clock)
        publisher.publish(a_batch(wire), soon())
        clock.advance(seconds=31)
        publisher.publish(a_batch(wire), soon())
        publisher.close()
        assert proxy.connections == 2


def test_a_connection_that_died_meanwhile_costs_one_reconnect(wire: Wire) -> None:
    wire.declare()
    with TcpProxy(port_of(wire)) as proxy:
        publisher = wire.publisher(through(wire, proxy.port))
        publisher.publish(a_batch(wire), soon())
        proxy.cut()
        assert set(publisher.publish(a_batch(wire), soon()).values()) == GOOD
        assert proxy.connections == 2
        publisher.close()


def test_a_line_cut_in_the_middle_of_a_batch_is_made_good(wire: Wire) -> None:
    wire.declare()
    batch = a_batch(wire, 500)
    with TcpProxy(port_of(wire)) as proxy:
        publisher = wire.publisher(through(wire, proxy.port))
        publisher.publish(batch[:1], soon())
        proxy.cut_after(20_000)
        results = publisher.publish(batch, soon())
        publisher.close()
        assert proxy.connections == 2
    assert set(results.values()) == GOOD
    arrived = wire.bodies(wire.subscription.work_queue)
    assert set(arrived) == {m.body.encode() for m in batch}
    assert len(arrived) > len(batch)  # what was unknown was sent twice


def test_a_silent_broker_costs_no_more_than_the_deadline(wire: Wire) -> None:
    wire.declare()
    with TcpProxy(port_of(wire)) as proxy:
        publisher = wire.publisher(through(wire, proxy.port))
        publisher.publish(a_batch(wire), soon())
        proxy.silence()
        with pytest.raises(NoAnswer):
            publisher.publish(a_batch(wire), Deadline.after(1))


def test_answers_that_do_not_come_leave_the_batch_unknown_and_the_connection_unused(
    wire: Wire,
) -> None:
    wire.declare()
    batch = a_batch(wire, 50)
    with TcpProxy(port_of(wire)) as proxy:
        publisher = wire.publisher(through(wire, proxy.port))
        publisher.publish(batch[:1], soon())
        proxy.silence_from(batch[0].body.encode())
        results = publisher.publish(batch, Deadline.after(1.5))
        assert set(results.values()) == {PublishResult.UNKNOWN}
    assert set(wire.publisher().publish(batch, soon()).values()) == GOOD


def test_a_port_where_nobody_listens(wire: Wire) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(BrokerError, match="ConnectionRefused"):
        wire.publisher(through(wire, port)).publish(a_batch(wire), soon())


def test_a_listener_that_never_says_a_word(wire: Wire) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        publisher = wire.publisher(through(wire, mute.getsockname()[1]))
        with pytest.raises(NoAnswer):
            publisher.publish(a_batch(wire), Deadline.after(0.5))


def test_a_host_name_that_does_not_exist(wire: Wire) -> None:
    address = address_of("amqp://guest:guest@broker.invalid:5672/%2F")
    with pytest.raises(BrokerError, match="gaierror"):
        wire.publisher(address).publish(a_batch(wire), soon())


def test_tls_to_a_port_that_speaks_none(wire: Wire) -> None:
    address = address_of(f"amqps://guest:guest@localhost:{port_of(wire)}/%2F")
    with pytest.raises(BrokerError, match="SSL"):
        wire.publisher(address).publish(a_batch(wire), soon())


def test_a_virtual_host_that_does_not_exist(wire: Wire) -> None:
    parts = urlsplit(wire.broker.amqp_url)
    address = address_of(f"amqp://{parts.netloc}/nowhere")
    with pytest.raises(BrokerError, match="ProbableAccessDenied"):
        wire.publisher(address).publish(a_batch(wire), soon())


def test_a_wrong_password_is_not_tried_again(wire: Wire) -> None:
    with TcpProxy(port_of(wire)) as proxy:
        address = address_of(f"amqp://guest:wrong@127.0.0.1:{proxy.port}/%2F")
        with pytest.raises(LoginRefused):
            wire.publisher(address).publish(a_batch(wire), soon())
        assert proxy.connections == 1


def test_a_rotated_password_is_fetched_once(wire: Wire) -> None:
    wire.declare()
    right = wire.broker.amqp_url
    parts = urlsplit(right)
    wrong = right.replace(f":{parts.password}@", ":old@")
    fetched = iter([{"rabbitmq_url": wrong}, {"rabbitmq_url": right}])
    address = BrokerAddress(settings_for(""), FetchedSecrets(lambda: next(fetched)))
    assert set(wire.publisher(address).publish(a_batch(wire), soon()).values()) == GOOD
    assert next(fetched, None) is None


def test_a_password_that_stays_wrong_is_fetched_only_once(wire: Wire) -> None:
    parts = urlsplit(wire.broker.amqp_url)
    wrong = wire.broker.amqp_url.replace(f":{parts.password}@", ":old@")
    fetches: list[str] = []

    def fetch() -> Mapping[str, str]:
        fetches.append(wrong)
        return {"rabbitmq_url": wrong}

    address = BrokerAddress(settings_for(""), FetchedSecrets(fetch))
    with pytest.raises(LoginRefused):
        wire.publisher(address).publish(a_batch(wire), soon())
    assert len(fetches) == 2


@pytest.mark.restarts_broker
def test_a_broker_that_runs_short_of_memory_gets_no_more_than_the_deadline(
    wire: Wire, broker: Broker
) -> None:
    wire.declare()
    publisher = RabbitPublisher(wire.address, wire.topology, SystemClock())
    publisher.publish(a_batch(wire), soon())
    broker.ctl("set_vm_memory_high_watermark", "0.00001")
    try:
        results = publisher.publish(a_batch(wire), Deadline.after(3))
        assert set(results.values()) == {PublishResult.UNKNOWN}
    finally:
        broker.ctl("set_vm_memory_high_watermark", "0.4")
    assert set(publisher.publish(a_batch(wire), soon()).values()) == GOOD
    publisher.close()
