"""The runbook "Queue migration", walked while rows are written and drains run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest
from pynamodb.transactions import TransactWrite

from chalicelib.clock import SystemClock
from chalicelib.deadline import Deadline
from chalicelib.dynamo import Dynamo
from chalicelib.errors import BrokerError
from chalicelib.mq.delivery import Ack, Delivery, Outcome, Retry
from chalicelib.mq.drain import Drain, DrainLimits
from chalicelib.mq.message import OutboxMessage
from chalicelib.mq.outbox import Outbox, OutboxItem, put_in
from chalicelib.mq.pause import Turn
from chalicelib.mq.rabbit import BrokerAddress, RabbitInbox, RabbitPublisher, connector
from chalicelib.mq.rabbit.building import RabbitBuilder
from chalicelib.mq.relay import Relay, RelayLimits
from chalicelib.mq.sweeper import Sweeper, SweepLimits
from chalicelib.mq.switches import PublishingSwitch, SwitchItem
from chalicelib.mq.topology import QueueStyle, platform_topology
from chalicelib.ops.queue_removal import NotDeleted, QueueRemoval, quiet_seconds
from chalicelib.ops.relay import pause, resume
from chalicelib.ops.topology import apply, check
from chalicelib.settings import Settings
from infra.local.services.broker import Broker, ExternalBroker
from tests.conftest import CreateTables
from tests.integration.mq.conftest import ANSWER_SECONDS, eventually
from tests.integration.mq.test_relay import records_of
from tests.integration.mq.virtual_host import VirtualHost, a_channel, a_virtual_host

DELAYS = (1, 1)
BEFORE = platform_topology(DELAYS, QueueStyle.PLAIN)
AFTER = platform_topology(DELAYS)
PAYMENTS = AFTER.subscriptions[0]
WORK = PAYMENTS.work_queue
PUBLISH_SECONDS = 3.0
STREAM_OWNS = timedelta(seconds=1)
ROWS_AT_ONCE = 5


@pytest.fixture
def vhost(broker: Broker | ExternalBroker) -> Iterator[VirtualHost]:
    with a_virtual_host(broker) as host:
        yield host


class Writer:
    """Puts outbox rows; what the stream would do with them, and the sweeper, is done at once."""

    def __init__(self, settings: Settings, address: BrokerAddress) -> None:
        dynamo = Dynamo(settings)
        self._dynamo = dynamo
        self._model = dynamo.bind(OutboxItem)
        clock, outbox = SystemClock(), Outbox(dynamo)
        publisher = RabbitPublisher(address, AFTER, clock)
        switch = PublishingSwitch(dynamo)
        self._relay = Relay(
            outbox,
            publisher,
            AFTER,
            clock,
            RelayLimits(publish_deadline_seconds=PUBLISH_SECONDS, stream_owns=STREAM_OWNS),
            switch,
        )
        self._sweeper = Sweeper(
            rows=outbox,
            publisher=publisher,
            topology=AFTER,
            pause=switch,
            clock=clock,
            limits=SweepLimits(
                most=1_000,
                publish_deadline_seconds=PUBLISH_SECONDS,
                retry_after=(timedelta(seconds=1),),
                refusals_until_dead=100,
            ),
        )
        self.leave = publisher.close
        self.writes = threading.Event()
        self.writes.set()
        self.keys: list[str] = []

    def run(self, over: threading.Event) -> None:
        while not over.is_set():
            if self.writes.is_set():
                self._relay.publish(records_of(self._put()))
            self._sweeper.run(Deadline.after(ANSWER_SECONDS))
            over.wait(0.05)
        self.leave()

    def _put(self) -> list[OutboxMessage]:
        first = len(self.keys)
        messages = [
            OutboxMessage(
                event_key=f"{number}#paid",
                message_id=str(number),
                exchange=PAYMENTS.exchange,
                body=f'{{"id":"{number}"}}',
                created_at=SystemClock().now(),
            )
            for number in range(first, first + ROWS_AT_ONCE)
        ]

        def add(transaction: TransactWrite) -> None:
            for message in messages:
                put_in(transaction, self._model, message, STREAM_OWNS)

        self._dynamo.transact(add)
        self.keys += [message.event_key for message in messages]
        return messages


class Centre:
    """A subscriber whose effects are idempotent; some fail at first, as effects do."""

    def __init__(self, address: BrokerAddress) -> None:
        self._address = address
        self.effects: dict[str, bytes] = {}

    def run(self, over: threading.Event) -> None:
        while not over.is_set():
            limits = DrainLimits(window_seconds=2, prefetch=20)
            drain = Drain(connector(self._address), PAYMENTS, self._handle, limits)
            with suppress(BrokerError):  # its queue is gone, once
                drain.run(lambda: 60_000)

    def _handle(self, delivery: Delivery) -> Outcome:
        if delivery.attempt == 1 and int(delivery.message_id) % 7 == 0:
            return Retry("not yet")
        self.effects.setdefault(delivery.message_id, delivery.body)
        return Ack()


@contextmanager
def running(*parts: Callable[[threading.Event], None]) -> Iterator[None]:
    """Each in a thread of its own; one that fails fails the test."""
    over, failures = threading.Event(), list[BaseException]()

    def run(part: Callable[[threading.Event], None]) -> None:
        try:
            part(over)
        except BaseException as error:  # noqa: BLE001  told by the test
            failures.append(error)

    threads = [threading.Thread(target=run, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(ANSWER_SECONDS)
    assert failures == []


def removal(vhost: VirtualHost, switch: PublishingSwitch) -> QueueRemoval:
    return QueueRemoval(
        topology=AFTER,
        survey=vhost.survey(),
        builder=RabbitBuilder(vhost.address),
        pause=switch,
        quiet_seconds=quiet_seconds(PUBLISH_SECONDS),
    )


def a_turn() -> Turn:
    return Turn(by="test", at=SystemClock().now(), reason="queue migration")


def test_from_plain_to_quorum_under_traffic_nothing_is_lost(
    vhost: VirtualHost, local_settings: Settings, create_tables: CreateTables
) -> None:
    create_tables(OutboxItem, SwitchItem)
    survey, builder = vhost.survey(), RabbitBuilder(vhost.address)
    said: list[str] = []
    assert apply(survey, builder, BEFORE, said.append)
    switch = PublishingSwitch(Dynamo(local_settings))
    writer, centre = Writer(local_settings, vhost.address), Centre(vhost.address)
    deleting = removal(vhost, switch)

    with running(writer.run, centre.run):
        eventually(lambda: len(centre.effects) >= 30, "nothing arrives in the plain queue")
        assert not apply(survey, builder, AFTER, said.append)
        with pytest.raises(NotDeleted, match="not paused"):
            deleting.delete(WORK, said.append)

        pause(switch, a_turn(), PUBLISH_SECONDS, time.sleep, said.append)
        written_at_pause = len(writer.keys)
        delete_when_empty(deleting, said)
        assert apply(survey, builder, AFTER, said.append)
        assert check(survey, AFTER, said.append)
        assert len(writer.keys) > written_at_pause, "nobody wrote meanwhile"
        resume(switch, a_turn(), said.append)

        written_at_resume = len(writer.keys)
        eventually(lambda: len(writer.keys) > written_at_resume, "nobody writes any more")
        writer.writes.clear()
        eventually(lambda: len(centre.effects) == len(writer.keys), "effects are missing")
        outbox = Outbox(Dynamo(local_settings))
        eventually(lambda: not outbox.existing(writer.keys), "rows are left in the outbox")

    assert sorted(centre.effects, key=int) == [key.removesuffix("#paid") for key in writer.keys]
    assert all(body == f'{{"id":"{key}"}}'.encode() for key, body in centre.effects.items())
    with a_channel(vhost.amqp_url) as channel:
        for queue in PAYMENTS.queues():  # ours, or it would be refused
            answer = channel.queue_declare(
                queue.name, durable=True, arguments=dict(queue.arguments)
            )
            assert answer.method.message_count == 0


def delete_when_empty(deleting: QueueRemoval, said: list[str]) -> None:
    """As an operator does: again, until it is not refused."""

    def deleted() -> bool:
        try:
            deleting.delete(WORK, said.append)
        except NotDeleted as refusal:
            said.append(str(refusal))
            return False
        return True

    eventually(deleted, f"it is refused for ever: {said}", seconds=3 * ANSWER_SECONDS)


def test_what_a_consumer_holds_is_in_the_way(
    vhost: VirtualHost, local_settings: Settings, create_tables: CreateTables
) -> None:
    create_tables(SwitchItem)
    switch = PublishingSwitch(Dynamo(local_settings))
    switch.pause(a_turn())
    apply(vhost.survey(), RabbitBuilder(vhost.address), AFTER, lambda _: None)
    inbox = RabbitInbox(vhost.address, PAYMENTS, 10, Deadline.after(ANSWER_SECONDS))
    with a_channel(vhost.amqp_url) as channel:
        channel.basic_publish(PAYMENTS.exchange, "", b"1")
    assert inbox.next(ANSWER_SECONDS) is not None

    with pytest.raises(NotDeleted, match=r"0 messages, and 1 are out with\s+a consumer"):
        removal(vhost, switch).delete(WORK, lambda _: None)
    inbox.close()
    with pytest.raises(NotDeleted, match=r"messages"):
        removal(vhost, switch).delete(WORK, lambda _: None)
    with a_channel(vhost.amqp_url) as channel:
        assert channel.basic_get(WORK, auto_ack=True)[2] == b"1"
