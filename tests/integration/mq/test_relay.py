"""The relay between the real engine and the real broker."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from chalicelib.clock import SystemClock
from chalicelib.dynamo import Dynamo
from chalicelib.mq.message import OutboxMessage
from chalicelib.mq.outbox import Outbox, OutboxItem
from chalicelib.mq.rabbit import RabbitPublisher
from chalicelib.mq.relay import Relay, RelayLimits
from chalicelib.settings import Settings
from infra.local.services.broker import Broker
from tests.conftest import CreateTables
from tests.integration.mq.conftest import Wire, eventually, messages_to, put_by_transactions
from tests.unit.mq.builders import an_insert

NONE_FAILED: dict[str, list[dict[str, str]]] = {"batchItemFailures": []}


class Bench:
    """A relay, and rows that were put by transactions."""

    def __init__(self, wire: Wire, dynamo: Dynamo, publisher: RabbitPublisher) -> None:
        self.wire = wire
        self.outbox = Outbox(dynamo)
        self.relay = Relay(self.outbox, publisher, wire.topology, SystemClock(), RelayLimits())
        self._dynamo = dynamo

    def put(self, count: int) -> list[OutboxMessage]:
        messages = messages_to(self.wire.subscription.exchange, count)
        put_by_transactions(self._dynamo, messages)
        return messages

    def rows(self, messages: list[OutboxMessage]) -> set[str]:
        return set(self.outbox.existing([m.event_key for m in messages]))


def records_of(messages: list[OutboxMessage]) -> list[dict[str, Any]]:
    """Brand-new records: their age is not what is tested here."""
    now = SystemClock().now()
    return [an_insert(m, 100 + n, put_at=now) for n, m in enumerate(messages)]


@pytest.fixture
def bench(wire: Wire, local_settings: Settings, create_tables: CreateTables) -> Bench:
    create_tables(OutboxItem)
    return Bench(wire, Dynamo(local_settings), wire.publisher())


def test_i4_confirmed_rows_are_deleted(bench: Bench) -> None:
    bench.wire.declare()
    messages = bench.put(100)
    assert bench.relay.publish(records_of(messages)) == NONE_FAILED
    assert bench.rows(messages) == set()
    bodies = bench.wire.bodies(bench.wire.subscription.work_queue)
    assert bodies == [m.body.encode() for m in messages]


def test_i4_rows_whose_message_no_queue_took_stay(bench: Bench) -> None:
    bench.wire.declare()
    subscription = bench.wire.subscription
    bench.wire.on_channel(lambda c: c.queue_unbind(subscription.work_queue, subscription.exchange))
    messages = bench.put(3)
    answer = bench.relay.publish(records_of(messages))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "100"}]}
    assert len(bench.rows(messages)) == 3


def test_with_a_queue_missing_nothing_is_published_and_the_rows_stay(bench: Bench) -> None:
    bench.wire.declare()
    work_queue = bench.wire.subscription.work_queue
    bench.wire.on_channel(lambda c: c.queue_delete(work_queue))
    messages = bench.put(3)
    answer = bench.relay.publish(records_of(messages))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "100"}]}
    assert len(bench.rows(messages)) == 3

    bench.wire.declare()
    assert bench.relay.publish(records_of(messages)) == NONE_FAILED
    assert len(bench.wire.bodies(work_queue)) == 3


@pytest.mark.restarts_broker
def test_i4_a_broker_killed_in_the_middle_loses_nothing(bench: Bench, broker: Broker) -> None:
    bench.wire.declare()
    work_queue = bench.wire.subscription.work_queue
    eventually(lambda: broker.keeps(work_queue), "the queue is not on disk")
    messages = bench.put(1000)
    records = records_of(messages)
    confirmed_some = threading.Event()
    killed = threading.Event()

    def kill_in_the_middle() -> None:
        confirmed_some.wait(60)
        broker.kill()
        killed.set()

    killer = threading.Thread(target=kill_in_the_middle)
    killer.start()
    for start in range(0, len(records), 50):
        if start == 200:
            confirmed_some.set()
        bench.relay.publish(records[start : start + 50])
    killer.join(60)
    assert killed.is_set()
    left = bench.rows(messages)
    assert 0 < len(left) <= 800

    broker.start()

    def the_rest_goes_out() -> bool:
        rest = [message for message in messages if message.event_key in bench.rows(messages)]
        return bench.relay.publish(records_of(rest)) == NONE_FAILED

    # a queue may take a while to find its leader after a restart
    eventually(the_rest_goes_out, "the rows stay although the broker is back")
    assert bench.rows(messages) == set()
    arrived = set(bench.wire.bodies(work_queue))
    assert arrived == {m.body.encode() for m in messages}


def _key(record: dict[str, Any]) -> str:
    key: str = record["dynamodb"]["Keys"]["event_key"]["S"]
    return key
