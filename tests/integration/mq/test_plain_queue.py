"""A work queue that another service declared before us, plain: durable and without arguments."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from chalicelib.clock import SystemClock
from chalicelib.dynamo import Dynamo
from chalicelib.mq.delivery import ATTEMPT_HEADER, Ack, Delivery, Outcome, Retry
from chalicelib.mq.drain import Drain, DrainLimits, DrainReport
from chalicelib.mq.outbox import Outbox, OutboxItem
from chalicelib.mq.rabbit import connector, dead_queue_opener
from chalicelib.mq.relay import Relay, RelayLimits
from chalicelib.mq.topology import QueueStyle, Subscription
from chalicelib.ops.dead_letters import replay
from chalicelib.settings import Settings
from infra.local.services.broker import Broker, ExternalBroker
from tests.conftest import CreateTables
from tests.integration.mq.conftest import (
    ANSWER_SECONDS,
    Wire,
    eventually,
    messages_to,
    put_by_transactions,
)
from tests.integration.mq.test_relay import NONE_FAILED, records_of


@pytest.fixture
def plain(broker: Broker | ExternalBroker) -> Iterator[Wire]:
    """A platform's exchange and queue, declared by itself with nothing but their names."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    subscription = Subscription(f"{name}.exchange", f"{name}.queue", (1, 1), QueueStyle.PLAIN)
    wire = Wire(broker, subscription)
    wire.on_channel(
        lambda c: (
            c.exchange_declare(subscription.exchange, "fanout", durable=True),
            c.queue_declare(subscription.work_queue, durable=True),
            c.queue_bind(subscription.work_queue, subscription.exchange),
        )
    )
    yield wire
    wire.leave()
    wire.clean_up()


class Clerk:
    """Fails each message until it is told better; remembers the attempts of each."""

    def __init__(self) -> None:
        self.fails = True
        self.attempts: dict[bytes, list[int]] = {}
        self.stored: list[bytes] = []

    def handle(self, delivery: Delivery) -> Outcome:
        self.attempts.setdefault(delivery.body, []).append(delivery.attempt)
        if self.fails:
            return Retry("no luck")
        self.stored.append(delivery.body)
        return Ack()


def drain(wire: Wire, clerk: Clerk, attempts: int) -> DrainReport:
    """Drain until so many attempts were made in all."""
    limits = DrainLimits(window_seconds=ANSWER_SECONDS, prefetch=10)

    def remaining_millis() -> int:
        return 0 if sum(map(len, clerk.attempts.values())) >= attempts else 60_000

    run = Drain(connector(wire.address), wire.subscription, clerk.handle, limits)
    return run.run(remaining_millis)


def test_relay_retries_dead_letters_and_replay_work_as_ever(
    plain: Wire, local_settings: Settings, create_tables: CreateTables
) -> None:
    create_tables(OutboxItem)
    dynamo = Dynamo(local_settings)
    outbox = Outbox(dynamo)
    relay = Relay(outbox, plain.publisher(), plain.topology, SystemClock(), RelayLimits())
    messages = messages_to(plain.subscription.exchange, 3)
    put_by_transactions(dynamo, messages)
    bodies = {message.body.encode() for message in messages}

    assert relay.publish(records_of(messages)) == NONE_FAILED
    assert outbox.existing([m.event_key for m in messages]) == frozenset()

    clerk = Clerk()
    assert drain(plain, clerk, attempts=9) == DrainReport(retried=6, dead=3)
    assert clerk.attempts == {body: [1, 2, 3] for body in bodies}

    said: list[str] = []
    replay(dead_queue_opener(plain.address), [plain.subscription], None, said.append)
    assert said[-1] == "3 letters replayed"

    clerk.fails = False
    assert drain(plain, clerk, attempts=12) == DrainReport(acked=3)
    assert sorted(clerk.stored) == sorted(bodies)
    for queue in plain.subscription.queues():
        assert plain.take_all(queue.name) == []


def test_a_message_that_waits_in_a_retry_queue_of_ours_comes_back_to_the_plain_queue(
    plain: Wire,
) -> None:
    plain.put(b"1")
    clerk = Clerk()
    assert drain(plain, clerk, attempts=1) == DrainReport(retried=1)

    returned: list[int | None] = []

    def came_back() -> bool:
        for properties, _ in plain.take_all(plain.subscription.work_queue):
            assert properties.headers is not None
            returned.append(properties.headers[ATTEMPT_HEADER])
        return bool(returned)

    eventually(came_back, "it did not come back")
    assert returned == [2]


def test_plain_is_what_we_declare_when_nothing_is_there(plain: Wire) -> None:
    work_queue = plain.subscription.work_queue
    plain.on_channel(lambda c: c.queue_delete(work_queue))
    plain.declare()
    plain.on_channel(lambda c: c.queue_declare(work_queue, durable=True))  # equal, or refused
