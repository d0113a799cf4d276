"""Payments and refunds in one batch: each on its own exchange, neither held back by the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from chalicelib.deadline import Deadline
from chalicelib.mq.message import OutboxMessage
from chalicelib.mq.ports import PublishResult
from chalicelib.mq.relay import Relay, RelayLimits
from tests.fakes.clock import FakeClock
from tests.fakes.mq import FakeBroker, FakePublisher
from tests.fakes.outbox import FakeOutbox
from tests.unit.mq.builders import (
    REFUND_SUBSCRIPTION,
    SUBSCRIPTION,
    TOPOLOGY,
    a_message,
    a_refund_message,
    an_insert,
)

PAID = [a_message(1), a_message(2)]
REFUNDED = [a_refund_message(1), a_refund_message(2)]
MIXED = [PAID[0], REFUNDED[0], PAID[1], REFUNDED[1]]


class Bench:
    """A relay on a broker in memory that has both subscriptions."""

    def __init__(self) -> None:
        self.broker = FakeBroker()
        for subscription in TOPOLOGY.subscriptions:
            self.broker.declare(subscription)
        self.outbox = FakeOutbox(MIXED)
        self.publisher = FakePublisher(self.broker, TOPOLOGY)
        self.relay = Relay(self.outbox, self.publisher, TOPOLOGY, FakeClock(), RelayLimits())

    def payments(self) -> list[bytes]:
        return self.broker.bodies(SUBSCRIPTION.work_queue)

    def refunds(self) -> list[bytes]:
        return self.broker.bodies(REFUND_SUBSCRIPTION.work_queue)


def records_of(messages: Iterable[OutboxMessage]) -> list[dict[str, Any]]:
    return [an_insert(message, 100 + number) for number, message in enumerate(messages)]


def bodies_of(messages: Iterable[OutboxMessage]) -> list[bytes]:
    return [message.body.encode() for message in messages]


def keys_of(messages: Iterable[OutboxMessage]) -> set[str]:
    return {message.event_key for message in messages}


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_each_message_goes_to_its_own_exchange_in_its_order(bench: Bench) -> None:
    assert bench.relay.publish(records_of(MIXED)) == {"batchItemFailures": []}
    assert bench.payments() == bodies_of(PAID)
    assert bench.refunds() == bodies_of(REFUNDED)
    assert bench.outbox.rows_left == set()


def test_a_missing_queue_of_refunds_holds_back_refunds_alone(bench: Bench) -> None:
    bench.broker.delete_queue(REFUND_SUBSCRIPTION.work_queue)
    answer = bench.relay.publish(records_of(MIXED))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "101"}]}
    assert bench.payments() == bodies_of(PAID)
    assert bench.outbox.rows_left == keys_of(REFUNDED)


def test_a_missing_queue_of_payments_holds_back_payments_alone(bench: Bench) -> None:
    bench.broker.delete_queue(SUBSCRIPTION.work_queue)
    answer = bench.relay.publish(records_of(MIXED))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "100"}]}
    assert bench.refunds() == bodies_of(REFUNDED)
    assert bench.outbox.rows_left == keys_of(PAID)


def test_a_missing_exchange_holds_back_its_own_messages_alone(bench: Bench) -> None:
    bench.broker.delete_exchange(REFUND_SUBSCRIPTION.exchange)
    bench.relay.publish(records_of(MIXED))
    assert bench.payments() == bodies_of(PAID)
    assert bench.outbox.rows_left == keys_of(REFUNDED)


class NotedPublisher:
    """Confirms everything; notes how much time it was given for what."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def publish(
        self, messages: Sequence[OutboxMessage], deadline: Deadline
    ) -> dict[str, PublishResult]:
        self.seconds.append(deadline.remaining_seconds())
        return {message.event_key: PublishResult.CONFIRMED for message in messages}


@pytest.mark.parametrize(("messages", "each"), [(PAID, 10), (MIXED, 5)])
def test_exchanges_share_the_time_so_that_none_can_use_it_up(
    bench: Bench, messages: list[OutboxMessage], each: float
) -> None:
    publisher = NotedPublisher()
    limits = RelayLimits(publish_deadline_seconds=10)
    relay = Relay(bench.outbox, publisher, TOPOLOGY, FakeClock(), limits)
    relay.publish(records_of(messages))
    assert len(publisher.seconds) == 10 / each
    assert all(0 < seconds <= each for seconds in publisher.seconds)
