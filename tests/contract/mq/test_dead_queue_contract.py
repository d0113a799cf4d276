from __future__ import annotations

import pytest

from chalicelib.errors import BrokerError
from chalicelib.mq.dead_letters import DeadQueue
from chalicelib.mq.delivery import ATTEMPT_HEADER, REASON_HEADER, Delivery
from chalicelib.mq.topology import Subscription
from tests.contract.mq.conftest import Stage
from tests.contract.mq.test_inbox_contract import publish, take
from tests.contract.mq.test_publisher_contract import soon


def bury(stage: Stage, subscription: Subscription, count: int) -> list[bytes]:
    """Let ``count`` messages die as a drain does."""
    inbox = stage.inbox(subscription, prefetch=count)
    bodies = publish(stage, subscription, count)
    for delivery in take(inbox, count):
        headers: dict[str, str | int] = {ATTEMPT_HEADER: 3, REASON_HEADER: "坏的"}
        inbox.forward(delivery, subscription.dead_queue, headers, soon())
        inbox.ack_up_to(delivery.tag)
    inbox.close()
    return bodies


def all_of(queue: DeadQueue) -> list[Delivery]:
    taken = []
    while (delivery := queue.take()) is not None:
        taken.append(delivery)
    return taken


def test_a_look_takes_all_in_order_with_their_headers(
    stage: Stage, subscription: Subscription
) -> None:
    bodies = bury(stage, subscription, 5)

    queue = stage.dead_queue(subscription)

    assert queue.waiting == 5
    taken = all_of(queue)
    assert [d.body for d in taken] == bodies
    assert [d.message_id for d in taken] == ["0", "1", "2", "3", "4"]
    assert {(d.attempt, d.headers[REASON_HEADER]) for d in taken} == {(3, "坏的")}


def test_an_empty_dead_queue_has_nothing_to_take(stage: Stage, subscription: Subscription) -> None:
    stage.declare(subscription)
    queue = stage.dead_queue(subscription)
    assert (queue.waiting, queue.take()) == (0, None)


def test_what_is_not_settled_goes_back_in_its_order(
    stage: Stage, subscription: Subscription
) -> None:
    bodies = bury(stage, subscription, 4)
    first_look = stage.dead_queue(subscription)
    taken = all_of(first_look)

    first_look.settle([taken[1], taken[2]])
    assert stage.dead_queue(subscription).take() is None, "another look sees what is taken"
    first_look.close()

    again = all_of(stage.dead_queue(subscription))
    assert [d.body for d in again] == [bodies[0], bodies[3]]


def test_a_copy_to_the_work_queue_is_as_new(stage: Stage, subscription: Subscription) -> None:
    (body,) = bury(stage, subscription, 1)
    queue = stage.dead_queue(subscription)
    (dead,) = all_of(queue)

    queue.to_work_queue(dead)

    (delivery,) = take(stage.inbox(subscription), 1)
    assert (delivery.body, delivery.message_id) == (body, dead.message_id)
    assert (delivery.attempt, dict(delivery.headers)) == (1, {})


def test_a_copy_reaches_no_other_subscriber(
    stage: Stage, subscription: Subscription, second_subscription: Subscription
) -> None:
    (body,) = bury(stage, subscription, 1)
    stage.declare(second_subscription)
    queue = stage.dead_queue(subscription)

    queue.to_work_queue(all_of(queue)[0])

    assert stage.bodies(subscription.work_queue) == [body]
    assert stage.bodies(second_subscription.work_queue) == []


def test_without_a_work_queue_no_copy_is_confirmed(
    stage: Stage, subscription: Subscription
) -> None:
    bury(stage, subscription, 1)
    queue = stage.dead_queue(subscription)
    (dead,) = all_of(queue)
    stage.delete_queue(subscription.work_queue)

    with pytest.raises(BrokerError):
        queue.to_work_queue(dead)


def test_a_missing_dead_queue_is_named(stage: Stage, subscription: Subscription) -> None:
    stage.declare(subscription)
    stage.delete_queue(subscription.dead_queue)
    with pytest.raises(BrokerError, match=subscription.dead_queue):
        stage.dead_queue(subscription)


def test_a_look_declares_nothing(stage: Stage, subscription: Subscription) -> None:
    for _ in range(2):
        with pytest.raises(BrokerError, match=subscription.dead_queue):
            stage.dead_queue(subscription)
