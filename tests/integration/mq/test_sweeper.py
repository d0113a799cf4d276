"""The sweeper, and its pause, between the real engine and the real broker."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel

from chalicelib.clock import SystemClock
from chalicelib.deadline import Deadline
from chalicelib.dynamo import Dynamo
from chalicelib.mq.message import OutboxMessage
from chalicelib.mq.outbox import Outbox, OutboxItem
from chalicelib.mq.pause import Turn
from chalicelib.mq.relay import Relay, RelayLimits
from chalicelib.mq.sweeper import Sweeper, SweepLimits, Swept
from chalicelib.mq.switches import PublishingSwitch, SwitchItem
from chalicelib.settings import Settings
from infra.local.services.broker import Broker
from tests.conftest import CreateTables
from tests.fakes.clock import FakeClock
from tests.integration.mq.conftest import Wire, eventually, messages_to, put_by_transactions
from tests.unit.mq.builders import an_insert

LIMITS = SweepLimits(
    most=1_000,
    publish_deadline_seconds=30,
    retry_after=(timedelta(seconds=60), timedelta(seconds=120)),
    refusals_until_dead=3,
)
NONE_FAILED: dict[str, list[dict[str, str]]] = {"batchItemFailures": []}


class Bench:
    """Sweepers and relays on one table, one switch and one exchange; time moves when told."""

    def __init__(self, wire: Wire, settings: Settings) -> None:
        self.wire = wire
        self.settings = settings
        self.dynamo = Dynamo(settings)
        self.outbox = Outbox(self.dynamo)
        self.switch = PublishingSwitch(self.dynamo)
        self.clock = FakeClock(SystemClock().now())

    def put(self, count: int) -> list[OutboxMessage]:
        """Rows that are due as soon as a minute has passed."""
        messages = messages_to(self.wire.subscription.exchange, count, self.clock.now())
        put_by_transactions(self.dynamo, messages)
        return messages

    def sweeper(self, pause: Any = None) -> Sweeper:
        """One with a connection to each of its own, as another container has."""
        dynamo = Dynamo(self.settings)
        return Sweeper(
            rows=Outbox(dynamo),
            publisher=self.wire.publisher(),
            topology=self.wire.topology,
            pause=pause or PublishingSwitch(dynamo),
            clock=self.clock,
            limits=LIMITS,
        )

    def sweep(self) -> Swept:
        return self.sweeper().run(Deadline.after(120))

    def relay(self, messages: list[OutboxMessage]) -> dict[str, list[dict[str, str]]]:
        relay = Relay(
            self.outbox,
            self.wire.publisher(),
            self.wire.topology,
            self.clock,
            RelayLimits(publish_deadline_seconds=30),
            self.switch,
        )
        now = self.clock.now()
        return relay.publish(an_insert(m, 100 + n, put_at=now) for n, m in enumerate(messages))

    def turn(self, reason: str) -> Turn:
        return Turn("test", self.clock.now(), reason)

    def rows(self) -> set[str]:
        return {row.event_key for row in self.outbox.rows()}

    def bodies(self) -> list[bytes]:
        return self.wire.bodies(self.wire.subscription.work_queue)


@pytest.fixture
def bench(wire: Wire, local_settings: Settings, create_tables: CreateTables) -> Bench:
    create_tables(OutboxItem, SwitchItem)
    return Bench(wire, local_settings)


def sorted_bodies(messages: list[OutboxMessage]) -> list[bytes]:
    return sorted(m.body.encode() for m in messages)


def at_once(*runs: Callable[[], object]) -> None:
    threads = [threading.Thread(target=run) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not any(thread.is_alive() for thread in threads)


def test_what_the_stream_left_is_published_and_deleted(bench: Bench) -> None:
    bench.wire.declare()
    messages = bench.put(130)
    assert bench.sweep() == Swept()
    bench.clock.advance(seconds=60)
    assert bench.sweep() == Swept(claimed=130, confirmed=130)
    assert bench.rows() == set()
    assert sorted(bench.bodies()) == sorted_bodies(messages)


def test_two_sweepers_at_once_share_the_rows(bench: Bench) -> None:
    bench.wire.declare()
    messages = bench.put(250)
    bench.clock.advance(seconds=60)
    sweepers = [bench.sweeper(), bench.sweeper()]
    swept: list[Swept] = []
    at_once(*(lambda s=s: swept.append(s.run(Deadline.after(120))) for s in sweepers))
    assert sum(one.claimed for one in swept) == 250
    assert bench.rows() == set()
    assert sorted(bench.bodies()) == sorted_bodies(messages)


def test_a_sweeper_and_a_relay_at_once_lose_nothing(bench: Bench) -> None:
    bench.wire.declare()
    messages = bench.put(100)
    bench.clock.advance(seconds=60)
    sweeper = bench.sweeper()
    at_once(lambda: sweeper.run(Deadline.after(120)), lambda: bench.relay(messages))
    assert bench.rows() == set()
    assert sorted(set(bench.bodies())) == sorted_bodies(messages)


@pytest.mark.restarts_broker
def test_a_broker_that_was_down_gets_everything_and_nothing_was_counted(
    bench: Bench, broker: Broker
) -> None:
    bench.wire.declare()
    work_queue = bench.wire.subscription.work_queue
    eventually(lambda: broker.keeps(work_queue), "the queue is not on disk")
    messages = bench.put(20)
    bench.clock.advance(seconds=60)
    broker.kill()
    for _ in range(LIMITS.refusals_until_dead + 1):
        assert bench.sweep().confirmed == 0
        bench.clock.advance(seconds=60)
    rows = list(bench.outbox.rows())
    assert len(rows) == 20
    assert {(row.refusals, row.is_dead) for row in rows} == {(0, False)}

    broker.start()

    def all_are_swept() -> bool:
        bench.sweep()
        bench.clock.advance(seconds=60)
        return not list(bench.outbox.rows())

    # a queue may take a while to find its leader after a restart
    eventually(all_are_swept, "the rows stay although the broker is back")
    assert sorted(set(bench.bodies())) == sorted_bodies(messages)


def test_returned_rows_wait_die_and_go_out_after_a_replay(bench: Bench) -> None:
    bench.wire.declare()
    queue, exchange = bench.wire.subscription.work_queue, bench.wire.subscription.exchange
    bench.wire.on_channel(lambda c: c.queue_unbind(queue, exchange))
    (message,) = bench.put(1)
    bench.clock.advance(seconds=60)

    assert bench.sweep() == Swept(claimed=1)
    assert bench.sweep() == Swept()
    bench.clock.advance(seconds=60)
    assert bench.sweep() == Swept(claimed=1)
    bench.clock.advance(seconds=119)
    assert bench.sweep() == Swept()
    bench.clock.advance(seconds=1)
    assert bench.sweep() == Swept(claimed=1, died=1)
    (row,) = bench.outbox.rows()
    assert (row.is_dead, row.refusals, row.last_answer) == (True, 3, "returned")
    bench.clock.advance(days=1)
    assert bench.sweep() == Swept()

    bench.wire.on_channel(lambda c: c.queue_bind(queue, exchange))
    assert bench.outbox.replay(message.event_key, bench.clock.now())
    assert bench.sweep() == Swept(claimed=1, confirmed=1)
    assert bench.bodies() == [message.body.encode()]


def test_a_queue_that_is_missing_counts_nothing(bench: Bench) -> None:
    bench.wire.declare()
    bench.wire.on_channel(lambda c: c.queue_delete(bench.wire.subscription.work_queue))
    bench.put(3)
    bench.clock.advance(seconds=60)
    assert bench.sweep() == Swept(claimed=3)
    assert {row.refusals for row in bench.outbox.rows()} == {0}
    bench.wire.declare()
    bench.clock.advance(seconds=60)
    assert bench.sweep() == Swept(claimed=3, confirmed=3)


def test_a_full_queue_counts_refusals(bench: Bench) -> None:
    bench.wire.on_channel(lambda channel: _declare_full(channel, bench.wire))
    bench.put(3)
    bench.clock.advance(seconds=60)
    assert bench.sweep() == Swept(claimed=3)
    assert {(r.refusals, r.last_answer) for r in bench.outbox.rows()} == {(1, "nacked")}


def test_paused_nobody_publishes_and_the_next_run_after_it_sends_everything(bench: Bench) -> None:
    bench.wire.declare()
    messages = bench.put(30)
    bench.switch.pause(bench.turn("a migration"))
    assert bench.relay(messages) == NONE_FAILED
    bench.clock.advance(seconds=60)
    assert bench.sweep() == Swept()
    assert (bench.bodies(), len(bench.rows())) == ([], 30)

    bench.switch.resume(bench.turn("it is done"))
    assert bench.sweep() == Swept(claimed=30, confirmed=30)
    assert sorted(bench.bodies()) == sorted_bodies(messages)


def test_the_relay_publishes_until_somebody_pauses_and_again_afterwards(bench: Bench) -> None:
    bench.wire.declare()
    messages = bench.put(3)
    assert bench.relay(messages[:1]) == NONE_FAILED
    bench.switch.pause(bench.turn("a migration"))
    assert bench.relay(messages[1:2]) == NONE_FAILED
    bench.switch.resume(bench.turn("it is done"))
    assert bench.relay(messages[2:]) == NONE_FAILED
    assert bench.rows() == {messages[1].event_key}
    assert len(bench.bodies()) == 2


def test_a_table_of_switches_that_is_not_there_lets_nobody_publish(
    wire: Wire, local_settings: Settings, create_tables: CreateTables
) -> None:
    create_tables(OutboxItem)
    bench = Bench(wire, local_settings)
    bench.wire.declare()
    messages = bench.put(2)
    assert bench.relay(messages) == {"batchItemFailures": [{"itemIdentifier": "100"}]}
    assert (bench.bodies(), len(bench.rows())) == ([], 2)


def _declare_full(channel: BlockingChannel, wire: Wire) -> None:
    exchange, queue = wire.subscription.exchange, wire.subscription.work_queue
    channel.exchange_declare(exchange, pika.exchange_type.ExchangeType.fanout, durable=True)
    arguments = {"x-max-length": 0, "x-overflow": "reject-publish"}
    channel.queue_declare(queue, durable=True, arguments=arguments)
    channel.queue_bind(queue, exchange)
