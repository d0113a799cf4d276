"""The node is killed in the middle of a batch, and started again; or it hangs up on us."""

from __future__ import annotations

import pytest
from pika.adapters.blocking_connection import BlockingChannel

from infra.local.services.broker import Broker
from tests.integration.mq.confirm_gate import ConfirmGate
from tests.integration.mq.faults.scene import CONFIRMED, UNKNOWN, Scene

BATCH = 300
CONFIRMS = 100


@pytest.mark.restarts_broker
def test_neither_kind_of_queue_loses_what_was_confirmed_when_the_node_is_killed(
    scene: Scene, broker: Broker
) -> None:
    """One subscriber has a quorum queue, the other a plain durable one.

    A killed process leaves its pages to the operating system: this shows that a restart loses
    nothing, and not what a power failure does.
    """
    quorum, plain = scene.queues

    def make_it_plain(channel: BlockingChannel) -> None:
        channel.queue_delete(plain)
        channel.queue_declare(plain, durable=True)
        channel.queue_bind(plain, scene.exchange)

    scene.wire.on_channel(make_it_plain)
    scene.is_on_disk(quorum, broker)
    gate = ConfirmGate(of=CONFIRMS, passing=CONFIRMS)
    batch = scene.batch(BATCH)
    with scene.proxy() as proxy:
        publisher = scene.publisher(proxy)
        proxy.gate_confirms(gate, then=broker.kill)
        outcome = scene.relay(batch, publisher)
        assert len(outcome.of(CONFIRMED)) == CONFIRMS
        assert len(outcome.of(UNKNOWN)) == BATCH - CONFIRMS
        down = scene.relay(batch[-3:], publisher)
        assert down.error is not None
        assert len(down.rows_left) == 3

        broker.start()
        scene.completes(batch, outcome, publisher)
    for queue in scene.queues:
        copies = scene.copies(queue)
        assert all(copies[key] == 1 for key in outcome.of(CONFIRMED))
        assert all(1 <= copies[key] <= 2 for key in outcome.of(UNKNOWN))


@pytest.mark.configures_broker
def test_a_broker_that_hangs_up_in_the_middle_costs_one_more_connection(
    scene: Scene, broker: Broker
) -> None:
    """As it does when it is shut down or an operator closes the connection (320)."""
    with scene.proxy() as proxy:
        publisher = scene.publisher(proxy)
        scene.relay(scene.batch(1), publisher)
        batch = scene.batch(20)
        proxy.before(
            batch[0].body.encode(), lambda: broker.ctl("close_all_connections", "maintenance")
        )
        outcome = scene.relay(batch, publisher)
        assert outcome.of(CONFIRMED) == {m.event_key for m in batch}
        assert proxy.connections == 2
        scene.completes(batch, outcome, publisher)
