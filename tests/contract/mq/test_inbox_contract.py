from __future__ import annotations

import pytest

from chalicelib.deadline import Deadline
from chalicelib.mq.delivery import ATTEMPT_HEADER, REASON_HEADER, Delivery
from chalicelib.mq.ports import ForwardRefused, Inbox
from chalicelib.mq.topology import Subscription, Topology
from tests.contract.mq.conftest import ANSWER_SECONDS, Stage
from tests.contract.mq.test_publisher_contract import messages_to, soon


def publish(stage: Stage, subscription: Subscription, count: int) -> list[bytes]:
    messages = messages_to(subscription.exchange, count)
    stage.publisher(Topology((subscription,))).publish(messages, soon())
    return [message.body.encode() for message in messages]


def take(inbox: Inbox, count: int) -> list[Delivery]:
    """``count`` deliveries; fails when they do not come."""
    deadline = Deadline.after(ANSWER_SECONDS)
    taken: list[Delivery] = []
    while len(taken) < count:
        assert not deadline.passed(), f"{len(taken)} of {count} deliveries"
        delivery = inbox.next(1)
        if delivery is not None:
            taken.append(delivery)
    return taken


def test_deliveries_come_in_order_and_are_first_attempts(
    stage: Stage, subscription: Subscription
) -> None:
    inbox = stage.inbox(subscription, prefetch=20)
    bodies = publish(stage, subscription, 20)

    deliveries = take(inbox, 20)

    assert [d.body for d in deliveries] == bodies
    assert [d.message_id for d in deliveries] == [str(n) for n in range(20)]
    assert [d.attempt for d in deliveries] == [1] * 20
    tags = [d.tag for d in deliveries]
    assert tags == sorted(set(tags))


def test_an_empty_queue_hands_out_nothing(stage: Stage, subscription: Subscription) -> None:
    inbox = stage.inbox(subscription)
    assert inbox.next(0) is None
    assert inbox.next(0.05) is None


def test_no_more_than_the_prefetch_is_out(stage: Stage, subscription: Subscription) -> None:
    inbox = stage.inbox(subscription, prefetch=2)
    publish(stage, subscription, 3)

    first, second = take(inbox, 2)
    assert inbox.next(0.2) is None

    inbox.ack_up_to(first.tag)
    (third,) = take(inbox, 1)
    assert third.tag > second.tag


def test_what_is_not_acknowledged_comes_again(stage: Stage, subscription: Subscription) -> None:
    inbox = stage.inbox(subscription)
    bodies = publish(stage, subscription, 4)
    deliveries = take(inbox, 4)
    inbox.ack_up_to(deliveries[1].tag)

    inbox.close()

    again = take(stage.inbox(subscription), 2)
    assert sorted(d.body for d in again) == sorted(bodies[2:])
    assert all(d.redelivered for d in again)


def test_deliveries_are_acknowledged_one_by_one(stage: Stage, subscription: Subscription) -> None:
    inbox = stage.inbox(subscription)
    bodies = publish(stage, subscription, 4)
    deliveries = take(inbox, 4)
    inbox.ack([deliveries[1].tag, deliveries[3].tag])

    inbox.close()

    again = take(stage.inbox(subscription), 2)
    assert sorted(d.body for d in again) == sorted([bodies[0], bodies[2]])


def test_a_copy_goes_to_the_dead_queue_with_its_headers(
    stage: Stage, subscription: Subscription
) -> None:
    inbox = stage.inbox(subscription)
    (body,) = publish(stage, subscription, 1)
    (delivery,) = take(inbox, 1)

    headers: dict[str, str | int] = {ATTEMPT_HEADER: 3, REASON_HEADER: "坏的"}
    inbox.forward(delivery, subscription.dead_queue, headers, soon())

    assert stage.bodies(subscription.dead_queue) == [body]


@pytest.mark.parametrize("full", [False, True], ids=["missing", "full"])
def test_a_copy_that_a_queue_does_not_take_is_refused_and_the_inbox_goes_on(
    stage: Stage, subscription: Subscription, other_exchange: Subscription, full: bool
) -> None:
    inbox = stage.inbox(subscription)
    bodies = publish(stage, subscription, 2)
    stuck, next_one = take(inbox, 2)
    if full:
        stage.fill(other_exchange)

    with pytest.raises(ForwardRefused):
        inbox.forward(stuck, other_exchange.work_queue, {}, soon())

    inbox.forward(next_one, subscription.dead_queue, {}, soon())
    assert stage.bodies(subscription.dead_queue) == bodies[1:]
    inbox.ack([next_one.tag])
    inbox.close()
    (again,) = take(stage.inbox(subscription), 1)
    assert again.body == bodies[0]
