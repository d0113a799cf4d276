from __future__ import annotations

import pytest

from chalicelib.mq.topology import (
    Queue,
    QueueStyle,
    Subscription,
    learning_subscription,
    platform_topology,
)
from tests.unit.mq.builders import SUBSCRIPTION


def queues() -> dict[str, Queue]:
    return {queue.name: queue for queue in SUBSCRIPTION.queues()}


def test_the_names_on_the_wire_stay() -> None:
    topology = platform_topology((10, 60))
    assert topology.exchanges() == ("paynotify_exchange_fanout", "refundnotify_exchange_fanout")
    assert topology.work_queues() == (
        "paynotify_queue",
        "refundnotify_queue",
        "paynotify_resources_queue",
        "refundnotify_resources_queue",
    )


def test_payments_and_refunds_share_neither_exchange_nor_queue() -> None:
    payments, refunds = platform_topology((10, 60)).subscriptions[:2]
    assert payments.exchange != refunds.exchange
    assert {queue.name for queue in refunds.queues()} == {
        "refundnotify_queue",
        "refundnotify_queue.dead",
        "refundnotify_queue.retry.10s",
        "refundnotify_queue.retry.60s",
    }
    assert not set(queues()) & {queue.name for queue in refunds.queues()}


def test_a_message_expects_the_queues_of_its_own_exchange_alone() -> None:
    topology = platform_topology((10, 60))
    refunds = topology.of({"refundnotify_exchange_fanout"})
    assert refunds.exchanges() == ("refundnotify_exchange_fanout",)
    assert refunds.work_queues() == ("refundnotify_queue", "refundnotify_resources_queue")
    assert topology.of(set(topology.exchanges())) == topology


def test_a_subscription_has_a_work_a_dead_and_its_retry_queues() -> None:
    assert set(queues()) == {
        "paynotify_queue",
        "paynotify_queue.dead",
        "paynotify_queue.retry.10s",
        "paynotify_queue.retry.60s",
    }


def test_every_argument_whose_default_depends_on_the_broker_is_explicit() -> None:
    for queue in queues().values():
        assert queue.arguments["x-queue-type"] == "quorum"
        assert int(queue.arguments["x-delivery-limit"]) >= 100
        assert queue.arguments["x-overflow"] == "reject-publish"


def test_what_the_broker_gives_up_goes_to_the_dead_queue_and_stays_there() -> None:
    work, dead = queues()["paynotify_queue"], queues()["paynotify_queue.dead"]
    assert work.arguments["x-dead-letter-exchange"] == ""
    assert work.arguments["x-dead-letter-routing-key"] == dead.name
    assert work.arguments["x-dead-letter-strategy"] == "at-least-once"
    assert "x-dead-letter-exchange" not in dead.arguments
    assert "x-message-ttl" not in dead.arguments


def test_a_retry_queue_gives_back_after_its_delay() -> None:
    retry = queues()["paynotify_queue.retry.10s"]
    assert retry.arguments["x-message-ttl"] == 10_000
    assert retry.arguments["x-dead-letter-routing-key"] == "paynotify_queue"
    assert retry.arguments["x-dead-letter-strategy"] == "at-least-once"


@pytest.mark.parametrize(
    ("attempt", "queue"),
    [
        (1, "paynotify_queue.retry.10s"),
        (2, "paynotify_queue.retry.60s"),
        (3, None),
        (99, None),
    ],
)
def test_each_attempt_has_its_retry_queue_and_the_third_has_none(
    attempt: int, queue: str | None
) -> None:
    assert SUBSCRIPTION.attempts == 3
    assert SUBSCRIPTION.retry_queue(attempt) == queue


def test_equal_delays_share_a_queue() -> None:
    fixed = Subscription("exchange", "work", (5, 5))
    assert [queue.name for queue in fixed.queues()] == ["work.dead", "work", "work.retry.5s"]
    assert fixed.retry_queue(2) == "work.retry.5s"


def test_the_sellers_share_the_exchanges_and_no_queue() -> None:
    learning, learning_refunds, resources, resources_refunds = platform_topology(
        (10, 60)
    ).subscriptions
    assert learning.exchange == resources.exchange
    assert learning_refunds.exchange == resources_refunds.exchange
    assert {queue.name for queue in resources_refunds.queues()} == {
        "refundnotify_resources_queue",
        "refundnotify_resources_queue.dead",
        "refundnotify_resources_queue.retry.10s",
        "refundnotify_resources_queue.retry.60s",
    }
    names = [queue.name for queue in platform_topology((10, 60)).queues()]
    assert len(names) == len(set(names)) == 16


def test_a_work_queue_that_was_there_before_us_has_no_arguments_and_the_rest_is_as_ever() -> None:
    plain = learning_subscription((10, 60), QueueStyle.PLAIN)
    assert [queue.name for queue in plain.queues()] == list(queues())
    for queue in plain.queues():
        ours = {} if queue.name == "paynotify_queue" else queues()[queue.name].arguments
        assert queue.arguments == ours
    payments, *others = platform_topology((10, 60), QueueStyle.PLAIN).subscriptions
    assert payments == plain
    assert {other.style for other in others} == {QueueStyle.QUORUM}
