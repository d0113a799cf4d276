"""The drain, the broker and the learning centre's tables, while one of them fails."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from chalicelib.errors import BrokerError
from chalicelib.mq.delivery import Ack, Delivery, Outcome
from chalicelib.mq.rabbit import BrokerAddress
from chalicelib.secrets import FetchedSecrets
from chalicelib.settings import Settings
from infra.local.services.broker import Broker
from tests.conftest import CreateTables
from tests.integration.mq.conftest import Wire, eventually
from tests.integration.mq.learning_centre import (
    LearningCentre,
    Noting,
    drain,
    drain_until_nothing_comes,
    ready,
)
from tests.integration.mq.tcp_proxy import TcpProxy

MANY = range(1000, 1020)


@pytest.fixture
def centre(wire: Wire, local_settings: Settings, create_tables: CreateTables) -> LearningCentre:
    centre = LearningCentre(wire, local_settings, create_tables)
    centre.choose(*MANY)
    return centre


@pytest.mark.parametrize("after_messages", [0, 3])
def test_a_line_that_is_cut_ends_the_run_and_the_next_one_ends_the_work(
    centre: LearningCentre, after_messages: int
) -> None:
    centre.pay(*MANY)
    with TcpProxy(urlsplit(centre.wire.broker.amqp_url).port or 5672) as proxy:
        address = through(centre.wire, proxy.port)

        def cut_in_the_middle(_: Delivery) -> None:
            if len(handler.handled) == after_messages:
                proxy.cut()

        handler = Noting(centre.subscriber(), before=cut_in_the_middle)
        with pytest.raises(BrokerError):
            drain(centre.wire, handler, address=address)
        assert handler.handled, "what was at hand was stored all the same"
        assert proxy.connections == 1

    rest = Noting(centre.subscriber())
    drain_until_nothing_comes(centre.wire, rest)
    assert {d.message_id for d in rest.handled} >= {f"9{n}" for n in MANY} - {
        d.message_id for d in handler.handled
    }
    assert centre.is_right_and_done()


def test_a_silent_line_ends_a_put_off_within_its_time(centre: LearningCentre) -> None:
    """No confirm of the copy comes: the message stays, and is put off by the next run."""
    centre.pay(1000)
    with TcpProxy(urlsplit(centre.wire.broker.amqp_url).port or 5672) as proxy:

        def fail_behind_a_silent_line(_: Delivery) -> Outcome:
            proxy.silence()
            raise ZeroDivisionError

        with pytest.raises(BrokerError, match="no answer in time"):
            drain(
                centre.wire,
                fail_behind_a_silent_line,
                answer_seconds=4,
                address=through(centre.wire, proxy.port),
            )

    drain_until_nothing_comes(centre.wire, centre.subscriber())
    assert centre.opened() == 1
    assert centre.wire.bodies(centre.wire.subscription.dead_queue) == []


def test_a_deleted_queue_ends_the_run_and_the_next_one_declares_it(
    centre: LearningCentre,
) -> None:
    wire = centre.wire
    work_queue = wire.subscription.work_queue
    centre.pay(*MANY[:5])

    def delete_queue(_: Delivery) -> None:
        if not handler.handled:
            wire.on_channel(lambda channel: channel.queue_delete(work_queue))

    handler = Noting(centre.subscriber(), before=delete_queue)
    with pytest.raises(BrokerError, match="queue is gone"):
        drain(wire, handler)
    assert centre.opened() == 5, "what was at hand was stored all the same"

    drain(wire, centre.subscriber(), lambda: True)
    centre.pay(*MANY[5:])
    drain_until_nothing_comes(wire, centre.subscriber())
    assert centre.is_right_and_done()


def test_acknowledgements_are_sent_while_messages_are_at_hand(wire: Wire) -> None:
    """Otherwise the broker would hand out no more until the last one is done with."""
    wire.declare()
    wire.put(*(str(n).encode() for n in range(8)))
    seen: list[bytes] = []

    def look_at_the_queue(delivery: Delivery) -> Outcome:
        if delivery.body == b"3":  # at hand from the beginning; 0 and 1 are acknowledged
            work_queue = wire.subscription.work_queue
            eventually(lambda: ready(wire, work_queue) == 2, "nothing was acknowledged")
        seen.append(delivery.body)
        return Ack()

    assert drain(wire, look_at_the_queue, lambda: len(seen) == 8, prefetch=4).acked == 8


@pytest.mark.restarts_broker
def test_a_broker_that_dies_with_messages_out_hands_them_out_again(
    centre: LearningCentre, broker: Broker
) -> None:
    subscription = centre.wire.subscription
    eventually(
        lambda: all(broker.keeps(queue.name) for queue in subscription.queues()),
        "the broker does not keep its queues",
    )
    centre.pay(*MANY)

    def kill_the_broker(_: Delivery) -> None:
        if len(handler.handled) == 3:
            broker.kill()

    handler = Noting(centre.subscriber(), before=kill_the_broker)
    with pytest.raises(BrokerError):
        drain(centre.wire, handler)
    with pytest.raises(BrokerError):
        drain(centre.wire, centre.subscriber())
    broker.start()

    # a queue may take a while to find its leader after a restart
    eventually(lambda: can_be_consumed(centre.wire), "the queue does not come back")
    drain_until_nothing_comes(centre.wire, centre.subscriber())
    assert centre.is_right_and_done()


def can_be_consumed(wire: Wire) -> bool:
    try:
        wire.inbox().close()
    except BrokerError:
        return False
    return True


def through(wire: Wire, port: int) -> BrokerAddress:
    parts = urlsplit(wire.broker.amqp_url)
    url = f"amqp://{parts.username}:{parts.password}@127.0.0.1:{port}{parts.path}"
    return BrokerAddress(Settings.from_env({"RABBITMQ_URL": url}), FetchedSecrets(dict))
