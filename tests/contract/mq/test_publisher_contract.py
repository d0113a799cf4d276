from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chalicelib.deadline import Deadline
from chalicelib.errors import BrokerError
from chalicelib.mq.message import OutboxMessage
from chalicelib.mq.ports import PublishResult
from chalicelib.mq.topology import Subscription, Topology
from tests.contract.mq.conftest import ANSWER_SECONDS, Stage


def messages_to(exchange: str, count: int, event: str = "paid") -> list[OutboxMessage]:
    return [
        OutboxMessage(
            event_key=f"{number}#{event}",
            message_id=str(number),
            exchange=exchange,
            body=f'{{"id":"{number}","event":"{event}"}}',
            created_at=datetime(2026, 3, 1, tzinfo=UTC),
        )
        for number in range(count)
    ]


def soon() -> Deadline:
    return Deadline.after(ANSWER_SECONDS)


def test_every_subscriber_gets_every_message_in_order(
    stage: Stage, subscription: Subscription, second_subscription: Subscription
) -> None:
    stage.declare(subscription)
    stage.declare(second_subscription)
    publisher = stage.publisher(Topology((subscription, second_subscription)))
    messages = messages_to(subscription.exchange, 100)

    results = publisher.publish(messages, soon())

    assert results == {m.event_key: PublishResult.CONFIRMED for m in messages}
    bodies = [m.body.encode() for m in messages]
    assert stage.bodies(subscription.work_queue) == bodies
    assert stage.bodies(second_subscription.work_queue) == bodies


def test_each_message_of_a_batch_goes_to_its_own_exchange(
    stage: Stage, subscription: Subscription, other_exchange: Subscription
) -> None:
    stage.declare(subscription)
    stage.declare(other_exchange)
    publisher = stage.publisher(Topology((subscription, other_exchange)))
    paid = messages_to(subscription.exchange, 2)
    refunded = messages_to(other_exchange.exchange, 2, event="refund")

    results = publisher.publish([paid[0], refunded[0], paid[1], refunded[1]], soon())

    assert set(results.values()) == {PublishResult.CONFIRMED}
    assert stage.bodies(subscription.work_queue) == [m.body.encode() for m in paid]
    assert stage.bodies(other_exchange.work_queue) == [m.body.encode() for m in refunded]


def test_what_another_exchange_lacks_stops_no_batch_but_its_own(
    stage: Stage, subscription: Subscription, other_exchange: Subscription
) -> None:
    stage.declare(subscription)
    publisher = stage.publisher(Topology((subscription, other_exchange)))
    paid = messages_to(subscription.exchange, 1)
    refunded = messages_to(other_exchange.exchange, 1, event="refund")

    with pytest.raises(BrokerError, match=other_exchange.exchange):
        publisher.publish(refunded, soon())
    with pytest.raises(BrokerError, match=other_exchange.exchange):
        publisher.publish([*paid, *refunded], soon())
    assert stage.bodies(subscription.work_queue) == []

    results = publisher.publish(paid, soon())
    assert set(results.values()) == {PublishResult.CONFIRMED}
    assert stage.bodies(subscription.work_queue) == [m.body.encode() for m in paid]


def test_batches_follow_one_another(stage: Stage, subscription: Subscription) -> None:
    stage.declare(subscription)
    publisher = stage.publisher(Topology((subscription,)))
    for message in messages_to(subscription.exchange, 3):
        results = publisher.publish([message], soon())
        assert results == {message.event_key: PublishResult.CONFIRMED}
    assert len(stage.bodies(subscription.work_queue)) == 3


def test_a_message_without_a_queue_is_returned(stage: Stage, subscription: Subscription) -> None:
    stage.declare(subscription)
    stage.unbind(subscription)
    publisher = stage.publisher(Topology((subscription,)))
    messages = messages_to(subscription.exchange, 3)

    results = publisher.publish(messages, soon())

    assert results == {m.event_key: PublishResult.RETURNED for m in messages}


def test_one_missing_queue_of_two_stops_everything(
    stage: Stage, subscription: Subscription, second_subscription: Subscription
) -> None:
    stage.declare(subscription)
    stage.declare(second_subscription)
    stage.delete_queue(second_subscription.work_queue)
    publisher = stage.publisher(Topology((subscription, second_subscription)))

    with pytest.raises(BrokerError, match=second_subscription.work_queue):
        publisher.publish(messages_to(subscription.exchange, 3), soon())

    assert stage.bodies(subscription.work_queue) == []


def test_a_missing_exchange_stops_everything(stage: Stage, subscription: Subscription) -> None:
    stage.declare(subscription)
    stage.delete_exchange(subscription.exchange)
    publisher = stage.publisher(Topology((subscription,)))

    with pytest.raises(BrokerError, match=subscription.exchange):
        publisher.publish(messages_to(subscription.exchange, 1), soon())


def test_publishing_goes_on_once_a_missing_queue_is_there(
    stage: Stage, subscription: Subscription
) -> None:
    publisher = stage.publisher(Topology((subscription,)))
    messages = messages_to(subscription.exchange, 2)
    with pytest.raises(BrokerError):
        publisher.publish(messages, soon())

    stage.declare(subscription)

    results = publisher.publish(messages, soon())
    assert set(results.values()) == {PublishResult.CONFIRMED}


def test_a_queue_that_refuses_makes_a_nack(stage: Stage, subscription: Subscription) -> None:
    stage.fill(subscription)
    publisher = stage.publisher(Topology((subscription,)))
    messages = messages_to(subscription.exchange, 5)

    results = publisher.publish(messages, soon())

    assert results == {m.event_key: PublishResult.NACKED for m in messages}


def test_nothing_is_published_without_time(stage: Stage, subscription: Subscription) -> None:
    stage.declare(subscription)
    publisher = stage.publisher(Topology((subscription,)))

    with pytest.raises(BrokerError):
        publisher.publish(messages_to(subscription.exchange, 1), Deadline.after(0))

    assert stage.bodies(subscription.work_queue) == []


def test_an_empty_batch_needs_no_broker(stage: Stage, subscription: Subscription) -> None:
    publisher = stage.publisher(Topology((subscription,)))
    assert publisher.publish([], soon()) == {}
